"""``-j RATEEST``: measure how fast matching packets come."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.values import EstimatorName, Value
from iptlab.packet import Family, Packet

_SECOND = 1_000_000
_UNITS = {
    **dict.fromkeys(("s", "sec", "secs"), _SECOND),
    **dict.fromkeys(("ms", "msec", "msecs"), 1000),
    **dict.fromkeys(("us", "usec", "usecs", ""), 1),
}


@dataclass(frozen=True, slots=True)
class Duration(Value):
    """A time in microseconds."""

    microseconds: int

    @classmethod
    def parse(cls, text: str, family: Family) -> Duration:
        """``250ms``, ``0.5s``, or a number of microseconds; 32 bits of it count."""
        found = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)([a-z]*)", text, re.ASCII | re.IGNORECASE)
        unit = _UNITS.get(found[2].lower()) if found else None
        if found is None or unit is None:
            raise BadValueError(f'bad time value "{text}"', "Write for example 250ms or 2s.")
        return cls(int(float(found[1]) * unit) & 0xFFFFFFFF)

    def __str__(self) -> str:
        if self.microseconds >= _SECOND:
            return f"{self.microseconds / _SECOND:.1f}s"
        if self.microseconds >= 1000:
            return f"{self.microseconds / 1000:.1f}ms"
        return f"{self.microseconds}us"


class Interval(Duration):
    """How often the rate is measured."""

    @classmethod
    def parse(cls, text: str, family: Family) -> Interval:
        """A time up to 8 seconds."""
        return cls(_read(text, "interval", family))


class Window(Duration):
    """Over what time the rate is averaged."""

    @classmethod
    def parse(cls, text: str, family: Family) -> Window:
        """A time."""
        return cls(_read(text, "ewmalog", family))


def _read(text: str, what: str, family: Family) -> int:
    try:
        return Duration.parse(text, family).microseconds
    except BadValueError as bad:
        raise BadValueError(f'RATEEST: bad {what} value "{text}"', bad.cure) from None


@register_target("RATEEST")
@dataclass(frozen=True)
class RateEst(Target):
    """``-j RATEEST --rateest-name NAME --rateest-interval TIME --rateest-ewmalog TIME``.

    The kernel measures every 250 ms times a power of two, and averages over that times
    another power of two: both times are rounded to what it can do.

    Kernel: net/netfilter/xt_RATEEST.c; source: extensions/libxt_RATEEST.c
    """

    estimator: EstimatorName | None = option("--rateest-name", EstimatorName)
    interval: Interval = option("--rateest-interval", Interval, default=Interval(0))
    window: Window = option("--rateest-ewmalog", Window, default=Window(0))

    def __post_init__(self) -> None:
        """Round both times as the tool does, the second by the first one's exact value."""
        interval, window = self._rounded()
        if self.estimator is None:
            raise BadValueError(
                'RATEEST: option "--rateest-name" must be specified', "Write --rateest-name NAME."
            )
        object.__setattr__(self, "interval", interval)
        object.__setattr__(self, "window", window)

    def _rounded(self) -> tuple[Interval, Window]:
        quarter = _SECOND // 4
        asked = self.interval.microseconds
        if asked > quarter << 5:
            raise BadValueError(
                "RATEEST: interval value is too large", "The longest interval is 8s."
            )
        rounded = next(quarter << n for n in range(6) if asked <= quarter << n)
        if rounded == asked and self._is_rounded():
            return self.interval, self.window
        log = next((n for n in range(1, 32) if self._average(asked, n) > self._window()), 32) - 1
        if not 0 < log < 31:
            raise BadValueError(
                "RATEEST: ewmalog value is out of range",
                "Average over more than twice the interval.",
            )
        return Interval(rounded), Window(rounded << log)

    def _is_rounded(self) -> bool:
        times, rest = divmod(self._window(), self.interval.microseconds)
        return not rest and times > 1 and times & (times - 1) == 0

    def _window(self) -> int:
        return self.window.microseconds

    @staticmethod
    def _average(interval: int, log: int) -> float:
        return interval / -math.log(1 - 1 / (1 << log)) if interval else 0.0

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(packet, note=f"counted by estimator {self.estimator}")

    def explain(self) -> str:
        return f"is counted by the rate estimator {self.estimator} and goes on"

    def listed(self, *, numeric: bool) -> str:
        return f"name {self.estimator} interval {self.interval} ewmalog {self.window}"
