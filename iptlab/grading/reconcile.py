"""Where two treatments differ as a packet's sender and receiver see it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TypeVar

from iptlab.grading.common import CERTAIN, Common
from iptlab.grading.diagram import TERMINAL, Node, TooManyStatesError
from iptlab.grading.outcomes import UNCHANGED, Chances, Outcome

# what NAT may write; a value that the packet has already is no change
_WRITTEN = ("dst", "dport", "src", "sport", "connmark")
_CHANGED = ("mark", "tos", "ttl")
_MOST_LOOKS = 50_000


class Differing:
    """The set of packets that two functions treat differently, as a diagram."""

    def __init__(self, common: Common, tolerance: Fraction) -> None:
        self.common = common
        self.diagram = common.diagram
        self.tolerance = int(tolerance * CERTAIN)
        self.looked = 0
        self.yes = self.diagram.end(True)
        self.no = self.diagram.end(False)

    def packets(self, one: Node, two: Node) -> Node:
        """The packets whose outcomes, or whose chances, are not the same."""
        diagram = self.diagram
        open_ends: dict[Node, Node] = {}

        def decide(one: Node, two: Node) -> Node | None:
            if one == two:
                return self.no
            if diagram.level[one] != TERMINAL or diagram.level[two] != TERMINAL:
                return None
            where = self._where(self.common.chances(one), self.common.chances(two), _WRITTEN)
            if where in (self.yes, self.no):
                return where
            # it depends on fields that may have been asked before: put in at the end
            mark = diagram.end(("differs", one, two))
            open_ends[mark] = where
            return mark

        found = diagram.combine(one, two, {}, decide)
        for mark, where in open_ends.items():
            found = self._put(found, mark, where)
        return found

    def _put(self, found: Node, mark: Node, where: Node) -> Node:
        """The set with an answer in place of an open end."""
        level = self.diagram.level

        def decide(one: Node, two: Node) -> Node | None:
            if level[one] != TERMINAL:
                return None
            if one != mark:
                return one
            return two if level[two] == TERMINAL else None

        return self.diagram.combine(found, where, {}, decide)

    # --- outcomes ---

    def _where(self, one: Chances, two: Chances, fields: tuple[str, ...]) -> Node:
        """The packets to which two ends mean different things."""
        if self._same(one, two):
            return self.no
        self.looked += 1
        if self.looked > _MOST_LOOKS:
            raise TooManyStatesError
        if not self._same(*(_blurred(end, fields) for end in (one, two))):
            return self.yes  # whatever the packet has in these fields
        if not fields:
            return self._applied(one, two, _CHANGED)
        field, *others = fields
        node = self._where(one, two, tuple(others))
        space = self.common.space
        if node == self.no or field not in space.level:
            return node
        for value in {_written(outcome, field) for outcome in (*one, *two)}:
            if value is None or value < 0:  # drawn by lot
                continue
            left, right = (_unwritten(end, field, value) for end in (one, two))
            inside = self._where(left, right, tuple(others))
            cube = self.diagram.cube(((space.level[field], space.atom(field, value)),))
            node = self.diagram.choose(cube, inside, node)
        return node

    def _applied(self, one: Chances, two: Chances, fields: tuple[str, ...]) -> Node:
        """The same for fields of which is known only what became of their bits or numbers."""
        if self._same(one, two):
            return self.no
        if not fields:
            return self.yes
        field, *others = fields
        level = self.common.space.level.get(field)
        if level is None or len({_change(outcome, field) for outcome in (*one, *two)}) == 1:
            return self._applied(one, two, tuple(others))
        node = self.yes
        for at, thing in enumerate(self.common.space.atoms[level]):
            left, right = (_with(end, field, int(thing)) for end in (one, two))
            inside = self._applied(left, right, tuple(others))
            node = self.diagram.choose(self.diagram.cube(((level, 1 << at),)), inside, node)
        return node

    def _same(self, one: Chances, two: Chances) -> bool:
        return alike(one, two, self.tolerance)


Chance = TypeVar("Chance", int, Fraction)  # in how many of so many cases, or a probability


def alike(one: Mapping[Outcome, Chance], two: Mapping[Outcome, Chance], tolerance: Chance) -> bool:
    """Whether every outcome is about as likely here as there."""
    return one == two or all(
        -tolerance <= one.get(outcome, 0) - two.get(outcome, 0) <= tolerance
        for outcome in {**one, **two}
    )


def _unwritten(end: Chances, field: str, value: int) -> Chances:
    """The end for packets that have the value already."""
    likely: dict[Outcome, int] = {}
    for outcome, chance in end.items():
        if _written(outcome, field) == value:
            if field == "connmark":
                outcome = outcome._replace(beside=outcome.beside._replace(connmark=None))
            else:
                outcome = outcome._replace(**{field: None})  # type: ignore[arg-type]
        likely[outcome] = likely.get(outcome, 0) + chance
    return likely


def _blurred(end: Chances, fields: tuple[str, ...]) -> Chances:
    """The end with nothing left of what may turn out to be no change."""
    unwritten: dict[str, None] = dict.fromkeys(field for field in fields if field != "connmark")
    likely: dict[Outcome, int] = {}
    for outcome, chance in end.items():
        beside = outcome.beside
        if beside is not UNCHANGED:
            connmark = None if "connmark" in fields else beside.connmark
            beside = beside._replace(connmark=connmark, tos=UNCHANGED.tos, ttl=UNCHANGED.ttl)
        outcome = outcome._replace(clear=0, xor=0, beside=beside, **unwritten)  # type: ignore[arg-type]
        likely[outcome] = likely.get(outcome, 0) + chance
    return likely


def _written(outcome: Outcome, field: str) -> int | None:
    value: int | None = getattr(outcome.beside if field == "connmark" else outcome, field)
    return value


def _change(outcome: Outcome, field: str) -> object:
    if field == "mark":
        return outcome.clear, outcome.xor
    return getattr(outcome.beside, field)


def _with(end: Chances, field: str, thing: int) -> Chances:
    """The end for packets that came with that in a field, with what became of it."""
    likely: dict[Outcome, int] = {}
    for outcome, chance in end.items():
        known = outcome.applied(field, thing)
        likely[known] = likely.get(known, 0) + chance
    return likely
