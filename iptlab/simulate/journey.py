"""A packet's whole way through a machine, as data that reads as an indented list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from iptlab.netfilter.context import Connection, CtState
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.rules import ZERO, Counters, Rule
from iptlab.packet import Address, Packet
from iptlab.shown import Shown
from iptlab.simulate.trace import Asked, Ended, How, TableVisit

if TYPE_CHECKING:
    from iptlab.simulate.host import Host


class Fate(StrEnum):
    """What becomes of a packet on a machine."""

    DELIVERED = "delivered"  # to a process of this machine
    FORWARDED = "forwarded"  # it came from outside and left again
    SENT = "sent"  # a process of this machine sent it, and it left
    DROPPED = "dropped"
    REJECTED = "rejected"  # dropped by REJECT, and the sender was told if an answer was due
    UNKNOWN = "cannot tell"


class Pass(NamedTuple):
    """A hook that the packet came to, and the interfaces that rules saw there."""

    hook: Hook
    in_interface: str = ""
    out_interface: str = ""

    def __str__(self) -> str:
        where = [f"in {self.in_interface}"] if self.in_interface else []
        where += [f"out {self.out_interface}"] if self.out_interface else []
        return f"{self.hook} ({', '.join(where)})"


class Kind(StrEnum):
    """What happens at a station."""

    TABLE = "table"
    CONNTRACK = "conntrack"
    NAT = "nat"
    ROUTING = "routing"
    FORWARDING = "forwarding"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Station:
    """One stop on the way: who looked at the packet, and how it left.

    ``at`` is the hook where that was, None between two hooks. ``before`` and ``packet`` are
    the packet on arrival and on departure, ``known`` and ``connection`` what connection
    tracking held of its flow then. ``visit`` is the walk through a table's rules.
    """

    kind: Kind
    name: str
    at: Pass | None
    before: Packet
    packet: Packet
    ctstate: CtState | None = None
    known: Connection | None = None
    connection: Connection | None = None
    visit: TableVisit | None = None
    note: str = ""

    def changes(self) -> tuple[tuple[str, object, object], ...]:
        """The packet's fields that changed here: name, before, after."""
        return tuple(
            (one.name, old, new)
            for one in fields(Packet)
            if (old := getattr(self.before, one.name)) != (new := getattr(self.packet, one.name))
        )

    def changed(self) -> str:
        """The same in words: ``dst: 10.0.0.1 becomes 10.0.0.2``; empty if nothing changed."""
        return ", ".join(
            f"{name}: {_shown(name, old)} becomes {_shown(name, new)}"
            for name, old, new in self.changes()
        )

    def lines(self) -> Iterator[str]:
        """The stop as indented text."""
        if self.visit is not None:
            yield from self.visit.lines()
        if self.note:
            yield f"{self.name}: {self.note}"
        if changed := self.changed():
            yield f"  {changed}"

    def as_dict(self) -> dict[str, object]:
        """The stop as JSON takes it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "hook": self.at.hook if self.at else None,
            "before": str(self.before),
            "packet": str(self.packet),
            "mark": self.packet.mark,
            "ctstate": self.ctstate,
            "connection_before": connection_dict(self.known),
            "connection": connection_dict(self.connection),
            "events": [event.as_dict() for event in self.visit.events] if self.visit else [],
            "note": self.note,
        }


def _shown(name: str, value: object) -> str:
    return hex(value) if name in ("mark", "tos") and isinstance(value, int) else str(value)


def connection_dict(known: Connection | None) -> dict[str, object] | None:
    """A conntrack entry as JSON takes it."""
    if known is None:
        return None
    ends = {
        name: {"src": str(one.src), "dst": str(one.dst), "sport": one.sport, "dport": one.dport}
        for name, one in (("original", known.original), ("reply", known.reply))
    }
    return {
        "protocol": known.protocol,
        **ends,
        "status": sorted(known.status),
        "state": known.state,
        "mark": known.mark,
        "zones": list(known.zones),
    }


class Place(NamedTuple):
    """A rule, or with number 0 the policy of a built-in chain, in a table."""

    table: TableName
    chain: str
    number: int = 0

    def __str__(self) -> str:
        return f"{self.table} {self.chain} {self.number or 'policy'}"


@dataclass(frozen=True)
class Journey(Shown):
    """What happened to one packet on one machine, from its arrival to its end.

    ``entry`` is the interface it came by, empty if a local process sent it. ``packet`` is it
    as it came, ``exit`` as it left or was delivered, ``interface`` where it left and ``next_hop``
    to whom. ``by`` is the rule or policy that stopped it; None with a ``reason`` if the kernel
    itself did. ``error`` is what the sending process was told, ``rejection`` what a REJECT
    answered with. ``generated`` are the journeys of packets that the machine sent because of
    this one, ``log`` the lines that LOG wrote, ``traced`` those of TRACE (of
    ``iptables-legacy``; with nf_tables they go to ``xtables-monitor``), ``probability`` how
    likely this outcome was before it was drawn, and ``host`` the machine as it was configured.
    """

    packet: Packet
    entry: str
    stations: tuple[Station, ...]
    path: tuple[Pass, ...]
    fate: Fate
    interface: str = ""
    next_hop: Address | None = None
    exit: Packet | None = None
    by: Place | None = None
    reason: str = ""
    error: str = ""
    rejection: str = ""
    looped_back: bool = False
    generated: tuple[Journey, ...] = ()
    log: tuple[str, ...] = ()
    traced: tuple[str, ...] = ()
    probability: Fraction = Fraction(1)
    host: Host | None = field(default=None, repr=False, compare=False)

    @property
    def way(self) -> str:
        """The hooks that it came to, in one line."""
        return " -> ".join(map(str, self.path))

    @property
    def accepted(self) -> bool:
        """Whether the packet came through."""
        return self.fate in (Fate.DELIVERED, Fate.FORWARDED, Fate.SENT)

    @property
    def stopped_by(self) -> Rule | None:
        """The rule that stopped the packet; None if a policy or the kernel did, or nobody."""
        if self.by is None or self.accepted:
            return None
        matched = (step for visit in self.visits() for step in visit.matched())
        places = {Place(step.table, step.chain, step.number): step.rule for step in matched}
        return places.get(self.by)

    def visits(self) -> Iterator[TableVisit]:
        """The walks through tables, in order."""
        return (station.visit for station in self.stations if station.visit is not None)

    def hits(self) -> Counter[Place]:
        """How often each rule matched this packet and those sent because of it."""
        return Counter({place: packets for place, (packets, _) in self.counted().items()})

    def counted(self) -> dict[Place, Counters]:
        """By how many packets and bytes each rule's and policy's counters went up."""
        sums: dict[Place, Counters] = {}
        for place, size in self._counts():
            sums[place] = sums.get(place, ZERO).plus(Counters(1, size))
        return sums

    def _counts(self) -> Iterator[tuple[Place, int]]:
        for visit in self.visits():
            for step in visit.matched():
                yield Place(visit.table, step.chain, step.number), step.packet.length
            if visit.policy:
                yield Place(visit.table, visit.chain), visit.packet.length
        for journey in self.generated:
            yield from journey._counts()

    def trace(self) -> Iterator[tuple[TableName, str, int | str]]:
        """What the packet itself matched, as ``-j TRACE`` logs it.

        A number is a rule, ``return`` the end of a user chain, ``policy`` that of a built-in one.
        """
        for visit in self.visits():
            for record in visit.records:
                match record:
                    case Asked(chain=chain, number=number, answer=True):
                        yield visit.table, chain.name, number
                    case Ended(chain=chain, how=how, back=back):
                        if how is How.END and chain.policy is None:
                            yield visit.table, chain.name, "return"
                        if back is None:
                            yield visit.table, visit.chain, "policy"

    @property
    def conclusion(self) -> str:
        """The end of it in one line."""
        match self.fate:
            case Fate.DELIVERED:
                said = f"delivered to a local process: {self.exit}"
            case Fate.FORWARDED | Fate.SENT:
                said = f"{self.fate} through {self.interface}: {self.exit}"
            case Fate.UNKNOWN:
                said = f"cannot tell, because {self.reason}"
            case Fate.REJECTED:
                said = f"rejected with {self.rejection}"
            case Fate.DROPPED:
                said = "dropped" if self.by else f"dropped by the kernel: {self.reason}"
        said += f" by {self.by}" if self.by and not self.accepted else ""
        said += " (no answer is due)" if self.fate is Fate.REJECTED and not self.generated else ""
        said += " (and a copy is delivered here)" if self.looped_back else ""
        return said + (f" (the sender is told {self.error})" if self.error else "")

    @property
    def situation(self) -> str:
        """The packet and where it came from, in one line."""
        return f"{f'in {self.entry}' if self.entry else 'sent from here'}: {self.packet}"

    def lines(self) -> Iterator[str]:
        """The journey as indented text."""
        yield self.situation
        here: Pass | None = None
        for station in self.stations:
            if station.at is not None and station.at is not here:
                yield str(station.at)
            here = station.at
            pad = "  " if station.at else ""
            yield from (pad + line for line in station.lines())
        for line in self.log:
            yield f"log: {line}"
        yield self.conclusion
        for journey in self.generated:
            yield "because of it this machine sends"
            yield from (f"  {line}" for line in journey.lines())

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def as_dict(self) -> dict[str, object]:
        """The journey as JSON takes it."""
        return {
            "situation": self.situation,
            "fate": self.fate,
            "interface": self.interface,
            "next_hop": str(self.next_hop) if self.next_hop else None,
            "looped_back": self.looped_back,
            "exit": str(self.exit) if self.exit else None,
            "by": str(self.by) if self.by else None,
            "reason": self.reason,
            "error": self.error,
            "rejection": self.rejection,
            "probability": str(self.probability),
            "path": [list(one) for one in self.path],
            "stations": [station.as_dict() for station in self.stations],
            "generated": [journey.as_dict() for journey in self.generated],
            "log": list(self.log),
            "traced": list(self.traced),
        }
