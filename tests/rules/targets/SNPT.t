*mangle POSTROUTING 6
-j SNPT --src-pfx dead::/64 --dst-pfx 1c3::/48 ; = ; OK
-j SNPT --src-pfx dead::/64 ; SNPT: option "--dst-pfx" must be specified ; FAIL
-j SNPT --src-pfx dead::/129 --dst-pfx 1c3::/64 ; neither a valid network mask nor valid CIDR (0-128). ; FAIL
-j SNPT --src-pfx dead::1/64 --dst-pfx 1c3::/64 ;  ; FAIL
-j SNPT --src-pfx dead::/128 --dst-pfx 1c3::/64 ;  ; FAIL
*mangle PREROUTING 6
-j SNPT --src-pfx dead::/64 --dst-pfx 1c3::/64 ;  ; FAIL
