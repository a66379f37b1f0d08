"""Commands for several machines in one text, as they are written down: ``node1# iptables -L``."""

from __future__ import annotations

import re

from iptlab.console.lab import Lab
from iptlab.console.shell import Transcript

# where kubectl is typed, which needs no machine's name before it
_AT = "node1"
_BEGINS = re.compile(r"^(?=\S+# |(?:\$ *)?kubectl )", re.MULTILINE)
_PROMPT = re.compile(r"(\S+)# (.*)", re.DOTALL)


def commands(text: str) -> list[tuple[str, str]]:
    r"""Who types what: each line's machine and command; a line without one goes on.

    >>> commands("node2# conntrack -D -p udp\nkubectl get pods")
    [('node2', 'conntrack -D -p udp'), ('node1', 'kubectl get pods')]
    """
    found = []
    for part in filter(str.strip, _BEGINS.split(text)):
        typed = _PROMPT.fullmatch(part)
        host, command = typed.groups() if typed else (_AT, part.removeprefix("$"))
        found.append((host, command.strip()))
    return found


def type_in(lab: Lab, text: str) -> Transcript | None:
    """Type commands one after the other; the first that fails, which is the last."""
    for host, command in commands(text):
        transcript = lab.on(host, command)
        if transcript.status:
            return transcript
    return None
