*raw PREROUTING
-m rpfilter ; = ; OK
-m rpfilter --invert --loose --validmark --accept-local ; -m rpfilter --loose --validmark --accept-local --invert ; OK
-m rpfilter ! --loose ; rpfilter: option "--loose" cannot be inverted. ; FAIL
-m rpfilter --loose --loose ; rpfilter: option "--loose" can only be used once. ; FAIL
*mangle PREROUTING
-m rpfilter --loose ; = ; OK
*nat PREROUTING
-m rpfilter ;  ; FAIL
*filter INPUT
-m rpfilter ;  ; FAIL
*raw OUTPUT
-m rpfilter ;  ; FAIL
*raw PREROUTING 6
-m rpfilter --invert ; = ; OK
