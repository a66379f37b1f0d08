"""``-m dccp``: ports and types of the DCCP header."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.matches.ports import KeptLookedUpPorts, PortMatch, listed_ports
from iptlab.netfilter import fields as read
from iptlab.netfilter.context import CannotTell
from iptlab.netfilter.extension import option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Given, Integer, Value
from iptlab.packet import Family, Protocol

# RFC 4340; numbers from 10 on are reserved
TYPES = (
    "REQUEST",
    "RESPONSE",
    "DATA",
    "ACK",
    "DATAACK",
    "CLOSEREQ",
    "CLOSE",
    "RESET",
    "SYNC",
    "SYNCACK",
    "INVALID",
)


@dataclass(frozen=True, slots=True)
class DccpTypes(Value):
    """Some of DCCP's packet types."""

    types: frozenset[str]

    @classmethod
    def parse(cls, text: str, family: Family) -> DccpTypes:
        """Names joined by commas, in any order and case."""
        names = [name for name in text.split(",") if name]
        for name in names:
            if name.upper() not in TYPES:
                raise BadValueError(
                    f"Unknown DCCP type `{name}'", f"The types are {', '.join(TYPES)}."
                )
        return cls(frozenset(name.upper() for name in names))

    def __str__(self) -> str:
        return ",".join(name for name in TYPES if name in self.types)

    @property
    def numbers(self) -> str:
        """The types as ``iptables -L -n`` prints them; INVALID is six numbers."""
        known = [str(n) for n, name in enumerate(TYPES[:10]) if name in self.types]
        reserved = [str(n) for n in range(10, 16)] if "INVALID" in self.types else []
        return ",".join(known + reserved)


class DccpOption(Integer):
    """The kind of a DCCP option."""

    least = 1
    most = 255


def _unsaid(name: str, is_: str) -> Field:
    answer = CannotTell(f"iptlab's packets have no {name}")
    return Field(name, lambda p, c: answer, f"has the {is_} {{}}", f"does not have the {is_} {{}}")


@register_match("dccp")
@dataclass(frozen=True)
class Dccp(PortMatch):
    """``-p dccp [--sport PORT] [--dport PORT] [--dccp-types TYPE,TYPE] [--dccp-option KIND]``.

    Kernel: net/netfilter/xt_dccp.c

    Simplified: packets have no DCCP type and options, so these two cannot be told.
    """

    protocols = (Protocol.DCCP,)

    sport: Given[KeptLookedUpPorts] | None = option(
        "--sport",
        KeptLookedUpPorts,
        negatable=True,
        formal="--source-port",
        also=("--source-port",),
        reads=read.SPORT,
    )
    dport: Given[KeptLookedUpPorts] | None = option(
        "--dport",
        KeptLookedUpPorts,
        negatable=True,
        formal="--destination-port",
        also=("--destination-port",),
        reads=read.DPORT,
    )
    types: Given[DccpTypes] | None = option(
        "--dccp-types", DccpTypes, negatable=True, reads=_unsaid("DCCP type", "DCCP type")
    )
    dccp_option: Given[DccpOption] | None = option(
        "--dccp-option", DccpOption, negatable=True, reads=_unsaid("DCCP options", "DCCP option")
    )

    def listed(self, *, numeric: bool) -> str:
        words = listed_ports(self, self.sport, self.dport, numeric=numeric)
        if self.types:
            shown = self.types.value.numbers if numeric else str(self.types.value)
            words.append(f"{'! ' * self.types.negated}{shown}")
        if self.dccp_option:
            words.append(f"option={'!' * self.dccp_option.negated}{self.dccp_option.value}")
        return " ".join(words)
