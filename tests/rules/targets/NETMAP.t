*nat PREROUTING
-j NETMAP --to 10.1.0.0/16 ; = ; OK
-j NETMAP --to 10.1.2.3/255.255.0.0 ; -j NETMAP --to 10.1.0.0/16 ; OK
-j NETMAP --to 10.1.2.3 ; -j NETMAP --to 10.1.2.3/32 ; OK
-j NETMAP --to 10.1/16 ; -j NETMAP --to 10.0.0.0/16 ; OK
-j NETMAP --to 0.0.0.0/0 ; = ; OK
-j NETMAP --to 10.0.0.0/255.0.255.0 ; -j NETMAP --to 10.0.0.0/32 ; OK
-j NETMAP --to 10.0.0.0/33 ; -j NETMAP --to 10.0.0.0/32 ; OK
-j NETMAP --to 10.0.0.0/ ; NETMAP: bad value for option "--to", neither a valid network mask nor valid CIDR (0-32). ; FAIL
-j NETMAP --to fd00::/64 ; getaddrinfo: Address family for hostname not supported ; FAIL
-j NETMAP ; NETMAP: option "--to" must be specified ; FAIL
-j NETMAP --to 10.0.0.0/8 --to 10.0.0.0/8 ; NETMAP: option "--to" can only be used once. ; FAIL
-j NETMAP ! --to 10.0.0.0/8 ; NETMAP: option "--to" cannot be inverted. ; FAIL
*nat OUTPUT
-j NETMAP --to 10.1.0.0/16 ; = ; OK
*nat POSTROUTING
-j NETMAP --to 10.1.0.0/16 ; = ; OK
*nat INPUT
-j NETMAP --to 10.1.0.0/16 ; = ; OK
*filter INPUT
-j NETMAP --to 10.1.0.0/16 ;  ; FAIL
*nat PREROUTING 6
-j NETMAP --to fd00::1/64 ; -j NETMAP --to fd00::/64 ; OK
-j NETMAP --to fd00::1 ; -j NETMAP --to fd00::1/128 ; OK
-j NETMAP --to fd00::/129 ; NETMAP: bad value for option "--to", neither a valid network mask nor valid CIDR (0-128). ; FAIL
-j NETMAP --to 10.0.0.0/8 ; getaddrinfo: Address family for hostname not supported ; FAIL
