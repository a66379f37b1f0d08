*filter INPUT
-m nfacct ; nfacct: option "--nfacct-name" must be specified ; FAIL
-m nfacct --nfacct-name "" ; Argument must have a minimum length of 1 characters ; FAIL
-m nfacct --nfacct-name web ;  ; FAIL
