*filter INPUT
-m cpu --cpu 0 ; = ; OK
-m cpu ! --cpu 0x3 ; -m cpu ! --cpu 3 ; OK
-m cpu --cpu foo ; cpu: bad value for option "--cpu", or out of range (0-4294967295). ; FAIL
-m cpu --cpu 4294967296 ; cpu: bad value for option "--cpu", or out of range (0-4294967295). ; FAIL
-m cpu --cpu 1 --cpu 2 ; cpu: option "--cpu" can only be used once. ; FAIL
-m cpu ; cpu: option "--cpu" must be specified ; FAIL
*filter INPUT 6
-m cpu --cpu 1 ; = ; OK
