"""Commands for several machines in one text, as they are written down: ``node1# iptables -L``."""

from __future__ import annotations

import re

from iptlab.console.lab import Lab
from iptlab.console.shell import Transcript
from iptlab.errors import IptlabError

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
    """Type commands one after the other; the first that fails, which is the last.

    IptlabError for a machine that is not there, or is named without its prompt.
    """
    for host, command in commands(text):
        _refuse_bare_names(lab, command)
        transcript = lab.on(host, command)
        if transcript.status:
            return transcript
    return None


def _refuse_bare_names(lab: Lab, command: str) -> None:
    """Refuse lines such as ``node1 iptables -L``: the machine's name is no command."""
    for line in command.splitlines():
        first, _, rest = line.strip().partition(" ")
        name = first.rstrip(":#$>")
        if name in lab.hosts:
            written = f"{name}# {rest.lstrip('#$> ') or 'iptables -L'}"
            raise IptlabError(
                f"`{line.strip()[:60]}': write a command for a node behind its prompt: {written}"
            )
