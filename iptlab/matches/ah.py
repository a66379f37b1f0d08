"""``-m ah``: the security association of an authenticated IPsec packet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.matches.esp import spi_of
from iptlab.matches.ports import listed_range, saved_options
from iptlab.netfilter.context import CannotTell
from iptlab.netfilter.extension import Match, Refused, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Flag, Given, Integer, NumberRange
from iptlab.packet import Family, Packet, Protocol

_MOST = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class AhSpi(NumberRange):
    """An SPI or a range of them, and the family of the rule."""

    family: Family = Family.IPV4

    @classmethod
    def parse(cls, text: str, family: Family) -> AhSpi:
        """``500``, ``500:600``, ``:600`` or ``500:``."""
        plain = NumberRange.parse(text, family)
        return cls(plain.low, plain.high, family)


def _unsaid(packet: Packet) -> CannotTell | None:
    if packet.protocol != Protocol.AH:
        return None
    return CannotTell("iptlab's packets have no such fields in their AH header")


AH_RESERVED = Field(
    "ahres",
    lambda p, c: _unsaid(p),
    "has an AH header with its reserved bits clear",
    "has an AH header with reserved bits set",
    "has no AH header",
)
AH_LENGTH = Field(
    "ahlen",
    lambda p, c: _unsaid(p),
    "has an AH header of length {}",
    "does not have an AH header of length {}",
    "has no AH header",
)


@register_match("ah")
@dataclass(frozen=True)
class Ah(Match):
    """``-p ah [!] --ahspi SPI[:SPI]``; in IPv6 also ``--ahlen LENGTH`` and ``--ahres``.

    Kernel: net/ipv4/netfilter/ipt_ah.c, net/ipv6/netfilter/ip6t_ah.c

    Simplified: the AH header's length and reserved bits are not modelled.
    """

    spi: Given[AhSpi] = option(
        "--ahspi",
        AhSpi,
        negatable=True,
        default={family: AhSpi(0, _MOST, family) for family in Family},
        reads=spi_of(Protocol.AH),
    )
    length: Given[Integer] | None = option("--ahlen", Integer, negatable=True, reads=AH_LENGTH)
    reserved: Flag | None = option("--ahres", Flag, reads=AH_RESERVED)

    def check(self, protocol: int, family: Family) -> None:
        for name, given in (("--ahlen", self.length), ("--ahres", self.reserved)):
            if given and family is Family.IPV4:
                raise BadValueError(f'unknown option "{name}"', f"Only ip6tables knows {name}.")

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        if self.spi.value.family is Family.IPV4 and protocol != Protocol.AH:
            return Refused("ah needs to know the protocol first", "Write -p ah in the rule.")
        return None

    def option_words(self) -> tuple[str, ...]:
        return saved_options(self)

    def listed(self, *, numeric: bool) -> str:
        asked = not self.spi.value.is_everything or self.spi.negated
        text = f"ah {listed_range('spi', self.spi) if asked else ''}"
        if self.length:
            text += f"length:{'!' * self.length.negated}{self.length.value}"
        return text + " reserved" * bool(self.reserved)
