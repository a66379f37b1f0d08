"""The fields in which packets may differ, and what the rules want to know of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import product

from iptlab.errors import CannotCompare
from iptlab.grading.members import Runs
from iptlab.grading.original import DIRECTION, FIRST
from iptlab.grading.sample import Thing
from iptlab.matches.conntrack import HostMask
from iptlab.matches.icmp import IcmpTypes
from iptlab.matches.iprange import AddressRange
from iptlab.netfilter.context import CtState
from iptlab.netfilter.extension import Condition
from iptlab.netfilter.networks import Network
from iptlab.netfilter.ports import PortList, PortRange
from iptlab.netfilter.values import Integer as Number
from iptlab.netfilter.values import NumberRange, ProtocolNumber, Value
from iptlab.packet import Family

_SHORTEST = {Family.IPV4: 40, Family.IPV6: 60}
# flags as packets usually have them, before all other combinations
_USUAL_FLAGS = (2, 16, 18, 24, 17, 4, 20, 1)
# the states a packet can be in, ordinary ones first
_STATES = (
    CtState.NEW,
    CtState.ESTABLISHED,
    CtState.RELATED,
    CtState.INVALID,
    CtState.UNTRACKED,
)


# --- the kinds of axes ---


@dataclass(frozen=True)
class Line:
    """Runs from ``first`` to ``last``, cut where a value begins or ends."""

    first: int
    last: int


@dataclass(frozen=True)
class Choice:
    """A few things, of which those that get the same answers everywhere are one atom."""

    things: tuple[Thing, ...]


@dataclass(frozen=True)
class Names:
    """Interfaces: those that are named, one for each ``+``, and one that nobody names."""


@dataclass(frozen=True)
class Marks:
    """32-bit marks, told apart by the bits that rules look at or change."""


Kind = Line | Choice | Names | Marks


@cache
def kinds(family: Family) -> Mapping[str, Kind]:
    """The fields that are modelled, by name."""
    addresses = Line(0, (1 << family.bits) - 1)
    return {
        "protocol": Line(1, 255),
        "fragment": Choice((0, 100)),
        "in_interface": Names(),
        "out_interface": Names(),
        "ctstate": Choice(_STATES),
        "src": addresses,
        "dst": addresses,
        "sport": Line(0, 0xFFFF),
        "dport": Line(0, 0xFFFF),
        "flags": Choice(tuple(dict.fromkeys((*_USUAL_FLAGS, *range(64))))),
        "icmp": Line(0, 0xFFFF),
        "mark": Marks(),
        "connmark": Marks(),
        "ttl": Line(1, 255),
        "tos": Choice(tuple(range(256))),
        "length": Line(_SHORTEST[family], 0xFFFF),
        "link": Choice(("unicast", "broadcast", "multicast")),
    }


# the axes that a field of a condition reads, by the field's name; all others are opaque
AXES: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in kinds(Family.IPV4)},
    "src_type": ("src",),
    "dst_type": ("dst",),
    "ports": ("sport", "dport"),
    "dscp": ("tos",),
    **{name: (axis,) for name, axis in FIRST.items()},
    DIRECTION: (),
}


def cuts(condition: Condition) -> tuple[int, ...]:
    """The numbers before which the condition's answer may change; elsewhere it does not say."""
    if condition.field.name in ("src_type", "dst_type", "dscp"):
        return ()
    return edges(condition.given.value)


@lru_cache(maxsize=4096)
def edges(value: Value) -> tuple[int, ...]:
    """The numbers at which the value's answer may change; CannotCompare if there are many."""
    return tuple(_edges(value))


def _edges(value: Value) -> Iterator[int]:
    match value:
        case Network(address, mask, family):
            yield from _network_edges(address, mask, family.bits)
        case HostMask(address, mask):
            yield from _network_edges(int(address) & mask, mask, address.max_prefixlen)
        case PortList(ranges):
            for part in ranges:
                yield from (part.low, part.high + 1)
        case PortRange(low, high) | NumberRange(low, high) | AddressRange(low=low, high=high):
            yield from (low, high + 1)
        case Number(number) | ProtocolNumber(number):
            yield from (number, number + 1)
        case Runs(bounds):
            yield from bounds
        case IcmpTypes(kind, code):
            first = kind * 256 + (code or 0)
            yield from (first, first + (256 if code is None else 1))
        case _:
            raise CannotCompare(f"a value such as `{value}'", "its bounds are not known")


def has_edges(value: Value) -> bool:
    """Whether ``edges`` knows where the value's answer changes."""
    known = (Network, PortList, PortRange, NumberRange, AddressRange, Number)
    return isinstance(value, (*known, ProtocolNumber, IcmpTypes))


def _network_edges(address: int, mask: int, bits: int) -> Iterator[int]:
    """A mask with holes holds one run of addresses for each filling of the upper holes."""
    low = mask & -mask or 1 << bits  # the run is as long as the lowest bit of the mask
    holes = [1 << bit for bit in range(bits) if not mask >> bit & 1 and 1 << bit > low]
    if len(holes) > 12:
        raise CannotCompare("a mask with so many holes", "write prefixes instead")
    for filling in product((0, 1), repeat=len(holes)):
        first = address | sum(hole for hole, bit in zip(holes, filling, strict=True) if bit)
        yield from (first, first + low)


# --- what the rules want to know ---

MOST_SINGLE = 256  # addresses of a network, or ports, that are told apart one by one


@dataclass
class Wanted:
    """Everything that cuts fields: conditions, values that rules write, changes of marks.

    ``apart`` says for a field with few values what else tells them apart. ``mapped`` are the
    networks that NETMAP puts addresses into.
    """

    conditions: dict[str, dict[object, Condition]] = field(default_factory=dict)
    points: dict[str, set[int]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    marks: set[tuple[int, int]] = field(default_factory=set)
    apart: dict[str, Callable[[Thing], object]] = field(default_factory=dict)
    opaque: dict[str, None] = field(default_factory=dict)
    mapped: set[Network] = field(default_factory=set)
    segments: bool = False  # whether rules limit the size of segments

    def ask(self, condition: Condition) -> None:
        """A rule asks this."""
        for axis in AXES[condition.field.name]:
            self.conditions.setdefault(axis, {})[key_of(condition)] = condition

    @property
    def everything(self) -> tuple[Mapping[str, object], ...]:
        """What is wanted, by axis."""
        return self.conditions, self.points, self.names, self.apart

    def move(self, axis: str, old: Network, new: Network) -> None:
        """Keep apart the addresses of a network that another one takes the place of."""
        hosts = ~old.mask & ((1 << old.family.bits) - 1)
        if hosts < MOST_SINGLE and hosts & hosts + 1 == 0:
            for host in range(hosts + 1):
                self.single_out(axis, old.address + host)
                self.single_out(axis, old.address + host & ~new.mask | new.address)

    def move_all(self) -> None:
        """The same for all networks as large as one that NETMAP writes, whoever asks for them."""
        for axis in ("src", "dst"):
            asked = {one.given.value for one in self.conditions.get(axis, {}).values()}
            for old in (value for value in asked if isinstance(value, Network)):
                for new in self.mapped:
                    if old.mask == new.mask:
                        self.move(axis, old, new)

    def mirror(self) -> None:
        """Cut both ends alike, so that replies are told apart as first packets are."""
        for pair in (("src", "dst"), ("sport", "dport")):
            cuts = {number for axis in pair for number in self._cuts(axis)}
            for axis in pair:
                self.cut(axis, cuts)

    def _cuts(self, axis: str) -> Iterator[int]:
        """Where an axis of numbers is cut."""
        yield from self.points.get(axis, ())
        for condition in self.conditions.get(axis, {}).values():
            yield from cuts(condition)

    def single_out(self, axis: str, number: int) -> None:
        """Keep a number apart from all others."""
        self.cut(axis, (number, number + 1))

    def cut(self, axis: str, numbers: Iterable[int]) -> None:
        """Cut an axis before these numbers."""
        self.points.setdefault(axis, set()).update(numbers)


def key_of(condition: Condition) -> object:
    """What two conditions that ask the same have in common."""
    return condition.field.name, condition.given.negated, condition.given.value
