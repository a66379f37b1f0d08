*mangle PREROUTING
-j CONNMARK --set-mark 1 ; -j CONNMARK --set-xmark 0x1/0xffffffff ; OK
-j CONNMARK --set-xmark 0x10/0xf0 ; = ; OK
-j CONNMARK --and-mark 0xff ; -j CONNMARK --set-xmark 0x0/0xffffff00 ; OK
-j CONNMARK --or-mark 0xff ; -j CONNMARK --set-xmark 0xff/0xff ; OK
-j CONNMARK --xor-mark 0xff ; -j CONNMARK --set-xmark 0xff/0x0 ; OK
-j CONNMARK --set-mark 1 --mask 0xff ; -j CONNMARK --set-xmark 0x1/0xff ; OK
-j CONNMARK --save-mark ; -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff ; OK
-j CONNMARK --restore-mark ; -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff ; OK
-j CONNMARK --save ; -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff ; OK
-j CONNMARK --mask 0xff --save-mark ; -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff ; OK
-j CONNMARK --restore-mark --mask 0xff ; -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff ; OK
-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xf0 ; = ; OK
-j CONNMARK --restore-mark --ctmask 0xff ; -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xff ; OK
-j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff00 --right-shift-mark 8 ; = ; OK
-j CONNMARK --set-mark 1 --left-shift-mark 2 ; -j CONNMARK --set-xmark 0x1/0xffffffff --left-shift-mark 2 ; OK
-j CONNMARK --save-mark --left-shift-mark 0 ; -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff ; OK
-j CONNMARK --save-mark --left-shift-mark 32 ;  ; FAIL
-j CONNMARK --save-mark --left-shift-mark 33 ; CONNMARK: bad value for option "--left-shift-mark", or out of range (0-32). ; FAIL
-j CONNMARK ; CONNMARK target: No operation specified ; FAIL
-j CONNMARK --mask 0xff ; CONNMARK target: No operation specified ; FAIL
-j CONNMARK --save-mark --restore-mark ; CONNMARK: option "--save-mark" cannot be used together with "--restore-mark". ; FAIL
-j CONNMARK --save-mark --mask 0xff --nfmask 0xff ; CONNMARK: option "--nfmask" cannot be used together with "--mask". ; FAIL
-j CONNMARK --save-mark --mask x ; CONNMARK: bad value for option "--mask", or out of range (0-4294967295). ; FAIL
-j CONNMARK --set-mark x ; CONNMARK: bad integer value for option "--set-mark", or out of range. ; FAIL
-j CONNMARK ! --save-mark ; CONNMARK: option "--save-mark" cannot be inverted. ; FAIL
*filter INPUT
-j CONNMARK --save-mark ; -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff ; OK
*nat POSTROUTING 6
-j CONNMARK --restore-mark ; -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff ; OK
*mangle INPUT
-j CONNMARK --set-mark 1 --right-shift-mark 3 --left-shift-mark 2 ; -j CONNMARK --set-xmark 0x1/0xffffffff --left-shift-mark 2 ; OK
