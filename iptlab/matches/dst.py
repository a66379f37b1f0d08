"""``-m dst``: IPv6's destination options header."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.matches.frag import absent
from iptlab.matches.hbh import HeaderOptions, OptionsHeader
from iptlab.netfilter.extension import option, register_match
from iptlab.netfilter.values import Given, Integer
from iptlab.packet import Family

HEADER = absent("destination options header")


class DestinationOptions(HeaderOptions):
    """Kinds of options of this header."""

    header = "dst"


@register_match("dst")
@dataclass(frozen=True)
class Dst(OptionsHeader):
    """``-m dst [!] --dst-len LENGTH [--dst-opts KIND[:LENGTH],...]``.

    Kernel: net/ipv6/netfilter/ip6t_hbh.c

    Simplified: packets have no IPv6 extension headers here, so it never holds.
    """

    families = (Family.IPV6,)
    header = "destination options header"

    length: Given[Integer] | None = option("--dst-len", Integer, negatable=True, reads=HEADER)
    opts: DestinationOptions | None = option("--dst-opts", DestinationOptions, reads=HEADER)
