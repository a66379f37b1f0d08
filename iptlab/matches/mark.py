"""``-m mark``: the mark that an earlier rule set."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter import fields as read
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.values import Given, MaskedInt


@register_match("mark")
@dataclass(frozen=True)
class Mark(Match):
    """``-m mark [!] --mark VALUE[/MASK]``.

    Kernel: net/netfilter/xt_mark.c (mark_mt)
    """

    mark: Given[MaskedInt] = option(
        "--mark", MaskedInt, negatable=True, required=True, reads=read.MARK
    )

    def listed(self, *, numeric: bool) -> str:
        return f"mark match {'! ' * self.mark.negated}{self.mark.value}"
