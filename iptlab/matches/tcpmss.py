"""``-m tcpmss``: the maximum segment size that a TCP SYN announces."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.fields import Either, Field
from iptlab.netfilter.values import Given, NumberRange
from iptlab.packet import Family, Packet, Protocol


def _mss(packet: Packet) -> object:
    if packet.protocol != Protocol.TCP or packet.fragment:
        return None
    return Either() if packet.mss is None else packet.mss


MSS = Field(
    "mss",
    lambda p, c: _mss(p),
    "announces an MSS of {}",
    "does not announce an MSS of {}",
    "announces no MSS",
)


class Mss(NumberRange):
    """A size in bytes, or all from one to another."""

    most = 0xFFFF
    is_everything = False

    @classmethod
    def parse(cls, text: str, family: Family) -> Mss:
        """``1400``, ``1400:1500``, ``:536`` or ``1400:``."""
        sizes = super().parse(text, family)
        if sizes.low > sizes.high:
            raise BadValueError("tcpmss: invalid range given", f"Write {sizes.high}:{sizes.low}.")
        return sizes


@register_match("tcpmss")
@dataclass(frozen=True)
class Tcpmss(Match):
    """``-p tcp -m tcpmss [!] --mss MIN[:MAX]``; ``!`` holds too if there is no MSS.

    Kernel: net/netfilter/xt_tcpmss.c
    """

    protocols = (Protocol.TCP,)

    mss: Given[Mss] = option("--mss", Mss, negatable=True, required=True, reads=MSS)

    def listed(self, *, numeric: bool) -> str:
        return f"tcpmss match {'!' * self.mss.negated}{self.mss.value}"
