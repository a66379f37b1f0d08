"""``-m ipvs``: what the kernel's load balancer knows of the packet."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.matches.conntrack import HostMask
from iptlab.matches.unmodelled import Unanswered
from iptlab.netfilter.extension import option, register_match
from iptlab.netfilter.ports import looked_up
from iptlab.netfilter.values import Flag, Given, Integer, ProtocolNumber, Value
from iptlab.packet import Family


class Word(Value):
    """One of a few words, in any case."""

    known: tuple[str, ...]
    name: str

    def __init__(self, word: str) -> None:
        self.word = word

    @classmethod
    def parse(cls, text: str, family: Family) -> Word:
        """One of the words."""
        if text.upper() not in cls.known:
            raise BadValueError(
                f'ipvs: Bad value for "{cls.name}" option: "{text}"',
                f"Write {' or '.join(cls.known)}.",
            )
        return cls(text.upper())

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash((type(self), self.word))

    def __str__(self) -> str:
        return self.word


class Direction(Word):
    """From the client, or back to it."""

    known, name = ("ORIGINAL", "REPLY"), "--vdir"


class Method(Word):
    """How packets get to the real server."""

    known, name = ("GATE", "IPIP", "MASQ"), "--vmethod"


class Port(Integer):
    """A port, by number or by a service's name."""

    @classmethod
    def parse(cls, text: str, family: Family) -> Port:
        """The port as the C library finds it."""
        return cls(looked_up(text))


class ByNumber(ProtocolNumber):
    """A protocol, printed as a number."""

    @classmethod
    def parse(cls, text: str, family: Family) -> ByNumber:
        """A name, or a number."""
        return cls(ProtocolNumber.parse_exactly(text, family).number)

    def __str__(self) -> str:
        return str(self.number)


@register_match("ipvs")
@dataclass(frozen=True)
class Ipvs(Unanswered):
    """``-m ipvs [!] --ipvs``, or ``--vproto --vaddr --vport --vdir --vmethod --vportctl``.

    Kernel: net/netfilter/xt_ipvs.c

    Simplified: there is no load balancer here, so nobody can tell.
    """

    reason = "the kernel's load balancer (IPVS) is not modelled"

    ipvs: Given[Flag] | None = option("--ipvs", Flag, negatable=True)
    proto: Given[ByNumber] | None = option("--vproto", ByNumber, negatable=True)
    address: Given[HostMask] | None = option("--vaddr", HostMask, negatable=True)
    port: Given[Port] | None = option("--vport", Port, negatable=True)
    way: Direction | None = option("--vdir", Direction)
    method: Given[Method] | None = option("--vmethod", Method, negatable=True)
    control: Given[Port] | None = option("--vportctl", Port, negatable=True)

    def __post_init__(self) -> None:
        """Refuse a match that asks nothing, or that can never be so."""
        given = list(self.given())
        if not given:
            raise BadValueError("IPVS: At least one option is required", "Write --ipvs.")
        if self.ipvs and self.ipvs.negated and len(given) > 1:
            raise BadValueError(
                "! --ipvs cannot be together with other options",
                "What is not load-balanced has none of the other properties: leave them out.",
            )

    def explain(self) -> str:
        asked = " ".join(self.option_words())
        return f"is load-balanced (IPVS) as `{asked}' asks"

    def listed(self, *, numeric: bool) -> str:
        return " ".join(word.replace("--", "") for word in self.option_words())
