"""``-m frag``: IPv6's fragment header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from iptlab.matches.ports import listed_range, saved_options
from iptlab.netfilter.context import Answer, Context
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Flag, Given, Integer, NumberRange
from iptlab.packet import Family, Packet


class AbsentHeader(Match):
    """A match on an IPv6 extension header: no packet has one here, so it never holds."""

    header: ClassVar[str]

    def holds(self, packet: Packet, context: Context) -> Answer:
        return False

    def why_not(self, packet: Packet, context: Context) -> str:
        return f"{self}, but this packet has no {self.header}"

    def explain(self) -> str:
        asked = " ".join(self.option_words())
        return f"has a {self.header}{f' as `{asked}` wants it' if asked else ''}"


def absent(header: str) -> Field:
    """An extension header that no packet has here: what asks for it never holds."""
    return Field(
        header,
        lambda p, c: None,
        f"has the {header} {{}}",
        f"has a {header} that is not {{}}",
        f"has no {header}",
    )


_FRAGMENT = absent("fragment header")


@register_match("frag")
@dataclass(frozen=True)
class Frag(AbsentHeader):
    """``-m frag [!] --fragid ID[:ID] [--fragfirst] [--fragmore] [--fraglast] ...``.

    Kernel: net/ipv6/netfilter/ip6t_frag.c

    Simplified: packets have no IPv6 extension headers here, so it never holds. Behind connection
    tracking, which puts fragments together first, that is so in the kernel too.
    """

    families = (Family.IPV6,)
    header = "fragment header"

    fragid: Given[NumberRange] | None = option(
        "--fragid", NumberRange, negatable=True, reads=_FRAGMENT
    )
    fraglen: Given[Integer] | None = option("--fraglen", Integer, negatable=True, reads=_FRAGMENT)
    fragres: Flag | None = option("--fragres", Flag, reads=_FRAGMENT)
    fragfirst: Flag | None = option("--fragfirst", Flag, reads=_FRAGMENT)
    fragmore: Flag | None = option("--fragmore", Flag, reads=_FRAGMENT)
    fraglast: Flag | None = option("--fraglast", Flag, reads=_FRAGMENT)

    def __post_init__(self) -> None:
        """Refuse a fragment that is the last one and is not."""
        self.exclude("--fragmore", "--fraglast")

    def option_words(self) -> tuple[str, ...]:
        return saved_options(self)

    def listed(self, *, numeric: bool) -> str:
        length = self.fraglen
        words = ["frag", listed_range("id", self.fragid)]
        words += [f"length:{'!' * length.negated}{length.value}"] if length else []
        names = {"fragres": "reserved"}
        return " ".join([*words, *(names.get(flag, flag[4:]) for flag in self.flags())])
