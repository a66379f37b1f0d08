"""Chains made ready for a comparison, and numbers for all that may happen from a place on.

Where both sides have the same number, the same happens: so equal parts are looked at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from iptlab.grading.asking import Note, Untrack, taken_apart
from iptlab.grading.axes import edges
from iptlab.grading.common import Common
from iptlab.grading.outcomes import View
from iptlab.grading.ready import Place, Ready, Tables, Test, asks_translation, reached
from iptlab.grading.scope import (
    DELIVERED,
    FORWARDED,
    LOOPED,
    RECEIVED,
    SENT,
    Entry,
    Logs,
    Path,
    Stage,
    Step,
)
from iptlab.netfilter.actions import Call, Decide, Translate, Verdict
from iptlab.netfilter.context import CtState
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.networks import Network


class Policy(NamedTuple):
    """What follows a built-in chain: its policy, then the rest of the path."""

    table: TableName
    hook: Hook
    path: Path
    at: int


class Back(NamedTuple):
    """What follows a user chain: the rules behind the jump, within the packets of the jump."""

    table: TableName
    chain: str
    at: int
    care: tuple[int, ...]
    outer: Follow


Follow = Policy | Back


class Chain(NamedTuple):
    """A chain made ready, with what is said of each of its ends, from every rule on.

    ``ids`` tell different ends apart, callees included; ``levels`` are the fields they test.
    """

    rules: tuple[Ready, ...]
    ids: tuple[int, ...]
    levels: tuple[int, ...]


class Chains:
    """The chains of one rule set, as one kind of packets meets them."""

    def __init__(self, tables: Tables, common: Common, view: View) -> None:
        self.tables = tables
        self.common = common
        self.view = view
        self._chains: dict[Place, Chain] = {}
        self._stage_ids: dict[tuple[Path, int], int] = {}
        self._beyond: dict[tuple[Path, int], int] = {}
        self._follow_ids: dict[Follow, tuple[int, int, int]] = {}
        self._writes = common.ground.scope.logs is not Logs.NOTHING

    def ready(self, place: Place) -> Chain:
        """The chain there."""
        chain = self._chains.get(place)
        if chain is None:
            chain = self._chains[place] = self._made_ready(place)
        return chain

    def _made_ready(self, place: Place) -> Chain:
        table, _ = place
        readying = self.common.readying
        rules = tuple(self._met(place))
        number, levels = readying.number("end"), 0
        ids, tested = [number], [levels]
        for rule in reversed(rules):
            does: object = rule.does
            for test in rule.tests:
                levels |= 1 << test.level if test.level >= 0 else 0
            if isinstance(rule.does, Translate):
                levels |= self._written(rule.does)
            if isinstance(rule.does, Call):
                callee = self.ready((table, rule.does.chain))
                does, levels = (callee.ids[0], rule.does.goto), levels | callee.levels[0]
            number = readying.number((rule.key, does, number))
            ids.append(number)
            tested.append(levels)
        return Chain(rules, tuple(reversed(ids)), tuple(reversed(tested)))

    def _met(self, place: Place) -> Iterator[Ready]:
        """The rules that packets may meet there, up to one that decides on all of them."""
        table, name = place
        is_open = self._open and table is not TableName.RAW
        for rule in self.tables[table].chains[name].rules:
            for ready in self.common.readying.rules(rule, self.view):
                if not ready.does or (isinstance(ready.does, Note) and not self._writes):
                    continue
                known = self._of_open(ready) if is_open else ready
                if known is None:
                    continue
                yield known
                if not known.tests and known.chance is None and isinstance(known.does, Decide):
                    return

    @cached_property
    def _open(self) -> bool:
        """Whether tracking says of all packets that their connection is open."""
        if self.view is View.FIRST:
            return False
        places = [place for place in reached(self.tables, (RECEIVED, SENT)) if place[0] == "raw"]
        rules = (rule for table, name in places for rule in self.tables[table].chains[name].rules)
        return not any(isinstance(taken_apart(rule).does, Untrack) for rule in rules)

    def _of_open(self, ready: Ready) -> Ready | None:
        """The rule as packets of open connections meet it; None if it is none of theirs."""
        tests: list[Test] = []
        for test in ready.tests:
            if test.axis != "ctstate" or not test.condition or asks_translation(test.condition):
                tests.append(test)
            elif not self.common.says(test, CtState.ESTABLISHED, frozenset()):
                return None
        if len(tests) == len(ready.tests):
            return ready
        numbers = tuple([test.number for test in tests])
        key = self.common.readying.number((numbers, ready.chance))
        return ready._replace(tests=tuple(tests), key=key)

    def _written(self, wanted: Translate) -> int:
        """The bit set of the fields that a target may write."""
        by_own = isinstance(wanted.addresses, Network) or wanted.base is not None
        if not self.common.precise and not by_own:
            return 0
        level = self.common.space.level
        return sum(1 << level[end] for end in ("src", "sport", "dst", "dport") if end in level)

    def stage_id(self, path: Path, at: int) -> int:
        """A number for all that may happen from a stage on."""
        at = self.beyond(path, at)
        known = self._stage_ids.get((path, at))
        if known is None:
            stage, here = path[at], None
            behind: tuple[int, ...] = ()
            if not isinstance(stage, Step):
                hook, table = stage
                if table in self.tables and not self._settled(table):
                    policy = self.tables[table].chains[hook].policy
                    here = (self.ready((table, hook)).ids[0], policy)
            if stage is Step.ROUTE:
                behind = (self.stage_id(DELIVERED, 0), self.stage_id(FORWARDED, 0))
            elif stage is Step.LEAVE:
                behind = (self.stage_id(LOOPED, 0),)
            elif stage is not Step.DONE:
                behind = (self.stage_id(path, at + 1),)
            known = self.common.readying.number((path, at, here, behind))
            self._stage_ids[path, at] = known
        return known

    def follow_id(self, follow: Follow) -> tuple[int, int, int]:
        """A number for all that follows, one for what follows the table, and the depth."""
        known = self._follow_ids.get(follow)
        if known is None:
            number = self.common.readying.number
            if isinstance(follow, Back):
                outer, table, depth = self.follow_id(follow.outer)
                suffix = self.ready((follow.table, follow.chain)).ids[follow.at]
                known = number(("back", suffix, outer, follow.care)), table, depth + 1
            else:
                later = self.stage_id(follow.path, follow.at + 1)
                policy = self.tables[follow.table].chains[follow.hook].policy
                place = (later, follow.table, follow.hook)
                known = number(("policy", policy, *place)), number(("table", *place)), 0
            self._follow_ids[follow] = known
        return known

    def beyond(self, path: Path, at: int) -> int:
        """The first stage from here on at which something may happen."""
        first = self._beyond.get((path, at))
        if first is None:
            first = at
            while self._idle(path[first]):
                first += 1
            self._beyond[path, at] = first
        return first

    def _idle(self, stage: Stage) -> bool:
        """Whether packets pass a table as if it were not there."""
        if isinstance(stage, Step):
            return False
        hook, table = stage
        if self._settled(table):
            return False
        if table not in self.tables:
            return True
        chain = self.tables[table].chains[hook]
        accepts = chain.policy is Verdict.ACCEPT
        return accepts and not (chain.rules and self.ready((table, hook)).rules)

    def _settled(self, table: TableName) -> bool:
        """Whether tracking, without a look at the table, repeats what that did first."""
        return table is TableName.NAT and self.view is not View.FIRST

    @cached_property
    def cuts(self) -> tuple[int, ...]:
        """The addresses at which an answer about a destination may change."""
        ways = self.common.ground.ways
        cuts = set(ways.edges if ways else ())
        for chain in self._later():
            for condition in (test.condition for rule in chain.rules for test in rule.tests):
                if condition is not None and condition.field.name == "dst":
                    cuts |= set(edges(condition.given.value))
        return tuple(sorted(cuts))

    def _later(self) -> Iterator[Chain]:
        """The chains that packets may come to once nat has given them a new destination."""
        sent = self.common.ground.entry is Entry.SENT
        paths = (SENT, LOOPED) if sent else (DELIVERED, FORWARDED)
        return map(self.ready, reached(self.tables, paths))
