"""``-j SNAT``: give the connection a new source."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Side, Translate
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.values import Flag
from iptlab.packet import Family, Packet
from iptlab.targets.addresses import NewAddresses, check_ports, names_ports


class NewSource(NewAddresses):
    """Addresses and ports; iptables 1.8.9 takes a base, but stores 0 for it."""

    @classmethod
    def parse(cls, text: str, family: Family) -> NewSource:
        """``ADDRESS[-ADDRESS][:PORT[-PORT]]``."""
        read = NewAddresses.parse(text, family)
        return cls(read.addresses, read.ports and read.ports.without_base())


@register_target("SNAT")
@dataclass(frozen=True)
class Snat(Target):
    """``-j SNAT --to-source ADDRESS[-ADDRESS][:PORT[-PORT]]``: replies find their way back.

    Kernel: net/netfilter/xt_nat.c
    """

    tables = (TableName.NAT,)
    hooks = (Hook.POSTROUTING, Hook.INPUT)

    to: NewSource = option("--to-source", NewSource, required=True)
    random: Flag | None = option("--random", Flag)
    random_fully: Flag | None = option("--random-fully", Flag)
    persistent: Flag | None = option("--persistent", Flag)

    @classmethod
    def check_word(cls, text: str, protocol: int, *, negated: bool) -> None:
        if names_ports(text):
            check_ports(protocol)

    def act(self, packet: Packet, context: Context) -> Action:
        ports = self.to.ports
        return Translate(
            Side.SOURCE,
            self.to.addresses,
            ports.bounds if ports else None,
            ports.base if ports else None,
            random=bool(self.random),
            random_fully=bool(self.random_fully),
            persistent=bool(self.persistent),
        )

    def explain(self) -> str:
        return f"gets a new source: {self.to.words()}"

    def listed(self, *, numeric: bool) -> str:
        return " ".join((f"to:{self.to}", *self.flags()))
