"""``-m srh``: IPv6's segment routing header."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.matches.frag import AbsentHeader, absent
from iptlab.netfilter.extension import option, register_match
from iptlab.netfilter.networks import Network, PrefixLength, read_host
from iptlab.netfilter.values import Given, Integer
from iptlab.packet import Family

HEADER = absent("segment routing header")


class Byte(Integer):
    """A number of 8 bits."""

    most = 255


class Tag(Integer):
    """A number of 16 bits."""

    most = 65535


class Segment(Network):
    """A segment's address, alone or with a prefix length; host bits stay."""

    is_everything = False

    @classmethod
    def parse(cls, text: str, family: Family) -> Segment:
        """``fd00::1`` or ``fd00::/64``."""
        host, slash, length = text.partition("/")
        bits = PrefixLength.parse(length, family).number if slash else family.bits
        ones = (1 << family.bits) - 1
        return cls(int(read_host(host, family)), ones ^ (ones >> bits), family)


@register_match("srh")
@dataclass(frozen=True)
class Srh(AbsentHeader):
    """``-m srh [!] --srh-next-hdr N [!] --srh-segs-left-eq N [!] --srh-tag N ...``.

    Kernel: net/ipv6/netfilter/ip6t_srh.c

    Simplified: packets have no IPv6 extension headers here, so it never holds.
    """

    families = (Family.IPV6,)
    header = "segment routing header"

    next_hdr: Given[Byte] | None = option("--srh-next-hdr", Byte, negatable=True, reads=HEADER)
    len_eq: Given[Byte] | None = option("--srh-hdr-len-eq", Byte, negatable=True, reads=HEADER)
    len_gt: Given[Byte] | None = option("--srh-hdr-len-gt", Byte, negatable=True, reads=HEADER)
    len_lt: Given[Byte] | None = option("--srh-hdr-len-lt", Byte, negatable=True, reads=HEADER)
    left_eq: Given[Byte] | None = option("--srh-segs-left-eq", Byte, negatable=True, reads=HEADER)
    left_gt: Given[Byte] | None = option("--srh-segs-left-gt", Byte, negatable=True, reads=HEADER)
    left_lt: Given[Byte] | None = option("--srh-segs-left-lt", Byte, negatable=True, reads=HEADER)
    last_eq: Given[Byte] | None = option("--srh-last-entry-eq", Byte, negatable=True, reads=HEADER)
    last_gt: Given[Byte] | None = option("--srh-last-entry-gt", Byte, negatable=True, reads=HEADER)
    last_lt: Given[Byte] | None = option("--srh-last-entry-lt", Byte, negatable=True, reads=HEADER)
    tag: Given[Tag] | None = option("--srh-tag", Tag, negatable=True, reads=HEADER)
    psid: Given[Segment] | None = option("--srh-psid", Segment, negatable=True, reads=HEADER)
    nsid: Given[Segment] | None = option("--srh-nsid", Segment, negatable=True, reads=HEADER)
    lsid: Given[Segment] | None = option("--srh-lsid", Segment, negatable=True, reads=HEADER)

    def listed(self, *, numeric: bool) -> str:
        words = ["srh"]
        for declared, given in self.given():
            name, bang = declared.name.removeprefix("--srh-"), "!" * given.negated
            if isinstance(given.value, Segment):
                words.append(f"{name} {bang} {given.value}")
            else:
                words.append(f"{name}:{bang}{given.value}")
        return " ".join(words)
