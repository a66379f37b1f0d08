*mangle POSTROUTING
-j CHECKSUM --checksum-fill ; = ; OK
-p udp -m udp --dport 68 -j CHECKSUM --checksum-fill ; = ; OK
-j CHECKSUM ; CHECKSUM: option "--checksum-fill" must be specified ; FAIL
-j CHECKSUM --checksum-fill --checksum-fill ; CHECKSUM: option "--checksum-fill" can only be used once. ; FAIL
*mangle INPUT 6
-j CHECKSUM --checksum-fill ; = ; OK
*filter INPUT
-j CHECKSUM --checksum-fill ;  ; FAIL
