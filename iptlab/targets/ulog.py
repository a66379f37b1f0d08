"""``-j ULOG``: copy the packet to a logging program, as kernels did before NFLOG."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.values import Integer, Text
from iptlab.packet import Family, Packet


class Prefix(Text):
    """The first words of the message; 31 bytes of them count."""

    @classmethod
    def parse(cls, text: str, family: Family) -> Prefix:
        """The text, cut as the tool does."""
        if not text:
            raise BadValueError(
                "Argument must have a minimum length of 1 characters",
                "Write a word or two, or leave --ulog-prefix out.",
            )
        return cls(text.encode()[:31].decode(errors="ignore"))


class Group(Integer):
    """A group of logging programs, from 1 to 32."""

    least, most = 1, 32


class Threshold(Integer):
    """How many packets are handed over at once, from 1 to 50."""

    least, most = 1, 50


@register_target("ULOG")
@dataclass(frozen=True)
class Ulog(Target):
    """``-j ULOG [--ulog-prefix TEXT] [--ulog-nlgroup N] ...``; kernels since 3.17 lack it.

    Kernel: net/ipv4/netfilter/ipt_ULOG.c of release 3.16
    """

    families = (Family.IPV4,)

    prefix: Prefix | None = option("--ulog-prefix", Prefix)
    group: Group = option("--ulog-nlgroup", Group, default=Group(1), shown=False)
    range: Integer = option("--ulog-cprange", Integer, default=Integer(0), shown=False)
    threshold: Threshold = option("--ulog-qthreshold", Threshold, default=Threshold(1), shown=False)

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(packet, note=f"logged to group {self.group}")

    def explain(self) -> str:
        return f"is copied to the logging programs of group {self.group} and goes on"

    def listed(self, *, numeric: bool) -> str:
        prefix = f' prefix "{self.prefix.text}"' if self.prefix else ""
        return (
            f"ULOG copy_range {self.range} nlgroup {self.group}{prefix} "
            f"queue_threshold {self.threshold}"
        )
