"""How far a learner has come: what was solved, and how often it was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from iptlab.course import lessons, title
from iptlab.html import Html, table

BAR = 20


@dataclass(frozen=True)
class Record:
    """What is known of one exercise: whether it was ever solved, and its wrong answers."""

    solved: bool = False
    wrong: int = 0

    def after(self, *, solved: bool) -> Record:
        """The record after one more answer."""
        return replace(self, solved=True) if solved else replace(self, wrong=self.wrong + 1)


@dataclass(frozen=True)
class Progress:
    """The records of all exercises that were tried, by id."""

    records: Mapping[str, Record] = field(default_factory=dict)

    def of(self, exercise: str) -> Record:
        """The record of one exercise."""
        return self.records.get(exercise, Record())

    def answered(self, exercise: str, *, solved: bool) -> Progress:
        """The progress after one more answer to that exercise."""
        record = self.of(exercise).after(solved=solved)
        return Progress({**self.records, exercise: record})

    def without(self, exercise: str) -> Progress:
        """The progress as if the exercise had never been tried."""
        return Progress({id_: one for id_, one in self.records.items() if id_ != exercise})


@dataclass(frozen=True)
class Bar:
    """One lesson: how many of its exercises are solved, and which are not."""

    lesson: str
    solved: int
    open: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many exercises the lesson has."""
        return self.solved + len(self.open)

    @property
    def drawn(self) -> str:
        """A bar of blocks; it is full only if everything is solved."""
        full = BAR * self.solved // max(self.total, 1)
        return "█" * full + "░" * (BAR - full)


@dataclass(frozen=True)
class Report:
    """Progress to look at: a bar for each lesson."""

    bars: tuple[Bar, ...]

    @classmethod
    def of(cls, progress: Progress, lesson: str = "") -> Report:
        """The bars of all lessons, or of one."""
        bars = []
        for number, exercises in lessons().items():
            ids = [one.id for one in exercises]
            undone = tuple(id_ for id_ in ids if not progress.of(id_).solved)
            if lesson in ("", number):
                bars.append(Bar(number, len(ids) - len(undone), undone))
        return cls(tuple(bars))

    def _rows(self) -> list[tuple[str, str, str, str]]:
        return [
            (
                f"{bar.lesson} {title(bar.lesson)}".rstrip(),
                bar.drawn,
                f"{bar.solved} of {bar.total}",
                f"next: {bar.open[0]}" if bar.open else "done",
            )
            for bar in self.bars
        ]

    def __str__(self) -> str:
        rows = self._rows()
        width = max((len(row[0]) for row in rows), default=0)
        return "\n".join(
            f"{name:<{width}}  {bar}  {solved}, {rest}" for name, bar, solved, rest in rows
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Text and HTML."""
        return {"text/plain": str(self), "text/html": self._html()}

    def _html(self) -> Html:
        return table("Solved exercises", ("lesson", "progress", "solved", ""), self._rows())
