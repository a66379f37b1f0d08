*filter INPUT
-m state --state NEW ; = ; OK
-m state ! --state ESTABLISHED,RELATED ; -m state ! --state RELATED,ESTABLISHED ; OK
-m state --state untracked,inv ; -m state --state INVALID,UNTRACKED ; OK
-m state --sta est ; -m state --state ESTABLISHED ; OK
-m state ; state: option "--state" must be specified ; FAIL
-m state --state DNAT ; Bad state "DNAT" ; FAIL
-m state --state NEW, ; "--state" requires a list of states with no spaces, e.g. ESTABLISHED,RELATED ; FAIL
-m state --state NEW --state NEW ; state: option "--state" can only be used once. ; FAIL
