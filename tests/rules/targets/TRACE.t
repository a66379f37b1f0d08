*raw PREROUTING
-j TRACE ; = ; OK
-p tcp -m tcp --dport 80 -j TRACE ; = ; OK
-j TRACE --foo ; unknown option "--foo" ; FAIL
*raw OUTPUT 6
-j TRACE ; = ; OK
*filter INPUT
-j TRACE ;  ; FAIL
*mangle PREROUTING
-j TRACE ;  ; FAIL
