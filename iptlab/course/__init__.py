"""The course: where its notebooks and data lie, and the exercises by their id.

A lesson is a module with its ``EXERCISES`` and with the questions that later lessons ask
again: ``REVIEW``, predictions that say their ``task`` and so stand for themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from iptlab.course import (
    lesson00,
    lesson01,
    lesson02,
    lesson03,
    lesson04,
    lesson05,
    lesson06,
    lesson07,
    lesson08,
    lesson09,
    lesson10,
    lesson11,
    lesson12,
    lesson13,
)
from iptlab.course.cells import cells, title, usual
from iptlab.course.files import data, notebooks
from iptlab.course.review import drawn
from iptlab.course.solutions import answer_files, read_answers
from iptlab.errors import IptlabError
from iptlab.grading import Exercise, Predict, Variants

LESSONS = (
    *(lesson00, lesson01, lesson02, lesson03, lesson04, lesson05, lesson06, lesson07, lesson08),
    *(lesson09, lesson10, lesson11, lesson12, lesson13),
)
REVIEWED = 3

__all__ = [
    "LESSONS",
    "answer_files",
    "cells",
    "data",
    "exercise",
    "exercises",
    "lessons",
    "notebooks",
    "origin",
    "questions",
    "review",
    "solution",
    "title",
    "usual",
]


def lessons() -> dict[str, tuple[Exercise | Variants, ...]]:
    """The exercises of each lesson by its number: ``"01"``."""
    return {lesson.__name__[-2:]: lesson.EXERCISES for lesson in LESSONS}


def questions() -> dict[str, tuple[Predict, ...]]:
    """The questions of each lesson that later ones ask again."""
    return {lesson.__name__[-2:]: lesson.REVIEW for lesson in LESSONS}


def _all() -> Iterator[Exercise | Variants]:
    for number, lesson in lessons().items():
        yield from lesson
        yield from questions()[number]


@cache
def exercises(seed: int = 0) -> dict[str, Exercise]:
    """Every exercise of the course by its id, in the order of the lessons."""
    return {one.id: one.make(seed) if isinstance(one, Variants) else one for one in _all()}


def exercise(id_: str, seed: int = 0) -> Exercise:
    """The exercise of that id; an IptlabError names the ones it could be.

    ``05-review-1`` is the first question of the review in lesson 05. ``seed`` is the learner's.
    """
    if not isinstance(id_, str):
        raise IptlabError('an exercise is named by its id in quotes: "00-first"')
    known = exercises(seed)
    question = known.get(origin(id_, seed))
    if question is not None:
        return question if question.id == id_ else replace(question, id=id_)
    lesson = [one for one in known if one[:2] == id_[:2]]
    raise IptlabError(f"there is no exercise `{id_[:40]}'; there are {', '.join(lesson or known)}")


def review(lesson: str, count: int = REVIEWED, seed: int = 0) -> tuple[Exercise, ...]:
    """Questions from earlier lessons, as ``05-review-1`` and so on."""
    chosen = drawn(questions(), lesson, count, seed)
    return tuple(
        replace(exercises(seed)[id_], id=f"{lesson}-review-{number}")
        for number, id_ in enumerate(chosen, start=1)
    )


def origin(id_: str, seed: int = 0) -> str:
    """The id under which an exercise is known: for a review's question, where it comes from."""
    found = re.fullmatch(r"(\d\d)-review-([1-9])", id_)
    if found is None:
        return id_
    chosen = drawn(questions(), found[1], int(found[2]), seed)
    return chosen[int(found[2]) - 1] if len(chosen) >= int(found[2]) else id_


def solution(id_: str, seed: int = 0) -> str:
    """The answer cell of an exercise with a right answer in it."""
    known = exercise(id_, seed)
    cell = cells(id_[:2]).get(id_) or usual(known)
    return cell.filled(_answer(known, origin(id_, seed), seed))


def _answer(exercise: Exercise, known_as: str, seed: int) -> str:
    """The first answer of the answer file; for a variant of one's own what it says itself."""
    if seed and exercises(0)[known_as] != exercises(seed)[known_as]:
        model = exercise.model()
        return str(model) if exercise.magic else repr(model)
    return read_answers(answer_files() / f"{known_as[:2]}.toml")[known_as].correct[0]
