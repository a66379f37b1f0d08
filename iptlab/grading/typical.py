"""The most ordinary packet of a set, and how far the others of the set may differ from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from random import Random
from typing import NamedTuple

from iptlab.grading.atoms import Space
from iptlab.grading.diagram import Diagram, Node
from iptlab.grading.ready import Ready
from iptlab.grading.sample import Thing
from iptlab.netfilter.context import CtState
from iptlab.netfilter.values import ProtocolNumber
from iptlab.packet import Family, IcmpType, TcpFlags

# in which order a packet is pinned down, and what is preferred for each field
PREFERRED: dict[str, tuple[Thing, ...]] = {
    "ctstate": ("NEW", "ESTABLISHED", "RELATED", "INVALID"),
    "protocol": (6, 17, 1, 58),
    "fragment": (0,),
    "flags": (2, 16, 18),
    "dport": (22, 80, 443, 53, 25, 8080, 3306, 5432),
    "in_interface": ("eth0", "eth1", "lo"),
    "out_interface": ("eth0", "eth1"),
    "icmp": (),
    "dst": (),
    "src": (),
    "sport": (40_000, 53, 1023),
    "link": ("unicast",),
    "ttl": (64,),
    "tos": (0,),
    "length": (60, 100),
    "mark": (0,),
    "connmark": (0,),
}
# the same where it depends on the state: later packets have no SYN, and most that are related
# to a connection are errors
_IN_STATE: dict[tuple[str, Thing], tuple[Thing, ...]] = {
    ("flags", "ESTABLISHED"): (16, 24),
    ("protocol", "RELATED"): (1, 58),
}
# echo request and reply, unreachable, time exceeded; and the same in IPv6
_MESSAGES = {Family.IPV4: (8, 0, 3, 11), Family.IPV6: (128, 129, 1, 3)}
# addresses for documentation, RFC 5737 and RFC 3849, and private ones
_ADDRESSES: dict[tuple[str, Family], tuple[int, ...]] = {
    ("src", Family.IPV4): (0xC000020A, 0xCB007107, 0xC6336407, 0x0A000009),
    ("dst", Family.IPV4): (0x0A000005, 0xC0000201, 0xC6336401, 0xC000020A),
    ("src", Family.IPV6): (0x20010DB8 << 96 | 0x10, 0xFD00 << 112 | 9),
    ("dst", Family.IPV6): (0xFD00 << 112 | 5, 0x20010DB8 << 96 | 1),
}


# what is preferred where more is known: of a field, beside the values chosen so far
Local = Callable[[str, Mapping[str, Thing]], Sequence[Thing]]


class Found(NamedTuple):
    """A packet of a set within a region: its fields, and which atom of each level it has."""

    values: dict[str, Thing]
    places: list[int]
    diagram: Diagram
    packets: Node
    region: Node

    def others(self, level: int) -> tuple[int, int]:
        """The atoms of a level that would do as well, and those that it could have there."""
        beside, places = self.diagram.beside, self.places
        return beside(self.packets, places, level), beside(self.region, places, level)


def usual_packet(ctstate: str, src: int, family: Family) -> dict[str, Thing]:
    """What a packet in that state and from there has in fields that nobody asks for."""
    usual: dict[str, Thing] = {
        end: next(number for number in _ADDRESSES[end, family] if number != src)
        for end in ("src", "dst")
    }
    related = ctstate == CtState.RELATED
    usual["icmp"] = _MESSAGES[family][2 if related else 0] << 8
    if ctstate == CtState.ESTABLISHED:
        usual["flags"] = int(TcpFlags.ACK)
    return usual


def typical(
    diagram: Diagram, space: Space, packets: Node, region: Node, local: Local
) -> Found | None:
    """The most ordinary packet of a set; None if the set is empty.

    Field after field is pinned down to the best value that packets of the set still have, so
    it needs no second try. No packets but those of the ``region`` count.
    """
    limits: dict[int, int] = {}
    values: dict[str, Thing] = {}
    order = [name for name in PREFERRED if name in space.level]
    opaque = [name for name in space.names if name not in PREFERRED]
    for name in (*order, *opaque):
        level = space.level[name]
        mask = diagram.project(packets, level, limits)
        if not mask:
            return None
        preferred = (*local(name, values), *_preferred(name, values, space.family))
        at, values[name] = _best(space, name, mask, preferred)
        limits[level] = 1 << at
    places = [limits[level].bit_length() - 1 for level in range(len(limits))]
    return Found(values, places, diagram, packets, region)


def _preferred(name: str, chosen: Mapping[str, Thing], family: Family) -> tuple[Thing, ...]:
    """What is preferred for a field of any packet, the best first."""
    in_state = _IN_STATE.get((name, chosen.get("ctstate", "")), ())
    if name == "icmp":
        messages = _MESSAGES[family]
        kinds = messages[2:] if chosen.get("ctstate") == "RELATED" else messages
        return tuple(kind << 8 for kind in kinds)
    return (*in_state, *PREFERRED.get(name, ()), *_ADDRESSES.get((name, family), ()))


def _best(space: Space, name: str, mask: int, preferred: Sequence[Thing]) -> tuple[int, Thing]:
    """A preferred value, or else the first of the smallest atom."""
    for thing in preferred:
        place = space.place(name, thing)
        if place >= 0 and mask >> place & 1:
            return place, thing
    places = [at for at in range(mask.bit_length()) if mask >> at & 1]
    if name not in space.lines:
        return places[0], space.atoms[space.level[name]][places[0]]
    sizes = [int(space.last_of(name, at)) - int(space.first_of(name, at)) for at in places]
    at = places[sizes.index(min(sizes))]
    first, last = int(space.first_of(name, at)), int(space.last_of(name, at))
    # inside a network, its own address would be an odd choice
    return at, min(first + 10, last) if name in ("src", "dst") else first


def pointed(space: Space, ready: Ready, lot: Random) -> dict[str, Thing]:
    """A packet that a rule points at: what the rule asks for, and anything else by lot."""
    wanted = list(space.full)
    for test in ready.tests:
        if test.level >= 0 and wanted[test.level] & test.mask:
            wanted[test.level] &= test.mask
    values: dict[str, Thing] = {}
    for level, name in enumerate(space.names):
        places = [at for at in range(wanted[level].bit_length()) if wanted[level] >> at & 1]
        values[name] = space.first_of(name, lot.choice(places))
    return values


_MOST_RUNS = 4


def words(space: Space, name: str, mask: int, possible: int) -> list[str]:
    """The atoms of a mask in words: ``22``, ``80 to 90``, ``other than lo``.

    Those that packets cannot have are not asked about.
    """
    runs, rest = (_runs(space, name, atoms) for atoms in (mask & possible, possible & ~mask))
    turned = len(rest) < len(runs) or _nameless(space, name, mask)
    shown = rest if turned else runs
    said = [_run(space, name, run) for run in shown[:_MOST_RUNS]]
    said += ["others"] if len(shown) > _MOST_RUNS else []
    return [f"other than {said[0]}", *said[1:]] if turned else said


def _nameless(space: Space, name: str, mask: int) -> bool:
    """Whether the interface that no rule names is among several."""
    return name in ("in_interface", "out_interface") and bool(
        mask >> len(space.atoms[space.level[name]]) - 1
    )


Run = tuple[Thing, Thing]


def _runs(space: Space, name: str, mask: int) -> list[Run]:
    """First and last of each run of values in a mask."""
    runs: list[Run] = []
    for at in (at for at in range(mask.bit_length()) if mask >> at & 1):
        first, last = space.first_of(name, at), space.last_of(name, at)
        if name in space.members:
            runs += [(thing, thing) for thing in space.members[name][at]]
        elif runs and name in space.lines and int(runs[-1][1]) + 1 == first:
            runs[-1] = (runs[-1][0], last)
        else:
            runs.append((first, last))
    return runs


def _run(space: Space, name: str, run: Run) -> str:
    """A run of values: ``80``, ``80 to 90``, ``10.0.0.0/8``, ``echo-request``."""
    first, last = run
    if first == last:
        return _word(space, name, first)
    size = int(last) - int(first) + 1
    whole = not size & size - 1 and not int(first) % size
    if name in ("src", "dst") and whole:
        return f"{_word(space, name, first)}/{space.family.bits - size.bit_length() + 1}"
    if name == "icmp" and whole and size == 256:
        return _word(space, name, first)
    return f"{_word(space, name, first)} to {_word(space, name, last)}"


def _word(space: Space, name: str, thing: Thing) -> str:
    match name:
        case "src" | "dst":
            address = IPv4Address if space.family is Family.IPV4 else IPv6Address
            return str(address(thing))
        case "protocol":
            return str(ProtocolNumber(int(thing)))
        case "flags":
            return str(TcpFlags(int(thing)))
        case "fragment":
            return "a later fragment" if thing else "a packet that is no later fragment"
        case "icmp":
            return IcmpType(*divmod(int(thing), 256)).named(space.family)
        case "mark" | "connmark" | "tos":
            return hex(int(thing))
        case "in_interface" | "out_interface":
            unnamed = thing == space.atoms[space.level[name]][-1]
            return "one that no rule names" if unnamed else str(thing)
    if name not in PREFERRED:
        return "holding" if thing else "not holding"
    return str(thing)
