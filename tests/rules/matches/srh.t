*filter INPUT 6
-m srh ; = ; OK
-m srh ! --srh-next-hdr 17 --srh-hdr-len-eq 8 --srh-segs-left-gt 1 --srh-last-entry-lt 4 --srh-tag 0 ; = ; OK
-m srh --srh-psid fd00::1 ! --srh-nsid fd00::1/64 --srh-lsid ::/0 ; -m srh --srh-psid fd00::1/128 ! --srh-nsid fd00::1/64 --srh-lsid ::/0 ; OK
-m srh --srh-next-hdr 256 ; srh: bad value for option "--srh-next-hdr", or out of range (0-255). ; FAIL
-m srh --srh-tag 65536 ; srh: bad value for option "--srh-tag", or out of range (0-65535). ; FAIL
*filter INPUT
-m srh ; Couldn't load match `srh' ; FAIL
