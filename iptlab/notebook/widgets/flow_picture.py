"""The chart with a packet's way lit, as a picture for pages without scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from iptlab.html import Html, element
from iptlab.notebook.widgets.flow_chart import HEIGHT, WIDTH, Chart, Edge, Node

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.box { fill: #f6f8fa; stroke: #8c959f }
.hook { font-weight: 600 }
.row { fill: none }
.row.lit { fill: #ddf4ff; stroke: #0969da; stroke-width: 1.5 }
.step, .end { fill: #ffffff; stroke: #8c959f }
.step.lit, .end.lit { fill: #ddf4ff; stroke: #0969da; stroke-width: 2 }
.edge { fill: none; stroke: #8c959f; stroke-width: 1.5 }
.head { fill: #8c959f }
.edge.lit { stroke: #0969da; stroke-width: 3.5 }
.head.lit { fill: #0969da }
.note { font-size: 11px }
.said { font-size: 11px; font-weight: 600 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .box { fill: #161b22; stroke: #6e7681 }
.row.lit, .step.lit, .end.lit { fill: #12345c; stroke: #4493f8 }
.step, .end { fill: #0d1117; stroke: #6e7681 }
.edge { stroke: #6e7681 } .head { fill: #6e7681 }
.edge.lit { stroke: #4493f8 } .head.lit { fill: #4493f8 } }
"""


def picture(drawn: Chart, way: Sequence[tuple[str, str]]) -> str:
    """The chart as an SVG: the places that a packet came to, and a word of each, are lit."""
    names = [name for name, _ in way]
    words = dict(way)
    lit = {*names, *(drawn.place(name) for name in names)}
    for start, end in pairwise(names):
        lit |= set(drawn.between(start, end))
    parts = [part for edge in drawn.edges for part in _edge_drawn(edge, lit=edge.name in lit)]
    parts += [
        part
        for node in drawn.nodes
        for part in _drawn(node, words.get(node.name, ""), lit=node.name in lit)
    ]
    size = {"width": str(WIDTH), "height": str(HEIGHT), "viewBox": f"0 0 {WIDTH} {HEIGHT}"}
    style = Html(f"<style>{_STYLE}</style>")
    return element("svg", style, *parts, xmlns="http://www.w3.org/2000/svg", **size)


def _edge_drawn(edge: Edge, *, lit: bool) -> Iterator[Html]:
    more = " lit" if lit else ""
    yield element("path", d=edge.d, class_=f"edge{more}")
    yield element("path", d=edge.head, class_=f"head{more}")


def _drawn(node: Node, word: str, *, lit: bool) -> Iterator[Html]:
    more = " lit" if lit else ""
    middle = {"x": str(node.middle), "text-anchor": "middle"}
    if node.kind == "note":
        yield element("text", node.label, y=str(node.bottom - 6), class_="note", **middle)
        return
    place = {"x": str(node.x), "y": str(node.y), "rx": "20" if node.kind == "end" else "5"}
    size = {"width": str(node.width), "height": str(node.height)}
    yield element("rect", class_=f"{node.kind}{more}", **place, **size)
    if node.kind == "row":
        y = str(node.y + 15)
        sign = "▸ " if lit else ""
        yield element("text", sign + node.label, x=str(node.x + 8), y=y, class_=f"name{more}")
        end = {"x": str(node.x + node.width - 7), "text-anchor": "end"}
        if word:
            yield element("text", word, y=y, class_="said", **end)
        return
    y = str(node.y + (18 if node.kind == "box" else 25))
    kind = "hook" if node.kind == "box" else f"name{more}"
    yield element("text", node.label, y=y, class_=kind, **middle)
    if word:
        yield element("text", word, y=str(node.y - 6), class_="said", **middle)
