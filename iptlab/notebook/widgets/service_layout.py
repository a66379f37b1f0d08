"""Where the points and edges of a Service's ways stand in a picture, from left to right.

The browser's picture and the still one are drawn from the same places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from iptlab.kubernetes.paths import Edge, Kind, Paths, Point
from iptlab.simulate.chance import fraction

_HIGH, _ROW, _PAD, _TOP = 44, 58, 10, 8
# how wide a letter is of a title, which has a fixed width, and of what is said beside it
_TITLE, _SAID = 7.3, 6.1
_LEAST_GAP, _ROOM = 48, 28
# letters of it that a picture has room for; a click tells all
_MOST_SAID = 36
# endpoints that a picture has room for; the table has all
MOST_ENDS = 24


@dataclass(frozen=True)
class Box:
    """A point and the place of its box."""

    point: Point
    x: float
    y: float
    width: float
    height: float = _HIGH

    @property
    def middle(self) -> float:
        """How far down its middle is."""
        return self.y + self.height / 2


@dataclass(frozen=True)
class Line:
    """The edges between two boxes, their curve, and what stands at its end."""

    edges: tuple[Edge, ...]
    curve: str
    x: float
    y: float
    said: str


@dataclass(frozen=True)
class Layout:
    """A Service's picture; ``hidden`` endpoints have no room in it."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: float
    height: float
    hidden: int


def percent(share: Fraction) -> str:
    """A share in per cent, with as many places as it needs, two at most.

    >>> percent(Fraction(1, 3)), percent(Fraction(1, 4))
    ('33.33 %', '25 %')
    """
    return f"{float(share) * 100:.2f}".rstrip("0").rstrip(".") + " %"


def said(edges: tuple[Edge, ...]) -> str:
    """What stands at edges between the same points: the share, or on what it hangs."""
    if whens := [edge.when for edge in edges if edge.when]:
        # "comes from A or B"
        other = [one.removeprefix("comes from ") for one in whens[1:]]
        words = f"if it {' or '.join([whens[0], *other])}"
        return words if len(words) <= _MOST_SAID else f"{words[: _MOST_SAID - 1]}…"
    edge = edges[0]
    if edge.share is None or (edge.share == 1 and not edge.again):
        return ""
    share = " · ".join(filter(None, (fraction(edge.share), percent(edge.share))))
    return f"{share}, sticky" if edge.again else share


def layout(paths: Paths) -> Layout:
    """Columns from ways in to endpoints, each as wide as it needs to be."""
    ends = [*paths.of_kind(Kind.END), *paths.of_kind(Kind.STOP)]
    hidden = {point.id for point in ends[MOST_ENDS:]}
    points = {name: point for name, point in paths.points.items() if name not in hidden}
    bundles: dict[_Pair, tuple[Edge, ...]] = {}
    for edge in paths.edges:
        if edge.end not in hidden:
            between = (edge.start, edge.end)
            bundles[between] = (*bundles.get(between, ()), edge)
    columns, routes = _columns(points, bundles)
    boxes = _boxes(columns, routes, points, bundles)
    lines = tuple(_line(some, [boxes[one] for one in routes[at]]) for at, some in bundles.items())
    return Layout(
        tuple(box for box in boxes.values() if box.point.title),
        lines,
        max(box.x + box.width for box in boxes.values()) + 1,
        max(box.y + box.height for box in boxes.values()) + _TOP,
        len(hidden),
    )


_Pair = tuple[str, str]
_Bundles = Mapping[_Pair, tuple[Edge, ...]]
_Routes = Mapping[_Pair, list[str]]


def _columns(points: Mapping[str, Point], bundles: _Bundles) -> tuple[list[list[str]], _Routes]:
    """Ways in first, ends last, each chain behind all that lead to it.

    An edge over several columns has a place of its own in those between, so that it goes
    round the boxes there; its route names them.
    """
    depth = dict.fromkeys(points, 0)
    for _ in points:
        for start, end in bundles:
            depth[end] = max(depth[end], depth[start] + 1)
    last = max(depth.values())
    depth |= {one: last for one in points if points[one].kind in (Kind.END, Kind.STOP)}
    columns = [[one for one in points if depth[one] == column] for column in range(last + 1)]
    routes = {}
    for start, end in bundles:
        between = {f"{start} | {end} | {at}": at for at in range(depth[start] + 1, depth[end])}
        routes[start, end] = [start, *between, end]
        for name, at in between.items():
            columns[at].append(name)
    hops = _hops(routes)
    for before, column in pairwise(columns):
        # beside what leads there; the lines cross less
        rows = {
            name: [before.index(one) for one, to in hops if to == name and one in before]
            for name in column
        }
        column.sort(key=lambda name: sum(rows[name]) / max(len(rows[name]), 1))
    return columns, routes


def _hops(routes: _Routes) -> list[_Pair]:
    """From each column to the next, all routes together."""
    return [hop for route in routes.values() for hop in pairwise(route)]


def _boxes(
    columns: list[list[str]], routes: _Routes, points: Mapping[str, Point], bundles: _Bundles
) -> dict[str, Box]:
    """Boxes from the right, for each stands beside the middle of what it leads to."""
    found: dict[str, Box] = {}
    rows, hops = max(map(len, columns)), _hops(routes)
    lefts = _lefts(columns, points, bundles)
    for column, (left, width) in reversed(list(zip(columns, lefts, strict=True))):
        free = float(_TOP)
        for number, name in enumerate(column):
            goals = [found[end].middle for start, end in hops if start == name]
            beside = sum(goals) / len(goals) if goals else _TOP + _HIGH / 2 + number * _ROW
            # no higher than what is above it, and no lower than leaves room for those below
            lowest = _TOP + (rows - len(column) + number) * _ROW
            y = max(free, min(beside - _HIGH / 2, lowest))
            found[name] = Box(points.get(name, _NOTHING), left, y, width)
            free = y + _ROW
    return found


# what stands where a line goes round other boxes
_NOTHING = Point("", Kind.CHAIN, "")


def _lefts(
    columns: list[list[str]], points: Mapping[str, Point], bundles: _Bundles
) -> list[tuple[float, float]]:
    """Where each column begins and how wide it is; gaps have room for the words in them."""
    found, x = [], 1.0
    for number, column in enumerate(columns):
        words = [len(said(some)) for (_, end), some in bundles.items() if end in column]
        most = max(words, default=0)
        if number:
            x += max(_LEAST_GAP, most * _SAID + 2 * _ROOM * bool(most))
        width = max(_width(points[name]) for name in column if name in points)
        found.append((x, width))
        x += width
    return found


def _width(point: Point) -> float:
    return max(len(point.title) * _TITLE, len(point.note) * _SAID) + 2 * _PAD


def _line(edges: tuple[Edge, ...], route: list[Box]) -> Line:
    """A curve from the right side of one box to the left side of another, round others."""
    words = said(edges)
    first, end = route[0], route[-1]
    x, y = first.x + first.width, first.middle
    curve = f"M{x:.0f} {y:.0f}"
    for box in route[1:]:
        # flat where the words stand, so that they stand on it
        room = len(words) * _SAID + 14 if words and box is end else 8
        to, at = box.x - room, box.middle
        half = (x + to) / 2
        curve += f"C{half:.0f} {y:.0f} {half:.0f} {at:.0f} {to:.0f} {at:.0f}"
        x, y = box.x + box.width, at
        curve += "" if box is end else f"H{x:.0f}"
    return Line(edges, f"{curve}H{end.x - 1:.0f}", end.x - 10, end.middle - 5, words)
