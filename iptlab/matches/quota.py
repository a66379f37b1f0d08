"""``-m quota``: so many bytes and no more."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.context import Answer, Context, Memory
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.values import Given, Integer
from iptlab.packet import Packet


class Bytes(Integer):
    """A number of bytes."""

    most = 2**64 - 1


@register_match("quota")
@dataclass(frozen=True)
class Quota(Match):
    """``-m quota [!] --quota BYTES``: matches until the bytes are used up.

    The first packet that is larger than what is left uses it up without matching.

    Kernel: net/netfilter/xt_quota.c
    """

    quota: Given[Bytes] = option("--quota", Bytes, negatable=True, required=True)

    def _left(self, context: Context) -> int:
        return context.memory.recall(("quota", context.rule, self), self.quota.value.number)

    def holds(self, packet: Packet, context: Context) -> Answer:
        return self.quota.holds(lambda _: packet.length <= self._left(context))

    def remember(self, packet: Packet, context: Context) -> Memory:
        left = max(0, self._left(context) - packet.length)
        return context.memory.store(("quota", context.rule, self), left)

    def why_not(self, packet: Packet, context: Context) -> str:
        left = self._left(context)
        return f"{self}, but {left} bytes are left and this packet has {packet.length}"

    def explain(self) -> str:
        within = "is beyond" if self.quota.negated else "is within"
        return f"{within} the first {self.quota.value} bytes"

    def listed(self, *, numeric: bool) -> str:
        return f"quota: {self.quota.value} bytes"
