"""Forms: fields to type or pick in, looked at by Python as one types.

A form is an anywidget and not made of ipywidgets: so every field has a label that belongs to
it, what is said about it is announced to who cannot see it, and what was typed is never
written over by an answer that came late.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from traitlets import Dict, List, Unicode

from iptlab.html import Html, element, join, pairs
from iptlab.notebook.widgets.base import Widget, script, style


@dataclass(frozen=True)
class Field:
    """Something to fill in: a ``line``, a ``wide`` one, ``lines``, or a ``choice`` of options.

    A line's options are offered, and something else may be typed.
    """

    name: str
    label: str
    kind: str = "line"
    options: tuple[str, ...] = ()
    rows: int = 0


@dataclass(frozen=True)
class Reply:
    """What Python says to what was typed.

    ``marks`` are complaints by field. ``values`` are put into fields; into the one that is
    being typed in only with ``all``. ``form`` is whether the form itself has changed.
    """

    said: str = Html()
    marks: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    all: bool = False
    form: bool = False


class Form(Widget):
    """A form; a subclass says in `answer` what it thinks of its values."""

    _esm = script("form")
    _css = style("form")
    title = Unicode().tag(sync=True)
    intro = Unicode().tag(sync=True)
    fields: List[Any] = List().tag(sync=True)
    buttons: List[Any] = List().tag(sync=True)
    values: Dict[str, str] = Dict().tag(sync=True)

    def __init__(self, title: str, *fields: Field, **traits: Any) -> None:
        """A form of these fields; ``traits`` are its intro, buttons and values."""
        # the fields that somebody typed in since Python was last asked
        self.changed: set[str] = set()
        super().__init__(title=title, fields=[asdict(one) for one in fields], **traits)
        # the values when Python last answered: those of the trait may have come before the question
        self._answered = self.values
        self.on_msg(self._hear)

    @abstractmethod
    def answer(self, do: str) -> Reply:
        """What is said when somebody typed (``look``) or pressed a button."""

    def _hear(self, _: Widget, asked: Mapping[str, Any], __: object) -> None:
        """Take in what was typed, and send back what is to be said of it."""
        known = {one["name"] for one in self.fields}
        typed = {name: str(value) for name, value in asked["values"].items() if name in known}
        self.values = typed
        self.changed = {name for name in known if self._answered.get(name) != typed.get(name)}
        reply = self.answer(str(asked["do"]))
        self.values = self._answered = {**self.values, **reply.values}
        shown = {name: getattr(self, name) for name in ("title", "intro", "fields", "buttons")}
        self.send(
            {
                "number": asked["number"],
                "said": join([reply.said]),
                "marks": dict(reply.marks),
                "values": dict(reply.values),
                "all": reply.all,
                "form": {**shown, "values": self.values} if reply.form else None,
            }
        )

    def __str__(self) -> str:
        lines = [self.title, *filter(None, (self.intro,))]
        lines += [f"  {label}: {value}" for label, value in self._filled()]
        return "\n".join(lines)

    def static(self) -> Html:
        said = self.answer("look")
        complaints = [element("pre", words) for words in said.marks.values()]
        intro = [element("p", part) for part in self.intro.split("\n\n") if part]
        title = element("p", element("strong", self.title))
        return element("div", title, *intro, pairs(self._filled()), *complaints, said.said)

    def _filled(self) -> list[tuple[str, str]]:
        """The fields with what stands in them."""
        return [(one["label"], self.values.get(one["name"], "")) for one in self.fields]
