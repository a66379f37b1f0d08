"""A whole rule set as one diagram: what becomes of every packet, with exact probabilities.

Rules are taken from the last to the first, so that each becomes one step: where it matches,
what its target leads to, else what comes behind it. What rules have written into a packet is
known on every path; what they have not is still the packet's own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from iptlab.grading.chains import Back, Chains, Follow, Policy
from iptlab.grading.changed import changed
from iptlab.grading.common import Care, Common
from iptlab.grading.diagram import Node, TooManyStatesError
from iptlab.grading.outcomes import Outcome, State, Turn, View
from iptlab.grading.passage import Branch, Passage
from iptlab.grading.ready import Place, Ready, Tables
from iptlab.grading.scope import (
    DELIVERED,
    FORWARDED,
    LOOPED,
    RECEIVED,
    SENT,
    Entry,
    Path,
    Step,
    path_at,
)
from iptlab.grading.supposing import addresses, to_one
from iptlab.netfilter.actions import Call, Decide, Return, Side, Translate, Verdict
from iptlab.netfilter.context import CtState
from iptlab.netfilter.hooks import Hook, TableName

_NEVER = 1 << 30
_NEW_DESTINATIONS = (Hook.PREROUTING, Hook.OUTPUT)
_MOST_STATES = 60_000  # how many places in chains may be looked at


Spot = tuple[Place, int]  # a chain, and how many of its rules are behind


class Met(NamedTuple):
    """How packets meet a rule: what it asks of them, and which of them match."""

    limits: tuple[tuple[int, int], ...]
    care: Care


def _at(wanted: Translate, follow: Follow) -> Translate:
    """What a target asks for where it stands: NETMAP changes either end."""
    while isinstance(follow, Back):
        follow = follow.outer
    side = Side.DESTINATION if follow.hook in _NEW_DESTINATIONS else Side.SOURCE
    return wanted if wanted.side is side else replace(wanted, side=side)


def _as_recorded(state: State, turn: Turn, hook: Hook) -> State:
    """A later packet once tracking has given it the ends that its connection has there.

    Kernel: net/netfilter/nf_nat_core.c (nf_nat_packet)
    """
    if hook in _NEW_DESTINATIONS:
        dst, dport = turn.early
        way = state.way if dst == state.dst else None  # it has yet to be found out
        return state._replace(dst=dst, dport=dport, way=way)
    src, sport = turn.late
    return state._replace(src=src, sport=sport)


def _tracked(state: State) -> State:
    """A packet once connection tracking has seen it."""
    ctstate = CtState.ESTABLISHED if state.turn and state.turn.answered else None
    if state.ctstate is CtState.UNTRACKED:
        ctstate = CtState.UNTRACKED
    return state._replace(ctstate=ctstate, tracked=True)


class Treatment:
    """What one rule set does with every packet."""

    def __init__(self, tables: Tables, common: Common, view: View = View.FIRST) -> None:
        self.tables = tables
        self.view = view
        self.common = common
        self.diagram = common.diagram
        self.space = common.space
        self.chains = Chains(tables, common, view)
        ways = common.ground.ways
        self._passage = Passage(common, ways, view) if ways else None
        self._deepest = _NEVER  # how far out the last result depends on what follows

    @property
    def path(self) -> Path:
        """Where packets begin their way."""
        ground = self.common.ground
        match ground.entry:
            case Entry.HOOK:
                return path_at(ground.hook)
            case Entry.RECEIVED:
                return RECEIVED
            case Entry.SENT:
                return SENT

    def same(self, other: Treatment, *paths: Path) -> bool:
        """Whether packets meet the same rules on all these paths."""
        one, two = self.chains, other.chains
        return all(one.stage_id(path, 0) == two.stage_id(path, 0) for path in paths)

    def node(self) -> Node:
        """The diagram, from the place where packets begin their way."""
        path, state = self.path, self.common.ground.begin()
        return self._sent(state) if path is SENT else self._stage(path, 0, state)

    def later(self, state: State, *, arrives: bool) -> Node:
        """The diagram of later packets of a connection, of which so much is known."""
        if arrives:
            return self._stage(RECEIVED, 0, state)
        return self._sent(state)

    def _sent(self, state: State) -> Node:
        """The way of what this machine sends."""
        cases = self._host.sent(state)
        return self._each(cases, lambda known: self._stage(SENT, 0, known), state)

    @property
    def _host(self) -> Passage:
        """The host that packets pass through."""
        assert self._passage
        return self._passage

    def _each(self, cases: Iterable[Branch], then: Callable[[State], Node], before: State) -> Node:
        """What follows in each case; the last one that a packet is in counts."""
        node: Node | None = None
        for limits, state in cases:
            here = self._stopped("DROP", before) if state is None else then(state)
            cube = self.diagram.cube(limits)
            node = here if node is None else self.diagram.choose(cube, here, node)
        assert node is not None
        return node

    # --- the path ---

    def _stage(self, path: Path, at: int, state: State) -> Node:
        at, state = self._unasked(path, at, state)
        key = (self.chains.stage_id(path, at), state)
        node = self.common.stages.get(key)
        if node is None:
            node = self.common.stages[key] = self._made_stage(path, at, state)
        return node

    def _unasked(self, path: Path, at: int, state: State) -> tuple[int, State]:
        """Past the stages at which all packets fare alike."""
        while True:
            at = self.chains.beyond(path, at)
            if path[at] is Step.TRACK:
                state = _tracked(state)
            elif path[at] is not Step.REROUTE or self._host.reroutes(state):
                return at, state
            at += 1

    def _made_stage(self, path: Path, at: int, state: State) -> Node:
        match path[at]:
            case Step.DONE:
                return self._done(path, state)
            case Step.ROUTE:
                return self._each(self._host.routed(state), self._arrived, state)
            case Step.REROUTE:
                cases = self._host.rerouted(state)
                return self._each(cases, lambda known: self._stage(path, at + 1, known), state)
            case Step.LEAVE:
                return self._left(state)
            case _:
                return self._table(path, at, state)

    def _table(self, path: Path, at: int, state: State) -> Node:
        stage = path[at]
        assert not isinstance(stage, Step)
        hook, table = stage
        if hook is Hook.POSTROUTING and state.way:
            state = state._replace(out_interface=state.way.interface)
        skipped = table is TableName.NAT and state.ctstate is CtState.UNTRACKED and state.tracked
        if table is TableName.NAT and state.turn and not skipped:
            return self._stage(path, at + 1, _as_recorded(state, state.turn, hook))
        if table not in self.tables or skipped:
            return self._stage(path, at + 1, state)
        follow = Policy(table, hook, path, at)
        node = self._run(((table, hook), 0), state, follow, self.common.everything)
        if table is TableName.NAT and state.tracked:
            new = ((self.space.level["ctstate"], self.space.atom("ctstate", CtState.NEW)),)
            node = self.diagram.choose(
                self.diagram.cube(new), node, self._stage(path, at + 1, state)
            )
        return node

    def _done(self, path: Path, state: State) -> Node:
        if path is DELIVERED or path is LOOPED:
            return self._leaf("DELIVER", state)
        if path is FORWARDED:
            assert state.way
            return self._leaf("FORWARD", state, state.way.interface)
        return self._leaf("ACCEPT", state)

    def _leaf(self, verdict: str, state: State, interface: str = "") -> Node:
        """The end of a packet that came through."""
        _, _, src, dst, sport, dport, *_ = state
        # of a reply too it is said in the first packet's terms
        ends = (dst, src, dport, sport) if self.view is View.REPLY else (src, dst, sport, dport)
        marked = (state.clear, state.xor, state.asked, state.beside)
        alone = self._alone(state)
        return self.common.leaf(
            Outcome(verdict, "", interface, *ends, *marked, alone, state.logged)
        )

    def _stopped(self, verdict: str, state: State, reply: str = "") -> Node:
        """The end of a packet that did not."""
        return self.common.leaf(Outcome(verdict, reply, logged=state.logged))

    def _alone(self, state: State) -> bool:
        """Whether tracking left the packet alone, where flows are compared."""
        return self.common.flows and state.ctstate is CtState.UNTRACKED

    def _arrived(self, state: State) -> Node:
        """On to a process of this machine, or to another machine."""
        assert state.way
        if state.way.local:
            return self._stage(DELIVERED, 0, state._replace(way=None, out_interface=""))
        cases = self._host.hopped(state)
        return self._each(cases, lambda known: self._stage(FORWARDED, 0, known), state)

    def _left(self, state: State) -> Node:
        """Out to the network, or round to this machine itself."""
        assert state.way
        if not state.way.local:
            return self._leaf("SEND", state, state.way.interface)
        known = state._replace(in_interface="lo", out_interface="", way=None)
        return self._stage(LOOPED, 0, known)

    # --- chains ---

    def _run(self, where: Spot, state: State, follow: Follow, care: Care) -> Node:
        """From a rule of a chain on, for the packets in ``care``.

        A result that never looked at what follows is kept for every use of the chain.
        """
        common, chain = self.common, self.chains.ready(where[0])
        if len(common.suffixes) + len(common.followed) > _MOST_STATES:
            raise TooManyStatesError
        number, table, depth = self.chains.follow_id(follow)
        outer = self._deepest
        waiting, node, deepest = self._ahead(where, state, follow, care)
        for at, met, here in reversed(waiting):
            rule = chain.rules[at]
            self._deepest = _NEVER
            then = self._act(rule, (where[0], at), state, (follow, here, met.care))
            deepest = min(deepest, self._deepest)
            if node is None:
                node = then
            else:
                if rule.chance is not None:
                    then = common.mix(rule.chance, then, node)
                node = self.diagram.choose(self.diagram.cube(met.limits), then, node)
            if deepest > depth:
                common.suffixes[chain.ids[at], state, here, table] = node
            else:
                common.followed[chain.ids[at], state, here, number] = node, depth - deepest
        self._deepest = min(outer, deepest)
        assert node is not None
        return node

    def _ahead(
        self, where: Spot, state: State, follow: Follow, care: Care
    ) -> tuple[list[tuple[int, Met, Care]], Node | None, int]:
        """The rules that packets may meet, and what is known of all that comes behind them.

        That is None behind a rule that every packet matches.
        """
        common, chain = self.common, self.chains.ready(where[0])
        number, table, depth = self.chains.follow_id(follow)
        care = common.narrowed(care, chain.levels[where[1]])
        waiting: list[tuple[int, Met, Care]] = []
        for at in range(where[1], len(chain.rules)):
            here = common.narrowed(care, chain.levels[at])
            node = common.suffixes.get((chain.ids[at], state, here, table))
            if node is not None:
                return waiting, node, _NEVER
            followed = common.followed.get((chain.ids[at], state, here, number))
            if followed:
                return waiting, followed[0], depth - followed[1]
            met = self._met(chain.rules[at], state, here)
            if met is not None:
                waiting.append((at, met, here))
                if not met.limits and chain.rules[at].chance is None:
                    return waiting, None, _NEVER
        self._deepest = _NEVER
        node = self._end(follow, state, depth)
        return waiting, node, self._deepest

    def _met(self, rule: Ready, state: State, care: Care) -> Met | None:
        """How packets in ``care`` meet a rule; None if none of them can match."""
        limits: dict[int, int] | None = None
        for test in rule.tests:
            mask = test.mask
            if test.axis:
                known = state.known(test.axis)
                if known is not None:
                    if not self.common.says(test, known, state.translated):
                        return None
                    continue
                mask = self.common.mask(test, state)
            before = care[test.level]
            if limits and test.level in limits:
                mask &= limits[test.level]
            both = before & mask
            if not both:
                return None
            if both != before:
                limits = limits or {}
                limits[test.level] = mask
        if limits is None:
            return Met((), care)
        inner = list(care)
        for level, mask in limits.items():
            inner[level] &= mask
        return Met(tuple(limits.items()), tuple(inner))

    def _act(
        self, rule: Ready, where: Spot, state: State, around: tuple[Follow, Care, Care]
    ) -> Node:
        """What a rule's target leads to, for the packets that match."""
        (table, name), at = where
        follow, here, inside = around
        match rule.does:
            case Decide(Verdict.ACCEPT):
                return self._accepted(follow, state)
            case Decide(verdict, reply):
                return self._stopped(str(verdict), state, reply)
            case Return():
                return self._end(follow, state, self.chains.follow_id(follow)[2])
            case Call(callee, goto):
                then = follow if goto else Back(table, name, at + 1, here, follow)
                return self._run(((table, callee), 0), state, then, inside)
            case Translate() as wanted:
                return self._translated(_at(wanted, follow), state, follow, inside)
            case None:
                raise AssertionError("rules that do nothing are left out")
            case change:
                on = (table, name), at + 1
                cases = changed(self.common, change, state)
                return self._each(cases, lambda known: self._run(on, known, follow, inside), state)

    def _translated(self, wanted: Translate, state: State, follow: Follow, care: Care) -> Node:
        """A new source or destination; each of several addresses is as likely as the others."""
        if not state.tracked:
            return self._accepted(follow, state._replace(asked=wanted))

        def accepted(known: State) -> Node:
            return self._accepted(follow, known)

        node, host = self._stopped("DROP", state), self._host
        several = len(addresses(wanted)) > 1
        for number, address in enumerate(addresses(wanted), start=1):
            one = to_one(wanted, address) if several else wanted
            then = self._each(host.translated(one, state, care), accepted, state)
            node = self.common.mix(Fraction(1, number), then, node)
        kept = host.kept(wanted, state) if several else None
        if kept is not None:
            node = self.diagram.choose(self.diagram.cube(kept), accepted(state), node)
        return node

    def _end(self, follow: Follow, state: State, depth: int) -> Node:
        """The end of a chain: back to the jump, or the policy decides."""
        self._deepest = min(self._deepest, depth)
        if isinstance(follow, Back):
            behind = (follow.table, follow.chain), follow.at
            return self._run(behind, state, follow.outer, follow.care)
        if self.tables[follow.table].chains[follow.hook].policy is Verdict.ACCEPT:
            return self._accepted(follow, state)
        return self._stopped("DROP", state)

    def _accepted(self, follow: Follow, state: State) -> Node:
        """On to the next table.

        Later tables see a new destination only through a few tests and routes: one that
        answers all of them alike stands for the others.
        """
        while isinstance(follow, Back):
            follow = follow.outer
        path, at, new = follow.path, follow.at + 1, state.dst
        if new is None or follow.table is not TableName.NAT:
            return self._stage(path, at, state)
        without = state._replace(dst=None)
        key = (self.chains.stage_id(path, at), without, bisect_right(self.chains.cuts, new))
        model = self.common.models.setdefault(key, new)
        node = self._stage(path, at, state._replace(dst=model))
        return node if model == new else self.common.renamed(node, model, new)
