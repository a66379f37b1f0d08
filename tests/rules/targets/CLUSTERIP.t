# kernels since 6.10 lack this target: only refusals are here
*filter INPUT
-j CLUSTERIP --new ; CLUSTERIP target: Invalid parameter combination ; FAIL
-j CLUSTERIP --new --hashmode foo ; Unknown hashmode "foo" ; FAIL
-j CLUSTERIP --new --hashmode sourceip --clustermac 00:AA:7B:47:F7:D7 --total-nodes 2 --local-node 1 ; MAC has to be a multicast ethernet address ; FAIL
-d 10.0.0.1 -j CLUSTERIP --new --hashmode sourceip --clustermac 01:00:5e:00:00:01 --total-nodes 3 --local-node 0 ;  ; FAIL
