*filter INPUT
-p udp --dport 53 ; -p udp -m udp --dport 53 ; OK
-p udp ! --sport 53:60 --dport domain ; -p udp -m udp ! --sport 53:60 --dport 53 ; OK
-p 17 --source-port 5:5 --destination-port ntp: ; -p udp -m udp --sport 5 --dport 123:65535 ; OK
-p udp --dport :1023 ; -p udp -m udp --dport 0:1023 ; OK
-p udp --dport 0:65535 ; -p udp -m udp ; OK
-p udp ! --dport 0:65535 ; -p udp -m udp ; OK
-p udp -m udp ; = ; OK
# numbers are cut to 16 bits, and nobody looks at their order
-p udp --dport 99999 ; -p udp -m udp --dport 34463 ; OK
-p udp --dport 90:80 ; -p udp -m udp --dport 90:80 ; OK
-p udp --dport 0x50 ; Port "0x50" does not resolve to anything. ; FAIL
-p udp --dport foo ; Port "foo" does not resolve to anything. ; FAIL
-p udp --dport 1:2:3 ; udp: Too many components for option "--destination-port" (max: 2) ; FAIL
-p udp --dport 53 --dport 54 ; udp: option "--destination-port" can only be used once. ; FAIL
-p udp --syn ; unknown option "--syn" ; FAIL
-m udp --dport 3 ;  ; FAIL
-p tcp -m udp --dport 3 ;  ; FAIL
# this iptables has no match for udplite
-p udplite --dport 5 ; unknown option "--dport" ; FAIL
-p udplite -m udplite --dport 5 ; Couldn't load match `udplite':No such file or directory ; FAIL
-p udplite -m multiport --dports 5 ; = ; OK
