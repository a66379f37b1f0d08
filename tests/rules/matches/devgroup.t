*filter INPUT
-m devgroup --src-group 0 ; -m devgroup --src-group default ; OK
-m devgroup ! --src-group 5/0xf ; -m devgroup ! --src-group 0x5/0xf ; OK
-m devgroup --src-group default ; = ; OK
-m devgroup --src-group 0/0 ; -m devgroup --src-group 0x0/0x0 ; OK
-m devgroup --src-group foo ; devgroup: could not map name foo to an integer value for option "--src-group". ; FAIL
-m devgroup --src-group 5/foo ; devgroup: bad integer value for option "--src-group", or out of range. ; FAIL
-m devgroup --src-group 1 --src-group 2 ; devgroup: option "--src-group" can only be used once. ; FAIL
-m devgroup ; devgroup match: You must specify either '--src-group' or '--dst-group' ; FAIL
-m devgroup --dst-group 5 ;  ; FAIL
*filter FORWARD
-m devgroup ! --dst-group 2 --src-group 1 ; -m devgroup --src-group 0x1 ! --dst-group 0x2 ; OK
*filter OUTPUT
-m devgroup --dst-group 0x10 ; = ; OK
-m devgroup --src-group 1 ;  ; FAIL
*filter INPUT 6
-m devgroup --src-group 1 ; -m devgroup --src-group 0x1 ; OK
