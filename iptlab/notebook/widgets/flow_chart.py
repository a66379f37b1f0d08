"""The chart of a machine: five hooks with their tables, routing, connection tracking, processes.

Where everything stands is decided here once, for the script and for the picture. A table's
place in its hook follows from the kernel's priorities.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from iptlab.netfilter.hooks import CONNTRACK, Backend, Hook, priority, tables_at

WIDTH, HEIGHT = 968, 390
_ROW, _HEAD, _BOX = 23, 27, 176
# the heights at which the upper and the lower row of the chart have their arrows
_UPPER, _LOWER = 104, 276


@dataclass(frozen=True)
class Node:
    """A place in the chart; a ``row`` lies in the ``box`` of its hook."""

    name: str
    kind: str  # box, row, step, end or note
    label: str
    x: int
    y: int
    width: int
    height: int
    hook: str = ""

    @property
    def middle(self) -> int:
        """Half of its width from its left edge."""
        return self.x + self.width // 2

    @property
    def bottom(self) -> int:
        """Where it ends."""
        return self.y + self.height


@dataclass(frozen=True)
class Edge:
    """An arrow between a hook or step and the next one; ``d`` is its line as SVG writes it."""

    start: str
    end: str
    d: str
    head: str

    @property
    def name(self) -> str:
        """Where it leads from and to."""
        return f"{self.start} > {self.end}"


IN, OUT, PROCESS = "in", "out", "process"
ROUTING, AGAIN, FORWARDING = "routing", "routing out", "forwarding"

# a hook's box: its left edge, and the height of its middle or, below zero, of its upper edge
_BOXES = {
    Hook.PREROUTING: (85, _UPPER),
    Hook.FORWARD: (492, _UPPER),
    Hook.POSTROUTING: (706, _UPPER),
    Hook.INPUT: (233, -204),
    Hook.OUTPUT: (706, -204),
}
# name: kind, label, left edge, width, and the height of its middle
_STEPS = {
    IN: ("end", "network", 1, 64, _UPPER),
    ROUTING: ("step", "routing", 284, 74, _UPPER),
    FORWARDING: ("step", "forwarding", 380, 90, _UPPER),
    OUT: ("end", "network", 903, 64, _UPPER),
    PROCESS: ("end", "local process", 436, 112, _LOWER),
    AGAIN: ("step", "routing", 590, 74, _LOWER),
}


@dataclass(frozen=True)
class Chart:
    """All places and arrows."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def __getitem__(self, name: str) -> Node:
        """The place of that name."""
        return next(node for node in self.nodes if node.name == name)

    def place(self, name: str) -> str:
        """What arrows lead to: the hook that a place is in, or the place itself."""
        return self[name].hook or name

    def between(self, start: str, end: str) -> tuple[str, ...]:
        """The arrows on the shortest way between two places; none within a hook."""
        ways: list[tuple[str, tuple[str, ...]]] = [(self.place(start), ())]
        seen = set()
        while ways:
            here, way = ways.pop(0)
            if here == self.place(end):
                return way
            seen.add(here)
            ways += [
                (edge.end, (*way, edge.name))
                for edge in self.edges
                if edge.start == here and edge.end not in seen
            ]
        return ()

    def onward(self, name: str) -> list[str]:
        """Where a packet may go from a place: further down its hook, or along an arrow."""
        here = self[name]
        below = [
            node.name
            for node in self.nodes
            if node.kind == "row" and node.hook == self.place(name) and node.y > here.y
        ]
        return below + [edge.end for edge in self.edges if edge.start == self.place(name)]


@cache
def chart(backend: Backend = Backend.LEGACY) -> Chart:
    """The chart of a machine whose iptables loads rules into that back end."""
    nodes = [node for hook in Hook for node in _hook(hook, backend)]
    for name, (kind, label, left, width, middle) in _STEPS.items():
        nodes.append(Node(name, kind, label, left, middle - 20, width, 40))
    nodes.append(Node("lo", "note", "lo: what it sends to itself", 380, 0, 180, _TOP))
    by_name = {node.name: node for node in nodes}
    return Chart(tuple(nodes), tuple(_edges(by_name)))


def row(hook: str, what: str) -> str:
    """The name of a row: ``INPUT filter``."""
    return f"{hook} {what}"


def _rows(hook: Hook, backend: Backend) -> list[str]:
    """What looks at a packet in a hook, in order of priority.

    Kernel: net/netfilter/nf_conntrack_proto.c (ipv4_conntrack_ops): conntrack at -200, and at
    INT_MAX its confirmation
    """
    rows = [(priority(table, hook, backend), str(table)) for table in tables_at(hook, backend)]
    if hook in (Hook.PREROUTING, Hook.OUTPUT):
        rows.append((CONNTRACK, "conntrack"))
    if hook in (Hook.INPUT, Hook.POSTROUTING):
        rows.append((2**31 - 1, "confirm"))
    return [name for _, name in sorted(rows, key=lambda one: one[0])]


def _hook(hook: Hook, backend: Backend) -> Iterator[Node]:
    """A hook's box and the rows in it."""
    names = _rows(hook, backend)
    height = _HEAD + _ROW * len(names) + 5
    left, middle = _BOXES[hook]
    top = middle - height // 2 if middle > 0 else -middle
    yield Node(str(hook), "box", str(hook), left, top, _BOX, height)
    for number, name in enumerate(names):
        y = top + _HEAD + number * _ROW
        yield Node(row(hook, name), "row", name, left + 6, y, _BOX - 12, _ROW - 3, str(hook))


# --- arrows ---

_ACROSS = (
    (IN, Hook.PREROUTING),
    (Hook.PREROUTING, ROUTING),
    (ROUTING, FORWARDING),
    (FORWARDING, Hook.FORWARD),
    (Hook.FORWARD, Hook.POSTROUTING),
    (Hook.POSTROUTING, OUT),
    (Hook.INPUT, PROCESS),
    (PROCESS, AGAIN),
    (AGAIN, Hook.OUTPUT),
)
_TOP = 22


def _edges(nodes: dict[str, Node]) -> Iterator[Edge]:
    lower = {str(Hook.INPUT), PROCESS, AGAIN, str(Hook.OUTPUT)}
    for start, end in _ACROSS:
        y = _LOWER if str(start) in lower else _UPPER
        left, right = nodes[start].x + nodes[start].width, nodes[end].x
        head = f"M{right} {y}l-8 -4.5v9z"
        yield Edge(str(start), str(end), f"M{left} {y}H{right - 7}", head)
    x, below = nodes[ROUTING].middle, nodes[Hook.INPUT].y
    line = f"M{x} {nodes[ROUTING].bottom}V{below - 7}"
    yield Edge(ROUTING, str(Hook.INPUT), line, f"M{x} {below}l-4.5 -8h9z")
    x, above = nodes[Hook.POSTROUTING].middle, nodes[Hook.POSTROUTING].bottom
    line = f"M{x} {nodes[Hook.OUTPUT].y}V{above + 7}"
    yield Edge(str(Hook.OUTPUT), str(Hook.POSTROUTING), line, f"M{x} {above}l-4.5 8h9z")
    # through lo
    behind, front = nodes[Hook.POSTROUTING], nodes[Hook.PREROUTING]
    x = front.middle
    line = f"M{behind.middle} {behind.y}V{_TOP}H{x}V{front.y - 7}"
    yield Edge(behind.name, front.name, line, f"M{x} {front.y}l-4.5 -8h9z")
