*mangle PREROUTING
-p tcp -j TPROXY --on-port 80 ; -p tcp -j TPROXY --on-port 80 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0 ; OK
-p udp -j TPROXY --on-port http ; -p udp -j TPROXY --on-port 80 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0 ; OK
-p tcp -j TPROXY --tproxy-mark 0x1/0x1 --on-ip 127.0.0.1 --on-port 3128 ; -p tcp -j TPROXY --on-port 3128 --on-ip 127.0.0.1 --tproxy-mark 0x1/0x1 ; OK
-p tcp -j TPROXY --on-port 0 --tproxy-mark 1 ; -p tcp -j TPROXY --on-port 0 --on-ip 0.0.0.0 --tproxy-mark 0x1/0xffffffff ; OK
-p tcp -j TPROXY --on-port x ; Port "x" does not resolve to anything. ; FAIL
-p tcp -j TPROXY --on-ip 10.0.0.1 ; TPROXY: option "--on-port" must be specified ; FAIL
-p tcp -j TPROXY --on-port 80 --on-ip ::1 ; getaddrinfo: Address family for hostname not supported ; FAIL
-p tcp -j TPROXY --on-port 80 --on-ip 10.0.0.0/8 ; getaddrinfo: Name or service not known ; FAIL
-p tcp -j TPROXY --on-port 80 --tproxy-mark x ; TPROXY: bad integer value for option "--tproxy-mark", or out of range. ; FAIL
-p icmp -j TPROXY --on-port 80 ;  ; FAIL
-j TPROXY --on-port 80 ;  ; FAIL
! -p tcp -j TPROXY --on-port 80 ;  ; FAIL
*mangle OUTPUT
-p tcp -j TPROXY --on-port 80 ;  ; FAIL
*nat PREROUTING
-p tcp -j TPROXY --on-port 80 ;  ; FAIL
*mangle PREROUTING 6
-p tcp -j TPROXY --on-port 80 ; -p tcp -j TPROXY --on-port 80 --on-ip :: --tproxy-mark 0x0/0x0 ; OK
-p tcp -j TPROXY --on-port 80 --on-ip ::1 --tproxy-mark 1 ; -p tcp -j TPROXY --on-port 80 --on-ip ::1 --tproxy-mark 0x1/0xffffffff ; OK
