"""``-j REDIRECT``: make this machine itself the connection's destination."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Side, Translate, Whose
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.values import Flag
from iptlab.packet import Family, Packet
from iptlab.targets.addresses import NewPorts, check_ports


class LocalPorts(NewPorts):
    """A port or a range of them; a base is refused."""

    @classmethod
    def parse(cls, text: str, family: Family) -> LocalPorts:
        """``PORT`` or ``PORT-PORT``."""
        read = NewPorts.parse(text, family)
        if read.base is not None:
            raise BadValueError(
                "Shifted portmap ranges not supported with this kernel",
                f"Write {read.low}-{read.high} alone.",
            )
        return cls(read.low, read.high)


@register_target("REDIRECT")
@dataclass(frozen=True)
class Redirect(Target):
    """``-j REDIRECT [--to-ports PORT[-PORT]]``: DNAT to the incoming interface's address.

    In OUTPUT the new destination is 127.0.0.1 (::1).

    Kernel: net/netfilter/nf_nat_redirect.c
    """

    tables = (TableName.NAT,)
    hooks = (Hook.PREROUTING, Hook.OUTPUT)

    to_ports: LocalPorts | None = option("--to-ports", LocalPorts)
    random: Flag | None = option("--random", Flag)

    @classmethod
    def check_word(cls, text: str, protocol: int, *, negated: bool) -> None:
        if text:
            check_ports(protocol)

    def act(self, packet: Packet, context: Context) -> Action:
        return Translate(
            Side.DESTINATION,
            Whose.INCOMING,
            self.to_ports.bounds if self.to_ports else None,
            random=bool(self.random),
        )

    def explain(self) -> str:
        ports = f", {self.to_ports.words()}" if self.to_ports else ""
        return f"gets a new destination: this machine itself{ports}"

    def listed(self, *, numeric: bool) -> str:
        ports = (f"redir ports {self.to_ports}",) if self.to_ports else ()
        return " ".join((*ports, *self.flags()))
