"""The answer files: what the grader must accept and refuse, exercise by exercise.

The first correct answer to an exercise is the solution that learners may ask for.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iptlab.errors import IptlabError


class AnswerFileError(IptlabError):
    """An answer file that does not say what it should; the message names file and key."""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer, the ``Result.code`` it must get, and words its message must hold."""

    code: str
    says: str
    answer: str


@dataclass(frozen=True)
class Answers:
    """What an answer file holds for one exercise."""

    correct: tuple[str, ...]
    wrong: tuple[Mistake, ...]


def answer_files() -> Path:
    """Their folder: inside the installed package, or among the tests of a clone."""
    installed = Path(__file__).parent / "answers"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "tests" / "answers"


def read_answers(file: Path) -> dict[str, Answers]:
    """The answers of one lesson, by exercise id."""
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise AnswerFileError(f"{file}: {error}") from None
    return {
        exercise: _answers(table, f'{file}: ["{exercise}"]') for exercise, table in tables.items()
    }


def _answers(table: Any, place: str) -> Answers:
    correct, wrong = _values(table, ("correct", "wrong"), list, place)
    if not all(isinstance(answer, str) for answer in correct) or len(set(correct)) < 2:
        raise AnswerFileError(f"{place} correct: needs two answers or more, different strings")
    if len(wrong) < 3:
        raise AnswerFileError(f"{place} wrong: needs three mistakes or more")
    return Answers(
        tuple(answer.strip("\n") for answer in correct),
        tuple(_mistake(entry, f"{place} wrong {n}") for n, entry in enumerate(wrong, start=1)),
    )


def _mistake(table: Any, place: str) -> Mistake:
    code, says, answer = _values(table, ("code", "says", "answer"), str, place)
    return Mistake(code, says, answer.strip("\n"))


def _values(table: Any, keys: tuple[str, ...], kind: type, place: str) -> list[Any]:
    """The values of exactly ``keys``, each of one ``kind``."""
    if not isinstance(table, dict):
        raise AnswerFileError(f"{place}: needs the keys {', '.join(keys)}")
    for key in sorted(table.keys() ^ set(keys)):
        raise AnswerFileError(f"{place} {key}: {'unknown key' if key in table else 'is missing'}")
    for key in keys:
        if not isinstance(table[key], kind):
            raise AnswerFileError(f"{place} {key}: must be a {kind.__name__}")
    return [table[key] for key in keys]
