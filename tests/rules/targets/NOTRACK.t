*raw PREROUTING
-j NOTRACK ; = ; OK
-p udp -m udp --dport 53 -j NOTRACK ; = ; OK
-j NOTRACK --zone 1 ; unknown option "--zone" ; FAIL
*raw OUTPUT 6
-j NOTRACK ; = ; OK
*mangle PREROUTING
-j NOTRACK ;  ; FAIL
*filter INPUT
-j NOTRACK ;  ; FAIL
