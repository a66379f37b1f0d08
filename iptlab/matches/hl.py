"""``-m hl``: the hop limit, which is IPv6's name for the time to live."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.matches.ttl import Above, Below, TimeToLive, Ttl
from iptlab.netfilter.extension import option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Given
from iptlab.packet import Family

HOP_LIMIT = Field("ttl", lambda p, c: p.ttl, "has hop limit {}", "does not have hop limit {}")


@register_match("hl")
@dataclass(frozen=True)
class Hl(TimeToLive):
    """``-m hl [!] --hl-eq N``, or ``--hl-lt N``, or ``--hl-gt N``.

    Kernel: net/netfilter/xt_hl.c (hl_mt6)
    """

    families = (Family.IPV6,)
    label = "HL"
    quote = "'"

    eq: Given[Ttl] | None = option("--hl-eq", Ttl, negatable=True, also=("--hl",), reads=HOP_LIMIT)
    lt: Below | None = option("--hl-lt", Below, reads=HOP_LIMIT)
    gt: Above | None = option("--hl-gt", Above, reads=HOP_LIMIT)
