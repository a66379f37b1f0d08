"""Where chains and the arrows between them are drawn.

The layout is that of Sugiyama and others, as far as chains need it: a column for how many jumps
a chain is away from the kernel, and in it chains near those that jump to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import NamedTuple

from iptlab.notebook.widgets.chain_calls import Call, called, neighbours
from iptlab.notebook.widgets.chains import Section, short

# how wide letters of a name are; how high boxes and lanes, and what is between and around them
_LETTER, _CAPITAL, _PAD = 7.2, 9.0, 12
_HEIGHT, _LANE, _GAP, _BETWEEN, _ARROW = 40, 6, 14, 44, 7


@dataclass(frozen=True)
class Box:
    """A chain's place in the picture."""

    section: Section
    column: int
    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> int:
        """The height at which arrows come and go."""
        return self.y + self.height // 2


class Lane(NamedTuple):
    """Where arrows to a chain pass through a column that has neither end of them."""

    callee: str
    column: int


Node = str | Lane


@dataclass(frozen=True)
class Picture:
    """Boxes by the full names of their chains, and the line of each call, as SVG draws it."""

    boxes: Mapping[str, Box]
    paths: Mapping[Call, str]
    # where the lowest box ends, or the lowest lane
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        right = max((box.x + box.width for box in self.boxes.values()), default=0)
        return right + 1, self.bottom + 1


def layout(sections: Sequence[Section], every: Sequence[Call], below: Mapping[str, str]) -> Picture:
    """A box for each chain: columns from left to right, tables one below the other."""
    boxes: dict[str, Box] = {}
    paths: dict[Call, str] = {}
    top, bottom = 1, 0
    for table in dict.fromkeys(one.table for one in sections):
        mine = {called(one): one for one in sections if one.table == table}
        inside = [call for call in every if call.caller in mine and call.callee in mine]
        places = _places(mine, inside, below, top + 26)
        columns = {name: box.column for name, box in places.items() if isinstance(name, str)}
        boxes |= {name: places[name] for name in columns}
        paths |= {call: _path([places[one] for one in _way(call, columns)]) for call in inside}
        bottom = max(box.y + box.height for box in places.values())
        top = bottom + 2 * _GAP
    return Picture(boxes, paths, bottom)


def _places(
    names: Mapping[str, Section], every: Sequence[Call], below: Mapping[str, str], top: int
) -> dict[Node, Box]:
    """A box for each chain of a table, and for each lane."""
    stacks = _stacks(_columns(names, every), every)
    tallest = max(map(_height, stacks))
    places: dict[Node, Box] = {}
    left = 1
    for column, stack in enumerate(stacks):
        width = max(_width(one, below[one]) for one in stack if isinstance(one, str))
        y = top + (tallest - _height(stack)) // 2
        for one in stack:
            section = names[one if isinstance(one, str) else one.callee]
            height = _HEIGHT if isinstance(one, str) else _LANE
            places[one] = Box(section, column, left, y, width, height)
            y += height + _GAP
        left += width + _BETWEEN
    return places


def _height(stack: Sequence[Node]) -> int:
    return sum((_HEIGHT if isinstance(one, str) else _LANE) + _GAP for one in stack)


def _columns(names: Iterable[str], every: Sequence[Call]) -> dict[str, int]:
    """By how many jumps, at most, each chain is away from the first; loops count once."""
    down = neighbours(every)
    columns = dict.fromkeys(names, 0)
    for _ in columns:
        changed = False
        for caller, callees in down.items():
            for callee in callees:
                if callee != caller and columns[callee] <= columns[caller]:
                    columns[callee] = columns[caller] + 1
                    changed = True
        if not changed:
            break
    # chains that loop, which no packet can reach, may have left columns empty
    used = {column: number for number, column in enumerate(sorted(set(columns.values())))}
    return {name: used[column] for name, column in columns.items()}


def _stacks(columns: Mapping[str, int], every: Sequence[Call]) -> list[list[Node]]:
    """What stands in each column: near that from which arrows come, on average."""
    stacks: list[list[Node]] = [[] for _ in range(max(columns.values()) + 1)]
    for name, column in columns.items():
        stacks[column].append(name)
    up: dict[Node, list[Node]] = {}
    for call in every:
        for before, after in pairwise(_way(call, columns)):
            up.setdefault(after, []).append(before)
    for one in up:
        if isinstance(one, Lane):
            stacks[one.column].append(one)
    height: dict[Node, float] = {}
    for stack in stacks:
        # to whom nobody jumps stays behind the others, in iptables' order
        wanted = {one: _mean([height[o] for o in up.get(one, ()) if o in height]) for one in stack}
        stack.sort(key=wanted.__getitem__)
        height |= {one: at - len(stack) / 2 for at, one in enumerate(stack)}
    return stacks


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else inf


def _way(call: Call, columns: Mapping[str, int]) -> list[Node]:
    """From chain to chain, by the lanes in the columns between both."""
    between = range(columns[call.caller] + 1, columns[call.callee])
    return [call.caller, *(Lane(call.callee, column) for column in between), call.callee]


def _width(called: str, below: str) -> int:
    name = short(called.rpartition(" ")[2])
    letters = sum(_CAPITAL if one.isupper() else _LETTER for one in name)
    # room for the sign of a chain that was visited
    return round(max(letters + 2 * _LETTER, len(below) * 5.8)) + 2 * _PAD


def _path(way: Sequence[Box]) -> str:
    """A line along these boxes, level inside them and bent between."""
    x, y = way[0].x + way[0].width, way[0].middle
    parts = [f"M{x} {y}"]
    for number, box in enumerate(way[1:], start=2):
        last = number == len(way)
        to = box.x - _ARROW if last else box.x
        bend = (to - x) // 2 if to > x else -_BETWEEN
        parts.append(f"C{x + bend} {y} {to - bend} {box.middle} {to} {box.middle}")
        x, y = to, box.middle
        if not last:
            x += box.width
            parts.append(f"L{x} {y}")
    return " ".join(parts)
