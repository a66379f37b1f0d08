"""``-j CHECKSUM``: fill in a checksum that the network card was to compute."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.values import Flag
from iptlab.packet import Packet


@register_target("CHECKSUM")
@dataclass(frozen=True)
class Checksum(Target):
    """``-j CHECKSUM --checksum-fill``, for clients that miss it in packets of virtual machines.

    Kernel: net/netfilter/xt_CHECKSUM.c
    """

    tables = (TableName.MANGLE,)

    fill: Flag = option("--checksum-fill", Flag, required=True)

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(packet, note="checksum filled in")

    def explain(self) -> str:
        return "gets its checksum filled in and goes on"

    def listed(self, *, numeric: bool) -> str:
        return "CHECKSUM fill"
