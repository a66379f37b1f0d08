"""``-m devgroup``: the groups into which ``ip link set ... group N`` puts interfaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from iptlab.errors import BadValueError
from iptlab.netfilter.extension import Match, Refused, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Given, MaskedInt, leading_integer
from iptlab.packet import Family

_ONES = 0xFFFFFFFF


class NamedMask(MaskedInt):
    """A number with or without a mask; one file of iproute2's gives 0 a name."""

    zero: ClassVar[str]

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """``5``, ``0x5/0xff`` or the name of 0."""
        if text == cls.zero:
            return cls(0)
        value, rest = leading_integer(text)
        cure = f"Write a number, with or without a mask, or {cls.zero} for 0."
        if value is None or value > _ONES or (rest and rest[0] != "/"):
            raise BadValueError(f"could not map name {text} to an integer value for option.", cure)
        mask, left = leading_integer(rest[1:]) if rest else (_ONES, "")
        if mask is None or mask > _ONES:
            raise BadValueError("bad integer value for option, or out of range.", cure)
        if left:
            raise BadValueError("trailing garbage after value for option.", cure)
        return cls(value, mask)

    @property
    def number(self) -> str:
        """The value as a number."""
        return MaskedInt.__str__(self)

    def __str__(self) -> str:
        return self.zero if (self.value, self.mask) == (0, _ONES) else self.number


class Group(NamedMask):
    """A group of interfaces; every interface begins in group 0."""

    zero = "default"


SRC_GROUP = Field(
    "src_group",
    lambda p, c: 0,
    "came in through an interface of group {}",
    "did not come in through an interface of group {}",
)
DST_GROUP = Field(
    "dst_group",
    lambda p, c: 0,
    "leaves through an interface of group {}",
    "does not leave through an interface of group {}",
)


@register_match("devgroup")
@dataclass(frozen=True)
class Devgroup(Match):
    """``-m devgroup [!] --src-group N[/MASK] [!] --dst-group N[/MASK]``.

    Kernel: net/netfilter/xt_devgroup.c

    Simplified: every interface is in group 0.
    """

    src_group: Given[Group] | None = option("--src-group", Group, negatable=True, reads=SRC_GROUP)
    dst_group: Given[Group] | None = option("--dst-group", Group, negatable=True, reads=DST_GROUP)

    def __post_init__(self) -> None:
        """Refuse a match without a group."""
        if not (self.src_group or self.dst_group):
            raise BadValueError(
                "devgroup match: You must specify either '--src-group' or '--dst-group'",
                "Write for example --src-group 1.",
            )

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        for hook in hooks:
            if self.src_group and not hook.has_in_interface:
                return Refused(
                    f"a packet has no incoming interface at {hook}", "Use --dst-group there."
                )
            if self.dst_group and not hook.has_out_interface:
                return Refused(
                    f"a packet has no outgoing interface at {hook}", "Use --src-group there."
                )
        return None

    def listed(self, *, numeric: bool) -> str:
        ends = (("src-group", self.src_group), ("dst-group", self.dst_group))
        return " ".join(
            f"{'! ' * given.negated}{word} {given.value.number if numeric else given.value}"
            for word, given in ends
            if given
        )
