*filter INPUT
-m dscp --dscp 10 ; -m dscp --dscp 0x0a ; OK
-m dscp ! --dscp 0x2e ; = ; OK
-m dscp --dscp-class EF ; -m dscp --dscp 0x2e ; OK
-m dscp ! --dscp-class cs1 ; -m dscp ! --dscp 0x08 ; OK
-m dscp --dscp-class AF21 ; -m dscp --dscp 0x12 ; OK
-m dscp --dscp-class BE ; -m dscp --dscp 0x00 ; OK
-m dscp --dscp-class af43 ; -m dscp --dscp 0x26 ; OK
-m dscp --dscp 64 ; dscp: bad value for option "--dscp", or out of range (0-63). ; FAIL
-m dscp --dscp -1 ; dscp: bad value for option "--dscp", or out of range (0-63). ; FAIL
-m dscp --dscp-class AF44 ; Invalid DSCP value `AF44' ; FAIL
-m dscp --dscp 1 --dscp 2 ; dscp: option "--dscp" can only be used once. ; FAIL
-m dscp --dscp 1 --dscp-class EF ; dscp: option "--dscp" cannot be used together with "--dscp-class". ; FAIL
-m dscp --dscp-class EF --dscp-class EF ; dscp: option "--dscp-class" can only be used once. ; FAIL
-m dscp ; DSCP match: Parameter --dscp is required ; FAIL
*mangle POSTROUTING 6
-m dscp --dscp-class CS6 ; -m dscp --dscp 0x30 ; OK
