"""``-j DNAT``: give the connection a new destination."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Side, Translate
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.values import Flag
from iptlab.packet import Packet
from iptlab.targets.addresses import NewAddresses, check_ports, names_ports


@register_target("DNAT")
@dataclass(frozen=True)
class Dnat(Target):
    """``-j DNAT --to-destination ADDRESS[-ADDRESS][:PORT[-PORT[/BASE]]]``.

    Asked only for a connection's first packet; its other packets, and the replies
    backwards, are rewritten the same way without asking any rule.

    Kernel: net/netfilter/xt_nat.c
    """

    tables = (TableName.NAT,)
    hooks = (Hook.PREROUTING, Hook.OUTPUT)

    to: NewAddresses = option("--to-destination", NewAddresses, required=True)
    random: Flag | None = option("--random", Flag)
    persistent: Flag | None = option("--persistent", Flag)

    @classmethod
    def check_word(cls, text: str, protocol: int, *, negated: bool) -> None:
        if names_ports(text):
            check_ports(protocol)

    def act(self, packet: Packet, context: Context) -> Action:
        ports = self.to.ports
        return Translate(
            Side.DESTINATION,
            self.to.addresses,
            ports.bounds if ports else None,
            ports.base if ports else None,
            random=bool(self.random),
            persistent=bool(self.persistent),
        )

    def explain(self) -> str:
        return f"gets a new destination: {self.to.words()}"

    def listed(self, *, numeric: bool) -> str:
        return " ".join((f"to:{self.to}", *self.flags()))
