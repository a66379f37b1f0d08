*filter INPUT
-j RATEEST --rateest-name e --rateest-interval 250ms --rateest-ewmalog 500ms ; -j RATEEST --rateest-name e --rateest-interval 250.0ms --rateest-ewmalog 500.0ms ; OK
-j RATEEST --rateest-name f --rateest-interval 250000 --rateest-ewmalog 1s ; -j RATEEST --rateest-name f --rateest-interval 250.0ms --rateest-ewmalog 1.0s ; OK
-j RATEEST --rateest-ewmalog 5s --rateest-interval 1s --rateest-name a ; -j RATEEST --rateest-name a --rateest-interval 1.0s --rateest-ewmalog 4.0s ; OK
-j RATEEST --rateest-name h --rateest-interval 10msec --rateest-ewmalog 2secs ; -j RATEEST --rateest-name h --rateest-interval 250.0ms --rateest-ewmalog 32.0s ; OK
-j RATEEST --rateest-name i --rateest-interval 1.5s --rateest-ewmalog 40s ; -j RATEEST --rateest-name i --rateest-interval 2.0s --rateest-ewmalog 32.0s ; OK
-j RATEEST --rateest-name 01234567890123456 --rateest-interval 8s --rateest-ewmalog 64s ; -j RATEEST --rateest-name 012345678901234 --rateest-interval 8.0s --rateest-ewmalog 64.0s ; OK
-j RATEEST --rateest-name a --rateest-interval 9s --rateest-ewmalog 64s ; RATEEST: interval value is too large ; FAIL
-j RATEEST --rateest-name a --rateest-interval 1s --rateest-ewmalog 0.1s ; RATEEST: ewmalog value is out of range ; FAIL
-j RATEEST --rateest-name a --rateest-interval x --rateest-ewmalog 2s ; RATEEST: bad interval value "x" ; FAIL
-j RATEEST --rateest-name a --rateest-interval 1s --rateest-ewmalog 2m ; RATEEST: bad ewmalog value "2m" ; FAIL
-j RATEEST --rateest-interval 1s --rateest-ewmalog 2s ; RATEEST: option "--rateest-name" must be specified ; FAIL
*mangle PREROUTING 6
-j RATEEST --rateest-name k --rateest-interval 1s --rateest-ewmalog 2s ; -j RATEEST --rateest-name k --rateest-interval 1.0s --rateest-ewmalog 2.0s ; OK
*filter INPUT
-j RATEEST --rateest-name l --rateest-interval 1s ; RATEEST: ewmalog value is out of range ; FAIL
-j RATEEST --rateest-interval 9s ; RATEEST: interval value is too large ; FAIL
-j RATEEST ; RATEEST: ewmalog value is out of range ; FAIL
