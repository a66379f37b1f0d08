*filter INPUT
-m physdev --physdev-in eth0 ; = ; OK
-m physdev ! --physdev-in eth+ ! --physdev-out eth1 ; = ; OK
-m physdev --physdev-is-bridged --physdev-out eth0 ; -m physdev --physdev-out eth0 --physdev-is-bridged ; OK
-m physdev --physdev-is-out --physdev-is-in --physdev-out a --physdev-in b ; -m physdev --physdev-is-in --physdev-in b --physdev-is-out --physdev-out a ; OK
-m physdev ! --physdev-is-bridged ; = ; OK
-m physdev --physdev-in + ; = ; OK
-m physdev --physdev-in a --physdev-in b ; physdev: option "--physdev-in" can only be used once. ; FAIL
-m physdev --physdev-in 1234567890123456 ; interface name `1234567890123456' must be shorter than IFNAMSIZ (15) ; FAIL
-m physdev ; PHYSDEV: no physdev option specified ; FAIL
*filter OUTPUT
-m physdev --physdev-out eth0 ;  ; FAIL
-m physdev --physdev-is-bridged --physdev-out eth0 ; -m physdev --physdev-out eth0 --physdev-is-bridged ; OK
-m physdev --physdev-in eth0 ; = ; OK
*nat POSTROUTING
-m physdev ! --physdev-is-out ; = ; OK
*filter FORWARD 6
-m physdev --physdev-is-bridged ; = ; OK
