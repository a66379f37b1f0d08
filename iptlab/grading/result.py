"""What is said about an answer: a status, a reason, a packet that proves it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from iptlab.html import Html, element, pairs
from iptlab.simulate.trace import HookVisit
from iptlab.view import visit_html

CHECK_MIME = "application/vnd.iptlab.check+json"


class Status(StrEnum):
    """The four things an answer can be."""

    NOT_YET = "not-yet"
    ERROR = "error"
    WRONG = "wrong"
    CORRECT = "correct"


_HEADINGS = {
    Status.NOT_YET: "○ not answered yet",
    Status.ERROR: "! cannot be read",
    Status.WRONG: "✗ not right yet",
    Status.CORRECT: "✓ correct",
}


_COLOURS = {
    Status.NOT_YET: "gray",
    Status.ERROR: "orange",
    Status.WRONG: "crimson",
    Status.CORRECT: "seagreen",
}


@dataclass(frozen=True)
class Result:
    """A graded answer; it prints in the order of its fields.

    ``code`` names what went wrong for instructors and tests (empty if nothing did).
    ``facts`` are things side by side, such as what was wanted and what came out. ``visits``
    are the walks that prove it, shown folded if they are a ``spoiler``.
    """

    exercise: str
    status: Status
    message: str
    code: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    why: str = ""
    hint: str = ""
    visits: tuple[HookVisit, ...] = ()
    spoiler: bool = False

    @property
    def heading(self) -> str:
        """The exercise and its status in words, with a sign that needs no colour."""
        return f"{_HEADINGS[self.status]}: {self.exercise}"

    def __str__(self) -> str:
        width = max((len(name) for name, _ in self.facts), default=0) + 1
        facts = "\n".join(f"  {f'{name}:':<{width}} {said}" for name, said in self.facts)
        parts = [self.heading, self.message, facts, self.why, self.hint, *map(str, self.visits)]
        return "\n\n".join(filter(None, parts))

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        """Text and HTML for people, and the status for programs that read notebooks."""
        mark = {"exercise": self.exercise, "status": str(self.status), "code": self.code}
        return {"text/plain": str(self), "text/html": self._html(), CHECK_MIME: mark}

    def _html(self) -> Html:
        """A note with a bar in its status's colour."""
        parts = [element("p", element("strong", self.heading))]
        parts.append(element("pre" if "\n" in self.message else "p", self.message))
        if self.facts:
            parts.append(pairs(self.facts))
        parts += [element("p", said) for said in (self.why, self.hint) if said]
        parts += [self._evidence(visit) for visit in self.visits]
        bar = f"border-left: 4px solid {_COLOURS[self.status]}; padding-left: 12px"
        return element("div", *parts, style=bar)

    def _evidence(self, visit: HookVisit) -> Html:
        """A walk that can be folded away, or if it is a spoiler unfolded."""
        if self.spoiler:
            summary = element("summary", "Show the packet's walk")
            return element("details", summary, visit_html(visit))
        summary = element("summary", f"The packet's walk: {visit.conclusion}")
        return element("details", summary, visit_html(visit), open="open")
