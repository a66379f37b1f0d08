"""``-j QUEUE``: hand the packet to a program."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Undecided
from iptlab.netfilter.context import CannotTell, Context
from iptlab.netfilter.extension import Target, register_target
from iptlab.packet import Packet


@register_target("QUEUE")
@dataclass(frozen=True)
class Queue(Target):
    """Let a program outside the kernel decide, as NFQUEUE does with queue 0.

    Man page: iptables(8), TARGETS
    """

    def act(self, packet: Packet, context: Context) -> Action:
        return Undecided(CannotTell("a program decides about packets in queue 0"))

    def explain(self) -> str:
        return "is handed to a program, which decides"

    def listed(self, *, numeric: bool) -> str:
        return ""
