*filter INPUT
-m comment --comment hello ; = ; OK
-m comment --comment "hello world" ; = ; OK
-m comment --comment a.b ; -m comment --comment "a.b" ; OK
-m comment --comment a-b_c ; = ; OK
-m comment --comment "it's \"quoted\" and back\\slashed" ; -m comment --comment "it\'s \"quoted\" and back\\slashed" ; OK
-m comment --comment "" ; = ; OK
-m comment --comment --dport ; = ; OK
-m comment --comment a -m comment --comment b ; = ; OK
-m comment --comment "äöü" ; = ; OK
# the kernel keeps 255 bytes
-m comment --comment 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789 ; = ; OK
-m comment ! --comment x ; comment: option "--comment" cannot be inverted. ; FAIL
-m comment --comment a --comment b ; comment: option "--comment" can only be used once. ; FAIL
-m comment ; comment: option "--comment" must be specified ; FAIL
*nat OUTPUT 6
-m comment --comment "/* */" ; = ; OK
