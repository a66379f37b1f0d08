"""``-j TPROXY``: deliver the packet to a local proxy without changing it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from iptlab.netfilter.actions import Action, Undecided
from iptlab.netfilter.context import CannotTell, Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.ports import looked_up
from iptlab.netfilter.values import Integer
from iptlab.packet import Family, Packet, Protocol
from iptlab.targets.addresses import Host
from iptlab.targets.mark import XMark


class ProxyPort(Integer):
    """The port that the proxy listens on; 0 stands for the packet's own."""

    @classmethod
    def parse(cls, text: str, family: Family) -> ProxyPort:
        """A number, of which 16 bits count, or a service's name."""
        return cls(looked_up(text))


_ANY = {Family.IPV4: Host(IPv4Address(0)), Family.IPV6: Host(IPv6Address(0))}


@register_target("TPROXY")
@dataclass(frozen=True)
class Tproxy(Target):
    """``-j TPROXY --on-port PORT [--on-ip ADDRESS] [--tproxy-mark VALUE[/MASK]]``.

    The packet keeps its addresses. If nobody listens on the port it is dropped; a route for
    the mark must bring the packet to this machine itself.

    Kernel: net/netfilter/xt_TPROXY.c
    """

    tables = (TableName.MANGLE,)
    hooks = (Hook.PREROUTING,)
    protocols = (Protocol.TCP, Protocol.UDP)

    port: ProxyPort = option("--on-port", ProxyPort, required=True)
    ip: Host = option("--on-ip", Host, default=_ANY)
    mark: XMark = option("--tproxy-mark", XMark, default=XMark(0, 0))

    def act(self, packet: Packet, context: Context) -> Action:
        return Undecided(CannotTell(f"it is not known who listens on port {self.port}"))

    def explain(self) -> str:
        return f"is delivered unchanged to the proxy on port {self.port} of this machine"

    def listed(self, *, numeric: bool) -> str:
        return f"TPROXY redirect {self.ip}:{self.port} mark {self.mark}"
