"""The most ordinary packet of a set, and how far the others of the set may differ from it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from random import Random
from typing import NamedTuple

from iptlab.grading.atoms import Space
from iptlab.grading.diagram import Diagram, Node
from iptlab.grading.ready import Ready
from iptlab.grading.sample import Thing
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
    "icmp": (8 << 8, 128 << 8, 0, 3 << 8),
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
# addresses for documentation, RFC 5737 and RFC 3849, and private ones
_ADDRESSES: dict[tuple[str, Family], tuple[int, ...]] = {
    ("src", Family.IPV4): (0xC000020A, 0xCB007107, 0xC6336407, 0x0A000009),
    ("dst", Family.IPV4): (0x0A000005, 0xC0000201, 0xC6336401, 0xC000020A),
    ("src", Family.IPV6): (0x20010DB8 << 96 | 0x10, 0xFD00 << 112 | 9),
    ("dst", Family.IPV6): (0xFD00 << 112 | 5, 0x20010DB8 << 96 | 1),
}


# what a packet has in fields that nobody asks for
USUAL: dict[Family, dict[str, Thing]] = {
    family: {end: _ADDRESSES[end, family][0] for end in ("src", "dst")} for family in Family
}


class Found(NamedTuple):
    """A packet by its fields, and for each field the atoms that would do as well."""

    values: dict[str, Thing]
    alike: dict[str, int]


def typical(diagram: Diagram, space: Space, packets: Node) -> Found | None:
    """The most ordinary packet of a set; None if the set is empty.

    Field after field is pinned down to the best value that packets of the set still have, so
    it needs no second try.
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
        at, values[name] = _best(space, name, mask)
        limits[level] = 1 << at
    alike = {}
    for name in values:
        others = {level: mask for level, mask in limits.items() if level != space.level[name]}
        alike[name] = diagram.project(packets, space.level[name], others)
    return Found(values, alike)


def _best(space: Space, name: str, mask: int) -> tuple[int, Thing]:
    """A preferred value, or else the first of the smallest atom."""
    places = [at for at in range(mask.bit_length()) if mask >> at & 1]
    for thing in (*PREFERRED.get(name, ()), *_ADDRESSES.get((name, space.family), ())):
        place = space.place(name, thing)
        if place in places:
            return place, thing
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


_MOST_RUNS = 6


def words(space: Space, name: str, mask: int) -> list[str]:
    """The atoms of a mask in words, runs of numbers together: ``22``, ``80 to 90``."""
    runs: list[tuple[Thing, Thing]] = []
    for at in (at for at in range(mask.bit_length()) if mask >> at & 1):
        first, last = space.first_of(name, at), space.last_of(name, at)
        if name in space.members:
            runs += [(thing, thing) for thing in space.members[name][at]]
        elif runs and name in space.lines and int(runs[-1][1]) + 1 == first:
            runs[-1] = (runs[-1][0], last)
        else:
            runs.append((first, last))
    shown = runs if len(runs) <= _MOST_RUNS else runs[: _MOST_RUNS - 1]
    said = [
        _word(space, name, first) + (f" to {_word(space, name, last)}" if last != first else "")
        for first, last in shown
    ]
    return said if shown is runs else [*said, "others"]


def _word(space: Space, name: str, thing: Thing) -> str:
    match name:
        case "src" | "dst":
            address = IPv4Address if space.family is Family.IPV4 else IPv6Address
            return str(address(thing))
        case "protocol":
            return str(ProtocolNumber(int(thing)))
        case "flags":
            return str(TcpFlags(int(thing)))
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
