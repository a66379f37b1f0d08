*nat POSTROUTING
-j MASQUERADE ; = ; OK
-p tcp -j MASQUERADE --to-ports 1024-31000 ; = ; OK
-p tcp -j MASQUERADE --to-port 8080 ; -p tcp -j MASQUERADE --to-ports 8080 ; OK
-p udp -j MASQUERADE --to-ports 53-53 ; -p udp -j MASQUERADE --to-ports 53 ; OK
-p tcp -j MASQUERADE --to-ports http ; -p tcp -j MASQUERADE --to-ports 80 ; OK
-p tcp -j MASQUERADE --to-ports 0-65535 --random ; = ; OK
-p icmp -j MASQUERADE --to-ports 80 ; = ; OK
-j MASQUERADE --to-ports 80 ; Need TCP, UDP, SCTP or DCCP with port specification ; FAIL
-p udplite -j MASQUERADE --to-ports 80 ; Need TCP, UDP, SCTP or DCCP with port specification ; FAIL
-p tcp -j MASQUERADE --to-ports 80:90 ; Invalid port:port syntax - use dash ; FAIL
-p tcp -j MASQUERADE --to-ports 90-80 ; Port range `80' funky ; FAIL
-p tcp -j MASQUERADE --to-ports 70000 ; Port `70000' not valid ; FAIL
-p tcp -j MASQUERADE --to-ports 80-90x ; Garbage after port range: `x' ; FAIL
-p tcp -j MASQUERADE --to-ports "" ; Port `' not valid ; FAIL
-p tcp -j MASQUERADE --persistent ; unknown option "--persistent" ; FAIL
-p tcp -j MASQUERADE ! --random ; MASQUERADE: option "--random" cannot be inverted. ; FAIL
-p tcp -j MASQUERADE --random --random ; MASQUERADE: option "--random" can only be used once. ; FAIL
-j MASQUERADE --random-fully ; = ; OK
-p tcp -j MASQUERADE --random-fully --random --to-ports 80-90 ; -p tcp -j MASQUERADE --to-ports 80-90 --random --random-fully ; OK
*nat PREROUTING
-j MASQUERADE ;  ; FAIL
*nat INPUT
-j MASQUERADE ;  ; FAIL
*filter INPUT
-j MASQUERADE ;  ; FAIL
*nat POSTROUTING 6
-p tcp -j MASQUERADE --to-ports 1024-31000 --random ; = ; OK
*nat POSTROUTING
! -p tcp -j MASQUERADE --to-ports 80 ; = ; OK
-j MASQUERADE --to-ports 80 -p tcp ; Need TCP, UDP, SCTP or DCCP with port specification ; FAIL
