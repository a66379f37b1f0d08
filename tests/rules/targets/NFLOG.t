*filter INPUT
-j NFLOG ; = ; OK
-j NFLOG --nflog-group 0 ; -j NFLOG ; OK
-j NFLOG --nflog-group 0x10 ; -j NFLOG --nflog-group 16 ; OK
-j NFLOG --nflog-group 65535 ; = ; OK
-j NFLOG --nflog-group 65536 ; NFLOG: bad value for option "--nflog-group", or out of range (0-65535). ; FAIL
-j NFLOG --nflog-prefix foo ; = ; OK
-j NFLOG --nflog-prefix "foo bar" ; = ; OK
-j NFLOG --nflog-prefix "" ; Argument must have a minimum length of 1 characters ; FAIL
-j NFLOG --nflog-prefix 0123456789012345678901234567890123456789012345678901234567890123 ; -j NFLOG --nflog-prefix 012345678901234567890123456789012345678901234567890123456789012 ; OK
-j NFLOG --nflog-range 64 ; = ; OK
-j NFLOG --nflog-size 0 ; = ; OK
-j NFLOG --nflog-threshold 0 ; -j NFLOG ; OK
-j NFLOG --nflog-threshold 5 --nflog-size 64 --nflog-group 2 --nflog-prefix x ; -j NFLOG --nflog-prefix x --nflog-group 2 --nflog-size 64 --nflog-threshold 5 ; OK
-j NFLOG --nflog-range x ; NFLOG: bad value for option "--nflog-range", or out of range (0-4294967295). ; FAIL
-j NFLOG --nflog-threshold 65536 ; NFLOG: bad value for option "--nflog-threshold", or out of range (0-65535). ; FAIL
*nat POSTROUTING
-j NFLOG --nflog-group 1 ; = ; OK
*raw PREROUTING 6
-j NFLOG --nflog-group 1 ; = ; OK
