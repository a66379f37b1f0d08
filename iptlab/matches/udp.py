"""``-m udp``: ports of the UDP header."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.matches.ports import LookedUpPorts, PortMatch, listed_ports, saved_options
from iptlab.netfilter import fields as read
from iptlab.netfilter.extension import option, register_match
from iptlab.netfilter.values import Given
from iptlab.packet import Protocol


@register_match("udp")
@dataclass(frozen=True)
class Udp(PortMatch):
    """``-p udp [--sport PORT[:PORT]] [--dport PORT[:PORT]]``.

    Kernel: net/netfilter/xt_tcpudp.c (udp_mt)
    """

    protocols = (Protocol.UDP,)

    sport: Given[LookedUpPorts] | None = option(
        "--sport",
        LookedUpPorts,
        negatable=True,
        formal="--source-port",
        also=("--source-port",),
        reads=read.SPORT,
    )
    dport: Given[LookedUpPorts] | None = option(
        "--dport",
        LookedUpPorts,
        negatable=True,
        formal="--destination-port",
        also=("--destination-port",),
        reads=read.DPORT,
    )

    def option_words(self) -> tuple[str, ...]:
        return saved_options(self)

    def listed(self, *, numeric: bool) -> str:
        return " ".join(listed_ports(self, self.sport, self.dport, numeric=numeric))
