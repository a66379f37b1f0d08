# kernels since 6.10 lack this target: only refusals by the tool are here
*filter INPUT
-j CLUSTERIP --new ; CLUSTERIP target: Invalid parameter combination ; FAIL
-j CLUSTERIP --new --hashmode foo ; Unknown hashmode "foo" ; FAIL
-j CLUSTERIP --new --hashmode sourceip --clustermac 00:AA:7B:47:F7:D7 --total-nodes 2 --local-node 1 ; MAC has to be a multicast ethernet address ; FAIL
