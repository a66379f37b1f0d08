"""``-m ttl``: how many routers a packet may still cross."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from iptlab.errors import BadValueError
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Given, Integer, Value
from iptlab.packet import Family

TTL = Field("ttl", lambda p, c: p.ttl, "has TTL {}", "does not have TTL {}")


class Ttl(Integer):
    """A time to live, from 0 to 255."""

    most = 255


class Below(Ttl):
    """Every number under this one."""

    def __contains__(self, item: object) -> bool:
        return isinstance(item, int) and item < self.number

    def covers(self, other: Value) -> bool:
        return isinstance(other, Ttl) and (
            other.number <= self.number if isinstance(other, Below) else other in self
        )

    def words(self) -> str:
        return f"below {self.number}"


class Above(Ttl):
    """Every number over this one."""

    def __contains__(self, item: object) -> bool:
        return isinstance(item, int) and item > self.number

    def covers(self, other: Value) -> bool:
        return isinstance(other, Ttl) and (
            other.number >= self.number if isinstance(other, Above) else other in self
        )

    def words(self) -> str:
        return f"above {self.number}"


class TimeToLive(Match):
    """What ``-m ttl`` and ``-m hl`` share: exactly one of three options."""

    label: ClassVar[str]
    quote: ClassVar[str]

    def __post_init__(self) -> None:
        """Refuse none of the three options, or several."""
        options = tuple(f"--{self.name}-{test}" for test in ("lt", "gt", "eq"))
        self.exclude(*options)
        if not any(self.given()):
            lt, gt, eq = options
            raise BadValueError(
                f"{self.label} match: You must specify one of `{eq}', `{lt}', `{gt}{self.quote}",
                f"Write for example {eq} 64.",
            )

    def listed(self, *, numeric: bool) -> str:
        ((_, given),) = self.given()
        sign = "<" if isinstance(given.value, Below) else ">"
        if not isinstance(given.value, Below | Above):
            sign = "!=" if given.negated else "=="
        return f"{self.label} match {self.label} {sign} {given.value}"


@register_match("ttl")
@dataclass(frozen=True)
class TtlMatch(TimeToLive):
    """``-m ttl [!] --ttl-eq N``, or ``--ttl-lt N``, or ``--ttl-gt N``.

    In FORWARD and POSTROUTING this router has already taken its one away.

    Kernel: net/netfilter/xt_hl.c (ttl_mt)
    """

    families = (Family.IPV4,)
    label = "TTL"
    quote = ""

    eq: Given[Ttl] | None = option("--ttl-eq", Ttl, negatable=True, also=("--ttl",), reads=TTL)
    lt: Below | None = option("--ttl-lt", Below, reads=TTL)
    gt: Above | None = option("--ttl-gt", Above, reads=TTL)
