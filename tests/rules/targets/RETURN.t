*filter INPUT
-j RETURN ; = ; OK
-p icmp -j RETURN ; = ; OK
*nat POSTROUTING
-j RETURN ; = ; OK
*raw PREROUTING
-j RETURN ; = ; OK
*filter OUTPUT 6
-j RETURN ; = ; OK
-j RETURN --to here ; unknown option "--to" ; FAIL
