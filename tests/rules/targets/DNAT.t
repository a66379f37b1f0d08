*nat PREROUTING
-j DNAT --to-destination 10.0.0.1 ; = ; OK
-j DNAT --to 10.0.0.1 ; -j DNAT --to-destination 10.0.0.1 ; OK
-p tcp -j DNAT --to-destination 10.0.0.1:80 ; = ; OK
-p tcp -j DNAT --to-destination :80 ; = ; OK
-p tcp -j DNAT --to-destination 10.0.0.1-10.0.0.9:80-90 ; = ; OK
-p tcp -j DNAT --to-destination 10.0.0.1-10.0.0.1:80-80 ; -p tcp -j DNAT --to-destination 10.0.0.1:80 ; OK
-p tcp -j DNAT --to-destination 10.0.0.1:http ; -p tcp -j DNAT --to-destination 10.0.0.1:80 ; OK
-p tcp -j DNAT --random --persistent --to-destination 10.0.0.1 ; -p tcp -j DNAT --to-destination 10.0.0.1 --random --persistent ; OK
-p icmp -j DNAT --to-destination 10.0.0.1:80 ; = ; OK
-p tcp -j DNAT --to-destination 10.0.0.1:80-90/8080 ; = ; OK
-p tcp -j DNAT --to-destination :80-90/http ; -p tcp -j DNAT --to-destination :80-90/80 ; OK
-p tcp -j DNAT --to-destination 10.0.0.1:80/8080 ; Garbage after port value: `/8080' ; FAIL
-p tcp -j DNAT --to-destination 10.0.0.1:80-90/0 ; Port `0' not valid ; FAIL
-p tcp -j DNAT --to-destination 10.0.0.1 --to-destination 10.0.0.2 ; DNAT: option "--to-destination" can only be used once. ; FAIL
-p tcp -j DNAT --to-destination 10.0.0.1 --random-fully ; unknown option "--random-fully" ; FAIL
-j DNAT ; DNAT: option "--to-destination" must be specified ; FAIL
-j DNAT --to-destination 10.0.0.1:80 ; Need TCP, UDP, SCTP or DCCP with port specification ; FAIL
-p udplite -j DNAT --to-destination 10.0.0.1:80 ; Need TCP, UDP, SCTP or DCCP with port specification ; FAIL
-p tcp -j DNAT --to-destination 10.0.0 ; Bad IP address "10.0.0" ; FAIL
-p tcp -j DNAT --to-destination 10.0.0.0/24 ; Bad IP address "10.0.0.0/24" ; FAIL
-p tcp -j DNAT --to-destination server ; Bad IP address "server" ; FAIL
-p tcp -j DNAT --to-destination ::1 ; Bad IP address "::1" ; FAIL
-p tcp -j DNAT --to-destination [::1]:80 ; Invalid address format ; FAIL
-p tcp -j DNAT --to-destination 10.0.0.1:70000 ; Port `70000' not valid ; FAIL
-p tcp -j DNAT --to-destination 10.0.0.1: ; Port `' not valid ; FAIL
-p tcp -j DNAT --to-destination 10.0.0.1:90-80 ; Port range `80' funky ; FAIL
-p tcp -j DNAT --to-destination 10.0.0.1:80x ; Garbage after port value: `x' ; FAIL
-p tcp -j DNAT --to-destination 10.0.0.1:80-https ; Port `https' not valid ; FAIL
-p tcp -j DNAT ! --to-destination 10.0.0.1 ; DNAT: option "--to-destination" cannot be inverted. ; FAIL
*nat OUTPUT
-j DNAT --to-destination 10.0.0.1 ; = ; OK
*nat POSTROUTING
-j DNAT --to-destination 10.0.0.1 ;  ; FAIL
*nat INPUT
-j DNAT --to-destination 10.0.0.1 ;  ; FAIL
*filter INPUT
-j DNAT --to-destination 10.0.0.1 ;  ; FAIL
*nat PREROUTING 6
-j DNAT --to-destination FD00:0::1 ; -j DNAT --to-destination fd00::1 ; OK
-p tcp -j DNAT --to-destination [fd00::1] ; -p tcp -j DNAT --to-destination fd00::1 ; OK
-p tcp -j DNAT --to-destination [fd00::1]:80 ; = ; OK
-p tcp -j DNAT --to-destination [fd00::1-fd00::9]:80-90 ; = ; OK
-p tcp -j DNAT --to-destination fd00::1:80 ; = ; OK
-p tcp -j DNAT --to-destination ::ffff:10.0.0.1 ; = ; OK
-p tcp -j DNAT --to-destination [fd00::1 ; Invalid address format ; FAIL
-p tcp -j DNAT --to-destination 10.0.0.1 ; Bad IP address "10.0.0.1" ; FAIL
*nat PREROUTING
! -p tcp -j DNAT --to-destination 1.2.3.4:80 ; = ; OK
-j DNAT --to-destination 1.2.3.4:80 -p tcp ; Need TCP, UDP, SCTP or DCCP with port specification ; FAIL
