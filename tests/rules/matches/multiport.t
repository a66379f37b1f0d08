*filter INPUT
-p tcp -m multiport --dports 80,443 ; = ; OK
-p tcp -m multiport ! --sports ssh,smtp,0x50 ; -p tcp -m multiport ! --sports 22,25,80 ; OK
-p udp -m multiport --ports domain,1000:2000 ; -p udp -m multiport --ports 53,1000:2000 ; OK
-p sctp -m multiport --source-ports 5 ; -p sctp -m multiport --sports 5 ; OK
-p dccp -m multiport --destination-ports 5 ; -p dccp -m multiport --dports 5 ; OK
-p tcp -m multiport --dports 443,80,80 ; = ; OK
-p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14:15 ; = ; OK
-p tcp -m multiport --dports 80 -m multiport --sports 90 ; = ; OK
-p tcp -m multiport --dport 80 ; -p tcp -m multiport --dports 80 ; OK
-p tcp -m multiport --dports 0:65535 ; = ; OK
-p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15:16 ; too many ports specified ; FAIL
-p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16 ; too many ports specified ; FAIL
-p tcp -m multiport --dports 20:10 ; invalid portrange specified ; FAIL
-p tcp -m multiport --dports 10: ; invalid port/service `' specified ; FAIL
-p tcp -m multiport --dports 80,foo ; invalid port/service `foo' specified ; FAIL
-p tcp -m multiport --dports 80:70000 ; invalid port/service `70000' specified ; FAIL
-p tcp -m multiport --dports 80, ; invalid port/service `' specified ; FAIL
-p tcp -m multiport --dports 1 --dports 2 ; multiport: option "--destination-ports" can only be used once. ; FAIL
-p tcp -m multiport --dports 1 --sports 3 ; multiport: option "--source-ports" cannot be used together with "--destination-ports". ; FAIL
-p tcp -m multiport --ports 1 --sports 3 ; multiport: option "--source-ports" cannot be used together with "--ports". ; FAIL
-p tcp -m multiport ; multiport expection an option ; FAIL
-m multiport --dports 5 ; multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp' ; FAIL
-p icmp -m multiport --dports 5 ; multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP ; FAIL
*filter INPUT 6
-p udp -m multiport ! --dports 53,123 ; = ; OK
*filter INPUT
-m multiport --dports 80 -p tcp ; multiport needs `-p tcp' ; FAIL
! -p tcp -m multiport --dports 80 ; multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP ; FAIL
-p udp -m multiport --dports 53,ssh ; invalid port/service `ssh' specified ; FAIL
