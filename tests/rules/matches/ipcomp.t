*filter INPUT
-p ipcomp --ipcompspi 5 ; -p ipcomp -m ipcomp --ipcompspi 5 ; OK
-p 108 ! --ipcompspi 5:6 --compres ; -p ipcomp -m ipcomp ! --ipcompspi 5:6 --compres ; OK
-p ipcomp -m ipcomp ; -p ipcomp -m ipcomp --ipcompspi 0 ; OK
-p ipcomp --ipcompspi foo ; ipcomp: bad value for option "--ipcompspi" near "foo", or out of range (0-4294967295). ; FAIL
-m ipcomp --ipcompspi 5 ;  ; FAIL
*filter INPUT 6
-p ipcomp --ipcompspi :5 ; -p ipcomp -m ipcomp --ipcompspi 0:5 ; OK
