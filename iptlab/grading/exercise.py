"""What every exercise has, and how an answer is judged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Number
from reprlib import repr as shortened

from iptlab.grading.result import Result, Status
from iptlab.simulate.trace import HookVisit

LONGEST_ANSWER = 20_000


@dataclass(frozen=True)
class Misconception:
    """A known mistake: its code, the sentence that helps, and how it shows in an answer.

    ``shows`` is asked with the answer as its kind of exercise reads it: rules as a
    Ruleset, a packet as a Situation, else what ``plain`` makes of it.
    """

    code: str
    text: str
    shows: Callable[[object], bool]


@dataclass(frozen=True, kw_only=True)
class Exercise(ABC):
    """What every exercise has: an id such as ``01-ssh``, hints, known mistakes.

    ``done`` explains the answer to whoever has found it.
    """

    id: str
    hints: tuple[str, ...] = ()
    misconceptions: tuple[Misconception, ...] = ()
    done: str = ""

    @abstractmethod
    def judge(self, answer: object) -> Result:
        """What an attempted answer deserves; never raises for a learner's mistake."""

    def correct(
        self, proof: str, *visits: HookVisit, facts: tuple[tuple[str, str], ...] = ()
    ) -> Result:
        """The verdict on a right answer: what exactly was proved, then the explanation."""
        return Result(self.id, Status.CORRECT, proof, facts=facts, visits=visits, why=self.done)

    def wrong(
        self,
        answer: object,
        message: str,
        *visits: HookVisit,
        facts: tuple[tuple[str, str], ...] = (),
        spoiler: bool = False,
    ) -> Result:
        """The verdict on a wrong answer, with the misconception it shows, if it is a known one."""
        shown = (mistake for mistake in self.misconceptions if mistake.shows(answer))
        mistake = next(shown, None)
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

    def unreadable(self, message: str, code: str) -> Result:
        """The verdict on an answer that cannot be read."""
        return Result(self.id, Status.ERROR, message, code)

    @property
    def help(self) -> str:
        """Where to find hints, in one line."""
        return f'Stuck? Ask iptlab.hint("{self.id}").' if self.hints else ""


def grade(exercise: Exercise, answer: object) -> Result:
    """Judge an answer; pure, and a learner's mistake is never an exception.

    ``...``, None, blank text and text that still holds the word TODO are not answers yet.
    """
    if isinstance(answer, str) and len(answer) > LONGEST_ANSWER:
        return exercise.unreadable(
            f"An answer has at most {LONGEST_ANSWER:,} characters; this one has {len(answer):,}.",
            "too-long",
        )
    if message := _untouched(answer):
        return Result(exercise.id, Status.NOT_YET, f"{message} {exercise.help}".strip())
    return exercise.judge(answer)


def _untouched(answer: object) -> str:
    """What to do about an answer that is none yet; empty if it is one."""
    if answer is None or answer is ... or (isinstance(answer, str) and not answer.strip()):
        return "Put your answer into this cell, then run it again with Shift+Enter."
    if isinstance(answer, str) and "TODO" in answer:
        return (
            "Write where it says TODO, take the TODO out, then run the cell again with Shift+Enter."
        )
    return ""


def plain(value: object) -> object:
    """A value as answers are compared: case, outer blanks and quotes around a number do not count.

    >>> plain([" Drop", "1"]) == plain(("DROP", 1))
    True
    """
    return tuple(map(_word, value)) if isinstance(value, list | tuple) else _word(value)


def _word(value: object) -> object:
    if isinstance(value, Number) and not isinstance(value, bool):
        return value
    text = value if isinstance(value, str) else shortened(value)
    word = " ".join(text.split()).casefold()
    return int(word) if word.isascii() and word.isdecimal() else word


def answered(*values: object) -> Callable[[object], bool]:
    """The mistake of answering one of these."""
    return lambda answer: answer in map(plain, values)
