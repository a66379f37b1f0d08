# a label is taken only where SELinux is
*mangle PREROUTING
-j SECMARK ; SECMARK: option "--selctx" must be specified ; FAIL
-j SECMARK ! --selctx a ; SECMARK: option "--selctx" cannot be inverted. ; FAIL
*filter INPUT
-j SECMARK --selctx system_u:object_r:firewalld_exec_t:s0 ;  ; FAIL
