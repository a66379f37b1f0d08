"""``-m ipcomp``: the compression parameter index of an IPComp packet."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.matches.ports import listed_range
from iptlab.netfilter.context import CannotTell
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Flag, Given, NumberRange
from iptlab.packet import Packet

_IPCOMP = 108


def _cpi(packet: Packet) -> CannotTell | None:
    unsaid = CannotTell("iptlab's packets have no compression parameter index")
    return unsaid if packet.protocol == _IPCOMP else None


CPI = Field("cpi", lambda p, c: _cpi(p), "has CPI {}", "does not have CPI {}", "is not IPComp")


class Cpi(NumberRange):
    """An index, or all from one to another."""

    is_everything = False


@register_match("ipcomp")
@dataclass(frozen=True)
class Ipcomp(Match):
    """``-p ipcomp [!] --ipcompspi INDEX[:INDEX] [--compres]``.

    Kernel: net/netfilter/xt_ipcomp.c

    Simplified: packets have no such index, so it cannot be told.
    """

    protocols = (_IPCOMP,)

    spi: Given[Cpi] = option("--ipcompspi", Cpi, negatable=True, default=Cpi(0, 0), reads=CPI)
    reserved: Flag | None = option("--compres", Flag, reads=CPI)

    def listed(self, *, numeric: bool) -> str:
        return f"comp {listed_range('spi', self.spi)}{' reserved' * bool(self.reserved)}"
