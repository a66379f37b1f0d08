"""Checking an answer in a cell."""

from __future__ import annotations

import os
import sys

from iptlab import course
from iptlab.errors import CheckFailedError, IptlabError
from iptlab.grading import Status, grade


def check(exercise: str, answer: object) -> None:
    """Grade an answer and show what can be said about it.

    With IPTLAB_STRICT=1 in the environment anything but a correct answer raises
    CheckFailedError, so that a test can see it.
    """
    result = grade(course.exercise(exercise), answer)
    show(result)
    if os.environ.get("IPTLAB_STRICT") == "1" and result.status is not Status.CORRECT:
        raise CheckFailedError(str(result))


def hint(exercise: str, number: int = 1) -> None:
    """Show the exercise's first hint, or a later one; each says a little more."""
    hints = course.exercise(exercise).hints
    if not 1 <= number <= len(hints):
        raise IptlabError(f"{exercise} has {len(hints)} hints; ask for one from 1 to {len(hints)}")
    print(f"Hint {number} of {len(hints)}: {hints[number - 1]}")
    if number < len(hints):
        print(f'For the next one: iptlab.hint("{exercise}", {number + 1})')


def show(value: object) -> None:
    """Display a value in a notebook, print it anywhere else."""
    if "IPython" in sys.modules:
        from IPython.core.getipython import get_ipython
        from IPython.display import display

        if get_ipython() is not None:
            display(value)
            return
    print(value)
