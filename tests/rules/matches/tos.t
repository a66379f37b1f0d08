*filter INPUT
-m tos --tos 0x10 ; -m tos --tos 0x10/0xff ; OK
-m tos --tos 020/0x3f ; -m tos --tos 0x10/0x3f ; OK
-m tos ! --tos 4/4 ; -m tos ! --tos 0x04/0x04 ; OK
-m tos --tos 0xf5/0xf ; -m tos --tos 0xf5/0x0f ; OK
-m tos --tos Minimize-Delay ; -m tos --tos 0x10/0x3f ; OK
-m tos ! --tos maximize-throughput ; -m tos ! --tos 0x08/0x3f ; OK
-m tos --tos Maximize-Reliability ; -m tos --tos 0x04/0x3f ; OK
-m tos --tos Minimize-Cost ; -m tos --tos 0x02/0x3f ; OK
-m tos --tos Normal-Service ; -m tos --tos 0x00/0x3f ; OK
-m tos --tos 0 ; -m tos --tos 0x00/0xff ; OK
-m tos --tos 256 ; Symbolic name "256" is unknown ; FAIL
-m tos --tos 1/256 ; Illegal value: "1/256" ; FAIL
-m tos --tos 1x ; Illegal value: "1x" ; FAIL
-m tos --tos Minimize ; Symbolic name "Minimize" is unknown ; FAIL
-m tos --tos 1 --tos 2 ; tos: option "--tos" can only be used once. ; FAIL
-m tos ; tos: option "--tos" must be specified ; FAIL
*mangle OUTPUT 6
-m tos --tos 0xb8/0xfc ; = ; OK
