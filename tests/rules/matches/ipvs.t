# this match needs a kernel module that not every machine has: only refusals by the tool are here
*filter INPUT
-m ipvs ; IPVS: At least one option is required ; FAIL
-m ipvs ! --ipvs --vproto tcp ; ! --ipvs cannot be together with other options ; FAIL
-m ipvs --vdir foo ; ipvs: Bad value for "--vdir" option: "foo" ; FAIL
-m ipvs --vport foo ; Port "foo" does not resolve to anything. ; FAIL
-m ipvs --vdir ORIGINAL --vdir REPLY ; ipvs: option "--vdir" can only be used once. ; FAIL
