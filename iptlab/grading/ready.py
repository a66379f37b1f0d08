"""Chains made ready for a comparison: tests as masks of atoms, targets as what they do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from iptlab.errors import CannotCompare
from iptlab.grading import members, original
from iptlab.grading.asking import (
    Asked,
    Asks,
    ChangeMark,
    ChangeTos,
    ChangeTtl,
    Does,
    LimitSegment,
    MarkConnection,
    taken_apart,
)
from iptlab.grading.atoms import Space
from iptlab.grading.axes import AXES, MOST_SINGLE, Wanted, key_of
from iptlab.grading.members import Sets
from iptlab.grading.original import DIRECTION, FIRST, TRACKED
from iptlab.grading.outcomes import View
from iptlab.grading.sample import Thing
from iptlab.grading.scope import Path, Step
from iptlab.grading.supposing import addresses
from iptlab.matches.set import SetMatch
from iptlab.netfilter.actions import Side, Translate, Whose
from iptlab.netfilter.context import CtState
from iptlab.netfilter.extension import Condition
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.networks import Network
from iptlab.netfilter.rules import Jump, Rule, Table
from iptlab.netfilter.values import StateSet
from iptlab.packet import Address
from iptlab.targets.connmark import Connmark

Tables = Mapping[TableName, Table]
Place = tuple[TableName, str]  # a chain, by its table and name


class Test(NamedTuple):
    """One question: of the atoms of a field those in ``mask`` say yes.

    ``axis`` is empty if packets never change there. Otherwise ``condition`` is asked about a
    value that rules have written; ``turned`` turns its answer round.
    """

    number: int
    level: int
    mask: int
    axis: str = ""
    condition: Condition | None = None
    turned: bool = False


class Ready(NamedTuple):
    """A rule: all tests must say yes, and chance too; ``key`` says what rules are alike."""

    tests: tuple[Test, ...]
    chance: Fraction | None
    does: Does
    key: object


# what can change on a packet's way, or depends on where it is
CHANGING = frozenset(
    (
        *("src", "dst", "sport", "dport", "in_interface", "out_interface"),
        *("ctstate", "mark", "tos", "ttl", "connmark"),
    )
)
# what later packets of a connection have besides is not what the first one had
_CHANGING_LATER = CHANGING | {"flags", "icmp", "length"}
_TRANSLATED = frozenset((CtState.SNAT, CtState.DNAT))


class Readying:
    """What both sides of a comparison share: rules that say the same are looked at once."""

    def __init__(self, sets: Sets, *, single: bool) -> None:
        self._sets = sets
        # at a single hook there are later fragments, and nobody knows how connections began
        self._single = single
        self._asked: dict[int, tuple[Rule, Asked]] = {}
        self._known: dict[int, tuple[Asked, Asked]] = {}
        self._rules: dict[tuple[int, View], tuple[Ready, ...]] = {}
        self._tests: dict[tuple[int, View], tuple[tuple[Test, ...], ...]] = {}
        self._numbers: dict[object, int] = {}
        self.space: Space

    def __len__(self) -> int:
        """How many rules were looked at."""
        return len(self._asked)

    def number(self, key: object) -> int:
        """A number for whatever is equal to ``key``."""
        return self._numbers.setdefault(key, len(self._numbers))

    def asked(self, rule: Rule) -> Asked:
        """The rule taken apart; rules that say the same get the same."""
        known = self._asked.get(id(rule))
        if known is None:
            known = self._asked[id(rule)] = rule, self._answered(taken_apart(rule))
        return known[1]

    def _answered(self, asked: Asked) -> Asked:
        """The same with conditions in place of questions that are not free here."""
        if not any(one.match for one in asked.questions):
            return asked
        known = self._known.get(id(asked))
        if known is None:
            questions = tuple(map(self._opened, asked.questions))
            known = self._known[id(asked)] = asked, asked._replace(questions=questions)
        return known[1]

    def _opened(self, asked: Asks) -> Asks:
        match, found = asked.match, None
        if isinstance(match, SetMatch):
            found = members.cases(match, self._sets, fragments=self._single)
        elif match is not None and not self._single:
            found = original.cases(match)
        return asked if found is None else Asks(found)

    # --- before there are atoms ---

    def want(self, asked: Asked, wanted: Wanted, own: Sequence[Address]) -> None:
        """Put down everything at which a rule tells packets apart.

        ``own`` are the machine's addresses, which REDIRECT and MASQUERADE may write.
        """
        asked = self._answered(asked)
        for question in asked.questions:
            for condition in question.conditions:
                wanted.ask(condition)
                if condition.field.name == "connmark":
                    wanted.ask(TRACKED)
            if question.opaque:
                wanted.opaque[question.opaque] = None
        match asked.does:
            case ChangeMark(clear, xor):
                wanted.marks.add((clear, xor))
            case MarkConnection(target):
                wanted.ask(TRACKED)
                wanted.cut("connmark", ())
                wanted.marks |= set(_masks(target))
            case ChangeTos():
                wanted.apart["tos"] = _itself
            case ChangeTtl():
                wanted.cut("ttl", range(256))
            case LimitSegment():
                wanted.segments = True
            case Translate() as translate:
                _single_out(translate, asked, wanted, own)

    # --- with atoms ---

    def rules(self, rule: Rule, view: View = View.FIRST) -> tuple[Ready, ...]:
        """The rule made ready; one that takes either port becomes two."""
        asked = self.asked(rule)
        found = self._rules.get((id(asked), view))
        if found is None:
            found = self._rules[id(asked), view] = tuple(self._made_ready(asked, view))
        return found

    def _made_ready(self, asked: Asked, view: View) -> Iterator[Ready]:
        variants: tuple[tuple[Test, ...], ...] = ((),)
        for question in asked.questions:
            more = self._tests.get((id(question), view))
            if more is None:
                more = self._tests[id(question), view] = self._variants(question, view)
            variants = tuple([(*left, *right) for left in variants for right in more])
        for tests in variants:
            merged = _merged(tests, self)
            key = self.number((tuple([test.number for test in merged]), asked.chance))
            yield Ready(merged, asked.chance, asked.does, key)

    def _variants(self, asked: Asks, view: View) -> tuple[tuple[Test, ...], ...]:
        variants: list[tuple[Test, ...]] = []
        for case in asked.cases:
            parts: list[tuple[Test, ...]] = [()]
            for condition in case:
                more = list(self._of(condition, view))
                parts = [(*left, *right) for left in parts for right in more]
            variants += parts
        space = self.space
        extra: list[Test] = []
        if asked.opaque:
            extra.append(self._fixed(space.level[asked.opaque], 0b10))
        if asked.whole and "fragment" in space.level:
            extra.append(self._fixed(space.level["fragment"], space.atom("fragment", 0)))
        return tuple((*variant, *extra) for variant in variants)

    def _of(self, condition: Condition, view: View) -> Iterator[tuple[Test, ...]]:
        """The tests of a condition; either port in a list is two cases."""
        name = condition.field.name
        if name == DIRECTION:
            if (str(condition.given.value) == "REPLY") == (view is View.REPLY):
                yield ()
            return
        first, *second = AXES[name]
        having = tuple(self._fixed(level, mask) for level, mask in self.space.having(first))
        test = self._test(condition, first, view)
        if first == "connmark":
            having = (self._test(TRACKED, "ctstate", view),)
        if not second:
            yield (*having, test)
            return
        other = self._test(condition, second[0], view)
        if condition.given.negated:
            yield (*having, test, other)
        else:
            yield (*having, test)
            full = self.space.full[test.level]
            number = self.number(("not", test.number))
            not_first = test._replace(number=number, mask=full & ~test.mask, turned=True)
            yield (*having, not_first, other)

    def _test(self, condition: Condition, axis: str, view: View) -> Test:
        begun = condition.field.name in FIRST
        level = self.space.level.get(axis if begun else view.at(axis), -1)
        mask = self.space.mask(condition, axis) if level >= 0 else 0
        if begun or axis not in (CHANGING if view is View.FIRST else _CHANGING_LATER):
            if level < 0:
                raise CannotCompare(f"`{condition}'", "on a whole host it is not followed")
            return self._fixed(level, mask)
        number = self.number((axis, level, key_of(condition)))
        return Test(number, level, mask, axis, condition)

    def _fixed(self, level: int, mask: int) -> Test:
        return Test(self.number((level, mask)), level, mask)


def _merged(tests: tuple[Test, ...], readying: Readying) -> tuple[Test, ...]:
    """Tests of the same unchanging field put together, those that ask nothing left out."""
    full = readying.space.full
    fixed: dict[int, int] = {}
    for test in tests:
        if not test.axis:
            fixed[test.level] = fixed.get(test.level, -1) & test.mask
    plain = (readying._fixed(level, mask) for level, mask in fixed.items() if mask != full[level])
    return (*plain, *(test for test in tests if test.axis))


def _itself(thing: Thing) -> object:
    """What tells every value of a field from all others."""
    return thing


def _masks(target: Connmark) -> Iterator[tuple[int, int]]:
    """The bits of marks that a target looks at or changes, and what it puts there."""
    if target.xmark:
        yield target.xmark.mask, target.xmark.value
    for mask in (target.nfmask, target.ctmask):
        if mask:
            yield mask.number, 0


def asks_translation(condition: Condition) -> bool:
    """Whether it asks for the states SNAT and DNAT, which are no states of their own."""
    value = condition.given.value
    return isinstance(value, StateSet) and bool(value.states & _TRANSLATED)


def _single_out(translate: Translate, asked: Asked, wanted: Wanted, own: Sequence[Address]) -> None:
    """Keep apart what NAT writes, and what it makes something of that depends on the packet."""
    source = translate.side is Side.SOURCE
    match translate.addresses:
        case tuple():
            new = list(addresses(translate))
        case Whose():
            new = [int(address) for address in own]
        case Network() as network:
            _map(network, asked, wanted)
            wanted.mapped.add(network)
            new = []
        case None:
            new = []
    for address in new:
        wanted.single_out("src" if source else "dst", address)
    first, last = translate.ports or (0, -1)
    ends = {first, last} if first < last else {first} if translate.ports else set()
    port = "sport" if source else "dport"
    for number in ends:
        wanted.single_out(port, number)
    if translate.base is not None and last - first < MOST_SINGLE:
        for offset in range(last - first + 1):
            wanted.single_out(port, first + offset)
            wanted.single_out(port, translate.base + offset & 0xFFFF)


def _map(network: Network, asked: Asked, wanted: Wanted) -> None:
    """Keep apart the addresses of a network that another one takes the place of."""
    for condition in (one for question in asked.questions for one in question.conditions):
        old, axis = condition.given.value, condition.field.name
        if axis in ("src", "dst") and isinstance(old, Network) and not condition.given.negated:
            wanted.move(axis, old, network)


def reached(tables: Tables, paths: Iterable[Path]) -> Iterator[Place]:
    """The chains that packets on these paths can come to."""
    waiting: list[Place] = [
        (table, str(hook))
        for path in paths
        for hook, table in (stage for stage in path if not isinstance(stage, Step))
        if table in tables
    ]
    seen: set[Place] = set()
    while waiting:
        table, name = waiting.pop()
        if (table, name) not in seen:
            seen.add((table, name))
            yield table, name
            for rule in tables[table].chains[name].rules:
                if type(target := rule.target) is Jump:
                    waiting.append((table, target.chain))
