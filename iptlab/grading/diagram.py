"""A decision diagram: what becomes of every packet, with equal parts kept only once.

A node stands for a function from packets to ends. It asks for one field (its level) and has
an edge for each set of atoms of that field (a bit mask) with the same continuation. Nodes are
numbers, and equal functions are the same number.

Source: multi-terminal decision diagrams with sets on the edges, as in Li et al., "NDD: A
Decision Diagram for Network Verification", NSDI 2025
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

Node = int
Edges = tuple[tuple[int, Node], ...]
TERMINAL = 1 << 30  # the level of a node that asks nothing


class Cube(NamedTuple):
    """A set of packets: the field of ``level`` is in ``mask``, and all of ``rest`` holds."""

    level: int
    mask: int
    rest: Cube | None


class TooManyNodesError(Exception):
    """The diagram grows beyond its budget; another order of fields may do."""


class Diagram:
    """All nodes over one list of fields; ``full`` has the mask of all atoms of each field."""

    def __init__(self, full: Sequence[int], budget: int) -> None:
        self.full = tuple(full)
        self.budget = budget
        self.level: list[int] = []
        self._edges: list[Edges] = []
        self._ends: dict[Node, Hashable] = {}
        self._nodes: dict[object, Node] = {}
        self._cubes: dict[object, Cube] = {}
        self._chosen: dict[object, Node] = {}

    def __len__(self) -> int:
        return len(self.level)

    # --- making nodes ---

    def end(self, value: Hashable) -> Node:
        """The function that gives ``value`` to every packet."""
        key = ("end", value)
        node = self._nodes.get(key)
        if node is None:
            node = self._add(key, TERMINAL, ())
            self._ends[node] = value
        return node

    def value(self, node: Node) -> Hashable:
        """What a terminal gives."""
        return self._ends[node]

    def _add(self, key: object, level: int, edges: Edges) -> Node:
        node = self._nodes[key] = len(self.level)
        if node > self.budget:
            raise TooManyNodesError
        self.level.append(level)
        self._edges.append(edges)
        return node

    def branch(self, level: int, ways: dict[Node, int]) -> Node:
        """The node that asks for ``level``; ``ways`` are the masks by where they lead."""
        if len(ways) == 1:
            return next(iter(ways))
        key = (level, tuple(sorted(ways.items())))
        node = self._nodes.get(key)
        if node is None:
            node = self._add(key, level, tuple((mask, to) for to, mask in ways.items()))
        return node

    def edges(self, node: Node, level: int) -> Edges:
        """The node's edges at ``level``; one that asks further down has a single edge."""
        return self._edges[node] if self.level[node] == level else ((self.full[level], node),)

    def cube(self, limits: Iterable[tuple[int, int]]) -> Cube | None:
        """The packets within all limits (level and mask); None is every packet.

        No mask may be empty, and no level may come twice.
        """
        cube: Cube | None = None
        for level, mask in sorted(limits, reverse=True):
            if mask != self.full[level]:
                made = Cube(level, mask, cube)
                cube = self._cubes.setdefault((level, mask, id(cube)), made)
        return cube

    # --- operations ---

    def choose(self, cube: Cube | None, inside: Node, outside: Node) -> Node:
        """One function for the packets in the cube, another one for all others."""
        if cube is None or inside == outside:
            return inside
        key = (id(cube), inside, outside)
        node = self._chosen.get(key)
        if node is not None:
            return node
        level = min(cube.level, self.level[inside], self.level[outside])
        ways: dict[Node, int] = {}
        here, rest = (cube.mask, cube.rest) if level == cube.level else (self.full[level], cube)
        for mask, other in self.edges(outside, level):
            if left := mask & ~here:
                ways[other] = ways.get(other, 0) | left
            if not (common := mask & here):
                continue
            for inner, to in self.edges(inside, level):
                if both := common & inner:
                    node = self.choose(rest, to, other)
                    ways[node] = ways.get(node, 0) | both
        node = self._chosen[key] = self.branch(level, ways)
        return node

    def combine(
        self,
        one: Node,
        two: Node,
        known: dict[tuple[Node, Node], Node],
        decide: Callable[[Node, Node], Node | None],
    ) -> Node:
        """Both functions put together, packet by packet.

        ``decide`` gives the result for two nodes, or None to look below them; two terminals
        it must decide. ``known`` keeps results.
        """
        node = decide(one, two)
        if node is None:
            node = known.get((one, two))
        if node is not None:
            return node
        level = min(self.level[one], self.level[two])
        ways: dict[Node, int] = {}
        for mask, first in self.edges(one, level):
            for other, second in self.edges(two, level):
                if both := mask & other:
                    node = self.combine(first, second, known, decide)
                    ways[node] = ways.get(node, 0) | both
        node = known[one, two] = self.branch(level, ways)
        return node

    def mapped(
        self, node: Node, known: dict[Node, Node], change: Callable[[Hashable], Node]
    ) -> Node:
        """The function with another node in place of each end; ``known`` keeps results.

        The nodes put in must be terminals.
        """
        done = known.get(node)
        if done is not None:
            return done
        if self.level[node] == TERMINAL:
            made = change(self._ends[node])
        else:
            ways: dict[Node, int] = {}
            for mask, to in self._edges[node]:
                new = self.mapped(to, known, change)
                ways[new] = ways.get(new, 0) | mask
            made = self.branch(self.level[node], ways)
        known[node] = made
        return made

    def at(self, node: Node, places: Sequence[int]) -> Hashable:
        """What the function gives to a packet; ``places`` are its atoms, level by level."""
        while self.level[node] != TERMINAL:
            atom = 1 << places[self.level[node]]
            node = next(to for mask, to in self._edges[node] if mask & atom)
        return self._ends[node]

    # --- questions to a set of packets, which is a function to True and False ---

    def project(self, node: Node, level: int, limits: dict[int, int]) -> int:
        """The atoms of a level that packets of the set have, within limits on other levels."""
        full, seen = self.full, dict[Node, int]()
        wanted = limits.get(level, full[level])

        def atoms(node: Node) -> int:
            if self.level[node] == TERMINAL:
                return wanted if self._ends[node] is True else 0
            found = seen.get(node)
            if found is None:
                found, here = 0, self.level[node]
                limit = limits.get(here, full[here])
                for mask, to in self._edges[node]:
                    if both := mask & limit:
                        below = atoms(to)
                        found |= both & below if here == level else below
                        if found == wanted:
                            break
                seen[node] = found
            return found

        return atoms(node)
