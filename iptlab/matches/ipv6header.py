"""``-m ipv6header``: which extension headers an IPv6 packet has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from iptlab.errors import BadValueError
from iptlab.netfilter.context import Answer, Context
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Flag, Given, Value
from iptlab.packet import Family, Packet

# name as it is printed: bit, protocol number, other names; extensions/libip6t_ipv6header.c
_HEADERS: Final[dict[str, tuple[int, int, tuple[str, ...]]]] = {
    "hop-by-hop": (0x80, 0, ("hop",)),
    "ipv6-opts": (0x40, 60, ("dst",)),
    "ipv6-route": (0x20, 43, ("route",)),
    "ipv6-frag": (0x10, 44, ("frag",)),
    "ah": (0x08, 51, ("auth",)),
    "esp": (0x04, 50, ()),
    "ipv6-nonxt": (0x02, 59, ("none",)),
    "protocol": (0x01, 255, ("prot",)),
}
_NOTHING_AFTER = (50, 59)


@dataclass(frozen=True, slots=True)
class Headers(Value):
    """A set of headers, as bits."""

    bits: int

    @classmethod
    def parse(cls, text: str, family: Family) -> Headers:
        """Names or protocol numbers joined by commas."""
        bits = 0
        for word in filter(None, text.split(",")):
            found = [
                bit
                for name, (bit, number, others) in _HEADERS.items()
                if word in (name, str(number), *others)
            ]
            if not found:
                raise BadValueError(
                    f"unknown header `{word}' specified", f"The headers are {', '.join(_HEADERS)}."
                )
            bits |= found[0]
        if not bits:
            raise BadValueError(
                "ip6t_ipv6header: cannot parse header names", f"Write {', '.join(_HEADERS)}."
            )
        return cls(bits)

    def __str__(self) -> str:
        return ",".join(name for name, (bit, _, _) in _HEADERS.items() if bit & self.bits)


def _bits(packet: Packet) -> int:
    """The headers of a packet that has no extension headers but what its protocol is."""
    bits = sum(bit for bit, number, _ in _HEADERS.values() if number == packet.protocol)
    return bits if packet.protocol in _NOTHING_AFTER else bits | 0x01


HEADERS = Field(
    "headers", lambda p, c: Headers(_bits(p)), "has the headers {}", "does not have the headers {}"
)


@register_match("ipv6header")
@dataclass(frozen=True)
class Ipv6header(Match):
    """``-m ipv6header [!] --header NAME,NAME [--soft]``: exactly these, or with --soft at least.

    Kernel: net/ipv6/netfilter/ip6t_ipv6header.c

    Simplified: packets have no IPv6 extension headers besides ah, esp and none.
    """

    families = (Family.IPV6,)

    header: Given[Headers] = option(
        "--header", Headers, negatable=True, required=True, reads=HEADERS
    )
    soft: Flag | None = option("--soft", Flag)

    def holds(self, packet: Packet, context: Context) -> Answer:
        wanted, there = self.header.value.bits, _bits(packet)
        if not self.soft:
            return (there == wanted) != self.header.negated
        # behind --soft the kernel takes ! for each header on its own
        return there & wanted == (0 if self.header.negated else wanted)

    def listed(self, *, numeric: bool) -> str:
        value = self.header.value
        shown = f"0x{value.bits:02X}" if numeric else str(value)
        return f"ipv6header flags:{'!' * self.header.negated}{shown}{' soft' * bool(self.soft)}"
