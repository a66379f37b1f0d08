*filter INPUT
-m u32 --u32 "6 & 0xFF = 1" ; -m u32 --u32 "0x6&0xff=0x1" ; OK
-m u32 --u32 "6&0xFF=1:5,7,010" ; -m u32 --u32 "0x6&0xff=0x1:0x5,0x7,0x8" ; OK
-m u32 ! --u32 "4&0x3FFF=0 && 0>>22&0x3C@0>>24=0" ; -m u32 ! --u32 "0x4&0x3fff=0x0&&0x0>>0x16&0x3c@0x0>>0x18=0x0" ; OK
-m u32 --u32 "0<<2=5" ; -m u32 --u32 "0x0<<0x2=0x5" ; OK
-m u32 --u32 "6" ; u32: abrupt end of input after location specifier ; FAIL
-m u32 --u32 "=1" ; u32: at char 0: location spec missing ; FAIL
-m u32 --u32 "6&=1" ; u32: at char 2: not a number or out of range ; FAIL
-m u32 --u32 "6%3=1" ; u32: at char 1: operator expected ; FAIL
-m u32 --u32 "6=1 7=2" ; u32: at char 4: expected "," or "&&" ; FAIL
-m u32 --u32 "6=1&7=2" ; u32: at char 4: a second '&' was expected ; FAIL
-m u32 --u32 "6=4294967296" ; u32: at char 2: not a number or out of range ; FAIL
-m u32 --u32 "0=1,2,3,4,5,6,7,8,9,10,11" ; u32: at char 25: too many ","s ; FAIL
-m u32 --u32 "0&1&2&3&4&5&6&7&8&9&10=1" ; u32: at char 22: too many operators ; FAIL
-m u32 --u32 "6=1" --u32 "7=1" ; u32: option "--u32" can only be used once. ; FAIL
-m u32 ; u32: option "--u32" must be specified ; FAIL
-m u32 --u32 "0>>33=1" ;  ; FAIL
*filter INPUT 6
-m u32 --u32 "0=6" ; -m u32 --u32 "0x0=0x6" ; OK
