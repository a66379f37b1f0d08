"""``-m pkttype``: to whom the frame was addressed, as the link layer sees it."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.context import CannotTell
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Given, Value
from iptlab.packet import Family

LINK = Field(
    "link",
    lambda p, c: c.link or CannotTell("nobody said to whom the frame was addressed"),
    "arrived in a frame of type {}",
    "did not arrive in a frame of type {}",
)
TYPES = ("unicast", "broadcast", "multicast", "otherhost")
_ALIASES = {"host": "unicast", "bcast": "broadcast", "mcast": "multicast"}


@dataclass(frozen=True, slots=True)
class PacketType(Value):
    """unicast (to this machine), broadcast, multicast, or otherhost."""

    word: str

    @classmethod
    def parse(cls, text: str, family: Family) -> PacketType:
        """A type in any case; host, bcast and mcast are other names."""
        word = _ALIASES.get(text.lower(), text.lower())
        if word not in TYPES:
            raise BadValueError(f"Bad packet type '{text}'", f"The types are {', '.join(TYPES)}.")
        return cls(word)

    def __contains__(self, item: object) -> bool:
        return item == self.word

    def __str__(self) -> str:
        return self.word


@register_match("pkttype")
@dataclass(frozen=True)
class Pkttype(Match):
    """``-m pkttype [!] --pkt-type unicast|broadcast|multicast``.

    Kernel: net/netfilter/xt_pkttype.c
    """

    pkt_type: Given[PacketType] = option(
        "--pkt-type", PacketType, negatable=True, required=True, reads=LINK
    )

    def listed(self, *, numeric: bool) -> str:
        return f"PKTTYPE {'!' * self.pkt_type.negated}= {self.pkt_type.value}"
