*filter INPUT
-m ttl --ttl 64 ; -m ttl --ttl-eq 64 ; OK
-m ttl ! --ttl-eq 0x40 ; -m ttl ! --ttl-eq 64 ; OK
-m ttl --ttl-lt 5 ; = ; OK
-m ttl --ttl-gt 255 ; = ; OK
-m ttl ! --ttl-gt 5 ; ttl: option "--ttl-gt" cannot be inverted. ; FAIL
-m ttl --ttl-eq 256 ; ttl: bad value for option "--ttl-eq", or out of range (0-255). ; FAIL
-m ttl --ttl-lt foo ; ttl: bad value for option "--ttl-lt", or out of range (0-255). ; FAIL
-m ttl --ttl 5 --ttl-eq 6 ; ttl: option "--ttl-eq" can only be used once. ; FAIL
-m ttl --ttl-eq 5 --ttl-lt 6 ; ttl: option "--ttl-lt" cannot be used together with "--ttl-eq". ; FAIL
-m ttl --ttl-gt 5 --ttl-lt 6 ; ttl: option "--ttl-lt" cannot be used together with "--ttl-gt". ; FAIL
-m ttl --ttl-gt 5 --ttl-eq 6 ; ttl: option "--ttl-gt" cannot be used together with "--ttl-eq". ; FAIL
-m ttl ; TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt ; FAIL
*filter INPUT 6
-m ttl --ttl 5 ; Couldn't load match `ttl':No such file or directory ; FAIL
