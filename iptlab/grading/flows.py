"""Whether later packets of connections fare alike: the reply to a first packet, and the next.

Both sides have done the same with the first packet. So much is known by then of its reply that
it is followed like any packet: its ends are what became of the first packet's, the other way
round, and tracking undoes on its way what NAT did.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from typing import NamedTuple

from iptlab.errors import CannotCompare
from iptlab.grading.asking import Asked, MarkConnection, Untrack
from iptlab.grading.common import Common
from iptlab.grading.diagram import Node
from iptlab.grading.onward import REPLY_LENGTH, REPLY_TTL
from iptlab.grading.original import cases as began
from iptlab.grading.outcomes import ONES, Bits, Hops, Outcome, State, Turn, View, counted
from iptlab.grading.ready import Tables, asks_translation
from iptlab.grading.reconcile import Differing
from iptlab.grading.region import ECHO, OTHER_ICMP, Region, both
from iptlab.grading.replay import ECHO_REPLY
from iptlab.grading.scope import RECEIVED, SENT, Entry, Scope
from iptlab.grading.symbolic import Treatment
from iptlab.matches.conntrack import Conntrack
from iptlab.netfilter.actions import Translate
from iptlab.netfilter.context import CtState
from iptlab.packet import Protocol, TcpFlags

MOST_TOLD = 200
# what only later packets have, or connections that rules have marked
_TELLING = ("connmark", "flags")


def tell_flows(rules: Collection[Asked]) -> bool:
    """Whether rules may treat later packets as those of no connection that was open before."""
    does = {type(asked.does) for asked in rules}
    questions = [question for rule in rules for question in rule.questions]
    asked = [one for question in questions for one in question.conditions]
    fields = {one.field.name for one in asked}
    return (
        bool(does & {Translate, MarkConnection})
        or bool(fields.intersection(_TELLING))
        or (Untrack in does and "ctstate" in fields)
        or any(map(asks_translation, asked))
        or any(isinstance(one.match, Conntrack) and began(one.match) for one in questions)
    )


class Later(NamedTuple):
    """First packets whose reply, or next packet, fares differently."""

    view: View
    packets: Node
    surely: bool = True  # if not, they may differ


class Flows:
    """Connections as both sides of a comparison treat them.

    ``common`` keeps everything apart, even what does not count in ``scope``.
    """

    def __init__(
        self, sides: tuple[Tables, Tables], common: Common, region: Region, scope: Scope
    ) -> None:
        self._region = region
        self.common = common
        self.diagram = common.diagram
        self.scope = scope
        self._begin = common.ground.begin()
        self._told_of = 0  # how many kinds of later packets were looked at
        self.treatments = {
            view: tuple(Treatment(tables, common, view) for tables in sides) for view in View
        }

    @cached_property
    def region(self) -> Node:
        """The packets that count; where both sides do the same, nobody asks which they are."""
        return self._region.node(self.common)

    @cached_property
    def firsts(self) -> Node:
        """Those of them that somebody answers."""
        return self._within(self.region, self._answered())

    @property
    def _leave_later(self) -> bool:
        """Whether later packets of connections are among those that count."""
        space = self.common.space
        states = self.diagram.project(self.region, space.level["ctstate"], {})
        return bool(states & space.atom("ctstate", CtState.ESTABLISHED))

    def differing(self) -> Iterator[Later]:
        """The packets to look at, the surest first; CannotCompare if there may be others."""
        firsts, *later = self.treatments.values()
        paths = RECEIVED, SENT
        same_later = all(one.same(two, *paths) for one, two in later)
        if same_later and firsts[0].same(firsts[1], firsts[0].path):
            return
        if self.scope.assume and not self._leave_later:
            return
        one, two = (side.node() for side in firsts)
        if one != two:
            strays = self._within(self._unlike(one, two), self.firsts)
            if strays != self.diagram.end(False):
                yield Later(View.REPLY, strays, surely=False)
                raise CannotCompare("connections", "one side tracks what the other does not")
        if same_later:
            return
        for number in self._ends(one):
            outcome = self.common.outcomes[number]
            if _seen(outcome):
                yield from self._after(outcome, one)

    def _after(self, outcome: Outcome, firsts: Node) -> Iterator[Later]:
        """The same for first packets that end in one way."""

        def came() -> Node:
            so = self._ending(firsts, lambda end: end == outcome)
            return self._within(self._within(so, self.firsts), self.believed(outcome))

        replies = self.replies(outcome)
        yield from self._told(View.REPLY, replies, came)
        if self._lost(outcome, replies, came):
            raise CannotCompare("connections", "their replies are not tracked")
        if self._some(came, self._unlike(*replies)):
            raise CannotCompare("connections", "they may depend on what does not count here")
        for connmark in sorted(self._marks(replies[0])):

            def came_back(mark: int = connmark) -> Node:
                passed = self._ending(replies[0], lambda end: _seen(end) and _mark(end) == mark)
                return self._within(came(), passed)

            yield from self._told(View.LATER, self.later(outcome, connmark), came_back)

    def replies(self, outcome: Outcome) -> tuple[Node, Node]:
        """What either side does with replies to packets that ended so."""
        state, arrives = self._reply(outcome), outcome.verdict != "DELIVER"
        one, two = (side.later(state, arrives=arrives) for side in self.treatments[View.REPLY])
        return one, two

    def later(self, outcome: Outcome, connmark: int, *, answered: bool = True) -> tuple[Node, Node]:
        """The same for what the sender of the first packet sends then."""
        state, arrives = self._next(outcome, connmark), self.common.ground.entry is Entry.RECEIVED
        if not answered and state.turn:
            state = state._replace(turn=state.turn._replace(answered=False))
        one, two = (side.later(state, arrives=arrives) for side in self.treatments[View.LATER])
        return one, two

    def _told(
        self, view: View, nodes: tuple[Node, Node], who: Callable[[], Node]
    ) -> Iterator[Later]:
        """The first packets, of those that ``who`` gives, whose later ones fare differently."""
        self._told_of += 1
        if self._told_of > MOST_TOLD:
            raise CannotCompare("connections", f"they go on in more than {MOST_TOLD:,} ways")
        if nodes[0] == nodes[1]:
            return
        packets = self._within(who(), self._unlike(*map(self._counting, nodes)))
        if packets != self.diagram.end(False):
            yield Later(view, packets)

    def _lost(self, outcome: Outcome, replies: tuple[Node, Node], who: Callable[[], Node]) -> bool:
        """Whether it counts that tracking never sees some replies.

        The connection is as it was then, and nobody knows in which state the next packet is.
        """
        alone = [self._ending(node, lambda end: end.untracked) for node in replies]
        if not self._some(who, *alone):
            return False
        one, two = self.later(outcome, _mark(outcome), answered=False)
        return alone[0] != alone[1] or one != two

    # --- sets of packets ---

    def _within(self, one: Node, two: Node) -> Node:
        return both(self.common, one, two)

    def _some(self, who: Callable[[], Node], *sets: Node) -> bool:
        """Whether any of the packets that ``who`` gives is in one of the sets."""
        none = self.diagram.end(False)
        return any(one != none and self._within(who(), one) != none for one in sets)

    def _unlike(self, one: Node, two: Node) -> Node:
        return Differing(self.common, self.scope.tolerance).packets(one, two)

    def _counting(self, node: Node) -> Node:
        """The function without what does not count, nor whether the packet was tracked."""
        return self.diagram.mapped(node, {}, self._counted)

    def _counted(self, value: object) -> Node:
        likely: dict[int, int] = {}
        for number, part in value:  # type: ignore[attr-defined]
            came = self.common.outcomes[number]._replace(untracked=False)
            known = counted(came, self.scope.aspects)
            likely[self.common.outcome(known)] = likely.get(self.common.outcome(known), 0) + part
        return self.diagram.end(tuple(sorted(likely.items())))

    def _ends(self, node: Node) -> list[int]:
        """The ways in which packets may end, by number."""
        numbers: dict[int, None] = {}

        def note(value: object) -> Node:
            numbers.update((number, None) for number, _ in value)  # type: ignore[attr-defined]
            return self.diagram.end(True)

        self.diagram.mapped(node, {}, note)
        return list(numbers)

    def _ending(self, node: Node, asked: Callable[[Outcome], bool]) -> Node:
        """The packets that may end as is asked for."""

        def ends(value: object) -> Node:
            numbers = (number for number, _ in value)  # type: ignore[attr-defined]
            return self.diagram.end(any(asked(self.common.outcomes[one]) for one in numbers))

        return self.diagram.mapped(node, {}, ends)

    def _marks(self, node: Node) -> set[int]:
        """The marks that connections may have once a packet came through."""
        ends = map(self.common.outcomes.__getitem__, self._ends(node))
        return {_mark(end) for end in ends if _seen(end)}

    def _union(self, parts: Iterator[tuple[tuple[int, int], ...]]) -> Node:
        node = self.diagram.end(False)
        for limits in parts:
            if all(mask for _, mask in limits):
                node = self.diagram.choose(self.diagram.cube(limits), self.diagram.end(True), node)
        return node

    def _answered(self) -> Node:
        """First packets that somebody answers, if they come through."""
        return self._within(self._union(self._opening()), self._union(self._returning()))

    def _opening(self) -> Iterator[tuple[tuple[int, int], ...]]:
        space, family = self.common.space, self.common.ground.family
        new = space.level["ctstate"], space.atom("ctstate", CtState.NEW)
        for at, protocol in enumerate(space.atoms[space.level["protocol"]]):
            here = new, (space.level["protocol"], 1 << at)
            if protocol == Protocol.TCP:
                yield *here, (space.level["flags"], space.atom("flags", int(TcpFlags.SYN)))
            elif protocol in ECHO_REPLY and protocol != OTHER_ICMP[family]:
                yield *here, (space.level["icmp"], space.atom("icmp", ECHO[family]))
            elif protocol not in (Protocol.SCTP, OTHER_ICMP[family]):
                yield here

    def _returning(self) -> Iterator[tuple[tuple[int, int], ...]]:
        """Packets whose sender can be reached."""
        space, ground = self.common.space, self.common.ground
        assert ground.ways
        if ground.entry is Entry.SENT:
            yield ()
            return
        back = ground.ways.reached("", self.scope.mark or 0)
        yield ((space.level["src"], sum(space.between("src", *run) for run in back)),)

    def believed(self, outcome: Outcome) -> Node:
        """Packets to somebody who can answer: this machine, or one behind that interface."""
        space, ways = self.common.space, self.common.ground.ways
        assert ways
        runs = tuple((int(one), int(one)) for one in ways.own)
        if outcome.verdict != "DELIVER":
            runs = ways.sources(outcome.interface)
        if outcome.dst is not None:
            known = any(first <= outcome.dst <= last for first, last in runs)
            return self.diagram.end(known)
        mask = sum({space.between("dst", *run) for run in runs})
        return self._union(iter([((space.level["dst"], mask),)]))

    # --- what is known of later packets ---

    def _reply(self, outcome: Outcome) -> State:
        """The reply to a packet that ended so."""
        ground = self.common.ground
        fields = (
            ("flags", int(TcpFlags.SYN | TcpFlags.ACK)),
            ("icmp", 256 * ECHO_REPLY[Protocol.ICMP if ground.family == 4 else Protocol.ICMPV6]),
            ("length", REPLY_LENGTH[ground.family]),
        )
        state = self._known(outcome, _mark(outcome))
        beside = state.beside._replace(tos=Bits(0xFF, 0), ttl=Hops(0, REPLY_TTL, REPLY_TTL))
        return state._replace(
            clear=ONES,
            xor=self.scope.mark or 0,
            src=outcome.dst,
            dst=outcome.src,
            sport=outcome.dport,
            dport=outcome.sport,
            in_interface="" if outcome.verdict == "DELIVER" else outcome.interface,
            beside=beside,
            turn=Turn(fields, (None, None), (None, None)),
        )

    def _next(self, outcome: Outcome, connmark: int) -> State:
        """The packet after the reply, from the sender of the first one."""
        fields = (("flags", int(TcpFlags.ACK)),)
        ends = (outcome.dst, outcome.dport), (outcome.src, outcome.sport)
        return self._known(outcome, connmark)._replace(turn=Turn(fields, *ends))

    def _known(self, outcome: Outcome, connmark: int) -> State:
        words = []
        if self.common.precise:
            words += [CtState.SNAT] if (outcome.src, outcome.sport) != (None, None) else []
            words += [CtState.DNAT] if (outcome.dst, outcome.dport) != (None, None) else []
        beside = self._begin.beside._replace(connmark=connmark)
        return self._begin._replace(beside=beside, translated=frozenset(words))


def _passed(outcome: Outcome) -> bool:
    """Whether the packet came through."""
    return outcome.verdict not in ("DROP", "REJECT")


def _seen(outcome: Outcome) -> bool:
    """Whether the packet came through and tracking saw it."""
    return _passed(outcome) and not outcome.untracked


def _mark(outcome: Outcome) -> int:
    """The mark that the connection has then."""
    return outcome.beside.connmark or 0
