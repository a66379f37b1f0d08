*filter INPUT 6
-m dst ; = ; OK
-m dst --dst-len 5 ; = ; OK
-m dst ! --dst-len 5 --dst-opts 1 ; = ; OK
-m dst --dst-opts 1:5,2,3:6 ; = ; OK
-m dst ! --dst-opts 1 ; dst: option "--dst-opts" cannot be inverted. ; FAIL
-m dst --dst-opts foo ; dst: no valid digits in opt `foo' ; FAIL
-m dst --dst-len foo ; dst: bad value for option "--dst-len", or out of range (0-4294967295). ; FAIL
*filter INPUT
-m dst ; Couldn't load match `dst':No such file or directory ; FAIL
