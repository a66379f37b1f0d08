*filter INPUT
-p ah --ahspi 500 ; -p ah -m ah --ahspi 500 ; OK
-p ah -m ah ! --ahspi 500:600 ; = ; OK
-p ah --ahspi 0:4294967295 ; -p ah -m ah ; OK
-p ah -m ah ; = ; OK
-p ah --ahspi foo ; ah: bad value for option "--ahspi" near "foo", or out of range (0-4294967295). ; FAIL
-p ah --ahspi 5 --ahspi 6 ; ah: option "--ahspi" can only be used once. ; FAIL
-p ah --ahlen 5 ; unknown option "--ahlen" ; FAIL
-m ah --ahspi 5 ;  ; FAIL
-p tcp -m ah --ahspi 5 ;  ; FAIL
*filter INPUT 6
-m ah ! --ahspi 5 ; = ; OK
-p ah --ahres --ahlen 6 --ahspi 5:6 ; -p ah -m ah --ahspi 5:6 --ahlen 6 --ahres ; OK
-m ah ! --ahlen 5 ; = ; OK
-m ah ; = ; OK
-m ah ! --ahres ; ah: option "--ahres" cannot be inverted. ; FAIL
-m ah --ahlen foo ; ah: bad value for option "--ahlen", or out of range (0-4294967295). ; FAIL
-m ah --ahspi 0:4294967295 ; -m ah ; OK
