*filter INPUT
-p tcp -m tcp --syn -m connlimit --connlimit-above 3 ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m connlimit --connlimit-above 3 --connlimit-mask 32 --connlimit-saddr ; OK
-m connlimit --connlimit-upto 0x10 --connlimit-mask 24 ; -m connlimit --connlimit-upto 16 --connlimit-mask 24 --connlimit-saddr ; OK
-m connlimit ! --connlimit-above 3 --connlimit-daddr ; -m connlimit --connlimit-upto 3 --connlimit-mask 32 --connlimit-daddr ; OK
-m connlimit ! --connlimit-upto 0 ; -m connlimit --connlimit-above 0 --connlimit-mask 32 --connlimit-saddr ; OK
-m connlimit --connlimit-above 3 --connlimit-mask 255.255.0.0 ; -m connlimit --connlimit-above 3 --connlimit-mask 16 --connlimit-saddr ; OK
-m connlimit --connlimit-above 3 --connlimit-mask 33 ; -m connlimit --connlimit-above 3 --connlimit-mask 32 --connlimit-saddr ; OK
-m connlimit --connlimit-mask 24 ; You must specify "--connlimit-above" or "--connlimit-upto". ; FAIL
-m connlimit --connlimit-above 3 --connlimit-upto 4 ; connlimit: option "--connlimit-upto" cannot be used together with "--connlimit-above". ; FAIL
-m connlimit --connlimit-above 3 --connlimit-saddr --connlimit-daddr ; connlimit: option "--connlimit-saddr" cannot be used together with "--connlimit-daddr". ; FAIL
-m connlimit --connlimit-above x ; connlimit: bad value for option "--connlimit-above", or out of range (0-4294967295). ; FAIL
-m connlimit --connlimit-above 3 --connlimit-mask x ; connlimit: bad value for option "--connlimit-mask", neither a valid network mask nor valid CIDR (0-32). ; FAIL
-m connlimit --connlimit-above 3 ! --connlimit-mask 24 ; connlimit: option "--connlimit-mask" cannot be inverted. ; FAIL
*filter INPUT 6
-m connlimit --connlimit-above 3 ; -m connlimit --connlimit-above 3 --connlimit-mask 128 --connlimit-saddr ; OK
-m connlimit --connlimit-upto 9 --connlimit-mask 64 ; -m connlimit --connlimit-upto 9 --connlimit-mask 64 --connlimit-saddr ; OK
