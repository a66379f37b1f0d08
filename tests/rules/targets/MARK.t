*mangle PREROUTING
-j MARK --set-mark 1 ; -j MARK --set-xmark 0x1/0xffffffff ; OK
-j MARK --set-mark 0x10/0xf0 ; -j MARK --set-xmark 0x10/0xf0 ; OK
-j MARK --set-mark 0x1f/0xf0 ; -j MARK --set-xmark 0x1f/0xff ; OK
-j MARK --set-xmark 0x10/0xf0 ; = ; OK
-j MARK --set-xmark 16 ; -j MARK --set-xmark 0x10/0xffffffff ; OK
-j MARK --and-mark 0xff ; -j MARK --set-xmark 0x0/0xffffff00 ; OK
-j MARK --or-mark 0xff ; -j MARK --set-xmark 0xff/0xff ; OK
-j MARK --xor-mark 0xff ; -j MARK --set-xmark 0xff/0x0 ; OK
-j MARK --set-m 010 ; -j MARK --set-xmark 0x8/0xffffffff ; OK
-j MARK ; MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required ; FAIL
-j MARK --set-mark x ; MARK: bad integer value for option "--set-mark", or out of range. ; FAIL
-j MARK --set-mark 0x100000000 ; MARK: bad integer value for option "--set-mark", or out of range. ; FAIL
-j MARK --set-mark 1/ ; MARK: bad integer value for option "--set-mark", or out of range. ; FAIL
-j MARK --and-mark 1/2 ; MARK: bad value for option "--and-mark", or out of range (0-4294967295). ; FAIL
-j MARK --or-mark 0x100000000 ; MARK: bad value for option "--or-mark", or out of range (0-4294967295). ; FAIL
-j MARK --set-mark 1 --set-mark 2 ; MARK: option "--set-mark" can only be used once. ; FAIL
-j MARK --and-mark 1 --set-mark 2 ; MARK: option "--set-mark" cannot be used together with "--and-mark". ; FAIL
-j MARK --set-mark 1 --set-xmark 2 ; MARK: option "--set-xmark" cannot be used together with "--set-mark". ; FAIL
-j MARK ! --set-mark 1 ; MARK: option "--set-mark" cannot be inverted. ; FAIL
*filter FORWARD
-j MARK --set-mark 1 ; -j MARK --set-xmark 0x1/0xffffffff ; OK
*nat PREROUTING 6
-j MARK --set-mark 1 ; -j MARK --set-xmark 0x1/0xffffffff ; OK
