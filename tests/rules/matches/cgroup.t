*filter INPUT
-m cgroup --cgroup 1 ; = ; OK
-m cgroup ! --cgroup 0x10 ; -m cgroup ! --cgroup 16 ; OK
-m cgroup ! --path / ; -m cgroup ! --path "/" ; OK
-m cgroup --cgroup x ; cgroup: bad value for option "--cgroup", or out of range (0-4294967295). ; FAIL
-m cgroup ;  ; FAIL
-m cgroup --cgroup 1 --path / ;  ; FAIL
