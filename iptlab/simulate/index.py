"""A chain made ready for many packets: of its rules only those are asked that may match.

Most rules want one source network, one destination port and so on. Rules that want such
things of the same fields, under the same masks, have one *shape*; a packet finds those of a
shape that may match by a single look into a dict. Srinivasan, Suri and Varghese called this
tuple space search ("Packet classification using tuple space search", SIGCOMM 1999).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator
from functools import partial
from itertools import chain as joined
from itertools import takewhile
from operator import itemgetter
from typing import NamedTuple

from iptlab.matches.comment import Comment
from iptlab.netfilter import fields as read
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Ask, Condition, Match, every
from iptlab.netfilter.fields import Field
from iptlab.netfilter.networks import Network
from iptlab.netfilter.ports import PortRange
from iptlab.netfilter.rules import Chain, Rule
from iptlab.netfilter.values import InterfaceName, ProtocolNumber, Value
from iptlab.packet import Packet
from iptlab.simulate.questions import ChainQuestions, Made, Question, nothing

# from how many rules on a chain is worth an index
INDEXED = 16


# --- what shapes are made of ---


class Facts(NamedTuple):
    """What of a packet decides where in an index it looks."""

    src: int
    dst: int
    protocol: int
    dport: int | None
    in_interface: str
    out_interface: str

    @classmethod
    def of(cls, packet: Packet, context: Context) -> Facts:
        """The facts of a packet on its way."""
        src, dst = int(packet.src), int(packet.dst)
        names = context.in_interface, context.out_interface
        return cls(src, dst, packet.protocol, packet.dport, *names)


class _Wish(NamedTuple):
    """The one thing that a condition wants of a fact, of whose bits the mask's count."""

    fact: int
    mask: int | None
    thing: int | str


def _wish(field: Field, value: Value) -> _Wish | None:
    """What a condition wants, if that is one thing; None if it is several or no fact."""
    match value:
        case Network(address, mask) if field is read.SRC:
            return _Wish(0, mask, address)
        case Network(address, mask) if field is read.DST:
            return _Wish(1, mask, address)
        case ProtocolNumber(number) if field is read.PROTOCOL:
            return _Wish(2, None, number)
        case PortRange(low, high) if field is read.DPORT and low == high:
            return _Wish(3, None, low)
        case InterfaceName(name) if field is read.IN_INTERFACE and not name.endswith("+"):
            return _Wish(4, None, name)
        case InterfaceName(name) if field is read.OUT_INTERFACE and not name.endswith("+"):
            return _Wish(5, None, name)
        case _:
            return None


def _wished(rule: Rule) -> Iterator[tuple[Condition, _Wish]]:
    """What must be so, or the rule says no and nothing else comes of it."""
    for test in rule.tests():
        if test.draws or test.remembers:
            return
        if type(test).holds is Match.holds:
            for each in test.conditions():
                if not each.given.negated and (wish := _wish(each.field, each.given.value)):
                    yield each, wish


# --- rules and chains made ready ---


class _Taken(NamedTuple):
    """A test taken apart: what it asks of a packet, and whether it remembers being asked."""

    test: Match
    asks: tuple[Ask, ...]
    remembers: bool


class TakenApart:
    """Tests taken apart once for all the rules that share them, as those of a dump do."""

    def __init__(self) -> None:
        self._taken: dict[int, _Taken] = {}

    def question(self, number: int, rule: Rule) -> Question:
        """The rule with its conditions taken apart once, not for every packet anew."""
        asks: tuple[Ask, ...] = ()
        for test in rule.tests():
            if type(test) is Comment:
                continue  # it asks nothing, and hardly two rules share one
            _, more, remembers = self._taken.get(id(test)) or self._take(test)
            if remembers:
                return _careful(number, rule)
            asks += more
        return Question(number, _one(asks))

    def _take(self, test: Match) -> _Taken:
        taken = self._taken[id(test)] = _Taken(test, test.asks(), test.remembers)
        return taken


def _indexed_question(number: int, rule: Rule) -> Question:
    """The same of a rule that was found in an index: what it wishes is so."""
    if rule.remembers:
        return _careful(number, rule)
    known = [condition for condition, _ in _wished(rule)]
    return Question(number, _one(_asks(rule.tests(), known)))


def _careful(number: int, rule: Rule) -> Question:
    """A rule that remembers being asked: what it asks before it draws or remembers, and all."""
    tests = rule.tests()
    before = takewhile(lambda test: not (test.draws or test.remembers), tests)
    return Question(number, _one(_asks(before)), _one(_asks(tests)))


def _asks(tests: Iterable[Match], known: Container[Condition] = ()) -> tuple[Ask, ...]:
    return tuple([ask for test in tests for ask in test.asks(known)])


def _one(asks: tuple[Ask, ...]) -> Ask:
    """One question for several, or for none."""
    if len(asks) > 1:
        return partial(every, asks)
    return asks[0] if asks else nothing


class _Index:
    """The rules of a chain by their shapes: which of them may match a packet with such facts."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        """Put every rule where packets look for it; one that wants nothing is always asked."""
        self.always: list[int] = []
        shapes: dict[tuple[tuple[int, int | None], ...], dict[object, list[int]]] = {}
        for number, rule in enumerate(rules, start=1):
            wishes = sorted({wish for _, wish in _wished(rule)}, key=_place)
            if wishes:
                things = tuple(wish.thing for wish in wishes)
                shape = shapes.setdefault(tuple(map(_place, wishes)), {})
                shape.setdefault(things if len(things) > 1 else things[0], []).append(number)
            else:
                self.always.append(number)
        self.places = sorted({place for shape in shapes for place in shape})
        self.shapes = [
            (itemgetter(*map(self.places.index, shape)), rules) for shape, rules in shapes.items()
        ]

    def numbers(self, facts: Facts) -> list[int]:
        """The numbers of the rules that may match, in order."""
        seen = [
            facts[fact] if mask is None else facts[fact] & mask  # type: ignore[operator]
            for fact, mask in self.places
        ]
        found = [more for things, rules in self.shapes if (more := rules.get(things(seen)))]
        if self.always:
            found.append(self.always)
        return found[0] if len(found) == 1 else sorted(joined(*found))


class ReadyChain(ChainQuestions[Facts]):
    """A chain whose rules are ready to be asked."""

    def __init__(self, chain: Chain, apart: TakenApart) -> None:
        super().__init__(chain)
        self.numbers = range(1, len(chain.rules) + 1)
        self.index = _Index(chain.rules) if len(chain.rules) >= INDEXED else None
        ready = _indexed_question if self.index else apart.question
        self.questions: Made[int, Question] = Made(
            lambda number: ready(number, chain.rules[number - 1])
        )

    def ask(self, facts: Facts, done: int) -> Iterator[Question]:
        numbers = self.index.numbers(facts) if self.index else self.numbers
        if done:
            numbers = numbers[bisect_right(numbers, done) :]
        return map(self.questions.__getitem__, numbers)


def _place(wish: _Wish) -> tuple[int, int | None]:
    return wish.fact, wish.mask
