*filter INPUT
-m helper --helper ftp ; = ; OK
-m helper ! --helper ftp-2121 ; = ; OK
-m helper --helper "" ; = ; OK
-m helper --helper "a b" ; = ; OK
-m helper --helper a-name-of-more-than-twenty-nine-letters ; -m helper --helper a-name-of-more-than-twenty-ni ; OK
-m helper ; helper: option "--helper" must be specified ; FAIL
-m helper --helper ftp --helper sip ; helper: option "--helper" can only be used once. ; FAIL
