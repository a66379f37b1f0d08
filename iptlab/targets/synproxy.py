"""``-j SYNPROXY``: answer TCP handshakes in the server's place until they are complete."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Undecided
from iptlab.netfilter.context import CannotTell, Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Flag, Integer
from iptlab.packet import Family, Packet, Protocol


class Scale(Integer):
    """A window scale; 8 bits of it count."""

    @classmethod
    def parse(cls, text: str, family: Family) -> Scale:
        """A number of up to 32 bits."""
        return cls(Integer.parse(text, family).number & 0xFF)


class Mss(Integer):
    """A segment size; 16 bits of it count."""

    @classmethod
    def parse(cls, text: str, family: Family) -> Mss:
        """A number of up to 32 bits."""
        return cls(Integer.parse(text, family).number & 0xFFFF)


@register_target("SYNPROXY")
@dataclass(frozen=True)
class Synproxy(Target):
    """``-j SYNPROXY [--sack-perm] [--timestamp] [--wscale N] [--mss N] [--ecn]``.

    The options are what the kernel promises the client in the server's name.

    Kernel: net/ipv4/netfilter/ipt_SYNPROXY.c, net/netfilter/nf_synproxy_core.c
    """

    hooks = (Hook.INPUT, Hook.FORWARD)
    protocols = (Protocol.TCP,)

    sack_perm: Flag | None = option("--sack-perm", Flag)
    timestamp: Flag | None = option("--timestamp", Flag)
    wscale: Scale | None = option("--wscale", Scale)
    mss: Mss | None = option("--mss", Mss)
    ecn: Flag | None = option("--ecn", Flag)

    def act(self, packet: Packet, context: Context) -> Action:
        return Undecided(CannotTell("SYNPROXY's handshakes are not modelled"))

    def explain(self) -> str:
        return "is handled by the kernel's handshake proxy"

    def listed(self, *, numeric: bool) -> str:
        words = (word.removeprefix("--") for word in self.option_words())
        return " ".join(("SYNPROXY", *words, ""))
