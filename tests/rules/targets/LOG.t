*filter INPUT
-j LOG ; = ; OK
-j LOG --log-level 4 ; -j LOG ; OK
-j LOG --log-level warning ; -j LOG ; OK
-j LOG --log-level info ; -j LOG --log-level 6 ; OK
-j LOG --log-level error ; -j LOG --log-level 3 ; OK
-j LOG --log-level panic ; -j LOG --log-level 0 ; OK
-j LOG --log-level 0x6 ; -j LOG --log-level 6 ; OK
-j LOG --log-level warn ; log level "warn" unknown ; FAIL
-j LOG --log-level err ; log level "err" unknown ; FAIL
-j LOG --log-level INFO ; log level "INFO" unknown ; FAIL
-j LOG --log-level 8 ; log level "8" unknown ; FAIL
-j LOG --log-prefix foo ; = ; OK
-j LOG --log-prefix "foo: " ; = ; OK
-j LOG --log-prefix "it's \"x\" \\ y" ; -j LOG --log-prefix "it\'s \"x\" \\ y" ; OK
-j LOG --log-prefix [a.b] ; -j LOG --log-prefix "[a.b]" ; OK
-j LOG --log-prefix 012345678901234567890123456789 ; -j LOG --log-prefix 01234567890123456789012345678 ; OK
-j LOG --log-prefix "" ; Argument must have a minimum length of 1 characters ; FAIL
-j LOG --log-prefix a --log-prefix b ; LOG: option "--log-prefix" can only be used once. ; FAIL
-j LOG ! --log-prefix a ; LOG: option "--log-prefix" cannot be inverted. ; FAIL
-j LOG --log-prefix ; option "--log-prefix" requires an argument ; FAIL
-j LOG --log-tcp-s ; -j LOG --log-tcp-sequence ; OK
-j LOG --log-uid --log-macdecode --log-ip-options --log-tcp-options --log-tcp-sequence --log-level 7 --log-prefix "a b" ; -j LOG --log-prefix "a b" --log-level 7 --log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode ; OK
*nat PREROUTING
-j LOG ; = ; OK
*raw PREROUTING 6
-j LOG --log-prefix x --log-level debug --log-ip-options ; -j LOG --log-prefix x --log-level 7 --log-ip-options ; OK
