"""What a learner calls in a cell: checks, hints, solutions, progress."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from iptlab import course
from iptlab.course.progress import Report
from iptlab.errors import CheckFailedError, IptlabError
from iptlab.grading import Result, Status, grade
from iptlab.notebook.session import SESSION, seed

# wrong answers after which a solution may be seen
TRIES = 2


def check(exercise: str, answer: object) -> None:
    """Grade an answer, show what can be said about it, and note down right and wrong ones.

    With IPTLAB_STRICT=1 in the environment anything but a correct answer raises
    CheckFailedError, so that a test can see it.
    """
    result = judged(exercise, answer)
    show(result)
    if os.environ.get("IPTLAB_STRICT") == "1" and result.status is not Status.CORRECT:
        raise CheckFailedError(str(result))


def judged(exercise: str, answer: object) -> Result:
    """Grade an answer, and note down right and wrong ones."""
    result = grade(course.exercise(exercise, seed()), answer)
    SESSION.solved[exercise] = result.status is Status.CORRECT
    if result.status in (Status.CORRECT, Status.WRONG):
        solved = result.status is Status.CORRECT
        SESSION.change(lambda progress: progress.answered(exercise, solved=solved))
    return result


def score(exercise: str, points: float = 1.0) -> float:
    """The points for an exercise: all if its last check in this notebook was right, else none.

    As the last line of a locked cell it is what nbgrader counts.
    """
    course.exercise(exercise, seed())
    return float(points) if SESSION.solved.get(exercise) else 0.0


def hint(exercise: str, number: int | None = None) -> None:
    """Show the exercise's next hint, or the one of that number; each says a little more."""
    found = next_hint(exercise, number)
    more = f'For the next one, ask again: iptlab.hint("{exercise}")'
    if found.last:
        more = f'That was the last one. What is left is iptlab.solution("{exercise}").'
    print(f"{found}\n{more}")


class Hint(NamedTuple):
    """One of an exercise's hints."""

    number: int
    of: int
    text: str

    @property
    def last(self) -> bool:
        """Whether there is no further one."""
        return self.number == self.of

    def __str__(self) -> str:
        return f"Hint {self.number} of {self.of}: {self.text}"


def next_hint(exercise: str, number: int | None = None) -> Hint:
    """The exercise's next hint, or the one of that number."""
    hints = course.exercise(exercise, seed()).hints
    if number is None:
        number = min(SESSION.hints.get(exercise, 0) + 1, len(hints))
    if not 1 <= number <= len(hints):
        raise IptlabError(f"{exercise} has {len(hints)} hints; ask for one from 1 to {len(hints)}")
    SESSION.hints[exercise] = number
    return Hint(number, len(hints), hints[number - 1])


def solution(exercise: str, *, force: bool = False) -> None:
    """Show a right answer, once it was tried twice or solved, or with ``force``.

    With IPTLAB_NO_SOLUTIONS=1 in the environment there are none.
    """
    print(earned_solution(exercise, force=force))


def earned_solution(exercise: str, *, force: bool = False, help: str = "") -> str:
    """A right answer if it may be seen, else what has to be done before.

    ``help`` says how one gets a hint, where that is not by a function.
    """
    course.exercise(exercise, seed())
    record = SESSION.progress.of(exercise)
    if os.environ.get("IPTLAB_NO_SOLUTIONS") == "1":
        return "There are no solutions here: IPTLAB_NO_SOLUTIONS is set."
    if force or record.solved or record.wrong >= TRIES:
        shown = course.solution(exercise, seed())
        return f"One right answer to {exercise}; there may be others.\n\n{shown}"
    help = help or f'ask iptlab.hint("{exercise}")'
    return (
        f"A solution is shown after {TRIES} wrong answers; so far there are {record.wrong}. "
        f"Try once more, or {help}. To see it all the same: "
        f'iptlab.solution("{exercise}", force=True)'
    )


def reset(exercise: str) -> None:
    """Forget what was answered, and show the cell as the course has it."""
    forget(exercise)
    print(f"{exercise} begins anew.")
    cell = course.cells(exercise[:2]).get(exercise)
    if cell is not None:
        print(f"This was in its cell:\n\n{cell.text}")


def forget(exercise: str) -> None:
    """Forget what was answered to an exercise, and which hints were shown."""
    course.exercise(exercise, seed())
    SESSION.change(lambda progress: progress.without(exercise))
    SESSION.hints.pop(exercise, None)
    SESSION.solved.pop(exercise, None)


def progress(lesson: str | int = "") -> Report:
    """A bar for each lesson, or for one of them: ``progress("01")``."""
    lesson = f"{lesson:02}" if isinstance(lesson, int) else lesson
    if lesson and lesson not in course.lessons():
        raise IptlabError(f"there is no lesson `{lesson}'; there are {', '.join(course.lessons())}")
    return Report.of(SESSION.progress, lesson)


def review(lesson: str, n: int = course.REVIEWED) -> None:
    """Show the questions from earlier lessons that come back in this one."""
    for question in course.review(lesson, n, seed()):
        print(f'{question.id}: {question.task}\n  iptlab.check("{question.id}", ...)\n')


def show(value: object) -> None:
    """Display a value in a notebook, print it anywhere else."""
    if "IPython" in sys.modules:
        from IPython.core.getipython import get_ipython
        from IPython.display import display

        if get_ipython() is not None:
            display(value)
            return
    print(value)
