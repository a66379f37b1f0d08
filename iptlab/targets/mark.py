"""``-j MARK``: put a number on the packet that later rules can see."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Spelling, Target, option, register_target
from iptlab.netfilter.values import Integer, MaskedInt
from iptlab.packet import Family, Packet

_ONES = 0xFFFFFFFF


class XMark(MaskedInt):
    """``value/mask``: clear the bits in mask, then exclusive-or the value in."""

    def applied(self, mark: int) -> int:
        """The mark that the kernel makes of ``mark``."""
        return mark & ~self.mask & _ONES ^ self.value

    def __str__(self) -> str:
        return f"{self.value:#x}/{self.mask:#x}"

    def listed(self) -> str:
        """The change as ``iptables -L`` puts it: ``set 0x1``, ``or 0x4000``."""
        if self.value == 0:
            return f"and {~self.mask & _ONES:#x}"
        if self.value == self.mask:
            return f"or {self.value:#x}"
        if self.mask == 0:
            return f"xor {self.value:#x}"
        return f"set {self.value:#x}" if self.mask == _ONES else f"xset {self}"


def _set(text: str, family: Family) -> XMark:
    """``--set-mark``: bits of the value count even outside the mask."""
    given = XMark.parse(text, family)
    return XMark(given.value, given.mask | given.value)


def _bits(text: str, family: Family) -> int:
    return Integer.parse(text, family).number


# extensions/libxt_MARK.c: what each option means as value/mask
SPELLINGS = {
    "--set-mark": Spelling(1, _set),
    "--or-mark": Spelling(1, lambda t, f: XMark(_bits(t, f), _bits(t, f))),
    "--and-mark": Spelling(1, lambda t, f: XMark(0, ~_bits(t, f) & _ONES)),
    "--xor-mark": Spelling(1, lambda t, f: XMark(_bits(t, f), 0)),
}


@register_target("MARK")
@dataclass(frozen=True)
class MarkTarget(Target):
    """``-j MARK --set-xmark VALUE[/MASK]`` (or --set-mark, --or-mark, --and-mark, --xor-mark).

    Kernel: net/netfilter/xt_mark.c (mark_tg)

    >>> MarkTarget(XMark(0x4000, 0x4000)).xmark.applied(0x1)
    16385
    """

    xmark: XMark = option(
        "--set-xmark",
        XMark,
        required=True,
        missing="MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required",
        spellings=SPELLINGS,
    )

    def act(self, packet: Packet, context: Context) -> Action:
        mark = self.xmark.applied(packet.mark)
        return Continue(packet.marked(mark), note=f"mark {mark:#x}")

    def explain(self) -> str:
        value, mask = self.xmark.value, self.xmark.mask
        if mask == _ONES:
            return f"gets the mark {value:#x} and goes on"
        if value == mask:
            return f"gets the bits {value:#x} added to its mark and goes on"
        if value == 0:
            return f"gets the bits {mask:#x} of its mark cleared and goes on"
        if value & ~mask == 0:
            return f"gets {value:#x} into the bits {mask:#x} of its mark and goes on"
        return f"gets its mark changed (mark & ~{mask:#x} ^ {value:#x}) and goes on"

    def listed(self, *, numeric: bool) -> str:
        return f"MARK {self.xmark.listed()}"
