*filter INPUT 6
-m frag ; = ; OK
-m frag ! --fragid 5:10 ; = ; OK
-m frag --fragid :5 ; -m frag --fragid 0:5 ; OK
-m frag --fragid 0:4294967295 ; -m frag ; OK
-m frag --fraglast --fragfirst --fragres --fraglen 10 --fragid 5 ; -m frag --fragid 5 --fraglen 10 --fragres --fragfirst --fraglast ; OK
-m frag ! --fraglen 10 --fragmore ; = ; OK
-m frag --fragmore --fraglast ; frag: option "--fragmore" cannot be used together with "--fraglast". ; FAIL
-m frag ! --fragfirst ; frag: option "--fragfirst" cannot be inverted. ; FAIL
-m frag --fragid foo ; frag: bad value for option "--fragid" near "foo", or out of range (0-4294967295). ; FAIL
-m frag --fraglen 5:6 ; frag: bad value for option "--fraglen", or out of range (0-4294967295). ; FAIL
*filter INPUT
-m frag --fragid 5 ; Couldn't load match `frag':No such file or directory ; FAIL
