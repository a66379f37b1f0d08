*filter INPUT
-p tcp --dport 80 ; -p tcp -m tcp --dport 80 ; OK
-p tcp --dport 80:90 --sport ssh ; -p tcp -m tcp --sport 22 --dport 80:90 ; OK
-p 6 --destination-port http: --source-port :1023 ; -p tcp -m tcp --sport 0:1023 --dport 80:65535 ; OK
-p tcp ! --dport 80 ! --sport 1:5 ; -p tcp -m tcp ! --sport 1:5 ! --dport 80 ; OK
# all ports are none in particular
-p tcp --dport 0:65535 ; -p tcp -m tcp ; OK
-p tcp -m tcp ; = ; OK
-p tcp --dport 0x50 --sport 010 ; -p tcp -m tcp --sport 8 --dport 80 ; OK
# iptables-save forgets what matches nothing
-p tcp ! --dport 0:65535 ; -p tcp -m tcp ; OK
-p tcp --syn --dport 22 ; -p tcp -m tcp --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN ; OK
-p tcp ! --syn ; -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN ; OK
-p tcp --tcp-flags syn,fin FIN ; -p tcp -m tcp --tcp-flags FIN,SYN FIN ; OK
-p tcp ! --tcp-flags ALL NONE ; -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE ; OK
-p tcp --tcp-flags ALL SYN --tcp-option 2 --sport 1 --dport 2 ; -p tcp -m tcp --sport 1 --dport 2 --tcp-option 2 --tcp-flags FIN,SYN,RST,PSH,ACK,URG SYN ; OK
-p tcp ! --tcp-option 0x10 ; -p tcp -m tcp ! --tcp-option 16 ; OK
-p tcp --dport 80 -m tcp --sport 3 ; -p tcp -m tcp --dport 80 -m tcp --sport 3 ; OK
-p tcp -m tcp --dport 80 -m comment --comment x --sport 3 ; -p tcp -m tcp --sport 3 --dport 80 -m comment --comment x ; OK
-p tcp --dport 70000 ; invalid port/service `70000' specified ; FAIL
-p tcp --dport foo:bar ; invalid port/service `foo' specified ; FAIL
-p tcp --dport 80:90:100 ; invalid port/service `90:100' specified ; FAIL
-p tcp --dport 90:80 ; invalid portrange (min > max) ; FAIL
-p tcp --dport 80,90 ; invalid port/service `80,90' specified ; FAIL
-p tcp --dport 80 --dport 81 ; Only one `--destination-port' allowed ; FAIL
-p tcp --syn --tcp-flags ALL NONE ; Only one of `--syn' or `--tcp-flags'  allowed ; FAIL
-p tcp --tcp-flags SYN ; --tcp-flags requires two args. ; FAIL
-p tcp --tcp-flags SYN,ECE SYN ; Unknown TCP flag `ECE' ; FAIL
-p tcp --tcp-option 256 ; Bad TCP option "256" ; FAIL
-p tcp --dports 80 ; unknown option "--dports" ; FAIL
-m tcp --dport 80 ;  ; FAIL
-p udp -m tcp --dport 80 ;  ; FAIL
*filter INPUT 6
-p tcp ! --dport 80:90 ; -p tcp -m tcp ! --dport 80:90 ; OK
*filter INPUT
! -p tcp --dport 80 ;  ; FAIL
-p tcp --tcp-flags NONE SYN ; -p tcp -m tcp ; OK
-p tcp --dport tftp ; invalid port/service `tftp' specified ; FAIL
