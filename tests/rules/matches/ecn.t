*filter INPUT
-m ecn --ecn-ip-ect 1 ; = ; OK
-m ecn ! --ecn-ip-ect 3 ; = ; OK
-p tcp -m ecn ! --ecn-tcp-cwr --ecn-tcp-ece --ecn-ip-ect 2 ; -p tcp -m ecn --ecn-tcp-ece ! --ecn-tcp-cwr --ecn-ip-ect 2 ; OK
-p tcp -m ecn --ecn-tcp-cwr ; = ; OK
-m ecn --ecn-ip-ect 4 ; ecn: bad value for option "--ecn-ip-ect", or out of range (0-3). ; FAIL
-m ecn --ecn-ip-ect 1 --ecn-ip-ect 2 ; ecn: option "--ecn-ip-ect" can only be used once. ; FAIL
-m ecn ; ECN match: some option required ; FAIL
-m ecn --ecn-tcp-ece ;  ; FAIL
-p udp -m ecn --ecn-tcp-cwr ;  ; FAIL
*filter INPUT 6
-m ecn --ecn-ip-ect 0 ; = ; OK
