*filter INPUT
-j DROP ; = ; OK
-p tcp --dport 23 -j DROP ; -p tcp -m tcp --dport 23 -j DROP ; OK
*mangle PREROUTING
-j DROP ; = ; OK
*raw PREROUTING
-j DROP ; = ; OK
*security FORWARD
-j DROP ; = ; OK
*filter INPUT 6
-j DROP ; = ; OK
# nat only translates
*nat PREROUTING
-j DROP ; The "nat" table is not intended for filtering, the use of DROP is therefore inhibited. ; FAIL
-p tcp -j DROP ; The "nat" table is not intended for filtering, the use of DROP is therefore inhibited. ; FAIL
