*nat PREROUTING
-j REDIRECT ; = ; OK
-p tcp -j REDIRECT --to-ports 1024-31000 ; = ; OK
-p tcp -j REDIRECT --to-port 8080 ; -p tcp -j REDIRECT --to-ports 8080 ; OK
-p udp -j REDIRECT --to-ports 53-53 ; -p udp -j REDIRECT --to-ports 53 ; OK
-p tcp -j REDIRECT --to-ports http ; -p tcp -j REDIRECT --to-ports 80 ; OK
-p tcp -j REDIRECT --to-ports 0-65535 --random ; = ; OK
-p icmp -j REDIRECT --to-ports 80 ; = ; OK
-j REDIRECT --to-ports 80 ; Need TCP, UDP, SCTP or DCCP with port specification ; FAIL
-p udplite -j REDIRECT --to-ports 80 ; Need TCP, UDP, SCTP or DCCP with port specification ; FAIL
-p tcp -j REDIRECT --to-ports 80:90 ; Invalid port:port syntax - use dash ; FAIL
-p tcp -j REDIRECT --to-ports 90-80 ; Port range `80' funky ; FAIL
-p tcp -j REDIRECT --to-ports 70000 ; Port `70000' not valid ; FAIL
-p tcp -j REDIRECT --to-ports 80-90x ; Garbage after port range: `x' ; FAIL
-p tcp -j REDIRECT --to-ports "" ; Port `' not valid ; FAIL
-p tcp -j REDIRECT --persistent ; unknown option "--persistent" ; FAIL
-p tcp -j REDIRECT ! --random ; REDIRECT: option "--random" cannot be inverted. ; FAIL
-p tcp -j REDIRECT --random --random ; REDIRECT: option "--random" can only be used once. ; FAIL
-p tcp -j REDIRECT --to-ports 80-90/8080 ; Shifted portmap ranges not supported with this kernel ; FAIL
-p tcp -j REDIRECT --random-fully ; unknown option "--random-fully" ; FAIL
*nat OUTPUT
-p udp -j REDIRECT --to-ports 53 ; = ; OK
*nat POSTROUTING
-j REDIRECT ;  ; FAIL
*nat INPUT
-j REDIRECT ;  ; FAIL
*mangle PREROUTING
-j REDIRECT ;  ; FAIL
*nat PREROUTING 6
-j REDIRECT ; = ; OK
