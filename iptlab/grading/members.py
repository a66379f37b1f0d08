"""Which packets an ipset holds, said in conditions that rules could have without it.

The elements become a small diagram, the ones that decide first on top; each way through it is
one case, and no packet is in two of them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise, product

from iptlab.errors import CannotCompare
from iptlab.grading.diagram import TERMINAL, Diagram, Node
from iptlab.matches.set import SetMatch
from iptlab.netfilter import fields as read
from iptlab.netfilter.extension import Condition, Option
from iptlab.netfilter.fields import Field
from iptlab.netfilter.ipset import Interface, IpSet, Net, Part, Service
from iptlab.netfilter.values import Given, InterfaceName, ProtocolNumber, Value
from iptlab.packet import Family, IcmpType, Protocol

Sets = Mapping[str, IpSet]
Case = tuple[Condition, ...]
Span = tuple[int, int]  # first and last of a run of numbers
Box = Mapping[str, Span | str]  # what packets have in some fields: such a number, or that name
Said = tuple[Box, bool]  # packets, and whether they are in the set

# the fields that elements may be about, in the order in which the diagram asks for them
_FIELDS: Mapping[str, Field] = {
    "protocol": read.PROTOCOL,
    "fragment": read.FRAGMENT,
    "in_interface": read.IN_INTERFACE,
    "out_interface": read.OUT_INTERFACE,
    "dport": read.DPORT,
    "sport": read.SPORT,
    "icmp": read.ICMP_TYPE,
    "dst": read.DST,
    "src": read.SRC,
}
_NO_FRAGMENT: Box = {"fragment": (0, 0)}
_MOST_CASES = 512
_BUDGET = 100_000


def cases(match: SetMatch, sets: Sets, *, fragments: bool) -> tuple[Case, ...] | None:
    """The packets for which the match holds; None if nobody can tell.

    Where there are ``fragments``, later ones have no ports.
    """
    lookup = match.match_set.value
    layers: list[list[Said]] = []
    for each in _members(sets, lookup.name):
        counted = each and each.has_counters and match.counts
        if each is None or counted or {"mac", "mark"} & {*each.dimensions}:
            return None
        if len(lookup.directions) >= len(each.dimensions):
            holes = match.return_nomatch is not None and "net" in each.dimensions
            layers.append([*_said(each, lookup.directions, holes=holes, fragments=fragments)])
    parted = _Parted(str(match), layers)
    return tuple(parted.cases(inside=not match.match_set.negated))


def _members(sets: Sets, name: str) -> Iterator[IpSet | None]:
    """A set, or those in a list of sets; None for one that nobody knows."""
    each = sets.get(name)
    if each is None or each.kind != "list:set":
        yield each
    else:
        for key in each.elements:
            yield from _members(sets, str(key[0]))


# --- elements as boxes ---


def _said(
    each: IpSet, directions: Sequence[str], *, holes: bool, fragments: bool
) -> Iterator[Said]:
    """What the elements say; of several that a packet is in the first one counts.

    Kernel: net/netfilter/ipset/ip_set_hash_gen.h (mtype_test_cidrs), ip_set_hash_netiface.c
    """
    ranked = sorted(each.elements.values(), key=lambda one: _rank(one.parts))
    for first, group in groupby(ranked, key=lambda one: one.parts[0]):
        decisive = False
        for element in group:
            parts = zip(each.dimensions, element.parts, directions, strict=False)
            ways = [list(_fitting(each, *part, fragments=fragments)) for part in parts]
            for boxes in product(*ways):
                if (box := _together(boxes)) is not None:
                    yield box, element.nomatch == holes
            last = element.parts[-1]
            decisive |= isinstance(last, Interface) and not last.bridged
        if decisive:
            # an interface decides about its network, whichever one the packet has
            (around,) = _fitting(each, "net", first, directions[0], fragments=fragments)
            yield around, False


def _rank(parts: Sequence[Part]) -> tuple[int, ...]:
    """Which element is asked first: one of the longest prefixes, of the first network above all."""
    nets = [part for part in parts if isinstance(part, Net)]
    return (*(-net.length for net in nets), *(net.address for net in nets))


def _fitting(
    each: IpSet, kind: str, part: Part, direction: str, *, fragments: bool
) -> Iterator[Box]:
    """The packets that fit one part of an element.

    Kernel: net/netfilter/ipset/ip_set_getport.c (get_port)
    """
    source = direction == "src"
    port, whole = "sport" if source else "dport", _NO_FRAGMENT if fragments else {}
    match part:
        case Net(address, length, family):
            if kind == "ip":
                length = int(each.options.get("netmask", length))
            yield {direction: (address, address | (1 << family.bits - length) - 1)}
        case Interface(name, False):
            yield {"in_interface" if source else "out_interface": name}
        case Service(Protocol.ICMP | Protocol.ICMPV6 as protocol, number):
            yield {"protocol": (protocol, protocol), **whole, "icmp": (number, number)}
        case Service(protocol, number):
            known = protocol in set(Protocol)
            if known and protocol != Protocol.DCCP:
                if Protocol(protocol).has_ports:
                    yield {"protocol": (protocol, protocol), **whole, port: (number, number)}
            elif number == 0:
                yield {"protocol": (protocol, protocol)}
        case int() as number:
            for protocol in (Protocol.TCP, Protocol.UDP):
                yield {"protocol": (protocol, protocol), **whole, port: (number, number)}


def _together(boxes: Sequence[Box]) -> Box | None:
    """The packets in all boxes; None if there are none."""
    box: dict[str, Span | str] = {}
    for name, part in (item for one in boxes for item in one.items()):
        known = box.get(name, part)
        if isinstance(known, str) or isinstance(part, str):
            box[name] = part  # no two parts are about one interface
        else:
            box[name] = low, high = max(known[0], part[0]), min(known[1], part[1])
            if low > high:
                return None
    return box


# --- fields cut by boxes ---


@dataclass(frozen=True, slots=True)
class Runs(Value):
    """Runs of numbers: ``bounds`` are where one begins, where it is over, and so on.

    >>> 15 in Runs.parse("10-19,40", Family.IPV4)
    True
    """

    bounds: tuple[int, ...]

    @classmethod
    def parse(cls, text: str, family: Family) -> Runs:
        """``10-19,40``: first and last of each run, in rising order."""
        runs = (part.partition("-") for part in text.split(","))
        ends = ((int(first), int(last or first) + 1) for first, _, last in runs)
        return cls(tuple(bound for run in ends for bound in run))

    def __contains__(self, item: object) -> bool:
        match item:
            case IcmpType(kind, code):
                number = kind * 256 + code
            case ProtocolNumber(number):
                pass
            case _:
                number = int(item)  # type: ignore[call-overload]
        return bisect_right(self.bounds, number) % 2 == 1

    def __str__(self) -> str:
        runs = zip(self.bounds[::2], self.bounds[1::2], strict=True)
        return ",".join(f"{low}-{high - 1}" if high - low > 1 else str(low) for low, high in runs)


class _Numbered:
    """A field of numbers, in runs that no box cuts."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.starts = sorted({0, *(cut for low, high in spans for cut in (low, high + 1))})

    def __len__(self) -> int:
        return len(self.starts)

    def mask(self, part: Span | str) -> int:
        assert not isinstance(part, str)
        low, high = part
        first, behind = bisect_left(self.starts, low), bisect_left(self.starts, high + 1)
        return (1 << behind) - (1 << first)

    def ways(self, mask: int) -> Iterator[tuple[Given[Value], ...]]:
        inside = [False, *(bool(mask >> at & 1) for at in range(len(self)))]
        turns = [at for at, (one, two) in enumerate(pairwise(inside)) if one != two]
        endless = [_ENDLESS] * (len(turns) % 2)
        yield (Given(Runs((*(self.starts[at] for at in turns), *endless))),)


_ENDLESS = 1 << 129  # behind every number of a field


class _Named:
    """The names of interfaces, and behind them all others."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(dict.fromkeys(names))

    def __len__(self) -> int:
        return len(self.names) + 1

    def mask(self, part: Span | str) -> int:
        return 1 << self.names.index(str(part))

    def ways(self, mask: int) -> Iterator[tuple[Given[Value], ...]]:
        here = [name for at, name in enumerate(self.names) if mask >> at & 1]
        if mask >> len(self.names) & 1:
            others = [name for name in self.names if name not in here]
            yield tuple(Given(InterfaceName(name), negated=True) for name in others)
        else:
            yield from ((Given(InterfaceName(name)),) for name in here)


class _Parted:
    """Layers of boxes as a diagram: a packet is inside if one of the layers says so."""

    def __init__(self, words: str, layers: Sequence[Sequence[Said]]) -> None:
        self.words = words
        boxes = [box for layer in layers for box, _ in layer]
        self.names = [name for name in _FIELDS if any(name in box for box in boxes)]
        self.cuts = [_cut([box[name] for box in boxes if name in box]) for name in self.names]
        self.diagram = Diagram([(1 << len(cut)) - 1 for cut in self.cuts], _BUDGET)
        self.root = self.diagram.end(False)
        for layer in layers:
            self.root = self._either(self.root, self._node(layer))

    def _node(self, layer: Sequence[Said]) -> Node:
        diagram, node = self.diagram, self.diagram.end(False)
        for box, inside in reversed(layer):
            limits = [
                (level, self.cuts[level].mask(box[name]))
                for level, name in enumerate(self.names)
                if name in box
            ]
            node = diagram.choose(diagram.cube(limits), diagram.end(inside), node)
        return node

    def _either(self, one: Node, two: Node) -> Node:
        yes, no = self.diagram.end(True), self.diagram.end(False)

        def decide(one: Node, two: Node) -> Node | None:
            if yes in (one, two):
                return yes
            if one == no:
                return two
            return one if two == no else None

        return self.diagram.combine(one, two, {}, decide)

    def cases(self, *, inside: bool) -> Iterator[Case]:
        """The packets inside, or those outside; CannotCompare if they are too many cases."""
        count = 0
        for limits in self._ways(self.root, self.diagram.end(inside)):
            asked = [list(self._asked(level, mask)) for level, mask in limits]
            for parts in product(*asked):
                count += 1
                if count > _MOST_CASES:
                    raise CannotCompare(f"`{self.words}'", "its elements are of too many kinds")
                yield tuple(condition for part in parts for condition in part)

    def _ways(self, node: Node, end: Node) -> Iterator[tuple[tuple[int, int], ...]]:
        """The sets of packets that come to an end, each as limits on fields."""
        level = self.diagram.level[node]
        if level == TERMINAL:
            yield from [()] * (node == end)
            return
        for to, mask in self.diagram.ways(node, level).items():
            for limits in self._ways(to, end):
                yield ((level, mask), *limits)

    def _asked(self, level: int, mask: int) -> Iterator[Case]:
        option = Option(self.words, Runs, reads=_FIELDS[self.names[level]])
        for given in self.cuts[level].ways(mask):
            yield tuple(Condition(option, one) for one in given)


def _cut(parts: Sequence[Span | str]) -> _Numbered | _Named:
    names = [part for part in parts if isinstance(part, str)]
    return _Named(names) if names else _Numbered([p for p in parts if not isinstance(p, str)])
