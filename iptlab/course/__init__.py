"""The course: where its notebooks and data lie, and the exercises by their id."""

from __future__ import annotations

from functools import cache

from iptlab.course import lesson00, lesson01
from iptlab.course.files import data, notebooks
from iptlab.errors import IptlabError
from iptlab.grading import Exercise

LESSONS = (lesson00, lesson01)

__all__ = ["LESSONS", "data", "exercise", "exercises", "notebooks"]


@cache
def exercises() -> dict[str, Exercise]:
    """Every exercise of the course by its id, in the order of the lessons."""
    return {one.id: one for lesson in LESSONS for one in lesson.EXERCISES}


def exercise(id_: str) -> Exercise:
    """The exercise of that id; an IptlabError names the ones it could be."""
    if id_ not in exercises():
        lesson = [known for known in exercises() if known[:2] == id_[:2]]
        raise IptlabError(
            f"there is no exercise `{id_[:40]}'; there are {', '.join(lesson or exercises())}"
        )
    return exercises()[id_]
