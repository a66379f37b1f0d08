*filter INPUT
-m recent --set ; -m recent --set --name DEFAULT --mask 255.255.255.255 --rsource ; OK
-m recent ! --set --name seen ; -m recent ! --set --name seen --mask 255.255.255.255 --rsource ; OK
-m recent --rcheck ; -m recent --rcheck --name DEFAULT --mask 255.255.255.255 --rsource ; OK
-m recent --update --seconds 60 --hitcount 4 --name ssh --rttl ; -m recent --update --seconds 60 --hitcount 4 --rttl --name ssh --mask 255.255.255.255 --rsource ; OK
-m recent --name ssh --rdest --remove ; -m recent --remove --name ssh --mask 255.255.255.255 --rdest ; OK
-m recent ! --rcheck --seconds 0x10 --hitcount 0 ; -m recent ! --rcheck --seconds 16 --name DEFAULT --mask 255.255.255.255 --rsource ; OK
-m recent --update --reap --seconds 90 ; -m recent --update --seconds 90 --reap --name DEFAULT --mask 255.255.255.255 --rsource ; OK
-m recent --set --mask 255.255.255.0 --rsource ; -m recent --set --name DEFAULT --mask 255.255.255.0 --rsource ; OK
-m recent --set --rsource --rdest ; -m recent --set --name DEFAULT --mask 255.255.255.255 --rdest ; OK
-m recent ; recent: you must specify one of `--set', `--rcheck' `--update' or `--remove' ; FAIL
-m recent --name ssh --seconds 5 ; recent: you must specify one of `--set', `--rcheck' `--update' or `--remove' ; FAIL
-m recent --set --remove ; recent: option "--set" cannot be used together with "--remove". ; FAIL
-m recent --set --rttl ; recent: option "--rttl" cannot be used together with "--set". ; FAIL
-m recent --rcheck --reap ; recent: option "--reap" also requires "--seconds". ; FAIL
-m recent --rcheck --seconds 0 ; recent: bad value for option "--seconds", or out of range (1-4294967295). ; FAIL
-m recent ! --seconds 5 --rcheck ; recent: option "--seconds" cannot be inverted. ; FAIL
-m recent --set --seconds 5 ;  ; FAIL
-m recent --remove --hitcount 2 ;  ; FAIL
-m recent --rcheck --hitcount 65536 ;  ; FAIL
-m recent --set --name a/b ;  ; FAIL
*filter INPUT 6
-m recent --set ; -m recent --set --name DEFAULT --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource ; OK
-m recent --update --seconds 10 --mask ffff:ffff:: ; -m recent --update --seconds 10 --name DEFAULT --mask ffff:ffff:: --rsource ; OK
*filter INPUT
-m recent --set --rdest --rsource ; -m recent --set --name DEFAULT --mask 255.255.255.255 --rsource ; OK
