"""``-j MASQUERADE``: give the connection the outgoing interface's address as source."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Side, Translate, Whose
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.values import Flag
from iptlab.packet import Family, Packet
from iptlab.targets.addresses import NewPorts, check_ports


class NewSourcePorts(NewPorts):
    """Ports; iptables 1.8.9 takes a base, but stores 0 for it."""

    @classmethod
    def parse(cls, text: str, family: Family) -> NewSourcePorts:
        """``PORT`` or ``PORT-PORT``."""
        read = NewPorts.parse(text, family).without_base()
        return cls(read.low, read.high, read.base)


@register_target("MASQUERADE")
@dataclass(frozen=True)
class Masquerade(Target):
    """``-j MASQUERADE [--to-ports PORT[-PORT]]``: like SNAT where the address may change.

    Kernel: net/netfilter/xt_MASQUERADE.c, nf_nat_masquerade.c
    """

    tables = (TableName.NAT,)
    hooks = (Hook.POSTROUTING,)

    to_ports: NewSourcePorts | None = option("--to-ports", NewSourcePorts)
    random: Flag | None = option("--random", Flag)
    random_fully: Flag | None = option("--random-fully", Flag)

    @classmethod
    def check_word(cls, text: str, protocol: int, *, negated: bool) -> None:
        if text:
            check_ports(protocol)

    def act(self, packet: Packet, context: Context) -> Action:
        return Translate(
            Side.SOURCE,
            Whose.OUTGOING,
            self.to_ports.bounds if self.to_ports else None,
            self.to_ports.base if self.to_ports else None,
            random=bool(self.random),
            random_fully=bool(self.random_fully),
        )

    def explain(self) -> str:
        ports = f", {self.to_ports.words()}" if self.to_ports else ""
        return f"gets a new source: the outgoing interface's own address{ports}"

    def listed(self, *, numeric: bool) -> str:
        ports = (f"masq ports: {self.to_ports}",) if self.to_ports else ()
        return " ".join((*ports, *self.flags()))
