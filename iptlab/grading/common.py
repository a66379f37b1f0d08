"""What both sides of a comparison share, so that equal parts are looked at only once."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from iptlab.errors import CannotCompare
from iptlab.grading.diagram import TERMINAL, Diagram, Node, TooManyStatesError
from iptlab.grading.outcomes import Chances, Outcome, State, counted
from iptlab.grading.ready import Readying, Test, asks_translation
from iptlab.grading.scope import Entry, Scope
from iptlab.grading.ways import Ways
from iptlab.netfilter.context import CtState
from iptlab.netfilter.hooks import Hook
from iptlab.packet import Family

Care = tuple[int, ...]  # per level the atoms that packets at a place can have
# Probabilities here are whole numbers of 2**-1240 parts. The kernel's are of 2**-31 parts, so
# forty draws in a row stay exact; behind more of them the error is far below any tolerance.
_BITS = 31 * 40
CERTAIN = 1 << _BITS
_MOST_ENDS = 2_048
_MOST_MIXING = 600_000
_MOST_LOOKS = 400_000
_FEW_NODES = 5_000
_FEW_RULES = 500


class Ground(NamedTuple):
    """Where packets begin their way, and what is known of every one."""

    scope: Scope
    entry: Entry
    hook: Hook
    family: Family
    ways: Ways | None

    def order(self, *, addresses_first: bool) -> tuple[str, ...]:
        """The fields in which packets may differ, in the order in which diagrams ask."""
        single = self.entry is Entry.HOOK
        arrives = self.hook.has_in_interface if single else self.entry is Entry.RECEIVED
        middle = ("src", "dst", "dport") if addresses_first else ("dport", "dst", "src")
        return (
            "protocol",
            *(("fragment",) if single else ()),
            *(("in_interface",) if arrives else ()),
            *(("out_interface",) if single and self.hook.has_out_interface else ()),
            "ctstate",
            *middle,
            *("sport", "flags", "icmp", "tos", "length", "ttl"),
            *(("link", "connmark") if single else ()),
            *(("mark",) if self.scope.mark is None else ()),
        )

    def begin(self) -> State:
        """What is known of a packet when its way begins."""
        return _begun(self.entry, self.hook, self.scope.mark)


@lru_cache(maxsize=256)
def _begun(entry: Entry, hook: Hook, mark: int | None) -> State:
    """The same for packets that carry that mark; None is any."""
    state = State(clear=0) if mark is None else State(xor=mark)
    if entry is not Entry.HOOK:
        inside = None if entry is Entry.RECEIVED else ""
        beside = state.beside._replace(connmark=0)
        return state._replace(in_interface=inside, ctstate=CtState.INVALID, beside=beside)
    return state._replace(
        in_interface=None if hook.has_in_interface else "",
        out_interface=None if hook.has_out_interface else "",
    )


class Common:
    """What both sides of a comparison share, so that equal parts are looked at once."""

    def __init__(
        self,
        ground: Ground,
        readying: Readying,
        diagram: Diagram,
        *,
        precise: bool,
        flows: bool = False,
    ) -> None:
        self.ground = ground
        self.readying = readying
        self.space = readying.space
        self.diagram = diagram
        self.precise = precise  # whether somebody asks if a connection is translated
        self.flows = flows  # whether later packets of connections are followed
        self.everything: Care = tuple(self.space.full)
        self.outcomes: list[Outcome] = []
        self.stages: dict[object, Node] = {}
        self.suffixes: dict[object, Node] = {}
        self.followed: dict[object, tuple[Node, int]] = {}
        self.models: dict[object, int] = {}
        self._numbers: dict[Outcome, int] = {}
        self._looked = 0  # how many values that rules had changed were asked about
        self._mixing = 0  # how many chances were put together
        self._answers: dict[object, bool] = {}
        self._masks: dict[object, int] = {}
        self._narrowed: dict[object, Care] = {}
        self._mixed: dict[Fraction, dict[tuple[Node, Node], Node]] = {}
        self._renamed: dict[object, dict[Node, Node]] = {}

    @property
    def is_small(self) -> bool:
        """Whether it is worth its memory to keep it for another comparison."""
        return len(self.diagram) < _FEW_NODES and len(self.readying) < _FEW_RULES

    # --- ends ---

    def outcome(self, outcome: Outcome) -> int:
        """The number of an outcome."""
        number = self._numbers.get(outcome)
        if number is None:
            number = self._numbers[outcome] = len(self.outcomes)
            self.outcomes.append(outcome)
        return number

    def leaf(self, outcome: Outcome) -> Node:
        """The function in which every packet certainly ends like that."""
        counts = counted(outcome, self.ground.scope.aspects)
        return self.diagram.end(((self.outcome(counts), CERTAIN),))

    def chances(self, node: Node) -> Chances:
        """The outcomes of a terminal, and in how many of ``CERTAIN`` cases they come."""
        value = self.diagram.value(node)
        assert isinstance(value, tuple)
        return {self.outcomes[number]: part for number, part in value}

    def _end(self, likely: Mapping[int, int]) -> Node:
        """The terminal with these outcomes."""
        if len(likely) > _MOST_ENDS:
            raise CannotCompare("so many rules of chance", f"a packet has over {_MOST_ENDS:,} ends")
        return self.diagram.end(tuple(sorted(likely.items())))

    def mix(self, chance: Fraction, one: Node, two: Node) -> Node:
        """With that probability the first function, else the second."""
        diagram = self.diagram
        yes, of = chance.numerator, chance.denominator

        def decide(one: Node, two: Node) -> Node | None:
            if one == two:
                return one
            if diagram.level[one] != TERMINAL or diagram.level[two] != TERMINAL:
                return None
            likely: dict[int, int] = {}
            for number, part in diagram.value(one):  # type: ignore[attr-defined]
                likely[number] = part * yes // of
            for number, part in diagram.value(two):  # type: ignore[attr-defined]
                likely[number] = likely.get(number, 0) + part - part * yes // of
            self._mixing += len(likely)
            if self._mixing > _MOST_MIXING:
                raise CannotCompare("so many rules of chance", "their outcomes are too many")
            return self._end(likely)

        if chance in (0, 1):
            return one if chance else two
        return diagram.combine(one, two, self._mixed.setdefault(chance, {}), decide)

    def renamed(self, node: Node, old: int, new: int) -> Node:
        """The function with another destination written where ``old`` was."""

        def change(value: object) -> Node:
            likely: dict[int, int] = {}
            for number, part in value:  # type: ignore[attr-defined]
                outcome = self.outcomes[number]
                if outcome.dst == old:
                    number = self.outcome(outcome._replace(dst=new))
                likely[number] = likely.get(number, 0) + part
            return self._end(likely)

        return self.diagram.mapped(node, self._renamed.setdefault((old, new), {}), change)

    # --- tests ---

    def narrowed(self, care: Care, levels: int) -> Care:
        """The packets without what is known of other levels than those in the bit set."""
        known = self._narrowed.get((care, levels))
        if known is None:
            known = self._narrowed[care, levels] = tuple(
                mask if levels >> level & 1 else full
                for level, (mask, full) in enumerate(zip(care, self.everything, strict=True))
            )
        return known

    def says(self, test: Test, thing: int | str, translated: frozenset[CtState]) -> bool:
        """What a test says of a value that is known on the path."""
        key = (test.number, thing, translated)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._ask(test, thing, translated)
        return answer

    def _ask(self, test: Test, thing: int | str, translated: frozenset[CtState]) -> bool:
        condition = test.condition
        assert condition is not None
        if test.axis in ("sport", "dport") and int(thing) < 0:
            raise CannotCompare(f"`{condition}' behind a port drawn by lot", "it may be any port")
        if test.axis == "ctstate" and asks_translation(condition):
            if self.ground.ways is None:
                raise CannotCompare(f"`{condition}' at one hook", "give the scope a host")
            value = condition.given.value
            states = {thing} if thing in ("INVALID", "UNTRACKED") else {thing, *translated}
            return condition.given.holds(lambda _: any(state in value for state in states))
        return self.space.holds(condition, test.axis, thing) != test.turned

    def mask(self, test: Test, state: State) -> int:
        """The atoms of which a test says yes, where the value is still the packet's own."""
        if changes := state.changes(test.axis):
            key: object = (test.number, changes)
        elif test.axis == "ctstate" and test.condition and asks_translation(test.condition):
            key = (test.number, state.translated)
        else:
            return test.mask
        mask = self._masks.get(key)
        if mask is None:
            self._looked += len(self.space.atoms[test.level])
            if self._looked > _MOST_LOOKS:
                raise TooManyStatesError
            mask = self._masks[key] = sum(
                1 << at
                for at, thing in enumerate(self.space.atoms[test.level])
                if self.says(test, state.applied(test.axis, thing), state.translated)
            )
        return mask
