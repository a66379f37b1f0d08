*mangle PREROUTING
-j CONNSECMARK --save ; = ; OK
-j CONNSECMARK --restore ; = ; OK
-j CONNSECMARK ; CONNSECMARK target: parameter required ; FAIL
-j CONNSECMARK --save --restore ; CONNSECMARK: option "--save" cannot be used together with "--restore". ; FAIL
-j CONNSECMARK --save --save ; CONNSECMARK: option "--save" can only be used once. ; FAIL
-j CONNSECMARK ! --save ; CONNSECMARK: option "--save" cannot be inverted. ; FAIL
*security INPUT 6
-j CONNSECMARK --save ; = ; OK
*filter INPUT
-j CONNSECMARK --save ;  ; FAIL
