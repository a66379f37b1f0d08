*filter INPUT 6
-p icmpv6 --icmpv6-type 128 ; -p ipv6-icmp -m icmp6 --icmpv6-type 128 ; OK
-p ipv6-icmp --icmpv6-type echo-request ; -p ipv6-icmp -m icmp6 --icmpv6-type 128 ; OK
-p 58 -m icmpv6 --icmpv6-type neighbor-solicitation ; -p ipv6-icmp -m icmp6 --icmpv6-type 135 ; OK
-p icmpv6 --icmpv6-type no-route ; -p ipv6-icmp -m icmp6 --icmpv6-type 1/0 ; OK
-p icmpv6 ! --icmpv6-type 1/4 ; -p ipv6-icmp -m icmp6 ! --icmpv6-type 1/4 ; OK
-p icmpv6 --icmpv6-type 255 ; -p ipv6-icmp -m icmp6 --icmpv6-type 255 ; OK
-p icmpv6 --icmpv6-type 132 ; -p ipv6-icmp -m icmp6 --icmpv6-type 132 ; OK
-p icmpv6 --icmpv6-type any ; Unknown ICMPv6 type `any' ; FAIL
-p icmpv6 --icmpv6-type mld-listener-query ; Unknown ICMPv6 type `mld-listener-query' ; FAIL
-p icmpv6 --icmpv6-type r ; Ambiguous ICMPv6 type `r': `reject-route' or `router-solicitation'? ; FAIL
-p icmpv6 --icmpv6-type 1/256 ; Unknown ICMPv6 code `1/256' ; FAIL
-p icmpv6 --icmpv6-type 1:2 ; ICMPv6 type range not supported ; FAIL
-p icmpv6 --icmpv6-type 1 --icmpv6-type 2 ; icmp6: option "--icmpv6-type" can only be used once. ; FAIL
-p icmpv6 -m icmp6 ; icmp6: option "--icmpv6-type" must be specified ; FAIL
-m icmp6 --icmpv6-type 1 ;  ; FAIL
-p tcp -m icmp6 --icmpv6-type 1 ;  ; FAIL
*filter INPUT
-p icmpv6 -m icmp6 --icmpv6-type 1 ; Couldn't load match `icmp6':No such file or directory ; FAIL
