*filter INPUT
-m length --length 100 ; = ; OK
-m length --length 100:200 ; = ; OK
-m length --length :50 ; -m length --length 0:50 ; OK
-m length ! --length 50: ; -m length ! --length 50:65535 ; OK
-m length --length 0:65535 ; = ; OK
-m length --length 200:100 ; = ; OK
-m length --length 0x10:5 ; -m length --length 16:5 ; OK
-m length --length "" ; -m length --length 0 ; OK
-m length --length 65536 ; length: bad value for option "--length" near "65536", or out of range (0-65535). ; FAIL
-m length --length 1:foo ; length: bad value for option "--length" near "foo", or out of range (0-65535). ; FAIL
-m length --length 100x ; length: Argument to "--length" has unexpected characters near "x". ; FAIL
-m length --length 1:2:3 ; length: Too many components for option "--length" (max: 2) ; FAIL
-m length --length -1 ; length: bad value for option "--length" near "-1", or out of range (0-65535). ; FAIL
-m length --length 5 --length 6 ; length: option "--length" can only be used once. ; FAIL
-m length ; length: option "--length" must be specified ; FAIL
*mangle FORWARD 6
-m length --length 1280: ; -m length --length 1280:65535 ; OK
