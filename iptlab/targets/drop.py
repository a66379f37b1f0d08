"""``-j DROP``: the packet is gone, and nobody is told."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Decide, Verdict
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, register_target
from iptlab.packet import Packet


@register_target("DROP")
@dataclass(frozen=True)
class Drop(Target):
    """Throw the packet away without an answer to the sender.

    Man page: iptables(8), TARGETS
    """

    def act(self, packet: Packet, context: Context) -> Action:
        return Decide(Verdict.DROP)

    def explain(self) -> str:
        return "is dropped without an answer"

    def listed(self, *, numeric: bool) -> str:
        return ""
