"""A decision diagram: what becomes of every packet, with equal parts kept only once.

A node stands for a function from packets to ends. It asks for one field (its level) and leads
on by as many ways as there are different continuations, each for a set of atoms of that field
(a bit mask). Nodes are numbers, and equal functions are the same number.

Source: multi-terminal decision diagrams with sets on the edges, as in Li et al., "NDD: A
Decision Diagram for Network Verification", NSDI 2025
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

Node = int
Ways = dict[Node, int]  # where a node leads, and for which atoms: a bit mask
TERMINAL = 1 << 30  # the level of a node that asks nothing


class Cube(NamedTuple):
    """A set of packets: the field of ``level`` is in ``mask``, and all of ``rest`` holds."""

    level: int
    mask: int
    rest: Cube | None


class TooManyNodesError(Exception):
    """The diagram grows beyond its budget; another order of fields may do."""


class TooManyStatesError(Exception):
    """Too much may happen to a packet on its way; no order of fields helps."""


class Diagram:
    """All nodes over one list of fields; ``full`` has the mask of all atoms of each field."""

    def __init__(self, full: Sequence[int], budget: int) -> None:
        self.full = tuple(full)
        self.budget = budget
        self.level: list[int] = []
        self._ways: list[Ways] = []
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
            node = self._add(key, TERMINAL, {})
            self._ends[node] = value
        return node

    def value(self, node: Node) -> Hashable:
        """What a terminal gives."""
        return self._ends[node]

    def _add(self, key: object, level: int, ways: Ways) -> Node:
        node = self._nodes[key] = len(self.level)
        if node > self.budget:
            raise TooManyNodesError
        self.level.append(level)
        self._ways.append(ways)
        return node

    def branch(self, level: int, ways: Ways) -> Node:
        """The node that asks for ``level``; ``ways`` must not be changed any more."""
        if len(ways) == 1:
            return next(iter(ways))
        key = (level, frozenset(ways.items()))
        node = self._nodes.get(key)
        return self._add(key, level, ways) if node is None else node

    def ways(self, node: Node, level: int) -> Ways:
        """Where the node leads at ``level``; one that asks further down leads to itself."""
        return self._ways[node] if self.level[node] == level else {node: self.full[level]}

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
        here, rest = (cube.mask, cube.rest) if level == cube.level else (self.full[level], cube)
        ways = self.ways(outside, level).copy()
        # most ways of a wide node do not meet the cube, and stay as they are
        met = [(other, common) for other, mask in ways.items() if (common := mask & here)]
        for other, common in met:
            if left := ways[other] & ~common:
                ways[other] = left
            else:
                del ways[other]
        for other, common in met:
            for to, mask in self.ways(inside, level).items():
                if both := common & mask:
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
        ways: Ways = {}
        for first, mask in self.ways(one, level).items():
            for second, other in self.ways(two, level).items():
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
            ways: Ways = {}
            for to, mask in self._ways[node].items():
                new = self.mapped(to, known, change)
                ways[new] = ways.get(new, 0) | mask
            made = self.branch(self.level[node], ways)
        known[node] = made
        return made

    def at(self, node: Node, places: Sequence[int]) -> Hashable:
        """What the function gives to a packet; ``places`` are its atoms, level by level."""
        while self.level[node] != TERMINAL:
            node = self._next(node, places)
        return self._ends[node]

    def _next(self, node: Node, places: Sequence[int]) -> Node:
        """Where a node leads for a packet."""
        atom = 1 << places[self.level[node]]
        return next(to for to, mask in self._ways[node].items() if mask & atom)

    # --- questions to a set of packets, which is a function to True and False ---

    def beside(self, node: Node, places: Sequence[int], level: int) -> int:
        """The atoms of a level with which a packet is in the set, its others being ``places``."""
        while self.level[node] < level:
            node = self._next(node, places)
        ways = self.ways(node, level).items()
        return sum(mask for to, mask in ways if self.at(to, places) is True)

    def project(self, node: Node, level: int, limits: dict[int, int]) -> int:
        """The atoms of a level that packets of the set have, within limits on other levels."""
        return _Projection(self, level, limits).atoms(node)


class _Projection:
    """A walk through a diagram that collects the atoms of one level."""

    def __init__(self, diagram: Diagram, level: int, limits: dict[int, int]) -> None:
        self.diagram = diagram
        self.level = level
        self.limits = limits
        self.wanted = limits.get(level, diagram.full[level])
        self.seen: dict[Node, int] = {}

    def atoms(self, node: Node) -> int:
        """The atoms that packets have which come to this node and are in the set."""
        found = self.seen.get(node)
        if found is not None:
            return found
        here = self.diagram.level[node]
        if here == TERMINAL:
            return self.wanted if self.diagram.value(node) is True else 0
        found, limit = 0, self.limits.get(here, self.diagram.full[here])
        for to, mask in self.diagram.ways(node, here).items():
            if both := mask & limit:
                below = self.atoms(to)
                found |= both & below if here == self.level else below
                if found == self.wanted:
                    break
        self.seen[node] = found
        return found
