*filter INPUT
-j IDLETIMER --timeout 5 --label a ; = ; OK
-j IDLETIMER --alarm --label b --timeout 5 ; -j IDLETIMER --timeout 5 --label b --alarm ; OK
-j IDLETIMER --timeout 5 --label 0123456789012345678901234567 ; -j IDLETIMER --timeout 5 --label 012345678901234567890123456 ; OK
-j IDLETIMER --timeout 5 ; IDLETIMER: option "--label" must be specified ; FAIL
-j IDLETIMER --label d ; IDLETIMER: option "--timeout" must be specified ; FAIL
-j IDLETIMER --timeout x --label a ; IDLETIMER: bad value for option "--timeout", or out of range (0-4294967295). ; FAIL
-j IDLETIMER --timeout 0 --label c ;  ; FAIL
-j IDLETIMER --timeout 2147483 --label c ;  ; FAIL
-j IDLETIMER --timeout 5 --label "" ;  ; FAIL
*nat PREROUTING
-j IDLETIMER --timeout 2147482 --label e ; = ; OK
*mangle PREROUTING 6
-j IDLETIMER --timeout 5 --label f ; = ; OK
