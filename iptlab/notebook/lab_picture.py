"""A lab as a picture: hosts as boxes, links as bars between them, from left to right.

An SVG inside an ``img``, for a notebook that is not trusted shows no other drawing; its style
follows the reader's theme. Every word of it also stands in the table below it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from iptlab.console.map import Map, Place, Wire
from iptlab.html import Html, element, image

_WIDTH, _GAP, _LINE, _PAD = 190, 16, 16, 8
# how wide a letter of a host's name is, a wide one, and of what stands below it
_NAME_LETTER, _LETTER = 8.2, 6.4
# between two columns of hosts there is room for a bar and the lines to it
_BETWEEN = 120
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.name { font-weight: 600; font-size: 13px }
.small { font-size: 11px }
rect { fill: #f6f8fa; stroke: #57606a }
.net { paint-order: stroke; stroke: #ffffff; stroke-width: 4 }
.wire { stroke: #57606a; stroke-width: 1.5 }
.bar { stroke: #0969da; stroke-width: 5; stroke-linecap: round }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } rect { fill: #161b22; stroke: #8b949e }
.net { stroke: #111111 }
.wire { stroke: #8b949e } .bar { stroke: #4493f8 } }
"""


# hosts that a picture has room for; of more there is only the table
_MOST = 60


@dataclass(frozen=True)
class _Box:
    """A host in the picture: its column, and where its box is."""

    place: Place
    column: int
    left: int
    top: int
    width: int

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def middle(self) -> int:
        return self.top + _height(self.place) // 2

    def drawn(self) -> Iterator[Html]:
        box = {"x": str(self.left), "y": str(self.top), "rx": "6"}
        yield element("rect", **box, width=str(self.width), height=str(_height(self.place)))
        yield _text(self.place.name, self.left + _PAD, self.top + _LINE + 2, "name")
        for number, line in enumerate(_said(self.place), start=2):
            yield _text(line, self.left + _PAD, self.top + number * _LINE + 4, "small")


def picture(map_: Map) -> Html:
    """The map as an image; nothing if it has more hosts than one can see at once."""
    if not 0 < len(map_.places) <= _MOST:
        return Html()
    return image(_svg(_boxes(map_), map_.wires), "how the lab is wired")


def _svg(boxes: dict[str, _Box], wires: tuple[Wire, ...]) -> str:
    right = max(box.right for box in boxes.values())
    # hosts that share one link stand in one column, and its bar and name stand beside them
    right = max(right, *(_bar(wire, boxes)[0] + _half(wire) for wire in wires), 0) + 1
    bottom = max(box.top + _height(box.place) for box in boxes.values()) + 1
    parts = [part for wire in wires for part in _wire(wire, boxes)]
    # on top of all lines, so that none crosses a name
    parts += [part for wire in wires for part in _names(wire, boxes)]
    parts += [part for box in boxes.values() for part in box.drawn()]
    size = {"width": str(right), "height": str(bottom), "viewBox": f"0 0 {right} {bottom}"}
    style = Html(f"<style>{_STYLE}</style>")
    return element("svg", style, *parts, xmlns="http://www.w3.org/2000/svg", **size)


# --- where things are ---


def _boxes(map_: Map) -> dict[str, _Box]:
    """Every host's box: its column is how many links it is from the first host."""
    columns = _columns(map_)
    places = {place.name: place for place in map_.places}
    stacks: list[list[str]] = []
    for column in range(max(columns.values()) + 1):
        before = {name: row for row, name in enumerate(stacks[-1])} if stacks else {}
        rows = {
            name: min((before[o] for o in _beside(map_, name) if o in before), default=len(before))
            for name, where in columns.items()
            if where == column
        }
        stacks.append(sorted(rows, key=rows.__getitem__))
    heights = [sum(_height(places[name]) + _GAP for name in stack) - _GAP for stack in stacks]
    boxes = {}
    left = 1
    for column, (stack, height) in enumerate(zip(stacks, heights, strict=True)):
        top = (max(heights) - height) // 2 + 2 * _LINE
        width = max(_width(places[name]) for name in stack)
        for name in stack:
            boxes[name] = _Box(places[name], column, left, top, width)
            top += _height(places[name]) + _GAP
        left += width + _BETWEEN
    return {name: boxes[name] for name in places}


def _columns(map_: Map) -> dict[str, int]:
    """How many links each host is from the first; ends on the first one's link are beside it."""
    columns: dict[str, int] = {}
    for first in (place.name for place in map_.places):
        waiting = [] if first in columns else [first]
        columns.setdefault(first, 0)
        while waiting:
            here = waiting.pop(0)
            for other in _beside(map_, here):
                if other not in columns:
                    end = sum(other in _hosts(wire) for wire in map_.wires) == 1
                    columns[other] = columns[here] + (not (end and here == first))
                    waiting.append(other)
    return columns


def _beside(map_: Map, name: str) -> Iterator[str]:
    """The hosts that share a link with one."""
    for wire in map_.wires:
        if name in (there := _hosts(wire)):
            yield from (other for other in there if other != name)


def _hosts(wire: Wire) -> list[str]:
    return [plug.machine for plug in wire.plugs]


def _said(place: Place) -> list[str]:
    """What stands in a box below the name."""
    cards = [f"{card.name}  {address}" for card in place.cards for address in card.addresses]
    return [*cards, *(f"listens {one}" for one in place.services)]


def _width(place: Place) -> int:
    """Room for all that is said of a host; most have the same."""
    letters = max((len(line) for line in _said(place)), default=0)
    return max(_WIDTH, round(max(len(place.name) * _NAME_LETTER, letters * _LETTER)) + 2 * _PAD)


def _height(place: Place) -> int:
    return (len(_said(place)) + 1) * _LINE + 2 * _PAD


# --- what is drawn ---


def _wire(wire: Wire, boxes: dict[str, _Box]) -> Iterator[Html]:
    """A bar in the gap between two columns, and a line to each host."""
    x, low, high = _bar(wire, boxes)
    for box in (boxes[name] for name in _hosts(wire)):
        edge = box.right if box.left < x else box.left
        yield _stroke("wire", (edge, box.middle), (x, min(max(box.middle, low), high)))
    yield _stroke("bar", (x, low), (x, high))


def _bar(wire: Wire, boxes: dict[str, _Box]) -> tuple[int, int, int]:
    """Where a link's bar stands, and its two ends."""
    ends = [boxes[name] for name in _hosts(wire)]
    near = min(box.column for box in ends)
    left = [box.middle for box in ends if box.column == near]
    right = [box.middle for box in ends if box.column != near]
    # as long as the side with more hosts; bars of one host fan out to the right
    longer = left if len(left) > len(right) else right
    low, high = min(longer), max(longer)
    low, high = (low - 14, high + 14) if low == high else (low, high)
    edge = max(box.right for box in ends if box.column == near)
    return edge + _BETWEEN // 2, low, high


def _half(wire: Wire) -> int:
    """Half of what the longest name of a link's networks takes, which is centred on its bar."""
    return ceil(max(map(len, wire.network.split(", "))) * _LETTER / 2)


def _names(wire: Wire, boxes: dict[str, _Box]) -> Iterator[Html]:
    """The names of a link's networks, above its bar."""
    x, low, _ = _bar(wire, boxes)
    names = wire.network.split(", ")
    for number, name in enumerate(reversed(names)):
        y = low - 8 - number * (_LINE - 3)
        yield _text(name, x, y, "small net", **{"text-anchor": "middle"})


def _stroke(kind: str, start: tuple[int, int], end: tuple[int, int]) -> Html:
    places = zip(("x1", "y1", "x2", "y2"), (*start, *end), strict=True)
    return element("line", class_=kind, **{name: str(value) for name, value in places})


def _text(words: str, x: int, y: int, kind: str, **more: str) -> Html:
    return element("text", words, x=str(x), y=str(y), class_=kind, **more)
