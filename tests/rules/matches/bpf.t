*filter INPUT
-m bpf --bytecode "1,6 0 0 1" ; = ; OK
-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0," ; -m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0" ; OK
-m bpf --bytecode "1,6 300 0 1" ; -m bpf --bytecode "1,6 44 0 1" ; OK
-m bpf ; bpf: one of --bytecode or --pinned is required ; FAIL
-m bpf --bytecode "x" ; bpf: error parsing program length ; FAIL
-m bpf --bytecode "0," ; bpf: illegal zero length program ; FAIL
-m bpf --bytecode "2,6 0 0 1" ; bpf: parsed program length is less than the encoded length parameter ; FAIL
-m bpf --bytecode "1,6 0 0" ; bpf: error at instr 0 ; FAIL
-m bpf --bytecode "65,6 0 0 1" ; bpf: number of instructions exceeds maximum ; FAIL
-m bpf ! --bytecode "1,6 0 0 1" ; bpf: option "--bytecode" cannot be inverted. ; FAIL
*filter INPUT
-m bpf --bytecode "1,6 0 0 1,6 0 0 0" ; bpf: real program length exceeds the encoded length parameter ; FAIL
-m bpf --bytecode "1,48 0 0 9" ;  ; FAIL
-m bpf --bytecode "2,5 0 0 1,6 0 0 0" ;  ; FAIL
-m bpf --bytecode "2,52 0 0 0,6 0 0 0" ;  ; FAIL
-m bpf --bytecode "2,255 0 0 3,6 0 0 0" ;  ; FAIL
-m bpf --bytecode "2,100 0 0 32,6 0 0 0" ;  ; FAIL
-m bpf --bytecode "2,96 0 0 16,6 0 0 0" ;  ; FAIL
-m bpf --bytecode "2,21 0 1 6,6 0 0 0" ;  ; FAIL
