"""``-m iprange``: addresses from one to another, which need not be a network."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv6Address

from iptlab.errors import BadValueError
from iptlab.netfilter import fields as read
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.values import Given, Value, read_integer
from iptlab.packet import Family


@dataclass(frozen=True, slots=True)
class AddressRange(Value):
    """All addresses from ``low`` to ``high``; one that is upside down holds nothing.

    >>> str(AddressRange.parse("10.0.0.5", Family.IPV4))
    '10.0.0.5-10.0.0.5'
    """

    low: int
    high: int
    family: Family

    @classmethod
    def parse(cls, text: str, family: Family) -> AddressRange:
        """``10.0.0.5-10.0.0.9`` or one address."""
        first, dash, last = text.partition("-")
        low = _address(first, family)
        return cls(low, _address(last, family) if dash else low, family)

    def __contains__(self, item: object) -> bool:
        return self.low <= int(item) <= self.high  # type: ignore[call-overload, no-any-return]

    def covers(self, other: Value) -> bool:
        return isinstance(other, AddressRange) and self.low <= other.low <= other.high <= self.high

    def __str__(self) -> str:
        return f"{self._text(self.low)}-{self._text(self.high)}"

    def _text(self, address: int) -> str:
        kind = socket.AF_INET if self.family is Family.IPV4 else socket.AF_INET6
        return socket.inet_ntop(kind, address.to_bytes(self.family.bits // 8))

    def warning(self) -> str:
        reversed_ = f"xt_iprange: range {self} is reversed and will never match"
        return reversed_ if self.low > self.high else ""

    def words(self) -> str:
        return self._text(self.low) if self.low == self.high else str(self)


def _address(text: str, family: Family) -> int:
    """A whole address, or for IPv4 its first numbers: 10.1 is 10.1.0.0."""
    if family is Family.IPV6:
        try:
            return int(IPv6Address(text))
        except ValueError:
            pass
    else:
        octets = [read_integer(part) for part in text.split(".")]
        if len(octets) <= 4 and all(octet is not None and octet <= 255 for octet in octets):
            return int.from_bytes(bytes(o or 0 for o in (*octets, 0, 0, 0))[:4])
    raise BadValueError(
        f'Bad value for this option: "{text}"',
        f"Write two IPv{family} addresses with a dash between them, without a mask.",
    )


@register_match("iprange")
@dataclass(frozen=True)
class Iprange(Match):
    """``-m iprange [!] --src-range FROM-TO [!] --dst-range FROM-TO``.

    Kernel: net/netfilter/xt_iprange.c
    """

    src_range: Given[AddressRange] | None = option(
        "--src-range", AddressRange, negatable=True, reads=read.SRC
    )
    dst_range: Given[AddressRange] | None = option(
        "--dst-range", AddressRange, negatable=True, reads=read.DST
    )

    def __post_init__(self) -> None:
        """Refuse a match without a range."""
        if not (self.src_range or self.dst_range):
            raise BadValueError(
                "iprange match: You must specify `--src-range' or `--dst-range'",
                "Write for example --src-range 10.0.0.5-10.0.0.9.",
            )

    def listed(self, *, numeric: bool) -> str:
        ends = (("source", self.src_range), ("destination", self.dst_range))
        return " ".join(
            f"{end} IP range {'! ' * given.negated}{given.value}" for end, given in ends if given
        )
