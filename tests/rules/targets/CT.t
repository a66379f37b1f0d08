*raw PREROUTING
-j CT ; = ; OK
-j CT --notrack ; = ; OK
-j CT --zone 1 ; = ; OK
-j CT --zone 0x10 ; -j CT --zone 16 ; OK
-j CT --zone 0 ; -j CT ; OK
-j CT --zone mark ; = ; OK
-j CT --zone-orig 1 ; = ; OK
-j CT --zone-reply mark ; = ; OK
-j CT --zone-orig 1 --zone-reply 2 ; -j CT --zone 2 ; OK
-j CT --zone 1 --notrack ; -j CT --notrack --zone 1 ; OK
-p tcp -j CT --helper ftp ; = ; OK
-p udp -j CT --zone 3 --helper tftp ; -p udp -j CT --helper tftp --zone 3 ; OK
-j CT --ctevents destroy,new ; -j CT --ctevents new,destroy ; OK
-j CT --zone 4 --expevents new --ctevents new,reply ; -j CT --ctevents new,reply --expevents new --zone 4 ; OK
-j CT --notrack --timeout x ; = ; OK
-j CT --zone 65536 ; Cannot parse 65536 as a zone ID ; FAIL
-j CT --zone x ; Cannot parse x as a zone ID ; FAIL
-j CT --ctevents NEW ; Unknown event type "NEW" ; FAIL
-j CT --ctevents new, ; Unknown event type "" ; FAIL
-j CT --zone 1 --zone 2 ; CT: option "--zone" can only be used once. ; FAIL
-j CT ! --notrack ; CT: option "--notrack" cannot be inverted. ; FAIL
-p udp -j CT --helper ftp ;  ; FAIL
-j CT --helper ftp ;  ; FAIL
*raw OUTPUT 6
-j CT --zone 2 ; = ; OK
*mangle PREROUTING
-j CT --zone 2 ;  ; FAIL
*filter INPUT
-j CT --notrack ;  ; FAIL
*raw PREROUTING
-j CT --zone-orig 1 --zone 2 ; -j CT --zone-orig 2 ; OK
-j CT --zone mark --zone-reply 3 ; -j CT --zone-reply mark ; OK
-j CT --zone-orig 0 ; -j CT ; OK
-p tcp -j CT --helper foo ;  ; FAIL
