*mangle PREROUTING
-m socket ; = ; OK
-p tcp -m socket --restore-skmark --nowildcard --transparent ; -p tcp -m socket --transparent --nowildcard --restore-skmark ; OK
-m socket ! --transparent ; socket: option "--transparent" cannot be inverted. ; FAIL
-m socket --nowildcard --nowildcard ; socket: option "--nowildcard" can only be used once. ; FAIL
*filter INPUT
-m socket --transparent ; = ; OK
*filter OUTPUT
-m socket ;  ; FAIL
*filter FORWARD
-m socket ;  ; FAIL
*raw PREROUTING 6
-m socket --nowildcard ; = ; OK
