"""``-j NFLOG``: hand a copy of the packet to a logging program and go on."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.values import Integer, Text
from iptlab.packet import Family, Packet


class LogPrefix(Text):
    """The first words of the message; the kernel keeps 63 bytes."""

    @classmethod
    def parse(cls, text: str, family: Family) -> LogPrefix:
        """The text, cut after 63 bytes as the tool does."""
        if not text:
            raise BadValueError(
                "Argument must have a minimum length of 1 characters",
                "Write a word or two, or leave --nflog-prefix out.",
            )
        return cls(text.encode()[:63].decode(errors="ignore"))


class Short(Integer):
    """A number of 16 bits."""

    most = 65535


_NONE = Short(0)


@register_target("NFLOG")
@dataclass(frozen=True)
class Nflog(Target):
    """``-j NFLOG [--nflog-group N] [--nflog-prefix TEXT]``; the packet goes on to the next rule.

    Kernel: net/netfilter/xt_NFLOG.c
    """

    prefix: LogPrefix | None = option("--nflog-prefix", LogPrefix)
    group: Short = option("--nflog-group", Short, default=_NONE, shown=False)
    range: Integer = option(
        "--nflog-range",
        Integer,
        default=Integer(0),
        shown=False,
        warns={
            "--nflog-range": "warn: --nflog-range has never worked and is no longer supported, "
            "please use --nflog-size instead"
        },
    )
    size: Integer | None = option("--nflog-size", Integer)
    threshold: Short = option("--nflog-threshold", Short, default=_NONE, shown=False)

    def __post_init__(self) -> None:
        """Refuse two ways of saying how much of the packet is wanted."""
        if self.range.number:
            self.exclude("--nflog-range", "--nflog-size")

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(packet, note=f"logged to group {self.group}")

    def explain(self) -> str:
        return f"is copied to the logging programs of group {self.group} and goes on"

    def listed(self, *, numeric: bool) -> str:
        return " ".join(word.removeprefix("--") for word in self.option_words())
