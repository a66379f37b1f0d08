*filter INPUT
-j QUEUE ; = ; OK
-p tcp -j QUEUE ; = ; OK
*nat PREROUTING
-j QUEUE ; = ; OK
*filter FORWARD 6
-j QUEUE ; = ; OK
-j QUEUE --queue-num 1 ; unknown option "--queue-num" ; FAIL
