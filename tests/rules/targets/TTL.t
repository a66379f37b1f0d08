*mangle PREROUTING
-j TTL --ttl-set 64 ; = ; OK
-j TTL --ttl-set 0x40 ; -j TTL --ttl-set 64 ; OK
-j TTL --ttl-set 0 ; = ; OK
-j TTL --ttl-dec 1 ; = ; OK
-j TTL --ttl-inc 255 ; = ; OK
-j TTL --ttl-set 256 ; TTL: bad value for option "--ttl-set", or out of range (0-255). ; FAIL
-j TTL --ttl-dec 0 ; TTL: bad value for option "--ttl-dec", or out of range (1-255). ; FAIL
-j TTL --ttl-inc x ; TTL: bad value for option "--ttl-inc", or out of range (1-255). ; FAIL
-j TTL ; TTL: You must specify an action ; FAIL
-j TTL --ttl-inc 2 --ttl-set 1 ; TTL: option "--ttl-set" cannot be used together with "--ttl-inc". ; FAIL
-j TTL --ttl-set 1 --ttl-set 2 ; TTL: option "--ttl-set" can only be used once. ; FAIL
-j TTL ! --ttl-set 1 ; TTL: option "--ttl-set" cannot be inverted. ; FAIL
*mangle FORWARD
-j TTL --ttl-set 1 ; = ; OK
*filter INPUT
-j TTL --ttl-set 1 ;  ; FAIL
*mangle FORWARD 6
-j TTL ; Couldn't load target `TTL':No such file or directory ; FAIL
