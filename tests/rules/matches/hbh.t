*filter INPUT 6
-m hbh ; = ; OK
-m hbh --hbh-len 5 ; = ; OK
-m hbh ! --hbh-len 5 --hbh-opts 1 ; = ; OK
-m hbh --hbh-opts 1:5,2,3:6 ; = ; OK
-m hbh --hbh-opts 256 ; -m hbh --hbh-opts 0 ; OK
-m hbh ! --hbh-opts 1 ; hbh: option "--hbh-opts" cannot be inverted. ; FAIL
-m hbh --hbh-opts foo ; hbh: no valid digits in opt `foo' ; FAIL
-m hbh --hbh-len foo ; hbh: bad value for option "--hbh-len", or out of range (0-4294967295). ; FAIL
*filter INPUT
-m hbh ; Couldn't load match `hbh':No such file or directory ; FAIL
