*filter INPUT
-m policy --dir in --pol none ; = ; OK
-m policy --dir in ; -m policy --dir in --pol ipsec ; OK
-m policy --dir in --pol ipsec --proto 50 ! --reqid 5 --mode transport ; -m policy --dir in --pol ipsec ! --reqid 5 --proto esp --mode transport ; OK
-m policy --dir in --pol ipsec --mode tunnel --tunnel-src 10.1.2.3/8 ! --tunnel-dst 1.2.3.4/32 --strict ; -m policy --dir in --pol ipsec --strict --mode tunnel ! --tunnel-dst 1.2.3.4 --tunnel-src 10.1.2.3/8 ; OK
-m policy --dir in --pol ipsec --spi 16 ; -m policy --dir in --pol ipsec --spi 0x10 ; OK
-m policy --dir in --pol none --reqid 5 ; -m policy --dir in --pol none ; OK
-m policy --dir foo --pol ipsec ; policy_match: invalid dir "foo" ; FAIL
-m policy --dir in --pol foo ; policy match: invalid policy "foo" ; FAIL
-m policy --dir in --pol ipsec --mode foo ; policy match: invalid mode "foo" ; FAIL
-m policy --dir in --pol ipsec --proto tcp ; policy match: protocol must be ah/esp/ipcomp ; FAIL
-m policy --dir in --pol ipsec --tunnel-src 10.0.0.0/8 ; policy match: --tunnel-src/--tunnel-dst is only valid in tunnel mode ; FAIL
-m policy --dir in --pol none --strict ; policy match: policy none but --strict given ; FAIL
-m policy --dir in --pol ipsec --strict ; policy match: empty policy element 0. --strict is in effect, but at least one of reqid, spi, tunnel-src, tunnel-dst, proto or mode is required. ; FAIL
-m policy --dir in --pol ipsec --reqid 5 --reqid 6 ; policy match: double --reqid option ; FAIL
-m policy --dir in ! --pol ipsec ; policy: option "--pol" cannot be inverted. ; FAIL
-m policy --pol ipsec ; policy match: neither --dir in nor --dir out specified ; FAIL
-m policy --dir out --pol none ;  ; FAIL
*nat POSTROUTING
-m policy --dir out --pol none ; = ; OK
-m policy --dir in --pol none ;  ; FAIL
*filter FORWARD 6
-m policy --dir out --pol ipsec --mode tunnel --tunnel-dst fd00::/8 ; = ; OK
*filter INPUT
-m policy --dir in --pol ipsec --strict --reqid 1 --mode tunnel --tunnel-src 10.0.0.0/8 --next ! --reqid 2 --next --proto ah ; = ; OK
-m policy --dir in --pol ipsec --reqid 1 --next --reqid 2 ; policy: option "--next" also requires "--strict". ; FAIL
-m policy --dir in --pol ipsec --strict --reqid 1 --next ; policy match: empty policy element 1. ; FAIL
-m policy --dir in --pol ipsec --strict --reqid 1 --next --reqid 2 --next --reqid 3 --next --reqid 4 --next --reqid 5 ; policy match: maximum policy depth reached ; FAIL
