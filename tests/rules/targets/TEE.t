*mangle PREROUTING
-j TEE --gateway 10.0.0.1 ; = ; OK
-j TEE --oif eth1 --gateway 10.1 ; -j TEE --gateway 10.0.0.1 --oif eth1 ; OK
-j TEE --gateway 10.0.0.1 --oif 0123456789012345 ; -j TEE --gateway 10.0.0.1 --oif 012345678901234 ; OK
-j TEE --oif lo ; TEE: option "--gateway" must be specified ; FAIL
-j TEE --gateway ::1 ; getaddrinfo: Address family for hostname not supported ; FAIL
-j TEE --gateway 10.0.0.0/8 ; getaddrinfo: Name or service not known ; FAIL
-j TEE --gateway 10.0.0.1 --gateway 10.0.0.2 ; TEE: option "--gateway" can only be used once. ; FAIL
-j TEE --gateway 0.0.0.0 ;  ; FAIL
*filter INPUT
-j TEE --gateway 10.0.0.1 ; = ; OK
*nat PREROUTING 6
-j TEE --gateway fd00::1 ; = ; OK
-j TEE --gateway :: ;  ; FAIL
