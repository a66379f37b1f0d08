*filter INPUT
-s 0x7f.1 ; -s 127.1.0.0/32 ; OK
-s 010.1.1.1 ; -s 8.1.1.1/32 ; OK
-s 1.2.3.4/0x10 ; -s 1.2.0.0/16 ; OK
-s any/0 ;  ; OK
-s any ; host/network `any' not found ; FAIL
-s 10.0.0.0/8/8 ; host/network `10.0.0.0/8' not found ; FAIL
-s 10.0.0.0/8/ ; invalid mask `' specified ; FAIL
-s 1.2.3.4/08 ; invalid mask `08' specified ; FAIL
! -s 1.2.3.4,foo ; host/network `foo' not found ; FAIL
! -s 1.2.3.4,1.2.3.5 ; ! not allowed with multiple source or destination IP addresses ; FAIL
-p hopopt ;  ; OK
-p 0x6 ; -p tcp ; OK
-p mptcp ; = ; OK
! -i + ;  ; OK
-i "" ; Empty interface is likely to be undesired ; FAIL
-i "eth0" ; -i eth0 ; OK
-s ; option "-s" requires an argument ; FAIL
-j LOG --log-uid=x ; unknown option "--log-uid=x" ; FAIL
-m conntrack ! ; conntrack: At least one option is required ; FAIL
-j ACCEPT ! ; nothing appropriate following ! ; FAIL
*filter INPUT 6
-s ::ffff:1.2.3.4 ; -s ::ffff:1.2.3.4/128 ; OK
-s ::1:2 ; -s ::0.1.0.2/128 ; OK
-s fe80::1%eth0 ; host/network `fe80::1%eth0' not found ; FAIL
-p hopopt ;  ; OK
