*mangle PREROUTING
-j TOS --set-tos 0x10 ; -j TOS --set-tos 0x10/0xff ; OK
-j TOS --set-tos 8/0x3f ; -j TOS --set-tos 0x08/0x3f ; OK
-j TOS --set-tos Minimize-Delay ; -j TOS --set-tos 0x10/0x3f ; OK
-j TOS --set-tos normal-service ; -j TOS --set-tos 0x00/0x3f ; OK
-j TOS --and-tos 0xf0 ; -j TOS --set-tos 0x00/0x0f ; OK
-j TOS --or-tos 0x10 ; -j TOS --set-tos 0x10/0x10 ; OK
-j TOS --xor-tos 0x10 ; -j TOS --set-tos 0x10/0x00 ; OK
-j TOS --set-tos 256 ; Symbolic name "256" is unknown ; FAIL
-j TOS --set-tos Minimize ; Symbolic name "Minimize" is unknown ; FAIL
-j TOS --set-tos 1/256 ; Illegal value: "1/256" ; FAIL
-j TOS --set-tos 1/ ; Illegal value: "1/" ; FAIL
-j TOS --or-tos Minimize-Delay ; TOS: bad value for option "--or-tos", or out of range (0-255). ; FAIL
-j TOS ; TOS: An action is required ; FAIL
-j TOS --set-tos 1 --or-tos 2 ; TOS: option "--set-tos" cannot be used together with "--or-tos". ; FAIL
-j TOS --set-tos 1 --set-tos 2 ; TOS: option "--set-tos" can only be used once. ; FAIL
-j TOS ! --set-tos 1 ; TOS: option "--set-tos" cannot be inverted. ; FAIL
*mangle OUTPUT 6
-j TOS --set-tos Maximize-Throughput ; -j TOS --set-tos 0x08/0x3f ; OK
*filter INPUT
-j TOS --set-tos 1 ;  ; FAIL
