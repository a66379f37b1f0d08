# sets: s1 (hash:ip), s2 (hash:ip,port), m1 (hash:ip skbinfo), s6 (hash:ip family inet6)
*filter INPUT
-j SET --add-set s1 src ; = ; OK
-j SET --add-set s2 src,dst ; = ; OK
-j SET --del-set s1 dst ; = ; OK
-j SET --add-set s1 src --timeout 60 --exist ; -j SET --add-set s1 src --exist --timeout 60 ; OK
-j SET --del-set s2 src,src --add-set s1 src --exist ; -j SET --add-set s1 src --exist --del-set s2 src,src ; OK
-j SET --add-set s1 src --timeout x ; Invalid value for option --timeout or out of range 0-4294967294 ; FAIL
-j SET ; You must specify either `--add-set' or `--del-set' or `--map-set' ; FAIL
-j SET --exist ; You must specify either `--add-set' or `--del-set' or `--map-set' ; FAIL
-j SET --del-set s1 src --exist ; Flag `--exist' can be used with `--add-set' only ; FAIL
-j SET --del-set s1 src --timeout 5 ; Option `--timeout' can be used with `--add-set' only ; FAIL
-j SET --add-set s1 src --map-mark ; Flag `--map-mark' can be used with `--map-set' only ; FAIL
-j SET --map-set m1 src ; You must specify flags `--map-mark' or '--map-prio` or `--map-queue' ; FAIL
-j SET --add-set s1 source ; You must spefify (the comma separated list of) 'src' or 'dst'. ; FAIL
-j SET --add-set s1 src,src,src,src,src,src,src ; Can't be more src/dst options than 6. ; FAIL
-j SET --add-set 01234567890123456789012345678901 src ; setname `01234567890123456789012345678901' too long, max 31 characters. ; FAIL
-j SET --add-set s1 src --add-set s2 src,src ; --add-set can be specified only once ; FAIL
*mangle POSTROUTING
-j SET --map-set m1 src --map-queue --map-prio --map-mark ; -j SET --map-set m1 src --map-mark --map-prio --map-queue ; OK
*nat PREROUTING 6
-j SET --add-set s6 src ; = ; OK
