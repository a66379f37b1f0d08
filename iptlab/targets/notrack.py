"""``-j NOTRACK``: keep connection tracking away from the packet."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Continue, NoTrack
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, register_target
from iptlab.netfilter.hooks import TableName
from iptlab.packet import Packet


@register_target("NOTRACK")
@dataclass(frozen=True)
class Notrack(Target):
    """The packet has no connection: its state is UNTRACKED, and NAT leaves it alone.

    The same as ``-j CT --notrack``, as which ``iptables -L`` lists it.

    Kernel: net/netfilter/xt_CT.c
    """

    tables = (TableName.RAW,)
    column = "CT"

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(packet, "not tracked", (NoTrack(),))

    def explain(self) -> str:
        return "is not tracked (its state will be UNTRACKED) and goes on"

    def listed(self, *, numeric: bool) -> str:
        return "NOTRACK"
