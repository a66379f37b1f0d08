"""Rules as a table that is searched, and followed from chain to chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from traitlets import Bool, Int, List, Unicode

from iptlab.html import Html, element, join, table
from iptlab.netfilter.rules import Chain, Table
from iptlab.notebook.widgets.base import ROOM, Widget, script, size, style
from iptlab.notebook.widgets.chains import Rules, Walk, hits_of, sections, short
from iptlab.notebook.widgets.rule_lines import Drawn, Line, Lines

# lines that are in the page at one time
PAGE = 200
_FEW, _STATIC = 1000, 60


class RuleTable(Widget):
    """Rules with their counters: jump targets are links, and a box searches them.

    ``rules`` are a chain, a table, a rule set or the text of one; a journey (or a walk of
    ``iptlab.trace``) lights the rules that its packet hit. ``selected`` is the chain that was
    followed last, such as ``nat KUBE-SERVICES``.
    """

    _esm = script("rule_table")
    _css = style("rule_table")
    title = Unicode().tag(sync=True)
    lines: List[Any] = List().tag(sync=True)
    total = Int().tag(sync=True)
    page = Int(PAGE).tag(sync=True)
    counted = Bool().tag(sync=True)
    walked = Bool().tag(sync=True)
    selected = Unicode().tag(sync=True)

    def __init__(self, rules: Rules, journey: Walk | None = None) -> None:
        """Rules, and what a packet hit among them."""
        self._lines = Lines(sections(rules, journey), hits_of(journey))
        every = self._lines.all
        super().__init__(
            title=_title(rules, sum(line.number > 0 for line in every)),
            lines=self._first(every),
            total=len(every),
            counted=any(line.number and line.rule.counters.packets for line in every),
            walked=journey is not None,
        )
        self.on_msg(self._asked)

    def _first(self, every: Sequence[Line]) -> list[Drawn]:
        """All lines if they are few, so that they are searched without a kernel; else a page."""
        if len(every) <= _FEW and size(drawn := self._lines.drawn(every)) <= ROOM:
            return drawn
        return self._lines.drawn(every[:PAGE])

    def _asked(self, widget: object, question: dict[str, Any], buffers: object) -> None:
        """Answer with a page of lines: those of a search, or all from a chain's heading on."""
        found = self._lines.found(question["words"], only=question["only"])
        start = self._lines.start(question["chain"]) if question["chain"] else question["start"]
        lines = self._lines.drawn(found[start : start + PAGE])
        self.send({"id": question["id"], "lines": lines, "total": len(found), "start": start})

    def to_html(self, title: str = "") -> str:
        """A page of its own, which has all the rules in it."""
        if len(self.lines) < self.total:
            self.lines = self._lines.drawn(self._lines.all)
        return super().to_html(title)

    def static(self) -> Html:
        found = self._lines.found(only=self.walked) or self._lines.all
        head = ("hit", "num", "pkts", "bytes", "rule", "target")
        rows = [self._row(line) for line in found[:_STATIC]]
        more = f"{self.total - len(rows):,} more lines are not shown here."
        rest = [element("p", more)] if len(rows) < self.total else []
        return element("div", table(self.title, head, rows), *rest)

    def _row(self, line: Line) -> tuple[str, ...]:
        sign = "▶" if self._lines.hit(line) else ""
        if not line.number:
            end = f"policy {line.chain.policy}" if line.chain.policy else ""
            counts = [f"{count:,}" if end else "" for count in line.chain.counters]
            name = element("strong", f"{line.table} {line.chain.name}".strip())
            return (sign, "", *counts, name, end)
        (drawn,) = self._lines.drawn([line])
        counts = [f"{count:,}" for count in line.rule.counters]
        comment = element("em", f" /* {drawn['comment']} */") if drawn["comment"] else ""
        target = element("span", short(drawn["target"]), title=drawn["to"] or drawn["target"])
        return (sign, str(line.number), *counts, join((drawn["tests"], comment)), target)

    def __str__(self) -> str:
        """The first rules as ``iptables -S`` prints them."""
        first = [line for line in self._lines.all if line.number][:_STATIC]
        return "\n".join([self.title, *(f"-A {one.chain.name} {one.rule}" for one in first)])


def _title(rules: Rules, count: int) -> str:
    number = "1 rule" if count == 1 else f"{count:,} rules"
    match rules:
        case Chain():
            return f"Chain {rules.name}, {number}"
        case Table():
            return f"Table {rules.name}, {number}"
        case _:
            return f"Rule set, {number}"
