"""``-m tos``: the type-of-service byte of the IP header, IPv6's traffic class."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.names import TOS_NAMES
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Given, Value, leading_integer
from iptlab.packet import Family

TOS = Field("tos", lambda p, c: p.tos, "has TOS {}", "does not have TOS {}")

_NAMED_MASK = 0x3F


@dataclass(frozen=True, slots=True)
class TosMask(Value):
    """``value/mask``: the bits of the byte under the mask equal the value.

    >>> str(TosMask.parse("Minimize-Delay", Family.IPV4)), str(TosMask.parse("8", Family.IPV4))
    ('0x10/0x3f', '0x08/0xff')
    """

    value: int
    mask: int = 0xFF

    @classmethod
    def parse(cls, text: str, family: Family) -> TosMask:
        """A number up to 255 with or without a mask, or a name."""
        value, rest = leading_integer(text)
        if value is None or value > 255:
            named = {name.lower(): number for name, number in TOS_NAMES.items()}.get(text.lower())
            if named is None:
                raise BadValueError(
                    f'Symbolic name "{text}" is unknown',
                    f"Write a number up to 255, with or without a mask, or {', '.join(TOS_NAMES)}.",
                )
            return cls(named, _NAMED_MASK)
        mask: int | None = 0xFF
        if rest.startswith("/"):
            mask, rest = leading_integer(rest[1:])
        if rest or mask is None or mask > 255:
            raise BadValueError(f'Illegal value: "{text}"', "Write for example 0x10 or 0x10/0x3f.")
        return cls(value, mask)

    @property
    def named(self) -> str:
        """The name of exactly this value and mask, empty if it has none."""
        key = (self.value, self.mask)
        return next(
            (name for name, number in TOS_NAMES.items() if (number, _NAMED_MASK) == key), ""
        )

    def __contains__(self, item: object) -> bool:
        return isinstance(item, int) and item & self.mask == self.value

    def __str__(self) -> str:
        return f"0x{self.value:02x}/0x{self.mask:02x}"

    def words(self) -> str:
        return self.named or (f"{self.value:#x}" if self.mask == 0xFF else str(self))


@register_match("tos")
@dataclass(frozen=True)
class Tos(Match):
    """``-m tos [!] --tos VALUE[/MASK]|NAME``.

    Kernel: net/netfilter/xt_dscp.c (tos_mt)
    """

    tos: Given[TosMask] = option("--tos", TosMask, negatable=True, required=True, reads=TOS)

    def listed(self, *, numeric: bool) -> str:
        bang, value = "!" * self.tos.negated, self.tos.value
        named = "" if numeric else value.named
        return f"tos match{bang} {named}" if named else f"tos match{bang}{value}"
