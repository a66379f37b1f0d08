"""Everything that chance may decide, outcome by outcome, with exact probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

Chooser = Callable[[Fraction], bool]


class Script:
    """Answers to questions of chance: those given first, then yes wherever yes is possible."""

    def __init__(self, given: tuple[bool, ...] = ()) -> None:
        self.given = given
        self.asked: list[tuple[Fraction, bool]] = []

    def __call__(self, chance: Fraction) -> bool:
        place = len(self.asked)
        said = self.given[place] if place < len(self.given) else chance > 0
        self.asked.append((chance, said))
        return said

    @property
    def probability(self) -> Fraction:
        """How likely it is that chance answers so."""
        result = Fraction(1)
        for chance, said in self.asked:
            result *= chance if said else 1 - chance
        return result

    def others(self) -> Iterator[tuple[bool, ...]]:
        """The beginnings of scripts that differ from this one where nothing was given."""
        answers = tuple(said for _, said in self.asked)
        for place in range(len(self.given), len(answers)):
            if 0 < self.asked[place][0] < 1:
                yield (*answers[:place], False)


def scripts() -> Iterator[Script]:
    """One script after another, until every way that chance may go has been played.

    Each must have been played to its end when the next one is asked for.
    """
    waiting: list[tuple[bool, ...]] = [()]
    while waiting:
        script = Script(waiting.pop())
        yield script
        waiting += script.others()
