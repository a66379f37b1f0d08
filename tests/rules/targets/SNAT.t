*nat POSTROUTING
-j SNAT --to-source 10.0.0.1 ; = ; OK
-j SNAT --to 10.0.0.1 ; -j SNAT --to-source 10.0.0.1 ; OK
-p tcp -j SNAT --to-source 10.0.0.1:80 ; = ; OK
-p tcp -j SNAT --to-source :80 ; = ; OK
-p tcp -j SNAT --to-source 10.0.0.1-10.0.0.9:80-90 ; = ; OK
-p tcp -j SNAT --to-source 10.0.0.1-10.0.0.1:80-80 ; -p tcp -j SNAT --to-source 10.0.0.1:80 ; OK
-p tcp -j SNAT --to-source 10.0.0.1:http ; -p tcp -j SNAT --to-source 10.0.0.1:80 ; OK
-p tcp -j SNAT --random --persistent --to-source 10.0.0.1 ; -p tcp -j SNAT --to-source 10.0.0.1 --random --persistent ; OK
-p icmp -j SNAT --to-source 10.0.0.1:80 ; = ; OK
-p tcp -j SNAT --random-fully --to-source 10.0.0.1 --random ; -p tcp -j SNAT --to-source 10.0.0.1 --random --random-fully ; OK
-p tcp -j SNAT --to-source 10.0.0.1 --to-source 10.0.0.2 ; SNAT: option "--to-source" can only be used once. ; FAIL
-j SNAT ; SNAT: option "--to-source" must be specified ; FAIL
-j SNAT --to-source 10.0.0.1:80 ; Need TCP, UDP, SCTP or DCCP with port specification ; FAIL
-p udplite -j SNAT --to-source 10.0.0.1:80 ; Need TCP, UDP, SCTP or DCCP with port specification ; FAIL
-p tcp -j SNAT --to-source 10.0.0 ; Bad IP address "10.0.0" ; FAIL
-p tcp -j SNAT --to-source 10.0.0.0/24 ; Bad IP address "10.0.0.0/24" ; FAIL
-p tcp -j SNAT --to-source server ; Bad IP address "server" ; FAIL
-p tcp -j SNAT --to-source ::1 ; Bad IP address "::1" ; FAIL
-p tcp -j SNAT --to-source [::1]:80 ; Invalid address format ; FAIL
-p tcp -j SNAT --to-source 10.0.0.1:70000 ; Port `70000' not valid ; FAIL
-p tcp -j SNAT --to-source 10.0.0.1: ; Port `' not valid ; FAIL
-p tcp -j SNAT --to-source 10.0.0.1:90-80 ; Port range `80' funky ; FAIL
-p tcp -j SNAT --to-source 10.0.0.1:80x ; Garbage after port value: `x' ; FAIL
-p tcp -j SNAT --to-source 10.0.0.1:80-https ; Port `https' not valid ; FAIL
-p tcp -j SNAT ! --to-source 10.0.0.1 ; SNAT: option "--to-source" cannot be inverted. ; FAIL
*nat INPUT
-j SNAT --to-source 10.0.0.1 ; = ; OK
*nat PREROUTING
-j SNAT --to-source 10.0.0.1 ;  ; FAIL
*nat OUTPUT
-j SNAT --to-source 10.0.0.1 ;  ; FAIL
*mangle POSTROUTING
-j SNAT --to-source 10.0.0.1 ;  ; FAIL
*nat POSTROUTING 6
-j SNAT --to-source FD00:0::1 ; -j SNAT --to-source fd00::1 ; OK
-p tcp -j SNAT --to-source [fd00::1] ; -p tcp -j SNAT --to-source fd00::1 ; OK
-p tcp -j SNAT --to-source [fd00::1]:80 ; = ; OK
-p tcp -j SNAT --to-source [fd00::1-fd00::9]:80-90 ; = ; OK
-p tcp -j SNAT --to-source fd00::1:80 ; = ; OK
-p tcp -j SNAT --to-source ::ffff:10.0.0.1 ; = ; OK
-p tcp -j SNAT --to-source [fd00::1 ; Invalid address format ; FAIL
-p tcp -j SNAT --to-source 10.0.0.1 ; Bad IP address "10.0.0.1" ; FAIL
