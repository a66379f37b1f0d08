"""A lesson as an nbgrader assignment: behind every answer a locked cell with its points."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iptlab import course
from iptlab.errors import FileError, IptlabError

Cell = dict[str, Any]


def assignment(lesson: str, points: float = 1.0) -> str:
    """The text of a lesson's notebook, each exercise of it worth so many points.

    It goes into the folder ``source`` of an nbgrader course. Answer cells are left alone:
    nbgrader would empty those that it knows of.
    """
    files = sorted(course.notebooks().glob(f"{lesson}-*.ipynb")) if lesson else []
    if not files:
        known = ", ".join(course.lessons())
        raise IptlabError(f"there is no lesson `{lesson}'; there are {known}")
    notebook = json.loads(files[0].read_text(encoding="utf-8"))
    notebook["cells"] = list(_with_scores(notebook["cells"], points))
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def write_assignment(lesson: str, file: Path, points: float = 1.0) -> None:
    """Write that notebook to a new file, with the folders it lies in."""
    text = assignment(lesson, points)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as new:
            new.write(text)
    except FileExistsError:
        raise FileError(f"{file} is there already; name a new file") from None
    except OSError as error:
        raise FileError(f"{file} cannot be written: {error.strerror}") from None


def _with_scores(cells: list[Cell], points: float) -> Iterator[Cell]:
    for cell in cells:
        yield cell
        about = cell["metadata"].get("iptlab", {})
        if about.get("role") == "answer":
            yield _score(about["exercise"], points)


def _score(exercise: str, points: float) -> Cell:
    """A locked cell whose value is the points.

    Format: nbgrader's documentation, "Cell metadata" (schema version 3).
    """
    name = f"{exercise}-score"
    nbgrader = {
        "grade": True,
        "grade_id": name,
        "locked": True,
        "points": points,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {"nbgrader": nbgrader, "tags": ["score"]},
        "outputs": [],
        "source": [f'iptlab.score("{exercise}", points={points:g})'],
    }
