*filter INPUT
-m connmark --mark 1 ; -m connmark --mark 0x1 ; OK
-m connmark ! --mark 0x10/0xf0 ; = ; OK
-m connmark --mark 010/0xffffffff ; -m connmark --mark 0x8 ; OK
-m connmark --mark 0xf5/0xf ; = ; OK
-m connmark --mark 0/0 ; -m connmark --mark 0x0/0x0 ; OK
-m connmark ; connmark: option "--mark" must be specified ; FAIL
-m connmark --mark x ; connmark: bad integer value for option "--mark", or out of range. ; FAIL
-m connmark --mark 1/ ; connmark: bad integer value for option "--mark", or out of range. ; FAIL
-m connmark --mark 4294967296 ; connmark: bad integer value for option "--mark", or out of range. ; FAIL
*filter INPUT 6
-m connmark --mark 7 ; -m connmark --mark 0x7 ; OK
