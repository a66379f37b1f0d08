"""``-m esp``: the security association of an encrypted IPsec packet."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.matches.ports import listed_range, saved_options
from iptlab.netfilter.context import CannotTell
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Given, NumberRange
from iptlab.packet import Packet, Protocol


def _spi(packet: Packet, protocol: Protocol) -> int | CannotTell | None:
    if packet.protocol != protocol or packet.fragment:
        return None
    return CannotTell("nobody said the packet's SPI") if packet.spi is None else packet.spi


def spi_of(protocol: Protocol) -> Field:
    """The SPI of packets of that protocol."""
    return Field(
        "spi",
        lambda p, c: _spi(p, protocol),
        "has SPI {}",
        "does not have SPI {}",
        f"has no {protocol.name} header",
    )


@register_match("esp")
@dataclass(frozen=True)
class Esp(Match):
    """``-p esp [!] --espspi SPI[:SPI]``.

    Kernel: net/netfilter/xt_esp.c
    """

    protocols = (Protocol.ESP,)

    espspi: Given[NumberRange] | None = option(
        "--espspi", NumberRange, negatable=True, reads=spi_of(Protocol.ESP)
    )

    def option_words(self) -> tuple[str, ...]:
        return saved_options(self)

    def listed(self, *, numeric: bool) -> str:
        return f"esp {listed_range('spi', self.espspi)}".rstrip()
