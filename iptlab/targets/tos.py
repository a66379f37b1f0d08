"""``-j TOS``: change the Type of Service byte."""

from __future__ import annotations

from dataclasses import dataclass, replace

from iptlab.errors import BadValueError
from iptlab.names import TOS_NAMES
from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Spelling, Target, option, register_target
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.values import Integer, Value, leading_integer
from iptlab.packet import Family, Packet

_CURE = f"Write a number up to 255, 0x10/0x3f, or one of {', '.join(TOS_NAMES)}."


class Byte(Integer):
    """A number of 8 bits."""

    most = 255


@dataclass(frozen=True, slots=True)
class TosChange(Value):
    """``value/mask``: clear the bits in mask, then exclusive-or the value in."""

    value: int
    mask: int = 0xFF

    @classmethod
    def parse(cls, text: str, family: Family) -> TosChange:
        """``0x10``, ``0x10/0x3f`` or a name, which counts six bits."""
        value, rest = leading_integer(text)
        if value is None or value > 255:
            for name, number in TOS_NAMES.items():
                if name.lower() == text.lower():
                    return cls(number, 0x3F)
            raise BadValueError(f'Symbolic name "{text}" is unknown', _CURE)
        mask: int | None = 0xFF
        if rest.startswith("/"):
            mask, rest = leading_integer(rest[1:])
        if rest or mask is None or mask > 255:
            raise BadValueError(f'Illegal value: "{text}"', _CURE)
        return cls(value, mask)

    def applied(self, tos: int) -> int:
        """The byte that the kernel makes of ``tos``."""
        return tos & ~self.mask & 0xFF ^ self.value

    def __str__(self) -> str:
        return f"{self.value:#04x}/{self.mask:#04x}"

    @property
    def named(self) -> str:
        """The name of exactly this value and mask, empty if it has none."""
        names = {(number, 0x3F): name for name, number in TOS_NAMES.items()}
        return names.get((self.value, self.mask), "")

    def words(self) -> str:
        """The change as ``iptables -L`` puts it: ``set 0x10/0xff``, ``or 0x10``."""
        if self.named:
            return f"set {self.named}"
        if self.value == 0:
            return f"and {~self.mask & 0xFF:#04x}"
        if self.value == self.mask:
            return f"or {self.value:#04x}"
        return f"xor {self.value:#04x}" if self.mask == 0 else f"set {self}"


def _bits(text: str, family: Family) -> int:
    return Byte.parse(text, family).number


# extensions/libxt_TOS.c: what each option means as value/mask
_SPELLINGS = {
    "--and-tos": Spelling(1, lambda t, f: TosChange(0, ~_bits(t, f) & 0xFF)),
    "--or-tos": Spelling(1, lambda t, f: TosChange(_bits(t, f), _bits(t, f))),
    "--xor-tos": Spelling(1, lambda t, f: TosChange(_bits(t, f), 0)),
}


@register_target("TOS")
@dataclass(frozen=True)
class TosTarget(Target):
    """``-j TOS --set-tos VALUE[/MASK]|NAME`` (or --and-tos, --or-tos, --xor-tos).

    Kernel: net/netfilter/xt_DSCP.c (tos_tg)

    >>> hex(TosTarget(TosChange(0x10, 0x3F)).tos.applied(0xC8))
    '0xd0'
    """

    tables = (TableName.MANGLE,)

    tos: TosChange = option(
        "--set-tos",
        TosChange,
        required=True,
        missing="TOS: An action is required",
        spellings=_SPELLINGS,
    )

    def act(self, packet: Packet, context: Context) -> Action:
        tos = self.tos.applied(packet.tos)
        return Continue(replace(packet, tos=tos), note=f"tos {tos:#04x}")

    def explain(self) -> str:
        return f"gets its Type of Service byte changed ({self.tos.words()}) and goes on"

    def listed(self, *, numeric: bool) -> str:
        if numeric:
            return f"TOS set {self.tos}"
        # iptables 1.8.9 misplaces the blank before a name
        return f" TOS set{self.tos.named}" if self.tos.named else f"TOS {self.tos.words()}"
