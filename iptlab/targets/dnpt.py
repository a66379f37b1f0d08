"""``-j DNPT``: change the prefix of an IPv6 destination without connection tracking."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.extension import option, register_target
from iptlab.netfilter.hooks import Hook
from iptlab.targets.snpt import Prefix, PrefixTranslation


@register_target("DNPT")
@dataclass(frozen=True)
class Dnpt(PrefixTranslation):
    """``-j DNPT --src-pfx PREFIX --dst-pfx PREFIX``.

    Kernel: net/ipv6/netfilter/ip6t_NPT.c

    Simplified: the new address is not computed.
    """

    hooks = (Hook.PREROUTING, Hook.OUTPUT)

    src_pfx: Prefix = option("--src-pfx", Prefix, required=True)
    dst_pfx: Prefix = option("--dst-pfx", Prefix, required=True)

    def explain(self) -> str:
        return f"has its destination moved from {self.src_pfx} into {self.dst_pfx} and goes on"
