"""Everything that chance may decide, outcome by outcome, with exact probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

Chooser = Callable[[Fraction], bool]
_CERTAIN = Fraction(1)
# a fraction with a larger denominator says less than a percentage
_READABLE = 1000


class Script:
    """Answers to questions of chance: those given first, then yes wherever yes is possible.

    ``likely`` is how likely the given answers are; with a thousand of them, as for a Service of
    a thousand endpoints, that is too much to work out again and again.
    """

    def __init__(self, given: tuple[bool, ...] = (), likely: Fraction = _CERTAIN) -> None:
        self.given = given
        self.likely = likely
        self.asked: list[tuple[Fraction, bool]] = []

    def __call__(self, chance: Fraction) -> bool:
        place = len(self.asked)
        said = self.given[place] if place < len(self.given) else chance > 0
        self.asked.append((chance, said))
        return said

    @property
    def probability(self) -> Fraction:
        """How likely it is that chance answers so."""
        result = self.likely
        for chance, said in self.asked[len(self.given) :]:
            result *= chance if said else 1 - chance
        return result

    def others(self) -> Iterator[Script]:
        """The scripts that differ from this one first where nothing was given."""
        answers, likely = tuple(said for _, said in self.asked), self.likely
        for place in range(len(self.given), len(answers)):
            chance, said = self.asked[place]
            if 0 < chance < 1:
                yield Script((*answers[:place], False), likely * (1 - chance))
            likely *= chance if said else 1 - chance


def scripts() -> Iterator[Script]:
    """One script after another, until every way that chance may go has been played.

    Each must have been played to its end when the next one is asked for.
    """
    waiting = [Script()]
    while waiting:
        script = waiting.pop()
        yield script
        waiting += script.others()


def simple(exact: Fraction) -> Fraction:
    """The simple fraction that chance in the kernel's 2**31 parts stands for, if there is one.

    >>> simple(Fraction(715827883, 2**31))
    Fraction(1, 3)
    """
    near = exact.limit_denominator(_READABLE)
    return near if abs(near - exact) < Fraction(1, 1 << 24) else exact


def fraction(share: Fraction) -> str:
    """A share as a fraction that one can read; empty if it is not simple.

    >>> fraction(Fraction(715827883, 2**31)), fraction(Fraction(1))
    ('1/3', '1')
    """
    exact = simple(share)
    return str(exact) if exact.denominator <= _READABLE else ""
