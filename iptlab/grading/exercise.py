"""What every exercise has, and how an answer is judged."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from numbers import Rational
from reprlib import Repr
from typing import ClassVar

from iptlab.grading.result import Evidence, Result, Status
from iptlab.packet import ARROW

FORM = "form"
LONGEST_ANSWER = 20_000
LONGEST_LIST = 100
DEEPEST_LIST = 3


@dataclass(frozen=True)
class Misconception:
    """A known mistake: its code, the sentence that helps, and how it shows in an answer.

    ``shows`` is asked with the answer as its kind of exercise reads it: rules as a Ruleset, a
    packet as a Situation (for hosts and clusters as its text), a line with its packet as a
    pair whose first part is ``filter INPUT 3``, manifests as a Cluster, else what ``plain``
    makes of it. ``treats``, ``sends``, ``blames``, ``reaches`` and ``answered`` make such tests.
    The code ``form`` is for what is only not written as it should be: that is no wrong answer.
    """

    code: str
    text: str
    shows: Callable[[object], bool]


@dataclass(frozen=True, kw_only=True)
class Exercise(ABC):
    """What every exercise has: an id such as ``01-ssh``, hints, known mistakes.

    ``done`` explains the answer to whoever has found it. ``task`` is what is asked, where the
    notebook cannot say it because it differs from learner to learner; it is shown until the
    answer is right. ``magic`` is that of the cell it is answered in; without one that is Python.
    """

    magic: ClassVar[str] = ""

    id: str
    task: str = ""
    hints: tuple[str, ...] = ()
    misconceptions: tuple[Misconception, ...] = ()
    done: str = ""

    @abstractmethod
    def judge(self, answer: object) -> Result:
        """What an attempted answer deserves; never raises for a learner's mistake."""

    def model(self) -> object:
        """A right answer, if this kind of exercise knows one by itself; else None."""
        return None

    def correct(
        self, proof: str, *visits: Evidence, facts: tuple[tuple[str, str], ...] = ()
    ) -> Result:
        """The verdict on a right answer: what exactly was proved, then the explanation."""
        return Result(self.id, Status.CORRECT, proof, facts=facts, visits=visits, why=self.done)

    def wrong(
        self,
        answer: object,
        message: str,
        *visits: Evidence,
        facts: tuple[tuple[str, str], ...] = (),
        spoiler: bool = False,
    ) -> Result:
        """The verdict on a wrong answer, with the misconception it shows, if it is a known one."""
        mistake = self.mistake(answer)
        if mistake and mistake.code == FORM:
            return self.unreadable(mistake.text, FORM)
        return Result(
            self.id,
            Status.WRONG,
            message,
            mistake.code if mistake else "other",
            facts,
            mistake.text if mistake else "",
            self.help,
            visits,
            spoiler,
        )

    def mistake(self, answer: object) -> Misconception | None:
        """The first known mistake that an answer shows."""
        return next((one for one in self.misconceptions if one.shows(answer)), None)

    def unreadable(self, message: str, code: str) -> Result:
        """The verdict on an answer that cannot be read."""
        return Result(self.id, Status.ERROR, message, code)

    @property
    def help(self) -> str:
        """Where to find hints, in one line."""
        return f'Stuck? Ask iptlab.hint("{self.id}").' if self.hints else ""


@dataclass(frozen=True)
class Variants:
    """An exercise whose values differ from learner to learner.

    ``make`` is told the learner's seed, any whole number; choosing by ``seed % n`` gives
    neighbours different values. Seed 0 is what the notebooks are stored with. The exercise
    must know its own answer (see ``model``) and say its ``task``.
    """

    id: str
    make: Callable[[int], Exercise]


def grade(exercise: Exercise, answer: object) -> Result:
    """Judge an answer; pure, and a learner's mistake is never an exception.

    ``...``, None, blank text and text that still holds the word TODO are not answers yet. What an
    exercise's own functions raise, its truth or how a misconception shows, is a mistake of whoever
    wrote it, and goes through.
    """
    if excess := _excess(answer):
        return exercise.unreadable(excess, "too-long")
    if message := _untouched(answer):
        result = Result(exercise.id, Status.NOT_YET, message, hint=exercise.help)
    else:
        result = exercise.judge(answer)
    return result if result.status is Status.CORRECT else replace(result, task=exercise.task)


def _excess(answer: object, depth: int = 0) -> str:
    """Why an answer is more than anybody can mean; empty if it is not."""
    match answer:
        case str() if len(answer) > LONGEST_ANSWER:
            return f"An answer has at most {LONGEST_ANSWER:,} characters; this has {len(answer):,}."
        case str() if any("\ud800" <= letter <= "\udfff" for letter in answer):
            return "There are halves of characters in this answer. Type it anew."
        case int() if abs(answer) >= 10**30:
            return "An answer is no number of more than 30 digits."
        case list() | tuple() | set() | frozenset() if (
            len(answer) > LONGEST_LIST or depth > DEEPEST_LIST
        ):
            return (
                f"An answer is a list of at most {LONGEST_LIST} things, and lists in it end soon."
            )
        case list() | tuple() | set() | frozenset():
            return next(filter(None, (_excess(part, depth + 1) for part in answer)), "")
    return ""


def _untouched(answer: object) -> str:
    """What to do about an answer that is none yet; empty if it is one."""
    if isinstance(answer, tuple | list) and any(part is ... for part in answer):
        return "Put something into the place of every `...', then run the cell with Shift+Enter."
    if answer is None or answer is ... or (isinstance(answer, str) and not answer.strip()):
        return "Put your answer into this cell, then run it again with Shift+Enter."
    if isinstance(answer, str) and "TODO" in answer:
        return (
            "Write where it says TODO, take the TODO out, then run the cell again with Shift+Enter."
        )
    return ""


# --- values as answers are compared ---

_SHORT = Repr()
# both ends of a packet can be read in full
_SHORT.maxstring = 80

# how far from a fraction a decimal may be: three digits of it are enough
_NEAR = Fraction(1, 1000)
_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20}|/[0-9]{1,20})?").fullmatch


def plain(value: object) -> object:
    """A value as answers are compared: case, blanks and quotes around a number do not count.

    >>> plain([" Drop", "1", "1/2"]) == plain(("DROP", 1, 0.5))
    True
    """
    return tuple(map(_word, value)) if isinstance(value, list | tuple) else _word(value)


def shortened(value: object) -> str:
    """A value as Python writes it, cut in the middle if it is long."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # a number somewhere in it has too many digits to be written
        return f"such a {type(value).__name__}"


def _word(value: object) -> object:
    if isinstance(value, Rational | float) and not isinstance(value, bool):
        return _number(value)
    text = value if isinstance(value, str) else shortened(value)
    word = " ".join(ARROW.sub(" -> ", text).split()).casefold()
    if not _NUMBER(word):
        return word
    try:
        return _number(Fraction(word))
    except ZeroDivisionError:
        return word


def _number(value: Rational | float) -> object:
    """An exact number; one that is none, such as infinity, as its text."""
    try:
        # 0.1 is one tenth for whoever types it
        exact = Fraction(str(value)) if isinstance(value, float) else Fraction(value)
    except ValueError:
        return str(value)
    return int(exact) if exact.denominator == 1 else exact


def agree(answer: object, truth: object) -> bool:
    """Whether two plain values are the same, fractions and decimals as far as one writes them.

    >>> agree(plain(0.333), plain("1/3")), agree(plain(3), plain(4))
    (True, False)
    """
    if isinstance(answer, tuple) and isinstance(truth, tuple):
        return len(answer) == len(truth) and all(map(agree, answer, truth))
    if isinstance(truth, Fraction) and isinstance(answer, int | Fraction):
        return abs(answer - truth) <= _NEAR
    return answer == truth


def answered(*values: object) -> Callable[[object], bool]:
    """The mistake of answering one of these."""
    return lambda answer: any(agree(answer, plain(value)) for value in values)
