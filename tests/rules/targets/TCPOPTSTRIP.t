*mangle PREROUTING
-p tcp -j TCPOPTSTRIP --strip-options 2 ; = ; OK
-p tcp -j TCPOPTSTRIP --strip-options wscale,mss,sack-permitted,sack,timestamp,md5 ; -p tcp -j TCPOPTSTRIP --strip-options 2,3,4,5,8,19 ; OK
-p tcp -j TCPOPTSTRIP --strip-options 8,0x2,255 ; -p tcp -j TCPOPTSTRIP --strip-options 2,8,255 ; OK
-p tcp -j TCPOPTSTRIP ; = ; OK
-p tcp -j TCPOPTSTRIP --strip-options MSS ; Bad TCP option value "MSS" ; FAIL
-p tcp -j TCPOPTSTRIP --strip-options 256 ; Bad TCP option value "256" ; FAIL
-p tcp -j TCPOPTSTRIP --strip-options 1 ; Option value may not be 0 or 1 ; FAIL
-p tcp -j TCPOPTSTRIP --strip-options 2,mss ; Option "mss" already specified ; FAIL
-p tcp -j TCPOPTSTRIP --strip-options 2, ; Bad TCP option value "" ; FAIL
-p tcp -j TCPOPTSTRIP --strip-options 2 --strip-options 3 ; TCPOPTSTRIP: option "--strip-options" can only be used once. ; FAIL
-p udp -j TCPOPTSTRIP --strip-options 2 ;  ; FAIL
-j TCPOPTSTRIP --strip-options 2 ;  ; FAIL
*filter INPUT
-p tcp -j TCPOPTSTRIP --strip-options 2 ;  ; FAIL
*mangle FORWARD 6
-p tcp -j TCPOPTSTRIP --strip-options 3,sack ; -p tcp -j TCPOPTSTRIP --strip-options 3,5 ; OK
