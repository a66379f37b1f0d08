"""``-j HL``: change an IPv6 packet's hop limit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.hooks import TableName
from iptlab.packet import Family, Packet
from iptlab.targets.ttl import Hops, MoreHops, in_words, new_ttl


@register_target("HL")
@dataclass(frozen=True)
class HlTarget(Target):
    """``-j HL --hl-set N | --hl-dec N | --hl-inc N``.

    Kernel: net/netfilter/xt_HL.c (hl_tg6)
    """

    tables = (TableName.MANGLE,)
    families = (Family.IPV6,)

    set: Hops | None = option("--hl-set", Hops)
    dec: MoreHops | None = option("--hl-dec", MoreHops)
    inc: MoreHops | None = option("--hl-inc", MoreHops)

    def __post_init__(self) -> None:
        """Exactly one change is needed."""
        self.exclude("--hl-set", "--hl-dec", "--hl-inc")
        if not any(self.given()):
            raise BadValueError("HL: You must specify an action", "Write --hl-set 64.")

    def act(self, packet: Packet, context: Context) -> Action:
        ttl = new_ttl(packet.ttl, to=self.set, less=self.dec, more=self.inc)
        return Continue(replace(packet, ttl=ttl), note=f"hop limit {ttl}")

    def explain(self) -> str:
        change = in_words(to=self.set, less=self.dec, more=self.inc)
        return f"gets its hop limit changed ({change}) and goes on"

    def listed(self, *, numeric: bool) -> str:
        return f"HL {in_words(to=self.set, less=self.dec, more=self.inc)}"
