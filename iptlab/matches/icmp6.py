"""``-m icmp6``: type and code of an ICMPv6 message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from iptlab.matches.icmp import IcmpTypes, listed_type
from iptlab.names import ICMPV6_TYPES
from iptlab.netfilter import fields as read
from iptlab.netfilter.extension import MATCHES, Match, option, register_match
from iptlab.netfilter.values import Given
from iptlab.packet import Family, Protocol


class Icmp6Types(IcmpTypes):
    """One ICMPv6 type, with one code or any; ip6tables 1.8.9 has no names for MLD's."""

    noun = "ICMPv6"
    table: ClassVar[Mapping[str, tuple[int, int | None]]] = {
        name: key for name, key in ICMPV6_TYPES.items() if not name.startswith("mld-")
    }


@register_match("icmp6")
@dataclass(frozen=True)
class Icmp6(Match):
    """``-p icmpv6 [!] --icmpv6-type TYPE[/CODE]|NAME``.

    Kernel: net/ipv6/netfilter/ip6_tables.c (icmp6_match); names: extensions/libxt_icmp.h
    """

    protocols = (Protocol.ICMPV6,)
    families = (Family.IPV6,)

    icmp_type: Given[Icmp6Types] = option(
        "--icmpv6-type", Icmp6Types, negatable=True, required=True, reads=read.ICMP_TYPE
    )

    def listed(self, *, numeric: bool) -> str:
        return listed_type("ipv6-icmp", self.icmp_type, numeric=numeric)


# ip6tables loads it under the protocol's names too
MATCHES.add("icmpv6", Icmp6)
MATCHES.add("ipv6-icmp", Icmp6)
