# kernels since 3.17 lack this target: only refusals by the tool are here
*filter INPUT
-j ULOG --ulog-nlgroup 33 ; ULOG: bad value for option "--ulog-nlgroup", or out of range (1-32). ; FAIL
-j ULOG --ulog-qthreshold 51 ; ULOG: bad value for option "--ulog-qthreshold", or out of range (1-50). ; FAIL
-j ULOG ! --ulog-prefix x ; ULOG: option "--ulog-prefix" cannot be inverted. ; FAIL
