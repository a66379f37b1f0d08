*filter INPUT
-j REJECT ; -j REJECT --reject-with icmp-port-unreachable ; OK
-j REJECT --reject-with icmp-net-unreachable ; = ; OK
-j REJECT --reject-with net-unreach ; -j REJECT --reject-with icmp-net-unreachable ; OK
-j REJECT --reject-with host-unreach ; -j REJECT --reject-with icmp-host-unreachable ; OK
-j REJECT --reject-with proto-unreach ; -j REJECT --reject-with icmp-proto-unreachable ; OK
-j REJECT --reject-with net-prohib ; -j REJECT --reject-with icmp-net-prohibited ; OK
-j REJECT --reject-with host-prohib ; -j REJECT --reject-with icmp-host-prohibited ; OK
-j REJECT --reject-with admin-prohib ; -j REJECT --reject-with icmp-admin-prohibited ; OK
-j REJECT --reject-with icmp-p ; -j REJECT --reject-with icmp-proto-unreachable ; OK
-j REJECT --reject-with ICMP-PORT-UNREACHABLE ; -j REJECT --reject-with icmp-port-unreachable ; OK
-p tcp -j REJECT --reject-with tcp-rst ; -p tcp -j REJECT --reject-with tcp-reset ; OK
-p tcp -m tcp --dport 113 -j REJECT --reject-with tcp-reset ; = ; OK
-j REJECT --reject-with net-unreachable ; unknown reject type "net-unreachable" ; FAIL
-j REJECT --reject-with echo-reply ; unknown reject type "echo-reply" ; FAIL
-j REJECT --reject-with icmp6-port-unreachable ; unknown reject type "icmp6-port-unreachable" ; FAIL
-j REJECT --reject-with tcp-reset --reject-with tcp-reset ; REJECT: option "--reject-with" can only be used once. ; FAIL
-p udp -j REJECT --reject-with tcp-reset ;  ; FAIL
-j REJECT --reject-with tcp-reset ;  ; FAIL
! -p tcp -j REJECT --reject-with tcp-reset ;  ; FAIL
*filter OUTPUT
-j REJECT ; -j REJECT --reject-with icmp-port-unreachable ; OK
*mangle INPUT
-j REJECT ;  ; FAIL
*nat PREROUTING
-j REJECT ;  ; FAIL
*filter INPUT 6
-j REJECT ; -j REJECT --reject-with icmp6-port-unreachable ; OK
-j REJECT --reject-with no-route ; -j REJECT --reject-with icmp6-no-route ; OK
-j REJECT --reject-with adm ; -j REJECT --reject-with icmp6-adm-prohibited ; OK
-j REJECT --reject-with addr-unreach ; -j REJECT --reject-with icmp6-addr-unreachable ; OK
-j REJECT --reject-with port-unreach ; -j REJECT --reject-with icmp6-port-unreachable ; OK
-j REJECT --reject-with policy-fail ; -j REJECT --reject-with icmp6-policy-fail ; OK
-j REJECT --reject-with reject-route ; -j REJECT --reject-with icmp6-reject-route ; OK
-p tcp -j REJECT --reject-with tcp-reset ; = ; OK
-p tcp -j REJECT --reject-with tcp-rst ; unknown reject type "tcp-rst" ; FAIL
-j REJECT --reject-with icmp-port-unreachable ; unknown reject type "icmp-port-unreachable" ; FAIL
