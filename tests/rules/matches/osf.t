*filter INPUT
-p tcp -m osf --genre Linux ; = ; OK
-p tcp -m osf --log 1 ! --genre Linux --ttl 2 ; -p tcp -m osf ! --genre Linux --ttl 2 --log 1 ; OK
-p tcp -m osf --ttl 2 ; osf: option "--genre" must be specified ; FAIL
-p tcp -m osf --genre Linux --ttl 3 ; osf: bad value for option "--ttl", or out of range (0-2). ; FAIL
-p tcp -m osf --genre Linux --foo 2 ; unknown option "--foo" ; FAIL
-m osf --genre Linux ;  ; FAIL
*filter OUTPUT
-p tcp -m osf --genre Linux ;  ; FAIL
*filter INPUT 6
-p tcp -m osf --genre Linux ; Couldn't load match `osf' ; FAIL
