"""The cells that learners answer in, as the course ships them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from iptlab.course.files import notebooks
from iptlab.grading import Exercise


@dataclass(frozen=True)
class Cell:
    """An answer cell: its text as shipped, and its template if it is Python."""

    text: str
    template: str = ""

    def filled(self, answer: str) -> str:
        """The cell with an answer in it: in its template, or below its magic's line."""
        if self.template:
            return self.template.replace("{answer}", answer)
        return f"{self.text.splitlines()[0]}\n{answer}"


@cache
def cells(lesson: str) -> dict[str, Cell]:
    """The answer cells of a lesson's notebook by exercise id; none if it has no notebook."""
    found: dict[str, Cell] = {}
    for file in notebooks().glob(f"{lesson}-*.ipynb"):
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
            about: dict[str, Any] = cell["metadata"].get("iptlab", {})
            if about.get("role") == "answer":
                text = "".join(cell["source"])
                found[about["exercise"]] = Cell(text, about.get("template", ""))
    return found


def usual(exercise: Exercise) -> Cell:
    """The cell of an exercise that no notebook holds."""
    if exercise.magic:
        return Cell(f"%%{exercise.magic} {exercise.id}\n# TODO")
    template = f'answer = {{answer}}\niptlab.check("{exercise.id}", answer)'
    return Cell(template.replace("{answer}", "..."), template)


def title(lesson: str) -> str:
    """What a lesson is called, from the name of its notebook: ``a rule``."""
    names = sorted(file.stem for file in notebooks().glob(f"{lesson}-*.ipynb"))
    return names[0].partition("-")[2].replace("-", " ") if names else ""
