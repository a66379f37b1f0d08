"""A whole rule set as one diagram: what becomes of every packet, with exact probabilities.

Rules are taken from the last to the first, so that each becomes one step: where it matches,
what its target leads to, else what comes behind it. What rules have written into a packet is
known on every path; what they have not is still the packet's own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple, assert_never

from iptlab.errors import CannotCompare
from iptlab.grading.asking import ChangeMark, Untrack
from iptlab.grading.atoms import edges
from iptlab.grading.common import Care, Common
from iptlab.grading.diagram import Node
from iptlab.grading.outcomes import DRAWN, DROPPED, ONES, SLOT, Outcome, State
from iptlab.grading.ready import Place, Ready, Tables, reached
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
from iptlab.grading.ways import Piece, Way
from iptlab.netfilter.actions import Call, Decide, Return, Side, Translate, Verdict, Whose
from iptlab.netfilter.context import CtState
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.packet import Family

_AS_IT_WAS = -2
_NEVER = 1 << 30
_LOOPBACK = {Family.IPV4: 0x7F000001, Family.IPV6: 1}


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


class Met(NamedTuple):
    """How packets meet a rule: what it asks of them, and which of them match."""

    limits: tuple[tuple[int, int], ...]
    care: Care


class _Chain(NamedTuple):
    """A chain made ready, with what is said of each of its ends, from every rule on.

    ``ids`` tell different ends apart, callees included; ``levels`` are the fields they test.
    """

    rules: tuple[Ready, ...]
    ids: tuple[int, ...]
    levels: tuple[int, ...]


class Treatment:
    """What one rule set does with every packet."""

    def __init__(self, tables: Tables, common: Common) -> None:
        self.tables = tables
        self.common = common
        self.diagram = common.diagram
        self.space = common.space
        self._chains: dict[Place, _Chain] = {}
        self._stage_ids: dict[tuple[Path, int], int] = {}
        self._follow_ids: dict[Follow, tuple[int, int, int]] = {}
        self._cuts: tuple[int, ...] | None = None
        self._deepest = _NEVER  # how far out the last result depends on what follows

    def node(self) -> Node:
        """The diagram, from the place where packets begin their way."""
        ground, state = self.common.ground, self.common.ground.begin()
        match ground.entry:
            case Entry.HOOK:
                return self._stage(path_at(ground.hook), 0, state)
            case Entry.RECEIVED:
                return self._stage(RECEIVED, 0, state)
            case Entry.SENT:
                assert ground.ways
                pieces = ground.ways.outbound(state.xor)

                def sent(way: Way | None) -> Node:
                    if way is None:
                        return self.common.leaf(DROPPED)
                    known = state._replace(way=way, out_interface=way.interface)
                    return self._stage(SENT, 0, known)

                return self._by_way(state, pieces, sent)

    # --- chains made ready ---

    def _chain(self, place: Place) -> _Chain:
        chain = self._chains.get(place)
        if chain is None:
            chain = self._chains[place] = self._made_ready(place)
        return chain

    def _made_ready(self, place: Place) -> _Chain:
        table, name = place
        readying = self.common.readying
        source = self.tables[table].chains[name].rules
        rules = tuple(ready for rule in source for ready in readying.rules(rule) if ready.does)
        number, levels = readying.number("end"), 0
        ids, tested = [number], [levels]
        for rule in reversed(rules):
            does: object = rule.does
            for test in rule.tests:
                levels |= 1 << test.level if test.level >= 0 else 0
            if isinstance(rule.does, Translate) and self.common.precise:
                levels |= self._written(rule.does)
            if isinstance(rule.does, Call):
                callee = self._chain((table, rule.does.chain))
                does, levels = (callee.ids[0], rule.does.goto), levels | callee.levels[0]
            number = readying.number((rule.key, does, number))
            ids.append(number)
            tested.append(levels)
        return _Chain(rules, tuple(reversed(ids)), tuple(reversed(tested)))

    def _written(self, wanted: Translate) -> int:
        """The bit set of the fields that a target may write."""
        ends = ("src", "sport") if wanted.side is Side.SOURCE else ("dst", "dport")
        return sum(1 << self.space.level[end] for end in ends if end in self.space.level)

    def _stage_id(self, path: Path, at: int) -> int:
        """A number for all that may happen from a stage on."""
        known = self._stage_ids.get((path, at))
        if known is None:
            stage, here = path[at], None
            behind: tuple[int, ...] = ()
            if not isinstance(stage, Step):
                hook, table = stage
                if table in self.tables:
                    policy = self.tables[table].chains[hook].policy
                    here = (self._chain((table, hook)).ids[0], policy)
            if stage is Step.ROUTE:
                behind = (self._stage_id(DELIVERED, 0), self._stage_id(FORWARDED, 0))
            elif stage is Step.LEAVE:
                behind = (self._stage_id(LOOPED, 0),)
            elif stage is not Step.DONE:
                behind = (self._stage_id(path, at + 1),)
            known = self.common.readying.number((path, at, here, behind))
            self._stage_ids[path, at] = known
        return known

    def _follow_id(self, follow: Follow) -> tuple[int, int, int]:
        """A number for all that follows, one for what follows the table, and the depth."""
        known = self._follow_ids.get(follow)
        if known is None:
            number = self.common.readying.number
            if isinstance(follow, Back):
                outer, table, depth = self._follow_id(follow.outer)
                suffix = self._chain((follow.table, follow.chain)).ids[follow.at]
                known = number(("back", suffix, outer, follow.care)), table, depth + 1
            else:
                later = self._stage_id(follow.path, follow.at + 1)
                policy = self.tables[follow.table].chains[follow.hook].policy
                place = (later, follow.table, follow.hook)
                known = number(("policy", policy, *place)), number(("table", *place)), 0
            self._follow_ids[follow] = known
        return known

    # --- the path ---

    def _stage(self, path: Path, at: int, state: State) -> Node:
        key = (self._stage_id(path, at), state)
        node = self.common.stages.get(key)
        if node is None:
            node = self.common.stages[key] = self._made_stage(path, at, state)
        return node

    def _made_stage(self, path: Path, at: int, state: State) -> Node:
        match path[at]:
            case Step.DONE:
                return self._done(path, state)
            case Step.TRACK:
                untracked = state.ctstate is CtState.UNTRACKED
                ctstate = CtState.UNTRACKED if untracked else None
                return self._stage(path, at + 1, state._replace(ctstate=ctstate, tracked=True))
            case Step.ROUTE:
                return self._routed(state)
            case Step.REROUTE:
                return self._rerouted(path, at, state)
            case Step.LEAVE:
                return self._left(state)
            case _:
                return self._table(path, at, state)

    def _table(self, path: Path, at: int, state: State) -> Node:
        stage = path[at]
        assert not isinstance(stage, Step)
        hook, table = stage
        skipped = table is TableName.NAT and state.ctstate is CtState.UNTRACKED and state.tracked
        if table not in self.tables or skipped:
            return self._stage(path, at + 1, state)
        follow = Policy(table, hook, path, at)
        node = self._run((table, hook), 0, state, follow, self.common.everything)
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
        outcome = Outcome(
            verdict, "", interface, src, dst, sport, dport, state.clear, state.xor, state.asked
        )
        return self.common.leaf(outcome)

    # --- routing ---

    def _by_way(
        self, state: State, pieces: tuple[Piece, ...], then: Callable[[Way | None], Node]
    ) -> Node:
        """What follows, for each way that destinations go."""
        if state.dst is not None:
            at = bisect_right(pieces, state.dst, key=lambda piece: piece.first) - 1
            return then(pieces[at].way)
        masks: dict[Way | None, int] = {}
        for first, last, way in pieces:
            masks[way] = masks.get(way, 0) | self.space.between("dst", first, last)
        node: Node | None = None
        level = self.space.level["dst"]
        for way, mask in masks.items():
            here = then(way)
            cube = self.diagram.cube(((level, mask),))
            node = here if node is None else self.diagram.choose(cube, here, node)
        assert node is not None
        return node

    def _by_interface(self, then: Callable[[str], tuple[object, Callable[[], Node]]]) -> Node:
        """What follows, for each interface that packets come in by.

        ``then`` gives for an interface what it depends on, and how to go on.
        """
        ways = self.common.ground.ways
        assert ways
        level = self.space.level["in_interface"]
        groups: dict[object, tuple[int, Callable[[], Node]]] = {}
        for at, name in enumerate(self.space.atoms[level]):
            if name in ways.entrances:
                key, go = then(str(name))
                groups[key] = (groups.get(key, (0, go))[0] | 1 << at, go)
        node: Node | None = None
        for mask, go in groups.values():
            here = go()
            cube = self.diagram.cube(((level, mask),))
            node = here if node is None else self.diagram.choose(cube, here, node)
        assert node is not None
        return node

    def _known_mark(self, state: State) -> int:
        ways = self.common.ground.ways
        assert ways
        if state.clear == ONES or not ways.routing.rules:
            return state.xor
        raise CannotCompare("`ip rule ... fwmark'", "say which mark packets begin with")

    def _routed(self, state: State) -> Node:
        """The routing decision for a packet that came in."""
        ways, mark = self.common.ground.ways, self._known_mark(state)
        assert ways

        def onward(way: Way | None) -> Node:
            if way is None:
                return self.common.leaf(DROPPED)
            if way.local:
                return self._stage(DELIVERED, 0, state._replace(way=None))
            known = state._replace(way=way, out_interface=way.interface)
            return self._stage(FORWARDED, 0, known)

        def arriving(interface: str) -> tuple[object, Callable[[], Node]]:
            pieces = ways.inbound(interface, mark)
            return pieces, lambda: self._by_way(state, pieces, onward)

        return self._by_interface(arriving)

    def _rerouted(self, path: Path, at: int, state: State) -> Node:
        """Another look at the route where a rule in OUTPUT changed what it depends on.

        Kernel: net/ipv4/netfilter.c (ip_route_me_harder), net/ipv4/route.c (__mkroute_output)
        """
        ways, mark = self.common.ground.ways, self._known_mark(state)
        assert ways
        if state.dst is None and not ways.routing.rules:
            return self._stage(path, at + 1, state)

        def onward(way: Way | None) -> Node:
            if way is None:
                return self.common.leaf(DROPPED)
            known = state._replace(way=way, out_interface=way.interface)
            node = self._stage(path, at + 1, known)
            if way.local or state.dst is None:
                return node
            level = self.space.level["src"]
            mask = sum(self.space.between("src", *run) for run in ways.confined(way.interface))
            if not mask:
                return node
            cube = self.diagram.cube(((level, mask),))
            return self.diagram.choose(cube, self.common.leaf(DROPPED), node)

        return self._by_way(state, ways.outbound(mark), onward)

    def _left(self, state: State) -> Node:
        """Out to the network, or round to this machine itself."""
        assert state.way
        if not state.way.local:
            return self._leaf("SEND", state, state.way.interface)
        known = state._replace(in_interface="lo", out_interface="", way=None)
        return self._stage(LOOPED, 0, known)

    # --- chains ---

    def _run(self, place: Place, start: int, state: State, follow: Follow, care: Care) -> Node:
        """From a rule of a chain on, for the packets in ``care``.

        A result that never looked at what follows is kept for every use of the chain.
        """
        common, chain = self.common, self._chain(place)
        number, table, depth = self._follow_id(follow)
        care = common.narrowed(care, chain.levels[start])
        outer, deepest, node = self._deepest, _NEVER, -1
        waiting: list[tuple[int, Ready, Met, Care]] = []
        for at in range(start, len(chain.rules) + 1):
            here = common.narrowed(care, chain.levels[at])
            node = common.suffixes.get((chain.ids[at], state, here, table), -1)
            if node >= 0:
                break
            followed = common.followed.get((chain.ids[at], state, here, number))
            if followed:
                node, deepest = followed[0], depth - followed[1]
                break
            if at == len(chain.rules):
                self._deepest = _NEVER
                node = self._end(follow, state, depth)
                deepest = self._deepest
                break
            met = self._met(chain.rules[at], state, here)
            if met is not None:
                waiting.append((at, chain.rules[at], met, here))
                if not met.limits and chain.rules[at].chance is None:
                    break
        for at, rule, met, here in reversed(waiting):
            self._deepest = _NEVER
            then = self._act(rule, (place, at), state, (follow, here, met.care))
            deepest = min(deepest, self._deepest)
            if node < 0:
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
        return node

    def _met(self, rule: Ready, state: State, care: Care) -> Met | None:
        """How packets in ``care`` meet a rule; None if none of them can match."""
        limits: dict[int, int] | None = None
        for test in rule.tests:
            mask = test.mask
            if test.axis:
                known: int | str | None
                if test.axis == "mark":
                    known = state.xor if state.clear == ONES else None
                else:
                    known = state[SLOT[test.axis]]  # type: ignore[assignment]
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
        self, rule: Ready, where: tuple[Place, int], state: State, around: tuple[Follow, Care, Care]
    ) -> Node:
        """What a rule's target leads to, for the packets that match."""
        (table, name), at = where
        follow, here, inside = around
        match rule.does:
            case Decide(Verdict.ACCEPT):
                return self._accepted(follow, state)
            case Decide(verdict, reply):
                return self.common.leaf(Outcome(str(verdict), reply))
            case Return():
                return self._end(follow, state, self._follow_id(follow)[2])
            case Call(callee, goto):
                then = follow if goto else Back(table, name, at + 1, here, follow)
                return self._run((table, callee), 0, state, then, inside)
            case ChangeMark(clear, xor):
                mark = state.xor & ~clear ^ xor
                changed = state._replace(clear=state.clear | clear, xor=mark)
                return self._run((table, name), at + 1, changed, follow, inside)
            case Untrack():
                # once tracking has seen a packet it is too late
                late = state.tracked
                changed = state if late else state._replace(ctstate=CtState.UNTRACKED)
                return self._run((table, name), at + 1, changed, follow, inside)
            case Translate() as translate:
                return self._translated(translate, follow, state, inside)
            case None:
                raise AssertionError("rules that do nothing are left out")
            case other:
                assert_never(other)

    def _end(self, follow: Follow, state: State, depth: int) -> Node:
        """The end of a chain: back to the jump, or the policy decides."""
        self._deepest = min(self._deepest, depth)
        if isinstance(follow, Back):
            place = (follow.table, follow.chain)
            return self._run(place, follow.at, state, follow.outer, follow.care)
        if self.tables[follow.table].chains[follow.hook].policy is Verdict.ACCEPT:
            return self._accepted(follow, state)
        return self.common.leaf(DROPPED)

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
        key = (self._stage_id(path, at), without, bisect_right(self.cuts, new))
        model = self.common.models.setdefault(key, new)
        node = self._stage(path, at, state._replace(dst=model))
        return node if model == new else self.common.renamed(node, model, new)

    @property
    def cuts(self) -> tuple[int, ...]:
        """The addresses at which an answer about a destination may change."""
        if self._cuts is None:
            ways = self.common.ground.ways
            cuts = set(ways.edges if ways else ())
            for chain in self._later():
                for condition in (test.condition for rule in chain.rules for test in rule.tests):
                    if condition is not None and condition.field.name == "dst":
                        cuts |= set(edges(condition.given.value))
            self._cuts = tuple(sorted(cuts))
        return self._cuts

    def _later(self) -> Iterator[_Chain]:
        """The chains that packets may come to once nat has given them a new destination."""
        sent = self.common.ground.entry is Entry.SENT
        paths = (SENT, LOOPED) if sent else (DELIVERED, FORWARDED)
        return map(self._chain, reached(self.tables, paths))

    # --- address translation ---

    def _translated(self, wanted: Translate, follow: Follow, state: State, care: Care) -> Node:
        """On to the next table with a new source or destination."""
        if not state.tracked:
            return self._accepted(follow, state._replace(asked=wanted))
        match wanted.addresses:
            case Whose.INCOMING if state.in_interface is None:

                def redirected(interface: str) -> tuple[object, Callable[[], Node]]:
                    assert self.common.ground.ways
                    own = self.common.ground.ways.first_address(interface)
                    return own, lambda: self._aimed(wanted, own, follow, (state, care))

                return self._by_interface(redirected)
            case Whose.INCOMING:
                return self._aimed(wanted, _LOOPBACK[self.space.family], follow, (state, care))
            case Whose.OUTGOING:
                assert state.way
                return self._aimed(wanted, state.way.address, follow, (state, care))
            case (first, last) if first == last:
                return self._aimed(wanted, int(first), follow, (state, care))
            case None:
                return self._aimed(wanted, _AS_IT_WAS, follow, (state, care))
            case _:
                raise CannotCompare(
                    f"`{wanted.note}'", "which address a packet gets depends on its own ones"
                )

    def _aimed(
        self, wanted: Translate, address: int | None, follow: Follow, known: tuple[State, Care]
    ) -> Node:
        """The same once the address is known; without one the packet is dropped."""
        if address is None:
            return self.common.leaf(DROPPED)
        source = wanted.side is Side.SOURCE
        end, port = ("src", "sport") if source else ("dst", "dport")
        new: dict[str, int] = {} if address == _AS_IT_WAS else {end: address}
        if wanted.ports:
            if wanted.ports[0] != wanted.ports[1] or wanted.base is not None:
                raise CannotCompare(
                    f"`{wanted.note}'", "which port a packet gets depends on others"
                )
            new[port] = wanted.ports[0]
        elif source and (wanted.random or wanted.random_fully):
            drawn = self._moved(follow, known, {**new, port: DRAWN})
            ported = self.diagram.cube(self.space.having("sport"))
            return self.diagram.choose(ported, drawn, self._moved(follow, known, new))
        return self._moved(follow, known, new)

    def _moved(self, follow: Follow, known: tuple[State, Care], new: dict[str, int]) -> Node:
        """The same with the new address and port written in.

        Whether that changes anything is asked only where rules ask whether it did.
        """
        state, care = known
        changed = state._replace(**new)  # type: ignore[arg-type]
        if not self.common.precise:
            return self._accepted(follow, changed)
        word = CtState.SNAT if "src" in new or "sport" in new else CtState.DNAT
        node = self._accepted(follow, changed._replace(translated=state.translated | {word}))
        limits = []
        for axis, thing in new.items():
            own = state[SLOT[axis]]
            if own is None and thing != DRAWN:
                limit = (self.space.level[axis], self.space.atom(axis, thing))
                if not care[limit[0]] & limit[1]:
                    return node
                limits.append(limit)
            elif own != thing:
                return node
        cube = self.diagram.cube(limits)
        return self.diagram.choose(cube, self._accepted(follow, state), node)
