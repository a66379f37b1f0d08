"""``-m limit``: let only so many packets match in a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from iptlab.errors import BadValueError
from iptlab.netfilter.context import Answer, Context, Memory
from iptlab.netfilter.extension import OUT_OF_RANGE, Match, Refused, option, register_match
from iptlab.netfilter.values import Integer, Value
from iptlab.packet import Family, Packet


@dataclass(frozen=True, slots=True)
class Rate(Value):
    """So many a second, minute, hour or day, kept in the largest unit that divides it.

    >>> str(Rate.parse("60/minute", Family.IPV4)), str(Rate.parse("90/min", Family.IPV4))
    ('1/sec', '90/min')
    """

    period: int
    scale: ClassVar[int] = 10_000
    units: ClassVar[dict[str, int]] = {
        "day": 86_400 * scale,
        "hour": 3_600 * scale,
        "minute": 60 * scale,
        "second": scale,
    }

    @classmethod
    def parse(cls, text: str, family: Family) -> Rate:
        """``5``, ``5/s``, ``5/minute``, ``5/hour`` or ``5/day``; ``5.9`` counts as 5."""
        return cls(cls.read_period(text))

    @classmethod
    def read_period(cls, text: str) -> int:
        """The time from one packet to the next, in parts of a second."""
        count, slash, unit = text.partition("/")
        units = [cls.units[name] for name in cls.units if name.startswith(unit.lower() or "?")]
        whole = cls.units["second"] if not slash else units[0] if units else 0
        number = read_leading_integer(count)
        if not number or not whole:
            raise BadValueError(
                f'bad rate "{text}"\'',
                "Write a number and second, minute, hour or day: 5/minute.",
            )
        if number > whole:
            raise BadValueError(
                f'Rate too fast "{text}"',
                f"The kernel counts up to {cls.scale} a second.",
            )
        return whole // number

    def __str__(self) -> str:
        count, unit = self._best()
        return f"{count}/{unit if unit in ('hour', 'day') else unit[:3]}"

    def words(self) -> str:
        count, unit = self._best()
        return f"{count} a{'n' * (unit == 'hour')} {unit}"

    def _best(self) -> tuple[int, str]:
        """The smallest unit in which the rate is nearly whole.

        Source: extensions/libxt_limit.c (print_rate)
        """
        best = "day"
        for unit, whole in self.units.items():
            if self.period > whole or whole // self.period < whole % self.period:
                break
            best = unit
        return self.units[best] // self.period, best


def read_leading_integer(text: str) -> int:
    """The 32-bit number at the beginning of a text, as C's atoi reads it; 0 if there is none."""
    found = re.match(r"\s*[+-]?\d+", text, re.ASCII)
    return int(found[0]) & 0xFFFFFFFF if found else 0


class Burst(Integer):
    """How many may pass at once before the rate counts."""

    most = 10_000


@register_match("limit")
@dataclass(frozen=True)
class Limit(Match):
    """``-m limit [--limit RATE] [--limit-burst NUMBER]``: a bucket of tokens that refills.

    The bucket is full at first and holds as many tokens as the burst; a packet that finds
    none does not match.

    Kernel: net/netfilter/xt_limit.c
    """

    limit: Rate = option("--limit", Rate, default=Rate(10_000 * 3_600 // 3))
    burst: Burst = option("--limit-burst", Burst, default=Burst(5), shown=False)

    def _credit(self, context: Context) -> float:
        """What is in the bucket now; every packet that passes takes ``_credits(period)``."""
        full = _credits(self.limit.period * self.burst.number)
        left, since = context.memory.recall(self._key(context), (float(full), context.seconds))
        return min(full, left + (context.seconds - since) * _CREDITS)

    def _key(self, context: Context) -> tuple[object, ...]:
        return ("limit", context.rule, self)

    def holds(self, packet: Packet, context: Context) -> Answer:
        return self._credit(context) >= _credits(self.limit.period)

    def remember(self, packet: Packet, context: Context) -> Memory:
        spent = _credits(self.limit.period) if self.holds(packet, context) else 0
        left = (self._credit(context) - spent, context.seconds)
        return context.memory.store(self._key(context), left)

    def why_not(self, packet: Packet, context: Context) -> str:
        return f"--limit {self.limit}, but more packets came than that (and {self.burst} at once)"

    def explain(self) -> str:
        return f"is within the limit of {self.limit.words()} with a burst of {self.burst}"

    def kernel_refusal(self) -> Refused | None:
        """The kernel counts credits in 32 bits; a rate too slow for them wraps round.

        Kernel: net/netfilter/xt_limit.c (limit_mt_check)
        """
        enough = _credits(self.limit.period) <= _credits(self.limit.period * self.burst.number)
        if self.burst.number and enough:
            return None
        return Refused(
            f"the kernel cannot count {self.limit} with a burst of {self.burst}",
            "Write a faster rate, such as 2/day, or a burst from 1 upwards that is smaller.",
            OUT_OF_RANGE,
        )

    def listed(self, *, numeric: bool) -> str:
        return f"limit: avg {self.limit} burst {self.burst}"


# how many credits the bucket gets back each second, in kernels of 250 or 1000 Hz
_CREDITS = 32_000


def _credits(period: int) -> int:
    """How many credits a time in units of 0.1 ms is worth, in 32-bit arithmetic.

    Kernel: net/netfilter/xt_limit.c (user2credits)
    """
    period &= 0xFFFFFFFF
    exact = period <= 0xFFFFFFFF // _CREDITS
    worth = period * _CREDITS // Rate.scale if exact else period // Rate.scale * _CREDITS
    return worth & 0xFFFFFFFF
