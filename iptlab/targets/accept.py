"""``-j ACCEPT``: the packet may go on to the next table."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Decide, Verdict
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, register_target
from iptlab.packet import Packet


@register_target("ACCEPT")
@dataclass(frozen=True)
class Accept(Target):
    """End the walk through this table; the tables after it still have their say.

    Man page: iptables(8), TARGETS
    """

    def act(self, packet: Packet, context: Context) -> Action:
        return Decide(Verdict.ACCEPT)

    def explain(self) -> str:
        return "is accepted by this table"

    def listed(self, *, numeric: bool) -> str:
        return ""
