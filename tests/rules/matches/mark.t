*filter INPUT
-m mark --mark 1 ; -m mark --mark 0x1 ; OK
-m mark --mark 0x10/16 ; -m mark --mark 0x10/0x10 ; OK
-m mark ! --mark 0xABCDEF ; -m mark ! --mark 0xabcdef ; OK
-m mark --mark 0xf/0xffffffff ; -m mark --mark 0xf ; OK
-m mark --mark 0xf5/0xf ; = ; OK
-m mark --mark 0/0 ; -m mark --mark 0x0/0x0 ; OK
-m mark --mark 4294967295 ; -m mark --mark 0xffffffff ; OK
-m mark ! --mark 1 -m mark --mark 010 ; -m mark ! --mark 0x1 -m mark --mark 0x8 ; OK
-m mark --mark 4294967296 ; mark: bad integer value for option "--mark", or out of range. ; FAIL
-m mark --mark foo ; mark: bad integer value for option "--mark", or out of range. ; FAIL
-m mark --mark 1/ ; mark: bad integer value for option "--mark", or out of range. ; FAIL
-m mark --mark 1x ; mark: trailing garbage after value for option "--mark". ; FAIL
-m mark --mark 1/2/3 ; mark: trailing garbage after value for option "--mark". ; FAIL
-m mark --mark 1 --mark 2 ; mark: option "--mark" can only be used once. ; FAIL
-m mark ; mark: option "--mark" must be specified ; FAIL
*mangle PREROUTING 6
-m mark --mark 0x4000/0x4000 ; = ; OK
