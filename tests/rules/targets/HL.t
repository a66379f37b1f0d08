*mangle PREROUTING 6
-j HL --hl-set 64 ; = ; OK
-j HL --hl-set 0 ; = ; OK
-j HL --hl-dec 1 ; = ; OK
-j HL --hl-inc 255 ; = ; OK
-j HL --hl-set 256 ; HL: bad value for option "--hl-set", or out of range (0-255). ; FAIL
-j HL --hl-dec 0 ; HL: bad value for option "--hl-dec", or out of range (1-255). ; FAIL
-j HL ; HL: You must specify an action ; FAIL
-j HL --hl-inc 2 --hl-set 1 ; HL: option "--hl-set" cannot be used together with "--hl-inc". ; FAIL
-j HL ! --hl-set 1 ; HL: option "--hl-set" cannot be inverted. ; FAIL
*mangle POSTROUTING 6
-j HL --hl-set 1 ; = ; OK
*filter INPUT 6
-j HL --hl-set 1 ;  ; FAIL
*mangle FORWARD
-j HL ; Couldn't load target `HL':No such file or directory ; FAIL
