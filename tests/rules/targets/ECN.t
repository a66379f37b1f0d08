*mangle PREROUTING
-p tcp -j ECN --ecn-tcp-remove ; = ; OK
-p tcp -j ECN --ecn-tcp-cwr 0 --ecn-tcp-ece 1 ; -p tcp -j ECN --ecn-tcp-ece 1 --ecn-tcp-cwr 0 ; OK
-j ECN --ecn-ip-ect 2 ; = ; OK
-p tcp -j ECN --ecn-tcp-remove --ecn-ip-ect 2 ; -p tcp -j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 0 --ecn-ip-ect 2 ; OK
-j ECN --ecn-ip-ect 4 ; ECN: bad value for option "--ecn-ip-ect", or out of range (0-3). ; FAIL
-p tcp -j ECN --ecn-tcp-cwr 2 ; ECN: bad value for option "--ecn-tcp-cwr", or out of range (0-1). ; FAIL
-p tcp -j ECN --ecn-tcp-remove --ecn-tcp-cwr 1 ; ECN: option "--ecn-tcp-remove" cannot be used together with "--ecn-tcp-cwr". ; FAIL
-j ECN ; ECN target: An operation is required ; FAIL
-j ECN --ecn-tcp-remove ;  ; FAIL
-p udp -j ECN --ecn-tcp-cwr 1 ;  ; FAIL
*filter INPUT
-p tcp -j ECN --ecn-tcp-remove ;  ; FAIL
*mangle PREROUTING 6
-j ECN ; Couldn't load target `ECN':No such file or directory ; FAIL
