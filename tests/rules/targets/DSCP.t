*mangle PREROUTING
-j DSCP --set-dscp 46 ; -j DSCP --set-dscp 0x2e ; OK
-j DSCP --set-dscp 0 ; -j DSCP --set-dscp 0x00 ; OK
-j DSCP --set-dscp-class ef ; -j DSCP --set-dscp 0x2e ; OK
-j DSCP --set-dscp-class AF11 ; -j DSCP --set-dscp 0x0a ; OK
-j DSCP --set-dscp-class CS7 ; -j DSCP --set-dscp 0x38 ; OK
-j DSCP --set-dscp-class BE ; -j DSCP --set-dscp 0x00 ; OK
-j DSCP --set-dscp 64 ; DSCP: bad value for option "--set-dscp", or out of range (0-63). ; FAIL
-j DSCP --set-dscp x ; DSCP: bad value for option "--set-dscp", or out of range (0-63). ; FAIL
-j DSCP --set-dscp-class CS8 ; Invalid DSCP value `CS8' ; FAIL
-j DSCP ; DSCP target: Parameter --set-dscp is required ; FAIL
-j DSCP --set-dscp-class EF --set-dscp 1 ; DSCP: option "--set-dscp" cannot be used together with "--set-dscp-class". ; FAIL
-j DSCP --set-dscp 1 --set-dscp 2 ; DSCP: option "--set-dscp" can only be used once. ; FAIL
-j DSCP ! --set-dscp 1 ; DSCP: option "--set-dscp" cannot be inverted. ; FAIL
*mangle POSTROUTING 6
-j DSCP --set-dscp-class AF31 ; -j DSCP --set-dscp 0x1a ; OK
*filter INPUT
-j DSCP --set-dscp 1 ;  ; FAIL
