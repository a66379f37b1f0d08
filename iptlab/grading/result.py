"""What is said about an answer: a status, a reason, a packet that proves it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from iptlab.html import Html, element, pairs
from iptlab.shown import Shown
from iptlab.simulate.journey import Journey
from iptlab.simulate.network import Attempt
from iptlab.simulate.trace import HookVisit
from iptlab.view import way_html

CHECK_MIME = "application/vnd.iptlab.check+json"

# what proves a verdict: a walk, a journey through a host, a connection in a cluster
Evidence = HookVisit | Journey | Attempt


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
class Result(Shown):
    """A graded answer; it prints in the order of its fields.

    ``code`` names what went wrong for instructors and tests (empty if nothing did).
    ``facts`` are things side by side, such as what was wanted and what came out. ``visits``
    are the ways of packets that prove it, shown folded if they are a ``spoiler``. ``task`` is
    what was asked, if the notebook does not say it; it is printed first.
    """

    exercise: str
    status: Status
    message: str
    code: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    why: str = ""
    hint: str = ""
    visits: tuple[Evidence, ...] = ()
    spoiler: bool = False
    task: str = ""

    @property
    def heading(self) -> str:
        """The exercise and its status in words, with a sign that needs no colour."""
        return f"{_HEADINGS[self.status]}: {self.exercise}"

    def __str__(self) -> str:
        width = max((len(name) for name, _ in self.facts), default=0) + 1
        facts = "\n".join(f"  {f'{name}:':<{width}} {said}" for name, said in self.facts)
        said = [self.heading, self.task, self.message, facts, self.why, self.hint]
        # text cannot be folded, so a spoiler stays out of it
        visits = () if self.spoiler else self.visits
        return "\n\n".join(filter(None, [*said, *map(str, visits)]))

    def as_dict(self) -> dict[str, object]:
        """The result as JSON takes it."""
        return {
            "exercise": self.exercise,
            "status": str(self.status),
            "code": self.code,
            "message": self.message,
            "facts": dict(self.facts),
            "why": self.why,
            "hint": self.hint,
            "visits": [_evidence_dict(visit) for visit in self.visits],
        }

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        """Text and HTML for people, and the status for programs that read notebooks."""
        mark = {"exercise": self.exercise, "status": str(self.status), "code": self.code}
        return {"text/plain": str(self), "text/html": self.html(), CHECK_MIME: mark}

    def html(self) -> Html:
        """A note with a bar in its status's colour."""
        parts = [element("p", element("strong", self.heading))]
        parts += [_paragraph(said) for said in (self.task, self.message) if said]
        if self.facts:
            parts.append(pairs(self.facts))
        parts += [element("p", said) for said in (self.why, self.hint) if said]
        parts += [self._evidence(visit) for visit in self.visits]
        bar = f"border-left: 4px solid {_COLOURS[self.status]}; padding-left: 12px"
        return element("div", *parts, style=bar)

    def _evidence(self, visit: Evidence) -> Html:
        """A packet's way that can be folded away, or if it is a spoiler unfolded."""
        if self.spoiler:
            summary = element("summary", "Show the packet's walk (it tells the answer)")
            return element("details", summary, _evidence_html(visit, told=False))
        end = visit.result if isinstance(visit, Attempt) else visit.conclusion
        summary = element("summary", f"The packet's walk: {end}")
        return element("details", summary, _evidence_html(visit, told=True), open="open")


_WHOLE_WORDS = "white-space: pre-wrap; word-break: normal; margin-bottom: 1em"


def _paragraph(said: str) -> Html:
    """Text as it is; where it has lines of its own they stay, and words are kept whole."""
    if "\n" not in said:
        return element("p", said)
    return element("pre", said, style=_WHOLE_WORDS)


def _evidence_html(visit: Evidence, *, told: bool) -> Html:
    if isinstance(visit, Attempt):
        return element("pre", str(visit), style=_WHOLE_WORDS)
    return way_html(visit, told=told)


def _evidence_dict(visit: Evidence) -> dict[str, object]:
    if isinstance(visit, Attempt):
        return {"result": str(visit.result), "server": visit.server, "trips": str(visit)}
    return visit.as_dict()
