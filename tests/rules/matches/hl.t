*filter INPUT 6
-m hl --hl 64 ; -m hl --hl-eq 64 ; OK
-m hl ! --hl-eq 255 ; = ; OK
-m hl --hl-lt 5 ; = ; OK
-m hl --hl-gt 5 ; = ; OK
-m hl ! --hl-lt 5 ; hl: option "--hl-lt" cannot be inverted. ; FAIL
-m hl --hl-eq 256 ; hl: bad value for option "--hl-eq", or out of range (0-255). ; FAIL
-m hl --hl-eq 5 --hl-eq 6 ; hl: option "--hl-eq" can only be used once. ; FAIL
-m hl --hl-eq 5 --hl-lt 6 ; hl: option "--hl-lt" cannot be used together with "--hl-eq". ; FAIL
-m hl ; HL match: You must specify one of `--hl-eq', `--hl-lt', `--hl-gt' ; FAIL
*filter INPUT
-m hl --hl-eq 5 ; Couldn't load match `hl':No such file or directory ; FAIL
