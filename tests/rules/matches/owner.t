*filter OUTPUT
-m owner --uid-owner root ; -m owner --uid-owner 0 ; OK
-m owner --uid-owner 1000:2000 ; -m owner --uid-owner 1000-2000 ; OK
-m owner ! --uid-owner 5-5 --gid-owner nogroup ; -m owner ! --uid-owner 5 --gid-owner 65534 ; OK
-m owner --uid-owner www-data ; -m owner --uid-owner 33 ; OK
-m owner ! --gid-owner 0x10 ; -m owner ! --gid-owner 16 ; OK
-m owner --socket-exists ; = ; OK
-m owner ! --socket-exists ! --uid-owner 5 ! --gid-owner 6 ; = ; OK
-m owner --gid-owner 5 --suppl-groups ; = ; OK
-m owner --uid-owner 4294967294 ; = ; OK
-m owner --uid-owner 4294967295 ; owner: Bad value for "--uid-owner" option: "4294967295" ; FAIL
-m owner --uid-owner nosuchuser ; owner: Bad value for "--uid-owner" option: "nosuchuser" ; FAIL
-m owner --uid-owner 1000- ; owner: Bad value for "--uid-owner" option: "1000-" ; FAIL
-m owner --gid-owner 5x ; owner: Bad value for "--gid-owner" option: "5x" ; FAIL
-m owner --suppl-groups ; owner: Bad value for "--suppl-groups" option: "you need to use --gid-owner first" ; FAIL
-m owner ! --suppl-groups --gid-owner 5 ; owner: option "--suppl-groups" cannot be inverted. ; FAIL
-m owner --uid-owner 5 --uid-owner 6 ; owner: option "--uid-owner" can only be used once. ; FAIL
-m owner ; owner: At least one of --uid-owner, --gid-owner or --socket-exists is required ; FAIL
-m owner --pid-owner 5 ; unknown option "--pid-owner" ; FAIL
-m owner --uid-owner 2000-1000 ;  ; FAIL
*filter INPUT
-m owner --uid-owner 0 ;  ; FAIL
*filter FORWARD
-m owner --uid-owner 0 ;  ; FAIL
*nat POSTROUTING
-m owner --uid-owner 0 ; = ; OK
*filter OUTPUT 6
-m owner --gid-owner adm ; -m owner --gid-owner 4 ; OK
*filter OUTPUT
-m owner --suppl-groups --gid-owner 0 ; owner: Bad value for "--suppl-groups" option: "you need to use --gid-owner first" ; FAIL
