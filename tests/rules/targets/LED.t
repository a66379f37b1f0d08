# this target needs a kernel module that not every machine has: only refusals by the tool are here
*filter INPUT
-j LED ; LED: option "--led-trigger-id" must be specified ; FAIL
-j LED --led-trigger-id a --led-delay x ; Delay value must be within range 0..4294967295 ; FAIL
-j LED --led-trigger-id a-name-that-is-too-long ; Argument must have a maximum length of 16 characters ; FAIL
