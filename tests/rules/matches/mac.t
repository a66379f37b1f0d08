*filter INPUT
-m mac --mac-source 00:11:22:33:44:55 ; = ; OK
-m mac ! --mac-source AA:BB:CC:DD:EE:FF ; -m mac ! --mac-source aa:bb:cc:dd:ee:ff ; OK
-m mac --mac-source 0:1:2:a:b:c ; -m mac --mac-source 00:01:02:0a:0b:0c ; OK
-m mac --mac-source aa:bb:cc:dd:ee ; Invalid MAC address specified. ; FAIL
-m mac --mac-source aa-bb-cc-dd-ee-ff ; Invalid MAC address specified. ; FAIL
-m mac --mac-source aa:bb:cc:dd:ee:100 ; Invalid MAC address specified. ; FAIL
-m mac --mac-source 00:11:22:33:44:55 --mac-source 00:11:22:33:44:55 ; mac: option "--mac-source" can only be used once. ; FAIL
-m mac ; mac: option "--mac-source" must be specified ; FAIL
*mangle PREROUTING
-m mac --mac-source 00:11:22:33:44:55 ; = ; OK
*filter OUTPUT
-m mac --mac-source 00:11:22:33:44:55 ;  ; FAIL
*nat POSTROUTING
-m mac --mac-source 00:11:22:33:44:55 ;  ; FAIL
*filter FORWARD 6
-m mac --mac-source 00:11:22:33:44:55 ; = ; OK
