*filter INPUT
-p esp --espspi 500 ; -p esp -m esp --espspi 500 ; OK
-p esp -m esp ! --espspi 500:0x300 ; -p esp -m esp ! --espspi 500:768 ; OK
-p esp --espspi :5 ; -p esp -m esp --espspi 0:5 ; OK
-p esp --espspi 5: ; -p esp -m esp --espspi 5:4294967295 ; OK
-p esp --espspi 0:4294967295 ; -p esp -m esp ; OK
-p esp ! --espspi 0:4294967295 ; -p esp -m esp ; OK
-p esp -m esp ; = ; OK
-p esp --espspi 9:5 ; -p esp -m esp --espspi 9:5 ; OK
-p esp --espspi foo ; esp: bad value for option "--espspi" near "foo", or out of range (0-4294967295). ; FAIL
-p esp --espspi 4294967296 ; esp: bad value for option "--espspi" near "4294967296", or out of range (0-4294967295). ; FAIL
-p esp --espspi 5x ; esp: Argument to "--espspi" has unexpected characters near "x". ; FAIL
-p esp --espspi 5 --espspi 6 ; esp: option "--espspi" can only be used once. ; FAIL
-m esp --espspi 5 ;  ; FAIL
-p tcp -m esp --espspi 5 ;  ; FAIL
*filter INPUT 6
-p esp --espspi 500 ; -p esp -m esp --espspi 500 ; OK
