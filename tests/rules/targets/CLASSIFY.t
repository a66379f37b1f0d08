*mangle POSTROUTING
-j CLASSIFY --set-class 1:10 ; -j CLASSIFY --set-class 0001:0010 ; OK
-j CLASSIFY --set-class AB:0xcd ; -j CLASSIFY --set-class 00ab:00cd ; OK
-j CLASSIFY --set-class 12345:ffff ; -j CLASSIFY --set-class 2345:ffff ; OK
-j CLASSIFY --set-class 1 ; Bad class value "1" ; FAIL
-j CLASSIFY --set-class 1: ; Bad class value "1:" ; FAIL
-j CLASSIFY --set-class x:y ; Bad class value "x:y" ; FAIL
-j CLASSIFY ; CLASSIFY: option "--set-class" must be specified ; FAIL
-j CLASSIFY --set-class 1:1 --set-class 1:2 ; CLASSIFY: option "--set-class" can only be used once. ; FAIL
*filter FORWARD
-j CLASSIFY --set-class 1:10 ; -j CLASSIFY --set-class 0001:0010 ; OK
*filter OUTPUT
-j CLASSIFY --set-class 1:10 ; -j CLASSIFY --set-class 0001:0010 ; OK
*filter INPUT
-j CLASSIFY --set-class 1:10 ;  ; FAIL
*mangle PREROUTING 6
-j CLASSIFY --set-class 1:10 ;  ; FAIL
