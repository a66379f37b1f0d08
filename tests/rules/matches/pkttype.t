*filter INPUT
-m pkttype --pkt-type unicast ; = ; OK
-m pkttype ! --pkt-type MULTICAST ; -m pkttype ! --pkt-type multicast ; OK
-m pkttype --pkt-type bcast ; -m pkttype --pkt-type broadcast ; OK
-m pkttype --pkt-type mcast ; -m pkttype --pkt-type multicast ; OK
-m pkttype --pkt-type host ; -m pkttype --pkt-type unicast ; OK
-m pkttype --pkt-type otherhost ; = ; OK
-m pkttype --pkt-type uni ; Bad packet type 'uni' ; FAIL
-m pkttype --pkt-type outgoing ; Bad packet type 'outgoing' ; FAIL
-m pkttype --pkt-type host --pkt-type host ; pkttype: option "--pkt-type" can only be used once. ; FAIL
-m pkttype ; pkttype: option "--pkt-type" must be specified ; FAIL
*filter INPUT 6
-m pkttype --pkt-type multicast ; = ; OK
