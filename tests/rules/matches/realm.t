*filter INPUT
-m realm --realm 5 ; -m realm --realm 0x5 ; OK
-m realm ! --realm 5/0xff ; -m realm ! --realm 0x5/0xff ; OK
-m realm --realm cosmos ; = ; OK
-m realm --realm 0/0xff ; -m realm --realm 0x0/0xff ; OK
-m realm --realm foo ; realm: could not map name foo to an integer value for option "--realm". ; FAIL
-m realm --realm 5/ ; realm: bad integer value for option "--realm", or out of range. ; FAIL
-m realm --realm 5 --realm 6 ; realm: option "--realm" can only be used once. ; FAIL
-m realm ; realm: option "--realm" must be specified ; FAIL
*filter OUTPUT
-m realm --realm 70000 ; -m realm --realm 0x11170 ; OK
*mangle PREROUTING
-m realm --realm 5 ;  ; FAIL
*filter INPUT 6
-m realm --realm 5 ; Couldn't load match `realm':No such file or directory ; FAIL
