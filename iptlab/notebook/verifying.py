"""The magic ``verify``: what the simulator says everywhere, and the kernel where it can be asked.

A cell's outputs are the same on every machine, so that a stored lesson holds everywhere: they
are the simulator's. What the real kernel says, or why it cannot be asked, is shown as IPython
shows help: below the cell in JupyterLab, in the pager at a terminal, but not as an output.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from iptlab.errors import IptlabError, KernelUnavailable, PacketError
from iptlab.grading import read_rules
from iptlab.kernel.boxes import host_for, placed
from iptlab.kernel.verify import REPORT, verify
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host
from iptlab.simulate.machine import Machine
from iptlab.view import verification_html

_USAGE = (
    "write `%verify HOST PACKET', `%%verify HOST' over packets, one a line, or `%%verify' over "
    "rules and their packets, each as a line such as\n"
    "#> in eth0 tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN"
)


def verify_magic(line: str, cell: str | None = None) -> None:
    """``%verify HOST PACKET``: send a packet through simulator and kernel.

    ``%%verify HOST`` takes packets, one a line; ``%%verify`` takes rules, and packets after ``#>``.
    HOST is the name of a variable that holds a host or a rule set.
    """
    from IPython.core.getipython import get_ipython
    from IPython.core.page import page

    shell = get_ipython()
    assert shell is not None, "a magic runs in an IPython"
    try:
        host, packets = _asked(line.strip(), cell, shell.user_ns)
        machine = Machine(host)
        for packet in packets:
            print(f"{packet}: {machine.journey(packet).conclusion}")
    except IptlabError as error:
        print(error)
        return
    page(_side_by_side(host, packets))


def _asked(line: str, cell: str | None, names: Mapping[str, object]) -> tuple[Host, Sequence[str]]:
    """The host and the packets that a magic speaks of."""
    name, _, packet = line.partition(" ")
    if cell is None or name:
        packets = [text.strip() for text in (cell or packet).splitlines() if text.strip()]
        rules = names.get(name)
    else:
        packets = re.findall(r"^#>\s*(.*\S)", cell, re.M)
        rules = read_rules(cell, placed(packets[0])[1].family, first_line=2) if packets else None
    if not packets:
        raise PacketError(f"there is no packet to send; {_USAGE}")
    if isinstance(rules, Ruleset):
        return host_for(packets).with_rules(rules), packets
    if not isinstance(rules, Host):
        raise PacketError(f"there is no host and no rule set called `{name}'; {_USAGE}")
    return rules, packets


def _side_by_side(host: Host, packets: Sequence[str]) -> dict[str, str]:
    """What the kernel does beside what the simulator says, as text and as HTML."""
    try:
        found = verify(host, packets)
        shown = {"text/plain": str(found), "text/html": str(verification_html(found))}
        if found.disagrees:
            found.save_report(REPORT)
            shown = {"text/plain": f"{found}\nAll that a report needs is in {REPORT}."}
    except KernelUnavailable as error:
        return {"text/plain": f"The real kernel cannot be asked here: {error}"}
    except IptlabError as error:
        return {"text/plain": str(error)}
    return shown
