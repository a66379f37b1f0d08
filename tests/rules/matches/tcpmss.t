*filter INPUT
-p tcp -m tcpmss --mss 100 ; = ; OK
-p tcp -m tcpmss ! --mss 100:200 ; = ; OK
-p tcp -m tcpmss --mss :200 ; -p tcp -m tcpmss --mss 0:200 ; OK
-p tcp -m tcpmss --mss 100: ; -p tcp -m tcpmss --mss 100:65535 ; OK
-p tcp -m tcpmss --mss 0:65535 ; = ; OK
-p tcp --tcp-flags SYN,RST SYN -m tcpmss --mss 1400:1500 ; -p tcp -m tcp --tcp-flags SYN,RST SYN -m tcpmss --mss 1400:1500 ; OK
-p tcp -m tcpmss --mss 200:100 ; tcpmss: invalid range given ; FAIL
-p tcp -m tcpmss --mss 65536 ; tcpmss: bad value for option "--mss" near "65536", or out of range (0-65535). ; FAIL
-p tcp -m tcpmss --mss foo ; tcpmss: bad value for option "--mss" near "foo", or out of range (0-65535). ; FAIL
-p tcp -m tcpmss --mss 5 --mss 6 ; tcpmss: option "--mss" can only be used once. ; FAIL
-p tcp -m tcpmss ; tcpmss: option "--mss" must be specified ; FAIL
-m tcpmss --mss 5 ;  ; FAIL
-p udp -m tcpmss --mss 5 ;  ; FAIL
*mangle FORWARD 6
-p tcp -m tcpmss ! --mss 1220 ; = ; OK
