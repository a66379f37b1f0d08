*filter INPUT
-p sctp --sport 5:6 ! --dport 7 ; -p sctp -m sctp --sport 5:6 ! --dport 7 ; OK
-p sctp --dport 0:65535 ; -p sctp -m sctp --dport 0:65535 ; OK
-p sctp -m sctp ; = ; OK
-p sctp --dport amqp ; -p sctp -m sctp --dport 5672 ; OK
-p sctp --chunk-types any INIT --dport 80 ; -p sctp -m sctp --dport 80 --chunk-types any INIT ; OK
-p sctp --chunk-types ALL init,abort ; -p sctp -m sctp --chunk-types all INIT,ABORT ; OK
-p sctp ! --chunk-types only DATA ; -p sctp -m sctp ! --chunk-types only DATA ; OK
-p sctp --chunk-types any ASCONF,DATA,ABORT ; -p sctp -m sctp --chunk-types any DATA,ABORT,ASCONF ; OK
-p sctp --chunk-types any DATA:bu,ABORT:T ; -p sctp -m sctp --chunk-types any DATA:ub,ABORT:T ; OK
-p sctp --chunk-types any DATA:Uu ; -p sctp -m sctp --chunk-types any DATA:U ; OK
-p sctp --chunk-types all ALL ; -p sctp -m sctp --chunk-types all ALL ; OK
-p sctp ! --chunk-types any NONE ; -p sctp -m sctp ! --chunk-types any NONE ; OK
-p sctp --dport 9:5 ; invalid portrange (min > max) ; FAIL
-p sctp --sport 5 --sport 6 ; Only one `--source-port' allowed ; FAIL
-p sctp --chunk-types foo INIT ; Match type has to be one of "ALL", "ANY" or "ONLY" ; FAIL
-p sctp --chunk-types any FOO ; Unknown sctp chunk `FOO' ; FAIL
-p sctp --chunk-types any INIT:B ; Invalid flags for chunk type 1 ; FAIL
-p sctp --chunk-types any ; --chunk-types requires two args ; FAIL
-p sctp --chunk-types any INIT --chunk-types any ABORT ; Only one `--chunk-types' allowed ; FAIL
-m sctp --dport 5 ;  ; FAIL
-p tcp -m sctp --dport 5 ;  ; FAIL
*filter FORWARD 6
-p sctp --chunk-types only SHUTDOWN_COMPLETE:t ; -p sctp -m sctp --chunk-types only SHUTDOWN_COMPLETE:t ; OK
*filter INPUT
-p sctp --dport amqp ; -p sctp -m sctp --dport 5672 ; OK
-p sctp --dport ssh ; invalid port/service `ssh' specified ; FAIL
