"""``-j TTL``: change an IPv4 packet's time to live."""

from __future__ import annotations

from dataclasses import dataclass, replace

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.values import Integer
from iptlab.packet import Family, Packet


class Hops(Integer):
    """A time to live."""

    most = 255


class MoreHops(Hops):
    """By how much it changes: not by nothing."""

    least = 1


def new_ttl(ttl: int, *, to: Hops | None, less: Hops | None, more: Hops | None) -> int:
    """The time to live after the change; it stays between 0 and 255."""
    if to:
        return to.number
    if less:
        return max(0, ttl - less.number)
    return min(255, ttl + more.number) if more else ttl


def in_words(*, to: Hops | None, less: Hops | None, more: Hops | None) -> str:
    """The change as ``iptables -L`` puts it: ``decrement by 1``."""
    if to:
        return f"set to {to}"
    return f"decrement by {less}" if less else f"increment by {more}"


@register_target("TTL")
@dataclass(frozen=True)
class TtlTarget(Target):
    """``-j TTL --ttl-set N | --ttl-dec N | --ttl-inc N``.

    Kernel: net/netfilter/xt_HL.c (ttl_tg)
    """

    tables = (TableName.MANGLE,)
    families = (Family.IPV4,)

    set: Hops | None = option("--ttl-set", Hops)
    dec: MoreHops | None = option("--ttl-dec", MoreHops)
    inc: MoreHops | None = option("--ttl-inc", MoreHops)

    def __post_init__(self) -> None:
        """Exactly one change is needed."""
        self.exclude("--ttl-set", "--ttl-dec", "--ttl-inc")
        if not any(self.given()):
            raise BadValueError("TTL: You must specify an action", "Write --ttl-set 64.")

    def act(self, packet: Packet, context: Context) -> Action:
        ttl = new_ttl(packet.ttl, to=self.set, less=self.dec, more=self.inc)
        return Continue(replace(packet, ttl=ttl), note=f"ttl {ttl}")

    def explain(self) -> str:
        change = in_words(to=self.set, less=self.dec, more=self.inc)
        return f"gets its time to live changed ({change}) and goes on"

    def listed(self, *, numeric: bool) -> str:
        return f"TTL {in_words(to=self.set, less=self.dec, more=self.inc)}"
