"""``-m icmp``: type and code of an ICMP message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from iptlab.errors import BadValueError
from iptlab.names import ICMP_TYPES
from iptlab.netfilter import fields as read
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.values import Given, Value, leading_integer
from iptlab.packet import Family, IcmpType, Protocol


@dataclass(frozen=True, slots=True)
class IcmpTypes(Value):
    """One ICMP type, with one code or any; type 255 stands for everything.

    >>> str(IcmpTypes.parse("host-unreachable", Family.IPV4))
    '3/1'
    """

    type: int
    code: int | None = None
    noun: ClassVar[str] = "ICMP"
    table: ClassVar[Mapping[str, tuple[int, int | None]]] = ICMP_TYPES

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """``echo-request``, ``8``, ``3/1`` or ``any``; names may be shortened."""
        names = [name for name in cls.table if name.lower().startswith(text.lower())]
        if len(names) > 1:
            raise BadValueError(
                f"Ambiguous {cls.noun} type `{text}': `{names[0]}' or `{names[1]}'?",
                "Write the name in full.",
            )
        return cls(*cls.table[names[0]]) if names else cls._numbers(text)

    @classmethod
    def _numbers(cls, text: str) -> Self:
        cure = "Write a name such as echo-request, or numbers such as 3/1 (type/code)."
        numbers, rest = _range(text)
        if not numbers:
            raise BadValueError(f"Unknown {cls.noun} type `{text}'", cure)
        codes: list[int] = []
        if rest.startswith("/"):
            codes, rest = _range(rest[1:])
            if not codes:
                raise BadValueError(f"Unknown {cls.noun} code `{text}'", cure)
        if rest:
            raise BadValueError(f"unknown character {rest[0]}", cure)
        if len(numbers) > 1:
            cure = "Write one rule for each type."
            raise BadValueError(f"{cls.noun} type range not supported", cure)
        return cls(numbers[0], codes[0] if codes else None)

    def __contains__(self, item: object) -> bool:
        assert isinstance(item, IcmpType)
        return self._is_any or (self.type == item.type and self.code in (None, item.code))

    @property
    def _is_any(self) -> bool:
        return self.type == 255 and "any" in self.table

    def covers(self, other: Value) -> bool:
        return isinstance(other, IcmpTypes) and (
            self._is_any or (self.type == other.type and self.code in (None, other.code))
        )

    def __str__(self) -> str:
        if self._is_any:
            return "any"
        return str(self.type) if self.code is None else f"{self.type}/{self.code}"

    @property
    def named(self) -> str:
        """The name of exactly this type and code, empty if it has none."""
        key = (self.type, self.code)
        return next((name for name, known in self.table.items() if known == key), "")

    def words(self) -> str:
        return f"type {self.named or self}"


def _range(text: str) -> tuple[list[int], str]:
    """The byte or the two with a colon that a text begins with, and what is left.

    Source: extensions/libxt_icmp.h (parse_range)
    """
    low, rest = leading_integer(text)
    if low is None or low > 255:
        return [], text
    if not rest.startswith(":"):
        return [low], rest
    high, rest = leading_integer(rest[1:])
    return ([low, high], rest) if high is not None and high <= 255 else ([], text)


def listed_type(head: str, given: Given[IcmpTypes], *, numeric: bool) -> str:
    """``icmptype 3 code 1``, or without ``numeric`` ``icmp host-unreachable``."""
    bang, types = "!" * given.negated, given.value
    if types.named and not numeric:
        return f"{head} {bang}{types.named}"
    code = "" if types.code is None else f" code {types.code}"
    return f"{head}{' ' * given.negated}{bang}type {types.type}{code}"


@register_match("icmp")
@dataclass(frozen=True)
class Icmp(Match):
    """``-p icmp [!] --icmp-type TYPE[/CODE]|NAME``.

    Kernel: net/netfilter/xt_tcpudp.c (icmp_match); names: extensions/libxt_icmp.h
    """

    protocols = (Protocol.ICMP,)
    families = (Family.IPV4,)

    icmp_type: Given[IcmpTypes] = option(
        "--icmp-type", IcmpTypes, negatable=True, required=True, reads=read.ICMP_TYPE
    )

    def listed(self, *, numeric: bool) -> str:
        return listed_type("icmp", self.icmp_type, numeric=numeric)
