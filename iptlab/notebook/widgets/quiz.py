"""Questions one after another, each checked by itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from iptlab import course
from iptlab.errors import IptlabError
from iptlab.grading import Exercise, Predict, Status
from iptlab.html import Html, element
from iptlab.notebook.check import judged
from iptlab.notebook.session import seed
from iptlab.notebook.widgets.exercise_panel import answer_field, meant
from iptlab.notebook.widgets.form import Form, Reply


class Quiz(Form):
    """Questions to predict: ``Quiz("04")`` those of a lesson, ``Quiz("04-path", ...)`` by id.

    What is checked counts as what is checked in a cell; ``right`` are the ids that were
    answered right here.
    """

    def __init__(self, *asked: str) -> None:
        self.questions = _questions(asked)
        self.at = 0
        self.right: set[str] = set()
        self.typed: dict[str, str] = {}
        page = self._page()
        super().__init__(page.pop("title"), *page.pop("fields"), **page)

    @property
    def question(self) -> Exercise:
        """The one that is shown."""
        return self.questions[self.at]

    def _page(self) -> dict[str, Any]:
        """The form of the question that is shown."""
        one, last = self.question, len(self.questions) - 1
        right = f"; {len(self.right)} right so far" if self.right else ""
        return {
            "title": f"Question {self.at + 1} of {len(self.questions)}{right}",
            "intro": one.task,
            "fields": [answer_field(one, "")],
            "buttons": [
                ["check", "Check"],
                ["back", "Back", self.at > 0],
                ["next", "Next", self.at < last],
            ],
            "values": {"answer": self.typed.get(one.id, "")},
        }

    def answer(self, do: str) -> Reply:
        one, typed = self.question, self.values["answer"]
        self.typed[one.id] = typed
        if do in ("back", "next"):
            self.at = min(max(self.at + (1 if do == "next" else -1), 0), len(self.questions) - 1)
            return self._turned(Html())
        if do != "check":
            return Reply()
        result = judged(one.id, meant(one, typed))
        if result.status is Status.CORRECT and one.id not in self.right:
            self.right.add(one.id)
            return self._turned(result.html())
        return Reply(result.html())

    def _turned(self, said: Html) -> Reply:
        """The form as it is now, with other words."""
        page = self._page()
        self.fields = [asdict(one) for one in page.pop("fields")]
        for name, value in page.items():
            setattr(self, name, value)
        return Reply(said, form=True)

    def static(self) -> Html:
        """All questions, for who cannot turn the pages."""
        some = (element("li", element("strong", f"{one.id}: "), one.task) for one in self.questions)
        return element("div", element("p", "Questions"), element("ol", *some))

    def __str__(self) -> str:
        return "\n".join(f"{one.id}: {one.task}" for one in self.questions)


def _questions(asked: tuple[str, ...]) -> tuple[Exercise, ...]:
    """The questions of a lesson, or those of the ids."""
    found: list[Exercise] = []
    for name in asked:
        if name in course.questions():
            found += course.questions()[name]
        else:
            found.append(course.exercise(name, seed()))
    if other := [one.id for one in found if not isinstance(one, Predict) or not one.task]:
        raise IptlabError(f"{other[0]} is no question that stands for itself; write ExercisePanel")
    if not found:
        raise IptlabError('a quiz needs a lesson or ids; write Quiz("04")')
    return tuple(found)
