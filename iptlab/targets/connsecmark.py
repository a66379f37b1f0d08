"""``-j CONNSECMARK``: share a security label among a connection's packets."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.values import Flag
from iptlab.packet import Packet


@register_target("CONNSECMARK")
@dataclass(frozen=True)
class Connsecmark(Target):
    """``-j CONNSECMARK --save | --restore``, as CONNMARK does with marks.

    Kernel: net/netfilter/xt_CONNSECMARK.c
    """

    tables = (TableName.MANGLE, TableName.SECURITY)

    save: Flag | None = option("--save", Flag)
    restore: Flag | None = option("--restore", Flag)

    def __post_init__(self) -> None:
        """Exactly one of the two is needed."""
        self.exclude("--save", "--restore")
        if not any(self.given()):
            raise BadValueError(
                "CONNSECMARK target: parameter required", "Write --save or --restore."
            )

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(packet, note="label saved" if self.save else "label restored")

    def explain(self) -> str:
        if self.save:
            return "has its security label saved in its connection and goes on"
        return "gets the security label of its connection and goes on"

    def listed(self, *, numeric: bool) -> str:
        return f"CONNSECMARK {'save' if self.save else 'restore'}"
