"""Every header field cut into atoms: values that no rule concerned tells from each other.

A test of a field becomes a bit mask over the field's atoms. What a test means is never said
again here: the rule's own condition is asked about one packet of each atom.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from ipaddress import ip_address
from itertools import islice, pairwise
from string import ascii_lowercase

from iptlab.errors import CannotCompare
from iptlab.grading.axes import Choice, Kind, Line, Marks, Names, Wanted, cuts, key_of, kinds
from iptlab.grading.sample import BESIDE, Thing, has_axis, sample
from iptlab.netfilter.context import CannotTell, Connection, Context, Tuple
from iptlab.netfilter.extension import Condition
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import InterfaceName, MaskedInt, Value
from iptlab.packet import Family, Packet, Protocol

# fields that only packets of some protocols have
_PARTS = ("sport", "dport", "flags", "icmp")


class Space:
    """The atoms of every field, and the masks of tests over them.

    Fields are numbered in the order of ``order``; opaque questions come behind, as fields of
    two atoms: no and yes. ``ground`` is what is known of every packet's surroundings.
    """

    def __init__(
        self, wanted: Wanted, order: Sequence[str], ground: Context, family: Family
    ) -> None:
        self.wanted = wanted
        self.ground = ground
        self.family = family
        self._probes: dict[tuple[str, Thing], tuple[Packet, Context]] = {}
        self._masks: dict[object, int] = {}
        self._having: dict[str, tuple[tuple[int, int], ...]] = {}
        self._starts: dict[str, list[int]] = {}
        self.members: dict[str, tuple[tuple[Thing, ...], ...]] = {}
        known = kinds(family)
        used = [
            axis
            for axis in order
            if axis in _ALWAYS or any(axis in asked for asked in wanted.everything)
        ]
        self.atoms: list[tuple[Thing, ...]] = [self._atoms(axis, known[axis]) for axis in used]
        self.atoms += [(0, 1)] * len(wanted.opaque)
        self.names = [*used, *wanted.opaque]
        self.level = {name: level for level, name in enumerate(self.names)}
        self.full = [(1 << len(atoms)) - 1 for atoms in self.atoms]

    @property
    def classes(self) -> int:
        """How many kinds of packets there are, if every field is free."""
        count = 1
        for atoms in self.atoms:
            count *= len(atoms)
        return count

    @property
    def lines(self) -> Mapping[str, Sequence[int]]:
        """The axes whose atoms are runs of numbers, and where those begin."""
        return self._starts

    def first_of(self, axis: str, at: int) -> Thing:
        """The first value of an atom."""
        return self.atoms[self.level[axis]][at]

    def last_of(self, axis: str, at: int) -> Thing:
        """The last value of an atom."""
        if axis not in self._starts:
            return self.first_of(axis, at)
        kind = kinds(self.family)[axis]
        assert isinstance(kind, Line)
        return (*self._starts[axis], kind.last + 1)[at + 1] - 1

    def place(self, axis: str, thing: Thing) -> int:
        """Which atom a value is in; -1 if it is in none."""
        starts = self._starts.get(axis)
        if starts is not None:
            return bisect_left(starts, int(thing) + 1) - 1
        groups = self.members.get(axis) or [(thing,) for thing in self.atoms[self.level[axis]]]
        return next((at for at, group in enumerate(groups) if thing in group), -1)

    def places(self, values: Mapping[str, Thing]) -> list[int]:
        """Which atom of each field a packet with these values is in."""
        return [
            self.place(name, values[name]) if name in kinds(self.family) else int(values[name])
            for name in self.names
        ]

    # --- making atoms ---

    def _atoms(self, axis: str, kind: Kind) -> tuple[Thing, ...]:
        asked = self.wanted.conditions.get(axis, {}).values()
        match kind:
            case Line(first, last):
                found = {first, *self.wanted.points.get(axis, ())}
                for condition in asked:
                    found.update(cuts(condition))
                starts = self._starts[axis] = sorted(n for n in found if first <= n <= last)
                return tuple(starts)
            case Choice(things):
                apart: dict[object, list[Thing]] = {}
                apart_by = self.wanted.apart.get(axis, _alike)
                answers = [self._answers(condition, axis, things) for condition in asked]
                for at, thing in enumerate(things):
                    said = tuple([answer[at] for answer in answers])
                    apart.setdefault((said, apart_by(thing)), []).append(thing)
                self.members[axis] = tuple(map(tuple, apart.values()))
                return tuple(group[0] for group in apart.values())
            case Names():
                values = [condition.given.value for condition in asked]
                return tuple(_names(values, self.wanted.names.get(axis, set())))
            case Marks():
                # marks of packets and of connections are copied to each other
                both = (self.wanted.conditions.get(one, {}) for one in ("mark", "connmark"))
                tests = [condition.given.value for asked in both for condition in asked.values()]
                return _marks([t for t in tests if isinstance(t, MaskedInt)], self.wanted.marks)

    # --- asking ---

    def probe(self, axis: str, thing: Thing) -> tuple[Packet, Context]:
        """A packet of which one field is known and the others are as usual."""
        found = self._probes.get((axis, thing))
        if found is None:
            context = _beside(self.ground.hook, axis, thing) if axis in BESIDE else self.ground
            found = self._probes[axis, thing] = sample(axis, thing, self.family), context
        return found

    def holds(self, condition: Condition, axis: str, thing: Thing) -> bool:
        """What the condition says of packets with that field."""
        return self._answers(condition, axis, (thing,))[0]

    def _answers(self, condition: Condition, axis: str, things: Sequence[Thing]) -> list[bool]:
        """The same for each of several things."""
        ask, either = condition.ask, condition.field.name == "ports"
        answers = []
        for thing in things:
            packet, context = self.probe(axis, thing)
            if either:
                packet = replace(packet, sport=int(thing), dport=int(thing))
            answer = ask(packet, context)
            if isinstance(answer, CannotTell):
                raise CannotCompare(f"`{condition}'", answer.reason)
            answers.append(answer)
        return answers

    def mask(self, condition: Condition, axis: str) -> int:
        """The atoms of the axis of which the condition holds."""
        key = (axis, key_of(condition))
        mask = self._masks.get(key)
        if mask is None:
            mask = self._masks[key] = self._asked(condition, axis)
        return mask

    def _asked(self, condition: Condition, axis: str) -> int:
        starts = self._starts.get(axis)
        if starts is None:
            answers = self._answers(condition, axis, self.atoms[self.level[axis]])
            return sum(1 << at for at, answer in enumerate(answers) if answer)
        # between two edges of its value the answer is the same: one question is enough
        edges = cuts(condition) or self.wanted.points.get(axis, ())
        bounds = sorted({0, len(starts), *(bisect_left(starts, edge) for edge in edges)})
        answers = self._answers(condition, axis, [starts[first] for first in bounds[:-1]])
        runs = zip(pairwise(bounds), answers, strict=True)
        return sum((1 << behind) - (1 << first) for (first, behind), answer in runs if answer)

    def atom(self, axis: str, thing: Thing) -> int:
        """The mask of the one atom that a value is in; 0 if it is in none."""
        place = self.place(axis, thing)
        return 1 << place if place >= 0 else 0

    def between(self, axis: str, first: int, last: int) -> int:
        """The mask of the atoms from ``first`` to ``last``, where the axis must be cut."""
        starts = self._starts[axis]
        return (1 << bisect_left(starts, last + 1)) - (1 << bisect_left(starts, first))

    def having(self, axis: str) -> tuple[tuple[int, int], ...]:
        """Which packets have the field at all: limits on the protocol and on fragments."""
        if axis not in _PARTS:
            return ()
        if axis not in self._having:
            self._having[axis] = tuple(self._limits(axis))
        return self._having[axis]

    def _limits(self, axis: str) -> Iterator[tuple[int, int]]:
        level = self.level["protocol"]
        mask = sum(
            1 << at
            for at, protocol in enumerate(self.atoms[level])
            if has_axis(axis, self.probe("protocol", protocol)[0])
        )
        yield level, mask
        if "fragment" in self.level:
            yield self.level["fragment"], self.atom("fragment", 0)


@lru_cache(maxsize=1024)
def _beside(hook: Hook, axis: str, thing: Thing) -> Context:
    """A context of which one field is known."""
    if axis == "connmark":
        return Context(hook, connection=Connection(Protocol.TCP, _ENDS, _ENDS, mark=int(thing)))
    return Context(hook, **{axis: thing})  # type: ignore[arg-type]


_ENDS = Tuple(ip_address("0.0.0.0"), ip_address("0.0.0.0"))


def _alike(thing: Thing) -> object:
    """Nothing tells things apart but the rules."""
    return None


# every diagram asks for these: what other fields a packet has depends on them
_ALWAYS = frozenset(("protocol", "ctstate", "mark"))


def _names(values: Sequence[Value], known: set[str]) -> Iterator[str]:
    """Interfaces that are known or named, one for each ``+``, and one that is neither."""
    named = {value.name for value in values if isinstance(value, InterfaceName)}
    plain = {name for name in named if not name.endswith("+")} | known
    stems = {name[:-1] for name in named - plain} - {""}
    yield from sorted(plain)
    for stem in sorted(stems):
        longer = tuple(other for other in stems if len(other) > len(stem))
        beginnings = (f"{stem}{end}" for end in ("9", *ascii_lowercase))
        yield from islice((n for n in beginnings if n not in plain and not n.startswith(longer)), 1)
    strange = ("eth0", "eth1", "wlan0", *(f"{letter}if0" for letter in ascii_lowercase))
    yield next(n for n in strange if n not in plain and not n.startswith(tuple(stems)))


_MOST_MARKS = 4096


def _marks(tests: Sequence[MaskedInt], changes: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Marks such that every other one is treated like one of them.

    Bits that occur in the same masks are a group, which has the values that somebody mentions
    and one more; bits that are turned over (xor) are groups of their own.
    """
    changes = list(changes)
    turned = 0
    for clear, xor in changes:
        turned |= xor & ~clear
    masks = [test.mask for test in tests] + [clear for clear, _ in changes]
    values = [test.value for test in tests] + [xor for _, xor in changes]
    groups: dict[object, int] = {}
    for bit in (1 << n for n in range(32)):
        signature = tuple(mask & bit for mask in masks)
        if any(signature) or turned & bit:
            own = bit if turned & bit else 0
            key = (tuple(map(bool, signature)), own)
            groups[key] = groups.get(key, 0) | bit
    marks = [0]
    for bits in groups.values():
        mentioned = {value & bits for value in values} | {0}
        fresh = next((n for n in _submasks(bits) if n not in mentioned), None)
        parts = sorted(mentioned | ({fresh} if fresh is not None else set()))
        marks = [mark | part for mark in marks for part in parts]
        if len(marks) > _MOST_MARKS:
            raise CannotCompare("marks with so many masks", "say which mark packets begin with")
    return tuple(marks)


def _submasks(bits: int) -> Iterator[int]:
    part = 0
    while True:
        yield part
        part = (part - bits) & bits
        if not part:
            return
