"""``-m length``: how many bytes a packet has."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Given, NumberRange

LENGTH = Field("length", lambda p, c: p.length, "is {} bytes long", "is not {} bytes long")


class Bytes(NumberRange):
    """A number of bytes, or all from one to another."""

    most = 0xFFFF
    is_everything = False


@register_match("length")
@dataclass(frozen=True)
class Length(Match):
    """``-m length [!] --length MIN[:MAX]``: the size of the whole IP packet.

    The IP header counts too: an empty UDP datagram is 28 bytes long, in IPv6 48.

    Kernel: net/netfilter/xt_length.c
    """

    length: Given[Bytes] = option("--length", Bytes, negatable=True, required=True, reads=LENGTH)

    def listed(self, *, numeric: bool) -> str:
        return f"length {'!' * self.length.negated}{self.length.value}"
