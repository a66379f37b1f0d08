"""``-m cpu``: which processor handles the packet."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.context import CannotTell
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Given, Integer

CPU = Field(
    "cpu",
    lambda p, c: CannotTell("which processor handles a packet is not modelled"),
    "is handled by processor {}",
    "is not handled by processor {}",
)


@register_match("cpu")
@dataclass(frozen=True)
class Cpu(Match):
    """``-m cpu [!] --cpu NUMBER``.

    Kernel: net/netfilter/xt_cpu.c

    Simplified: which processor that is cannot be told.
    """

    cpu: Given[Integer] = option("--cpu", Integer, negatable=True, required=True, reads=CPU)

    def listed(self, *, numeric: bool) -> str:
        return f"cpu {'! ' * self.cpu.negated}{self.cpu.value}"
