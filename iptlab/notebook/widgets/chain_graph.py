"""Who jumps to whom, as a picture in which a chain shows its rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from traitlets import Bool, Int, List, Unicode

from iptlab.errors import IptlabError
from iptlab.html import Html, element, image, table
from iptlab.notebook.widgets.base import ROOM, Widget, script, size, style
from iptlab.notebook.widgets.chain_calls import (
    Call,
    below,
    called,
    calls,
    length,
    worth_drawing,
)
from iptlab.notebook.widgets.chain_layout import Box, Picture, layout
from iptlab.notebook.widgets.chains import Rules, Walk, hits_of, sections, short
from iptlab.notebook.widgets.rule_lines import Line, Lines

# chains that one can see at once, and rules of each that are sent with the picture
MOST, _RULES = 60, (20, 8, 3, 1)
_SENT = ("table", "tests", "comment", "target", "to", "goto", "hits")
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.name { font-weight: 600 } .small { font-size: 11px }
rect { fill: #f6f8fa; stroke: #57606a } path { fill: none; stroke: #57606a }
.goto { stroke-dasharray: 5 4 } .lit { stroke-width: 2.5 } polygon { fill: #57606a }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } rect { fill: #161b22; stroke: #8b949e }
path { stroke: #8b949e } polygon { fill: #8b949e } }
"""


class ChainGraph(Widget):
    """The chains of a table or a rule set, and the jumps between them; a goto is dashed.

    ``around`` is a chain, such as ``nat KUBE-SERVICES``: then only those that lead there and
    from there are drawn. A journey (or a walk of ``iptlab.trace``) lights the way its packet
    took. ``selected`` is the chain whose rules are shown.
    """

    _esm = script("chain_graph")
    _css = style("chain_graph")
    title = Unicode().tag(sync=True)
    boxes: List[Any] = List().tag(sync=True)
    lines: List[Any] = List().tag(sync=True)
    size: List[Any] = List().tag(sync=True)
    left_out = Int().tag(sync=True)
    walked = Bool().tag(sync=True)
    selected = Unicode().tag(sync=True)

    def __init__(self, rules: Rules, journey: Walk | None = None, around: str = "") -> None:
        """Rules, what a packet did among them, and where to look."""
        self._sections = sections(rules, journey)
        self._calls = calls(self._sections)
        self._rules = Lines(self._sections, hits_of(journey))
        drawn = worth_drawing(self._sections, self._calls, self._found(around), MOST)
        self._below = below(self._sections)
        picture = layout(drawn, self._calls, self._below)
        self._drawn = tuple(picture.paths)
        used = {name for call in self._calls for name in (call.caller, call.callee)}
        super().__init__(
            title=f"Who jumps to whom: {len(drawn)} chains",
            boxes=self._sent(picture),
            lines=[self._line(call, picture) for call in self._drawn],
            size=list(picture.size),
            left_out=0 if around else len(used - picture.boxes.keys()),
            walked=journey is not None,
            selected=self._found(around),
        )

    def _found(self, around: str) -> str:
        """The full name of the chain that is meant."""
        if not around:
            return ""
        names = [called(one) for one in self._sections]
        fitting = [one for one in names if one == around or one.rpartition(" ")[2] == around]
        if len(fitting) != 1:
            which = ", ".join(fitting or names[:20])
            raise IptlabError(f"which chain is {around!r}? There are: {which}")
        return fitting[0]

    # --- what the script draws ---

    def _sent(self, picture: Picture) -> list[dict[str, Any]]:
        """The boxes with as many of their rules as there is room for."""
        for rules in _RULES:
            boxes = [self._box(box, rules) for box in picture.boxes.values()]
            if size(boxes) <= ROOM:
                break
        return boxes

    def _box(self, box: Box, rules: int) -> dict[str, Any]:
        table_, chain = box.section
        lines = [Line(table_, chain, at) for at in range(1, len(chain.rules) + 1)]
        return {
            "called": called(box.section),
            "table": table_,
            "chain": chain.name,
            "below": self._below[called(box.section)],
            "size": length(chain),
            "place": [box.x, box.y, box.width, box.height],
            "column": box.column,
            "lit": any(self._rules.hit(one) for one in (Line(table_, chain), *lines)),
            "rules": [
                {name: one[name] for name in _SENT} for one in self._rules.drawn(lines[:rules])
            ],
            "more": max(0, len(lines) - rules),
        }

    def _line(self, call: Call, picture: Picture) -> dict[str, Any]:
        table_, chain = picture.boxes[call.caller].section
        return {
            "from": call.caller,
            "to": call.callee,
            "goto": call.goto,
            "jumps": len(call.numbers),
            "path": picture.paths[call],
            "lit": any(self._rules.hit(Line(table_, chain, number)) for number in call.numbers),
        }

    # --- what shows it elsewhere ---

    def to_dot(self) -> str:
        """All chains and jumps in the language of Graphviz's ``dot``; a goto is dashed."""
        lines = ["digraph chains {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
        for name in dict.fromkeys(one.table for one in self._sections):
            lines += [f"  subgraph {_quoted(f'cluster_{name}')} {{", f"    label={_quoted(name)};"]
            for one in self._sections:
                if one.table == name:
                    label = f"{one.chain.name}\n{self._below[called(one)]}"
                    lines.append(f"    {_quoted(called(one))} [label={_quoted(label)}];")
            lines.append("  }")
        for call in self._calls:
            words = [f"label={_quoted(str(len(call.numbers)))}"] * (len(call.numbers) > 1)
            words += ["style=dashed"] * call.goto
            about = f" [{', '.join(words)}]" if words else ""
            lines.append(f"  {_quoted(call.caller)} -> {_quoted(call.callee)}{about};")
        return "\n".join([*lines, "}", ""])

    def static(self) -> Html:
        rows = [
            (short(call.caller), "goto" if call.goto else "jump", short(call.callee), _told(call))
            for call in self._drawn
        ]
        head = ("chain", "how", "to", "rules")
        return element(
            "div",
            image(self._svg(), "the chains as boxes, with arrows for jumps"),
            table(self.title, head, rows[:MOST]),
        )

    def _svg(self) -> str:
        width, height = self.size
        parts: list[str] = [element("style", Html(_STYLE))]
        for line in sorted(self.lines, key=lambda line: bool(line["lit"])):
            words = " ".join(["goto"] * line["goto"] + ["lit"] * line["lit"])
            parts.append(element("path", d=line["path"], class_=words))
            parts.append(element("polygon", points=_arrow(line["path"])))
        for box in self.boxes:
            parts += _drawn(box)
        area = {"width": str(width), "height": str(height), "viewBox": f"0 0 {width} {height}"}
        return element("svg", *parts, xmlns="http://www.w3.org/2000/svg", **area)

    def __str__(self) -> str:
        """A line for each chain that jumps."""
        lines = [
            f"{call.caller} {'goes to' if call.goto else 'jumps to'} {call.callee} ({_told(call)})"
            for call in self._drawn[:MOST]
        ]
        return "\n".join([self.title, *lines])


def _told(call: Call) -> str:
    numbers = ", ".join(map(str, call.numbers[:5])) + (", …" if len(call.numbers) > 5 else "")
    return f"rule {numbers}" if len(call.numbers) == 1 else f"rules {numbers}"


def _arrow(line: str) -> str:
    """The points of the arrow's head, at the end of its line."""
    x, y = (int(number) for number in line.split()[-2:])
    return f"{x + 7},{y} {x},{y - 4} {x},{y + 4}"


def _drawn(box: dict[str, Any]) -> Iterator[Html]:
    x, y, width, height = box["place"]
    place = {"x": str(x), "y": str(y), "width": str(width), "height": str(height)}
    yield element("rect", rx="5", class_="lit" if box["lit"] else "", **place)
    name = f"{'▶ ' if box['lit'] else ''}{short(box['chain'])}"
    yield element("text", name, class_="name", x=str(x + 12), y=str(y + 17))
    yield element("text", box["below"], class_="small", x=str(x + 12), y=str(y + 32))


def _quoted(text: str) -> str:
    """A text in dot's quotes; a line break stays one."""
    safe = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{safe}"'
