"""``-m connmark``: the mark of the packet's connection."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.fields import of_connection
from iptlab.netfilter.values import Given, MaskedInt

CONNMARK = of_connection(
    "connmark",
    lambda connection: connection.mark,
    "belongs to a connection with mark {}",
    "belongs to a connection without mark {}",
)


@register_match("connmark")
@dataclass(frozen=True)
class Connmark(Match):
    """``-m connmark [!] --mark VALUE[/MASK]``; a packet without a connection never matches.

    Kernel: net/netfilter/xt_connmark.c (connmark_mt)
    """

    mark: Given[MaskedInt] = option(
        "--mark", MaskedInt, negatable=True, required=True, reads=CONNMARK
    )

    def listed(self, *, numeric: bool) -> str:
        return f"connmark match {'!' * self.mark.negated} {self.mark.value}"
