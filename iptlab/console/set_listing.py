"""A set as ``ipset list`` shows it, and who uses it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from iptlab.matches.set import SetMatch
from iptlab.netfilter.extension import Extension
from iptlab.netfilter.ipset import IpSet, Net, Part
from iptlab.ruleset import Ruleset
from iptlab.syntax.ipset import set_elements, set_header
from iptlab.targets.set import SetTarget

# by type: the revision, and the bytes of an empty set and of each element, as a kernel of
# release 6.1 told them; where it lacked the type, those of one that is like it
_KINDS = {
    "bitmap:ip": (3, 120, 0),
    "bitmap:ip,mac": (3, 2160, 0),
    "bitmap:port": (3, 200, 0),
    "hash:ip": (6, 216, 40),
    "hash:ip,mac": (1, 216, 40),
    "hash:ip,mark": (3, 216, 40),
    "hash:ip,port": (7, 216, 40),
    "hash:ip,port,ip": (6, 208, 48),
    "hash:ip,port,net": (8, 464, 48),
    "hash:mac": (1, 216, 40),
    "hash:net": (7, 456, 48),
    "hash:net,iface": (8, 488, 64),
    "hash:net,net": (4, 456, 64),
    "hash:net,port": (8, 456, 48),
    "hash:net,port,net": (3, 464, 64),
    "list:set": (3, 80, 48),
}


def listing(one: IpSet, used: int, *, terse: bool, in_order: bool) -> str:
    """The set in lines; ``terse`` leaves out its members."""
    revision, empty, each = _KINDS[one.kind]
    lines = [
        f"Name: {one.name}",
        f"Type: {one.kind}",
        f"Revision: {revision}",
        f"Header: {' '.join(set_header(one))}",
        f"Size in memory: {empty + each * len(one.elements)}",
        f"References: {used}",
        f"Number of entries: {len(one.elements)}",
    ]
    if not terse:
        members = set_elements(one)
        if in_order:
            members.sort(key=lambda member: [_rank(part) for part in member.parts])
        lines += ["Members:", *map(str, members)]
    return "".join(f"{line}\n" for line in lines)


def _rank(part: Part) -> tuple[int, str]:
    """Where a part of an element stands in order."""
    match part:
        case Net(address=address):
            return address, ""
        case int():
            return part, ""
    return 0, str(part)


def references(rules: Iterable[Ruleset], sets: Iterable[IpSet]) -> Counter[str]:
    """How many matches and targets of rules, and lists of sets, name each set."""
    used = Counter(
        name
        for each in rules
        for table in each.tables.values()
        for chain in table.chains.values()
        for rule in chain.rules
        for part in rule.extensions()
        for name in _named(part)
    )
    for one in sets:
        if one.kind == "list:set":
            used.update(str(key[0]) for key in one.elements)
    return used


def _named(part: Extension) -> Iterator[str]:
    match part:
        case SetMatch(match_set=lookup):
            yield lookup.value.name
        case SetTarget(add=add, delete=delete, map=map_):
            yield from (one.name for one in (add, delete, map_) if one)
