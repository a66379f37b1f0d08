*filter INPUT
-p tcp -j SYNPROXY ; = ; OK
-p tcp -j SYNPROXY --ecn --mss 1460 --wscale 7 --timestamp --sack-perm ; -p tcp -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460 --ecn ; OK
-p tcp -j SYNPROXY --mss 65537 --wscale 256 ; -p tcp -j SYNPROXY --wscale 0 --mss 1 ; OK
-p tcp -j SYNPROXY --mss x ; SYNPROXY: bad value for option "--mss", or out of range (0-4294967295). ; FAIL
-p tcp -j SYNPROXY --ecn --ecn ; SYNPROXY: option "--ecn" can only be used once. ; FAIL
-p tcp -j SYNPROXY ! --ecn ; SYNPROXY: option "--ecn" cannot be inverted. ; FAIL
-p udp -j SYNPROXY ;  ; FAIL
-j SYNPROXY ;  ; FAIL
! -p tcp -j SYNPROXY ;  ; FAIL
*filter FORWARD 6
-p tcp -j SYNPROXY --mss 1440 ; = ; OK
*mangle INPUT
-p tcp -j SYNPROXY --mss 1 ; = ; OK
*filter OUTPUT
-p tcp -j SYNPROXY ;  ; FAIL
*raw PREROUTING
-p tcp -j SYNPROXY ;  ; FAIL
