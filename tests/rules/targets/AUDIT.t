*filter INPUT
-j AUDIT --type accept ; = ; OK
-j AUDIT --type DROP ; -j AUDIT --type drop ; OK
-j AUDIT --type reject ; = ; OK
-j AUDIT --type foo ; Bad action type value "foo" ; FAIL
-j AUDIT ; AUDIT: option "--type" must be specified ; FAIL
-j AUDIT --type drop --type drop ; AUDIT: option "--type" can only be used once. ; FAIL
*nat PREROUTING
-j AUDIT --type drop ; = ; OK
*mangle PREROUTING 6
-j AUDIT --type drop ; = ; OK
