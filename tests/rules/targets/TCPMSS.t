*mangle FORWARD
-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu ; = ; OK
-p tcp --syn -j TCPMSS --set-mss 1400 ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 1400 ; OK
-p tcp --dport 80 -m tcp --syn -j TCPMSS --set-mss 1400 ; -p tcp -m tcp --dport 80 -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 1400 ; OK
-p tcp -m tcp --tcp-flags SYN SYN -j TCPMSS --set-mss 65515 ; = ; OK
-p tcp --syn -j TCPMSS --set-mss 1400 --clamp-mss-to-pmtu ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --clamp-mss-to-pmtu ; OK
-p tcp --syn -j TCPMSS --set-mss 65516 ; TCPMSS: bad value for option "--set-mss", or out of range (0-65515). ; FAIL
-p tcp --syn -j TCPMSS ; TCPMSS target: At least one parameter is required ; FAIL
-p tcp --syn -j TCPMSS ! --clamp-mss-to-pmtu ; TCPMSS: option "--clamp-mss-to-pmtu" cannot be inverted. ; FAIL
-p tcp -j TCPMSS --set-mss 1400 ;  ; FAIL
-p tcp ! --syn -j TCPMSS --set-mss 1400 ;  ; FAIL
-p tcp -m tcp --tcp-flags SYN NONE -j TCPMSS --set-mss 1400 ;  ; FAIL
-p udp -j TCPMSS --set-mss 1400 ;  ; FAIL
-j TCPMSS --set-mss 1400 ;  ; FAIL
*mangle PREROUTING
-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1400 ; = ; OK
-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu ;  ; FAIL
*filter OUTPUT
-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu ; = ; OK
*filter INPUT
-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu ;  ; FAIL
*mangle FORWARD 6
-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1220 ; = ; OK
-p tcp --syn -j TCPMSS --set-mss 65496 ; TCPMSS: bad value for option "--set-mss", or out of range (0-65495). ; FAIL
