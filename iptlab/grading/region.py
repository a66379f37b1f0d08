"""The packets that a comparison is about, as a diagram."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from iptlab.grading.asking import taken_apart
from iptlab.grading.axes import Wanted
from iptlab.grading.common import Common, Ground
from iptlab.grading.diagram import Node
from iptlab.grading.ready import Readying, asks_translation
from iptlab.grading.sample import packet_of
from iptlab.grading.scope import Entry
from iptlab.netfilter.context import CtState
from iptlab.netfilter.extension import Condition
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.rules import Rule
from iptlab.packet import Family, Protocol, TcpFlags
from iptlab.simulate.conntrack import ConntrackTable, Zone

Limits = tuple[tuple[int, int], ...]
# what is sent through connections that are open already
ECHO = {Family.IPV4: 8 << 8, Family.IPV6: 128 << 8}
OTHER_ICMP = {Family.IPV4: Protocol.ICMPV6, Family.IPV6: Protocol.ICMP}
_OPEN = CtState.ESTABLISHED
_USUAL = (int(TcpFlags.SYN), int(TcpFlags.ACK))
# ICMP types of which connection tracking knows something, and the ones behind them
# kernel: net/netfilter/nf_conntrack_proto_icmp.c, nf_conntrack_proto_icmpv6.c
_TYPES = (*range(20), *range(127, 146))
# the field on which a first packet's state depends, by protocol
_DECIDING = {
    int(Protocol.TCP): "flags",
    int(Protocol.ICMP): "icmp",
    int(Protocol.ICMPV6): "icmp",
}


class Region:
    """What a scope assumes, and on a host what its kernel lets through to the rules."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        assumed = ground.scope.assume
        self.assumed: Rule | None = ground.scope.region(ground.family) if assumed else None

    def allows(self, state: CtState) -> bool:
        """Whether packets in that state may be as is assumed; if not, none of them counts."""
        questions = taken_apart(self.assumed).questions if self.assumed else ()
        return all(
            any(all(_fits(condition, state) for condition in case) for case in question.cases)
            for question in questions
        )

    def want(self, readying: Readying, wanted: Wanted) -> None:
        """Put down the values at which the region begins and ends."""
        ground, scope = self.ground, self.ground.scope
        if self.assumed:
            readying.want(taken_apart(self.assumed), wanted, ())
        if "connmark" in wanted.points or "connmark" in wanted.conditions:
            wanted.apart["ctstate"] = lambda state: state
        if ground.ways and ("ttl" in wanted.points or "ttl" in wanted.conditions):
            wanted.cut("ttl", range(256))
        wanted.names["in_interface"] = set(scope.interfaces)
        wanted.names["out_interface"] = set(scope.interfaces)
        if ground.ways is None:
            return
        wanted.names["in_interface"] = set(ground.ways.entrances)
        wanted.cut("src", ground.ways.edges)
        wanted.cut("dst", ground.ways.edges)
        wanted.apart["ctstate"] = lambda state: state
        wanted.apart["flags"] = lambda flags: (_of_tcp(int(flags)), flags in _USUAL)
        wanted.cut("icmp", (number << 8 for number in _TYPES))
        wanted.cut("icmp", (ECHO[ground.family] + 1,))
        for number in Protocol:
            wanted.cut("protocol", (number, number + 1))

    # --- the diagram ---

    def node(self, common: Common) -> Node:
        """The set of packets."""
        diagram = common.diagram
        node = diagram.end(True)
        for parts in self._parts(common):
            within = diagram.end(False)
            for limits in parts:
                if all(mask for _, mask in limits):
                    within = diagram.choose(diagram.cube(limits), node, within)
            node = within
        return node

    def _parts(self, common: Common) -> Iterator[list[Limits]]:
        """Sets of packets that must all contain the packet, each as a union of cubes."""
        if self.assumed:
            yield [
                tuple((test.level, test.mask) for test in ready.tests)
                for ready in common.readying.rules(self.assumed)
            ]
        if self.ground.scope.interfaces and self.ground.entry is Entry.HOOK:
            for axis in ("in_interface", "out_interface"):
                if axis in common.space.level:
                    yield [(_things(common, axis, self.ground.scope.interfaces),)]
        if "connmark" in common.space.level:
            # the first packet of a connection finds no mark on it
            level, space = common.space.level, common.space
            others = space.full[level["ctstate"]] & ~space.atom("ctstate", CtState.NEW)
            yield [
                ((level["ctstate"], others),),
                ((level["connmark"], space.atom("connmark", 0)),),
            ]
        if self.ground.ways:
            yield from self._believed(common)
            yield list(self._reachable(common))
            yield list(self._states(common))

    def _believed(self, common: Common) -> Iterator[list[Limits]]:
        """Addresses that routing does not refuse whatever the rules say."""
        ways, space = self.ground.ways, common.space
        assert ways
        src, dst = space.level["src"], space.level["dst"]
        if self.ground.entry is Entry.SENT:
            own = sum({space.atom("src", int(address)) for address in ways.own})
            yield [((src, own),)]
        else:
            level = space.level["in_interface"]
            yield [
                (
                    (level, space.atom("in_interface", name)),
                    (src, sum(space.between("src", *run) for run in ways.sources(name))),
                )
                for name in ways.entrances
            ]
        single = ways.single(arriving=self.ground.entry is Entry.RECEIVED)
        yield [((dst, sum(space.between("dst", *run) for run in single)),)]

    def _reachable(self, common: Common) -> Iterator[Limits]:
        """No connection can be open to where no route leads, or from where none leads back."""
        ways, space, mark = self.ground.ways, common.space, self.ground.scope.mark or 0
        assert ways
        state, dst = space.level["ctstate"], space.level["dst"]
        established = space.atom("ctstate", CtState.ESTABLISHED)
        yield ((state, space.full[state] & ~established),)
        if self.ground.entry is Entry.SENT:
            yield ((dst, sum(space.between("dst", *run) for run in ways.reached("", mark))),)
            return
        level, src = space.level["in_interface"], space.level["src"]
        back = sum(space.between("src", *run) for run in ways.reached("", mark))
        for name in ways.entrances:
            mask = sum(space.between("dst", *run) for run in ways.reached(name, mark))
            yield ((level, space.atom("in_interface", name)), (dst, mask), (src, back))

    def _states(self, common: Common) -> Iterator[Limits]:
        """Which connection states packets can have: first ones, and ones of open connections."""
        space, family = common.space, self.ground.family
        level, ctstate = space.level["protocol"], space.level["ctstate"]
        first: dict[tuple[CtState, str, int], int] = {}  # which protocols, by what decides
        later: dict[tuple[str, int], int] = {}
        for at, protocol in enumerate(space.atoms[level]):
            axis = _DECIDING.get(int(protocol), "")
            masks: dict[CtState, int] = {}
            for place, thing in enumerate(space.atoms[space.level[axis]] if axis else (0,)):
                state = _first_state(int(protocol), axis, int(thing), family)
                masks[state] = masks.get(state, 0) | 1 << place
            for state, mask in masks.items():
                first[state, axis, mask] = first.get((state, axis, mask), 0) | 1 << at
            if protocol not in (Protocol.SCTP, OTHER_ICMP[family]):
                usual = {"flags": int(TcpFlags.ACK), "icmp": ECHO[family]}.get(axis, 0)
                mask = space.atom(axis, usual) if axis else 1
                later[axis, mask] = later.get((axis, mask), 0) | 1 << at
        cases = [(state, axis, mask, here) for (state, axis, mask), here in first.items()]
        cases += [(_OPEN, axis, mask, here) for (axis, mask), here in later.items()]
        for state, axis, mask, here in cases:
            limits = (level, here), (ctstate, space.atom("ctstate", state))
            yield (*limits, (space.level[axis], mask)) if axis else limits


@cache
def _first_state(protocol: int, axis: str, thing: int, family: Family) -> CtState:
    """What connection tracking says of a packet that it has never heard of."""
    packet = packet_of({"protocol": protocol, axis or "mark": thing}, family)
    return ConntrackTable().track(packet, Hook.PREROUTING, Zone(), 0.0).ctstate


def _fits(condition: Condition, state: CtState) -> bool:
    """Whether a packet in that state may be as the condition wants it."""
    if condition.field.name != "ctstate" or asks_translation(condition):
        return True
    return condition.given.holds(lambda value: state in value)


def _of_tcp(flags: int) -> CtState:
    return _first_state(int(Protocol.TCP), "flags", flags, Family.IPV4)


def _things(common: Common, axis: str, things: tuple[str, ...]) -> tuple[int, int]:
    space = common.space
    return space.level[axis], sum({space.atom(axis, thing) for thing in things})


def both(common: Common, one: Node, two: Node) -> Node:
    """The packets that are in both sets."""
    no, yes = common.diagram.end(False), common.diagram.end(True)

    def decide(one: Node, two: Node) -> Node | None:
        if no in (one, two):
            return no
        if one == yes:
            return two
        return one if two == yes else None

    return common.diagram.combine(one, two, {}, decide)
