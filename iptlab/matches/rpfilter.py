"""``-m rpfilter``: whether the way back to the sender leads out where the packet came in."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.matches.unmodelled import Unanswered
from iptlab.netfilter.extension import option, register_match
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.values import Flag


@register_match("rpfilter")
@dataclass(frozen=True)
class Rpfilter(Unanswered):
    """``-m rpfilter [--loose] [--validmark] [--accept-local] [--invert]``.

    Kernel: net/ipv4/netfilter/ipt_rpfilter.c, net/ipv6/netfilter/ip6t_rpfilter.c

    Simplified: rules do not look up routes here, so the answer cannot be told.
    """

    tables = (TableName.RAW, TableName.MANGLE)
    hooks = (Hook.PREROUTING,)
    reason = "rules do not look up the way back to a sender here"

    loose: Flag | None = option("--loose", Flag)
    validmark: Flag | None = option("--validmark", Flag)
    accept_local: Flag | None = option("--accept-local", Flag)
    invert: Flag | None = option("--invert", Flag)

    def listed(self, *, numeric: bool) -> str:
        return " ".join((self.name, *self.flags()))
