"""``-j RETURN``: back to the chain that called this one."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Return
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, register_target
from iptlab.packet import Packet


@register_target("RETURN")
@dataclass(frozen=True)
class ReturnTarget(Target):
    """Stop in this chain; in a built-in chain that means: the policy decides.

    Man page: iptables(8), TARGETS
    """

    def act(self, packet: Packet, context: Context) -> Action:
        return Return()

    def explain(self) -> str:
        return "leaves this chain and goes on where it was called from"

    def listed(self, *, numeric: bool) -> str:
        return ""
