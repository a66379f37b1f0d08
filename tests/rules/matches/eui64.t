*filter INPUT 6
-m eui64 ; = ; OK
-m eui64 --foo ; unknown option "--foo" ; FAIL
*filter FORWARD 6
-m eui64 ; = ; OK
*filter OUTPUT 6
-m eui64 ;  ; FAIL
*filter INPUT
-m eui64 ; Couldn't load match `eui64':No such file or directory ; FAIL
