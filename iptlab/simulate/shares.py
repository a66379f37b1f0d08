"""How often chance did each thing that it may do, beside how often it should."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

from iptlab.simulate.chance import fraction


@dataclass(frozen=True)
class Share:
    """One thing that may happen: its exact chance at each try, and how often it came.

    What came in one try may count several times: all requests of a connection are answered by
    whom chance chose for the connection.
    """

    who: str
    chance: Fraction
    counted: int
    tries: int
    each: int = 1

    @property
    def expected(self) -> float:
        """How often it comes on average."""
        return float(self.tries * self.each * self.chance)

    @property
    def spread(self) -> float:
        """The standard deviation: two times of three a count is no further from the average."""
        return self.each * sqrt(self.tries * self.chance * (1 - self.chance))

    @property
    def usual(self) -> tuple[float, float]:
        """Between what numbers 19 of 20 counts are: two standard deviations around it."""
        off = 2 * self.spread
        return max(0.0, self.expected - off), min(self.tries * self.each, self.expected + off)

    @property
    def fraction(self) -> str:
        """The chance as a fraction that one can read; empty if there is none."""
        return fraction(self.chance)

    @property
    def percent(self) -> str:
        """The chance in percent."""
        return f"{100 * float(self.chance):.2f}"


def shares(
    chances: Mapping[str, Fraction], counted: Mapping[str, int], tries: int, each: int = 1
) -> tuple[Share, ...]:
    """A share for all that may come or came, the likeliest first."""
    found = (
        Share(who, chances.get(who, Fraction(0)), counted.get(who, 0), tries, each)
        for who in {**chances, **counted}
    )
    return tuple(sorted(found, key=lambda one: (-one.chance, one.who)))


def summed(found: Iterable[tuple[str, Fraction]]) -> dict[str, Fraction]:
    """The chances by name; the same name in two ways counts once, with both chances."""
    sums: dict[str, Fraction] = {}
    for name, chance in found:
        sums[name] = sums.get(name, Fraction(0)) + chance
    return sums
