"""``-j TRACE``: have the kernel log every rule that the packet matches from here on."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, register_target
from iptlab.netfilter.hooks import TableName
from iptlab.packet import Packet


@register_target("TRACE")
@dataclass(frozen=True)
class Trace(Target):
    """The log shows table, chain and rule number, as a trace of iptlab does.

    Kernel: net/netfilter/xt_TRACE.c
    """

    tables = (TableName.RAW,)

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(packet, note="traced")

    def explain(self) -> str:
        return "is traced by the kernel and goes on"

    def listed(self, *, numeric: bool) -> str:
        return ""
