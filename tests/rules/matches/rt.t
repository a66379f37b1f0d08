*filter INPUT 6
-m rt ; = ; OK
-m rt --rt-type 0 ; = ; OK
-m rt ! --rt-type 2 ! --rt-len 16 ; = ; OK
-m rt ! --rt-segsleft 5:10 ; = ; OK
-m rt --rt-segsleft 0:4294967295 ; -m rt ; OK
-m rt --rt-type 0 --rt-0-addrs fe80::1,fe80::2 --rt-0-not-strict ; = ; OK
-m rt --rt-type 0 --rt-segsleft 1 --rt-len 20 --rt-0-res --rt-0-addrs ::1 --rt-0-not-strict ; = ; OK
-m rt --rt-0-res ; `--rt-type 0' required before `--rt-0-res' ; FAIL
-m rt --rt-type 2 --rt-0-addrs fe80::1 ; `--rt-type 0' required before `--rt-0-addrs' ; FAIL
-m rt --rt-type 0 --rt-0-not-strict ; `--rt-0-addr ...' required before `--rt-0-not-strict' ; FAIL
-m rt --rt-type foo ; rt: bad value for option "--rt-type", or out of range (0-4294967295). ; FAIL
*filter INPUT
-m rt --rt-type 0 ; Couldn't load match `rt':No such file or directory ; FAIL
