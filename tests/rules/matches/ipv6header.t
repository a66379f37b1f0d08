*filter INPUT 6
-m ipv6header --header hop-by-hop ; = ; OK
-m ipv6header ! --header frag ; -m ipv6header ! --header ipv6-frag ; OK
-m ipv6header --header esp,auth,44 --soft ; -m ipv6header --header ipv6-frag,ah,esp --soft ; OK
-m ipv6header --header none,prot,hop,dst,route ; -m ipv6header --header hop-by-hop,ipv6-opts,ipv6-route,ipv6-nonxt,protocol ; OK
-m ipv6header --header foo ; unknown header `foo' specified ; FAIL
-m ipv6header --header "" ; ip6t_ipv6header: cannot parse header names ; FAIL
-m ipv6header --header esp --header ah ; ipv6header: option "--header" can only be used once. ; FAIL
-m ipv6header --soft ; ipv6header: option "--header" must be specified ; FAIL
-m ipv6header ; ipv6header: option "--header" must be specified ; FAIL
*filter INPUT
-m ipv6header --header esp ; Couldn't load match `ipv6header':No such file or directory ; FAIL
