*filter INPUT
-j ACCEPT ; = ; OK
-s 10.0.0.0/8 -j ACCEPT ; = ; OK
-j ACCEPT --foo ; unknown option "--foo" ; FAIL
! -j ACCEPT ; cannot have ! before -j ; FAIL
*nat PREROUTING
-j ACCEPT ; = ; OK
*raw OUTPUT
-j ACCEPT ; = ; OK
*mangle FORWARD
-p udp -j ACCEPT ; = ; OK
*filter FORWARD 6
-s fd00::/8 -j ACCEPT ; = ; OK
