*filter INPUT
-j NFQUEUE ; -j NFQUEUE --queue-num 0 ; OK
-j NFQUEUE --queue-num 5 ; = ; OK
-j NFQUEUE --queue-bypass ; -j NFQUEUE --queue-num 0 --queue-bypass ; OK
-j NFQUEUE --queue-balance 0:3 ; = ; OK
-j NFQUEUE --queue-balance :5 ; -j NFQUEUE --queue-balance 0:5 ; OK
-j NFQUEUE --queue-balance 5: ; -j NFQUEUE --queue-balance 5:65535 ; OK
-j NFQUEUE --queue-cpu-fanout --queue-bypass --queue-balance 0:3 ; -j NFQUEUE --queue-balance 0:3 --queue-bypass --queue-cpu-fanout ; OK
-j NFQUEUE --queue-num 65536 ; NFQUEUE: bad value for option "--queue-num", or out of range (0-65535). ; FAIL
-j NFQUEUE --queue-balance 1 ; Bad range "1" ; FAIL
-j NFQUEUE --queue-balance 3:1 ; 3 should be less than 1 ; FAIL
-j NFQUEUE --queue-balance 1:65536 ; NFQUEUE: bad value for option "--queue-balance" near "65536", or out of range (0-65535). ; FAIL
-j NFQUEUE --queue-balance 1:2:3 ; NFQUEUE: Too many components for option "--queue-balance" (max: 2) ; FAIL
-j NFQUEUE --queue-cpu-fanout ; NFQUEUE: option "--queue-cpu-fanout" also requires "--queue-balance". ; FAIL
-j NFQUEUE --queue-num 1 --queue-balance 1:3 ; NFQUEUE: option "--queue-num" cannot be used together with "--queue-balance". ; FAIL
-j NFQUEUE --queue-num 1 --queue-num 2 ; NFQUEUE: option "--queue-num" can only be used once. ; FAIL
-j NFQUEUE ! --queue-num 1 ; NFQUEUE: option "--queue-num" cannot be inverted. ; FAIL
-j NFQUEUE --queue-balance 0:65535 ;  ; FAIL
*nat PREROUTING
-j NFQUEUE --queue-num 1 ; = ; OK
*raw PREROUTING 6
-j NFQUEUE --queue-num 1 ; = ; OK
