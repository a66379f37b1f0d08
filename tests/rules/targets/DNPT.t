*mangle PREROUTING 6
-j DNPT --src-pfx dead::/64 --dst-pfx 1c3::/64 ; = ; OK
-j DNPT ; DNPT: option "--src-pfx" must be specified ; FAIL
*mangle POSTROUTING 6
-j DNPT --src-pfx dead::/64 --dst-pfx 1c3::/64 ;  ; FAIL
