"""Questions that come back: some from the last lesson, some from long ago.

Recalling something costs most, and helps most, when it has almost been forgotten. So the
questions of a review come from the lesson before, then from ones two, four, eight lessons
further back, and so on; what is drawn depends on the learner's seed alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from iptlab.grading import Exercise


def drawn(bank: Mapping[str, Sequence[Exercise]], lesson: str, count: int, seed: int) -> list[str]:
    """The ids of the questions for a lesson's review, at most ``count``.

    ``bank`` are the questions by lesson. A question that is added to it does not disturb the
    order of the others.
    """
    earlier = [number for number in sorted(bank) if number < lesson and bank[number]]
    left = {number: _shuffled(bank[number], lesson, seed) for number in earlier}
    chosen: list[str] = []
    step = 1
    while len(chosen) < count and any(left.values()):
        wanted = max(len(earlier) - step, 0)
        full = [number for number in earlier if left[number]]
        nearest = min(full, key=lambda number: abs(earlier.index(number) - wanted))
        chosen.append(left[nearest].pop(0))
        step += 2 ** len(chosen)
    return chosen


def _shuffled(questions: Sequence[Exercise], lesson: str, seed: int) -> list[str]:
    """The ids in an order of the learner's own."""
    ids = [one.id for one in questions]
    return sorted(ids, key=lambda id_: sha256(f"{seed} {lesson} {id_}".encode()).hexdigest())
