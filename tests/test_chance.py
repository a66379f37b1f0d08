"""Every way that chance may go, each once, with its exact probability."""

from __future__ import annotations

from fractions import Fraction

from iptlab.simulate.chance import Chooser, scripts


def first_yes(choose: Chooser, chances: list[Fraction]) -> int:
    """The place of the first question that is answered with yes."""
    return next((n for n, chance in enumerate(chances) if choose(chance)), len(chances))


def test_every_way_is_played_once_with_its_probability() -> None:
    chances = [Fraction(1, 3), Fraction(0), Fraction(1, 2), Fraction(1)]
    found = {first_yes(script, chances): script.probability for script in scripts()}
    assert found == dict.fromkeys((0, 2, 3), Fraction(1, 3))


def test_questions_may_depend_on_answers() -> None:
    found = {}
    for script in scripts():
        deeper = [Fraction(1, 4)] if script(Fraction(1, 5)) else [Fraction(1, 7), Fraction(1, 9)]
        way = len(deeper), first_yes(script, deeper)
        found[way] = script.probability
    assert found == {
        (1, 0): Fraction(1, 20),
        (1, 1): Fraction(3, 20),
        (2, 0): Fraction(4, 35),
        (2, 1): Fraction(24, 315),
        (2, 2): Fraction(192, 315),
    }


def test_a_thousand_endpoints_share_chance_evenly() -> None:
    chances = [Fraction(1, left) for left in range(1000, 0, -1)]
    found = [(first_yes(script, chances), script.probability) for script in scripts()]
    assert sorted(found) == [(place, Fraction(1, 1000)) for place in range(1000)]
