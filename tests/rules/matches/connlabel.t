*filter INPUT
-m connlabel --label 5 ; -m connlabel --label "5" ; OK
-m connlabel ! --label 0x10 --set ; -m connlabel ! --label "16" --set ; OK
-m connlabel ; connlabel: option "--label" must be specified ; FAIL
-m connlabel --set ; connlabel: option "--label" must be specified ; FAIL
-m connlabel --label nosuch ; label 'nosuch' not found or invalid value ; FAIL
-m connlabel --label 128 ;  ; FAIL
