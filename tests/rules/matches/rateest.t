# the rate estimators e1 and e2 are there
*filter INPUT
-m rateest --rateest e1 --rateest-gt --rateest-bps 2mbit ; -m rateest --rateest e1 --rateest-gt --rateest-bps 2000Kbit ; OK
-m rateest --rateest-lt --rateest-pps 0x20 --rateest1 e1 ; -m rateest --rateest e1 --rateest-lt --rateest-pps 32 ; OK
-m rateest --rateest e1 ! --rateest-eq --rateest-bps .5KiBps ; -m rateest --rateest e1 ! --rateest-eq --rateest-bps 4096bit ; OK
-m rateest --rateest e1 --rateest-gt --rateest-bps 3Gbit ; -m rateest --rateest e1 --rateest-gt --rateest-bps 3000Mbit ; OK
-m rateest --rateest e1 --rateest-gt --rateest-bps 33 ; -m rateest --rateest e1 --rateest-gt --rateest-bps 32bit ; OK
-m rateest --rateest e1 --rateest-gt --rateest-bps ; -m rateest --rateest e1 --rateest-gt --rateest-bps 0bit ; OK
-m rateest --rateest1 e1 --rateest-bps --rateest-gt --rateest2 e2 ; -m rateest --rateest1 e1 --rateest-gt --rateest-bps --rateest2 e2 ; OK
-m rateest --rateest1 e1 --rateest2 e2 --rateest-delta --rateest-pps1 9 --rateest-lt --rateest-pps2 4 ; -m rateest --rateest-delta --rateest1 e1 --rateest-pps1 9 --rateest-lt --rateest-pps2 4 --rateest2 e2 ; OK
-m rateest --rateest e1 --rateest-delta --rateest-bps1 800bit ! --rateest-lt --rateest-bps2 1kbps ; -m rateest --rateest-delta --rateest e1 --rateest-bps1 800bit ! --rateest-lt --rateest-bps2 8000bit ; OK
-m rateest --rateest e1 ! --rateest-gt --rateest-lt --rateest-pps 7 ; -m rateest --rateest e1 ! --rateest-lt --rateest-pps 7 ; OK
-m rateest --rateest e1 --rateest1 e2 ; rateest: can't specify --rateest1 twice ; FAIL
-m rateest --rateest e1 --rateest-gt --rateest-gt ; rateest: can't specify lt/gt/eq twice ; FAIL
-m rateest --rateest e1 --rateest-gt --rateest-bps fast ; rateest: could not parse rate `fast' ; FAIL
-m rateest --rateest e1 --rateest-gt --rateest-pps 5kbit ; rateest: could not parse pps `5kbit' ; FAIL
-m rateest --rateest ; option "--rateest" requires an argument ; FAIL
-m rateest --rateest-gt --rateest-pps 5 ;  ; FAIL
-m rateest --rateest e1 --rateest-pps 5 ;  ; FAIL
-m rateest --rateest e1 --rateest-gt ;  ; FAIL
