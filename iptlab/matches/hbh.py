"""``-m hbh``: IPv6's hop-by-hop options header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from iptlab.errors import BadValueError
from iptlab.matches.frag import AbsentHeader, absent
from iptlab.netfilter.extension import option, register_match
from iptlab.netfilter.values import Given, Integer, Value, leading_integer
from iptlab.packet import Family


@dataclass(frozen=True, slots=True)
class HeaderOptions(Value):
    """Kinds of options, each alone or with the length of its data; cut to one byte each."""

    options: tuple[tuple[int, int | None], ...]
    header: ClassVar[str] = "hbh"

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """``KIND[:LENGTH],...``."""
        return cls(tuple(cls._option(part) for part in text.split(",")))

    @classmethod
    def _option(cls, text: str) -> tuple[int, int | None]:
        kind, colon, length = text.partition(":")
        return cls._number(kind, "opt"), cls._number(length, "length") if colon else None

    @classmethod
    def _number(cls, text: str, what: str) -> int:
        """One byte of the number; a minus is taken too.

        Source: extensions/libip6t_hbh.c (parse_opts_num)
        """
        minus, _, digits = text.rpartition("-")
        number, rest = leading_integer(text if minus.strip() else digits)
        cure = "Write numbers: 1, or 1:5 with a length."
        if number is None:
            raise BadValueError(f"{cls.header}: no valid digits in {what} `{text}'", cure)
        if number >= 2**64:
            raise BadValueError(f"{what} `{text}' specified too big: would overflow", cure)
        if rest:
            raise BadValueError(f"{cls.header}: error parsing {what} `{text}'", cure)
        return (-number if "-" in text else number) & 255

    def __str__(self) -> str:
        return ",".join(
            str(kind) if length is None else f"{kind}:{length}" for kind, length in self.options
        )


class OptionsHeader(AbsentHeader):
    """What ``-m hbh`` and ``-m dst`` share."""

    def listed(self, *, numeric: bool) -> str:
        words = [self.name]
        for declared, given in self.given():
            bang = "!" * given.negated
            mark = ":" if declared.name.endswith("-len") else " "
            words.append(f"{'length' if mark == ':' else 'opts'}{mark}{bang}{given.value}")
        return " ".join(words)


HEADER = absent("hop-by-hop header")


@register_match("hbh")
@dataclass(frozen=True)
class Hbh(OptionsHeader):
    """``-m hbh [!] --hbh-len LENGTH [--hbh-opts KIND[:LENGTH],...]``.

    Kernel: net/ipv6/netfilter/ip6t_hbh.c

    Simplified: packets have no IPv6 extension headers here, so it never holds.
    """

    families = (Family.IPV6,)
    header = "hop-by-hop header"

    length: Given[Integer] | None = option("--hbh-len", Integer, negatable=True, reads=HEADER)
    opts: HeaderOptions | None = option("--hbh-opts", HeaderOptions, reads=HEADER)
