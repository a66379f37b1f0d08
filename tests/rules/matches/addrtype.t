*filter INPUT
-m addrtype --src-type LOCAL ; = ; OK
-m addrtype ! --dst-type multicast,LOCAL ; -m addrtype ! --dst-type LOCAL,MULTICAST ; OK
-m addrtype --dst-type UNICAST ! --src-type LOC ; -m addrtype ! --src-type LOCAL --dst-type UNICAST ; OK
-m addrtype --limit-iface-in --src-type LOCAL,BROADCAST ; -m addrtype --src-type LOCAL,BROADCAST --limit-iface-in ; OK
-m addrtype --dst-type UNSPEC,UNICAST,LOCAL,BROADCAST,ANYCAST,MULTICAST,BLACKHOLE,UNREACHABLE,PROHIBIT,THROW,NAT,XRESOLVE ; = ; OK
-m addrtype --dst-type FOO ; addrtype: bad type "FOO" ; FAIL
-m addrtype --dst-type LOCAL, ; addrtype: bad type "" ; FAIL
-m addrtype ; addrtype: you must specify --src-type or --dst-type ; FAIL
-m addrtype --limit-iface-out --limit-iface-in ; addrtype: you must specify --src-type or --dst-type ; FAIL
-m addrtype --limit-iface-in ; addrtype: you must specify --src-type or --dst-type ; FAIL
-m addrtype --dst-type LOCAL --dst-type UNICAST ; addrtype: option "--dst-type" can only be used once. ; FAIL
-m addrtype --dst-type LOCAL ! --limit-iface-in ; addrtype: option "--limit-iface-in" cannot be inverted. ; FAIL
-m addrtype --dst-type LOCAL --limit-iface-in --limit-iface-out ; addrtype: option "--limit-iface-in" cannot be used together with "--limit-iface-out". ; FAIL
-m addrtype --dst-type LOCAL --limit-iface-out ;  ; FAIL
*filter FORWARD
-m addrtype --dst-type LOCAL --limit-iface-out ; = ; OK
*nat POSTROUTING
-m addrtype --src-type LOCAL --limit-iface-in ;  ; FAIL
-m addrtype --src-type LOCAL --limit-iface-out ; = ; OK
*filter INPUT 6
-m addrtype --dst-type LOCAL,UNREACHABLE ; = ; OK
-m addrtype ! --src-type MULTICAST ; = ; OK
-m addrtype --dst-type BROADCAST ;  ; FAIL
-m addrtype --src-type PROHIBIT ;  ; FAIL
