"""``-m connlabel``: labels that rules stick to connections."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.context import Answer, CannotTell, Context
from iptlab.netfilter.extension import OUT_OF_RANGE, Match, Refused, option, register_match
from iptlab.netfilter.values import Flag, Given, Integer, read_integer
from iptlab.packet import Family, Packet


class Label(Integer):
    """A label by its number."""

    @classmethod
    def parse(cls, text: str, family: Family) -> Label:
        """A number; names would need /etc/xtables/connlabel.conf."""
        number = read_integer(text)
        if not text:
            raise BadValueError("Argument must have a minimum length of 1 characters", "Name it.")
        if number is None or number >= 2**32:
            raise BadValueError(
                f"label '{text}' not found or invalid value",
                "Write a number from 0 to 127.",
                "Warning: cannot open /etc/xtables/connlabel.conf: No such file or directory",
            )
        return cls(number & 0xFFFF)

    def __str__(self) -> str:
        return f'"{self.number}"'

    def words(self) -> str:
        return str(self.number)


@register_match("connlabel")
@dataclass(frozen=True)
class Connlabel(Match):
    """``-m connlabel [!] --label NUMBER [--set]``.

    Kernel: net/netfilter/xt_connlabel.c

    Simplified: labels are not kept, so nobody can tell whether a connection has one.
    """

    label: Given[Label] = option("--label", Label, negatable=True, required=True)
    set: Flag | None = option("--set", Flag)

    def holds(self, packet: Packet, context: Context) -> Answer:
        return CannotTell("the labels of connections are not modelled")

    def why_not(self, packet: Packet, context: Context) -> str:
        return str(self.holds(packet, context))

    def explain(self) -> str:
        said = "does not have" if self.label.negated else "has"
        now = " (which it gets now)" if self.set else ""
        return f"belongs to a connection that {said} label {self.label.value.words()}{now}"

    def listed(self, *, numeric: bool) -> str:
        words = f"connlabel {'! ' * self.label.negated}{self.label.value.words()}"
        return words + " set" * bool(self.set)

    def kernel_refusal(self) -> Refused | None:
        """The kernel has room for 128 labels.

        Kernel: include/net/netfilter/nf_conntrack_labels.h
        """
        if self.label.value.number > 127:
            return Refused("there is no such label", "Labels go from 0 to 127.", OUT_OF_RANGE)
        return None
