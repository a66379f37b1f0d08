"""``-m mh``: the messages of Mobile IPv6."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.matches.ports import saved_options
from iptlab.netfilter.context import CannotTell
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Given, NumberRange, read_integer
from iptlab.packet import Family, Packet

# RFC 6275; extensions/libip6t_mh.c
_TYPES = {
    "binding-refresh-request": 0,
    "brr": 0,
    "home-test-init": 1,
    "hoti": 1,
    "careof-test-init": 2,
    "coti": 2,
    "home-test": 3,
    "hot": 3,
    "careof-test": 4,
    "cot": 4,
    "binding-update": 5,
    "bu": 5,
    "binding-acknowledgement": 6,
    "ba": 6,
    "binding-error": 7,
    "be": 7,
}
_MOBILITY_HEADER = 135


class MhTypes(NumberRange):
    """One message type, or all from one to another."""

    most = 255

    @classmethod
    def parse(cls, text: str, family: Family) -> MhTypes:
        """``5``, ``bu``, ``binding-update`` or ``1:3``."""
        first, colon, last = text.partition(":")
        low = _type(first) if first or not colon else 0
        high = (_type(last) if last else 255) if colon else low
        if low > high:
            raise BadValueError("Invalid MH type range (min > max)", f"Write {high}:{low}.")
        return cls(low, high)

    @property
    def named(self) -> str:
        """The types by name where they have one."""
        ends = [self.low] if self.low == self.high else [self.low, self.high]
        return ":".join(
            next((name for name, number in _TYPES.items() if number == end), str(end))
            for end in ends
        )


def _type(text: str) -> int:
    known = [number for name, number in _TYPES.items() if name == text.lower()]
    number = known[0] if known else read_integer(text)
    if number is None or number > 255:
        raise BadValueError(
            f"Invalid MH type `{text}'",
            "Write a number up to 255 or a name such as binding-update.",
        )
    return number


def _unsaid(packet: Packet) -> CannotTell | None:
    if packet.protocol != _MOBILITY_HEADER:
        return None
    return CannotTell("iptlab's packets have no Mobile IPv6 message type")


MH_TYPE = Field(
    "mh_type",
    lambda p, c: _unsaid(p),
    "is a Mobile IPv6 message of type {}",
    "is not a Mobile IPv6 message of type {}",
    "is no Mobile IPv6 message",
)


@register_match("mh")
@dataclass(frozen=True)
class Mh(Match):
    """``-p mh [!] --mh-type TYPE[:TYPE]``.

    Kernel: net/ipv6/netfilter/ip6t_mh.c

    Simplified: packets have no such type, so it cannot be told.
    """

    protocols = (_MOBILITY_HEADER,)
    families = (Family.IPV6,)

    mh_type: Given[MhTypes] | None = option("--mh-type", MhTypes, negatable=True, reads=MH_TYPE)

    def option_words(self) -> tuple[str, ...]:
        return saved_options(self)

    def listed(self, *, numeric: bool) -> str:
        if self.mh_type is None:
            return "mh"
        value = self.mh_type.value
        return f"mh {'!' * self.mh_type.negated}{value if numeric else value.named}"
