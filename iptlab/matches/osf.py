"""``-m osf``: which operating system a SYN looks like."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.matches.unmodelled import Unanswered
from iptlab.netfilter.extension import option, register_match
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Given, Integer, Text
from iptlab.packet import Family, Protocol


class Genre(Text):
    """The name of a system, of which 31 bytes count; printed as it is."""

    @classmethod
    def parse(cls, text: str, family: Family) -> Genre:
        """The name, cut as the tool does."""
        return cls(text.encode()[:31].decode(errors="ignore"))

    def __str__(self) -> str:
        return self.text


class Level(Integer):
    """0, 1 or 2."""

    most = 2


@register_match("osf")
@dataclass(frozen=True)
class Osf(Unanswered):
    """``-p tcp -m osf [!] --genre NAME [--ttl LEVEL] [--log LEVEL]``.

    Kernel: net/netfilter/xt_osf.c

    Simplified: fingerprints are not compared, so nobody can tell.
    """

    families = (Family.IPV4,)
    protocols = (Protocol.TCP,)
    hooks = (Hook.PREROUTING, Hook.INPUT, Hook.FORWARD)
    reason = "what system a packet looks like is not modelled"

    genre: Given[Genre] = option("--genre", Genre, negatable=True, required=True)
    ttl: Level | None = option("--ttl", Level)
    log: Level | None = option("--log", Level)

    def explain(self) -> str:
        return f"does {'not ' * self.genre.negated}look as if {self.genre.value} had sent it"

    def listed(self, *, numeric: bool) -> str:
        return f"OS fingerprint match {'! ' * self.genre.negated}{self.genre.value}"
