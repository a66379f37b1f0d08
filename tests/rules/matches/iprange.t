*filter INPUT
-m iprange --src-range 10.0.0.5-10.0.0.9 ; = ; OK
-m iprange --src-range 10.0.0.5 ; -m iprange --src-range 10.0.0.5-10.0.0.5 ; OK
-m iprange ! --dst-range 10.0.0.5-10.0.0.9 ! --src-range 1.2.3.4-1.2.3.5 ; -m iprange ! --src-range 1.2.3.4-1.2.3.5 ! --dst-range 10.0.0.5-10.0.0.9 ; OK
-m iprange --src-range 10.1-010.0.0.2 ; -m iprange --src-range 10.1.0.0-8.0.0.2 ; OK
-m iprange --src-range 10.0.0.9-10.0.0.5 ; = ; OK
-m iprange --src-range 10.0.0.5- ; iprange: Bad value for "--src-range" option: "" ; FAIL
-m iprange --src-range 10.0.0.0/24 ; iprange: Bad value for "--src-range" option: "10.0.0.0/24" ; FAIL
-m iprange --dst-range 10.0.0.5-foo ; iprange: Bad value for "--dst-range" option: "foo" ; FAIL
-m iprange --src-range 1.2.3.256 ; iprange: Bad value for "--src-range" option: "1.2.3.256" ; FAIL
-m iprange --src-range fe80::1-fe80::2 ; iprange: Bad value for "--src-range" option: "fe80::1" ; FAIL
-m iprange --src-range 1.2.3.4 --src-range 1.2.3.5 ; iprange: option "--src-range" can only be used once. ; FAIL
-m iprange --source-range 1.2.3.4 ; unknown option "--source-range" ; FAIL
-m iprange ; iprange match: You must specify `--src-range' or `--dst-range' ; FAIL
*filter INPUT 6
-m iprange --src-range FE80::1-fe80::ffff ; -m iprange --src-range fe80::1-fe80::ffff ; OK
-m iprange ! --dst-range ::1 ; -m iprange ! --dst-range ::1-::1 ; OK
-m iprange --src-range ::ffff:1.2.3.4-::ffff:1.2.3.9 ; = ; OK
-m iprange --src-range 10.0.0.1 ; iprange: Bad value for "--src-range" option: "10.0.0.1" ; FAIL
