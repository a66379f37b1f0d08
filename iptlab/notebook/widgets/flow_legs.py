"""The legs of a packet's way: one machine each, as the script gets them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from iptlab.netfilter.context import Connection
from iptlab.netfilter.hooks import Backend, Hook, TableName
from iptlab.netfilter.rules import Chain, Table
from iptlab.notebook.widgets import flow_stops
from iptlab.notebook.widgets.flow_chart import Chart, chart, row
from iptlab.notebook.widgets.flow_frames import Frame
from iptlab.notebook.widgets.flow_stops import Stop
from iptlab.packet import Packet
from iptlab.simulate.journey import Journey
from iptlab.simulate.network import Attempt, Trip
from iptlab.simulate.trace import HookVisit

Subject = Journey | HookVisit | Attempt | Trip


@dataclass(frozen=True)
class Leg:
    """A packet on one machine: what happened to it there, and under which packet it is listed.

    ``times`` is how often the same happened again.
    """

    machine: str
    packet: str
    seen: Journey | HookVisit

    @cached_property
    def stops(self) -> tuple[Stop, ...]:
        """The places it came to."""
        if isinstance(self.seen, Journey):
            return tuple(flow_stops.stops(self.seen))
        return tuple(flow_stops.visited(self.seen))

    @property
    def chart(self) -> Chart:
        """The chart of the machine."""
        host = self.seen.host if isinstance(self.seen, Journey) else None
        return chart(host.backend if host else Backend.LEGACY)

    @cached_property
    def tables(self) -> Mapping[TableName, Table]:
        """The tables that the machine has for packets of this family, as far as one knows."""
        if isinstance(self.seen, HookVisit) or self.seen.host is None:
            return {}
        rules = self.seen.host.rules.get(self.seen.packet.family)
        return rules.tables if rules else {}

    @property
    def bare(self) -> list[str]:
        """The rows of the chart whose table the machine has not."""
        if isinstance(self.seen, HookVisit):
            return []
        rows = [row(hook, table) for hook in Hook for table in TableName]
        return [one for one in rows if TableName(one.split()[1]) not in self.tables]

    def chain(self, table: str, name: str) -> Chain | None:
        """A chain that the packet came through, or else one that the machine has."""
        for stop in self.stops:
            if stop.visit and stop.visit.table == table and name in stop.chains:
                return stop.chains[name]
        found = self.tables.get(TableName(table))
        return found.chains.get(name) if found else None


def legs(subject: Subject) -> Iterator[Leg]:
    """Everything that can be looked at, in order."""
    match subject:
        case Journey():
            yield Leg(subject.host.name if subject.host else "", subject.situation, subject)
            for caused in subject.generated:
                yield from legs(caused)
        case HookVisit():
            yield Leg("", subject.situation, subject)
        case Trip():
            yield from _of_trip(subject, "")
        case Attempt():
            # a packet that is sent again and fares as before is told once
            for number, (_, same) in enumerate(groupby(subject.trips, key=str), start=1):
                yield from _of_trip(next(same), f"{number}. ")


def _of_trip(trip: Trip, sign: str) -> Iterator[Leg]:
    for leg in trip.legs:
        yield Leg(leg.machine, f"{sign}{trip.sent}", leg.journey)
    for caused in trip.caused:
        yield from _of_trip(caused, f"{sign}↳ ")


# --- as the script gets them ---


def head(leg: Leg) -> dict[str, Any]:
    """A leg as one chooses it."""
    return {"machine": leg.machine, "packet": leg.packet}


def body(leg: Leg) -> dict[str, Any]:
    """What happened there: each packet and connection once, named by its number."""
    packets: dict[Packet, int] = {}
    known: dict[Connection | None, int] = {None: 0}
    stops = []
    before = leg.stops[0].node
    for stop in leg.stops:
        frames = [
            _frame(frame)
            | {
                "before": packets.setdefault(frame.before, len(packets)),
                "packet": packets.setdefault(frame.packet, len(packets)),
                "known": known.setdefault(frame.connection, len(known)),
            }
            for frame in stop.frames
        ]
        table = {"table": stop.visit.table, "chains": list(stop.chains)} if stop.visit else {}
        edges = leg.chart.between(before, stop.node)
        place = {"node": stop.node, "at": stop.at, "word": stop.word, "edges": edges}
        stops.append(place | table | {"frames": frames})
        before = stop.node
    fields = [list(packet.headers()) for packet in packets]
    entries = [str(one) if one else "" for one in known]
    return {"stops": stops, "packets": fields, "entries": entries, "bare": leg.bare}


def _frame(frame: Frame) -> dict[str, Any]:
    """A frame without what is empty."""
    told = {
        **{"place": frame.place, "said": frame.said, "state": frame.ctstate},
        **{"chain": frame.chain, "first": frame.first, "last": frame.last},
        **{"answer": frame.answer, "trail": frame.trail},
    }
    return {name: value for name, value in told.items() if value}


def answers(leg: Leg, stop: int, chain: str, numbers: range) -> dict[str, str]:
    """What these rules of a chain answered at a stop, by chain and number."""
    visit = leg.stops[stop].visit
    steps = visit.steps() if visit else ()
    asked = [step for step in steps if step.chain == chain and step.number in numbers]
    return {f"{chain} {step.number}": step.outcome for step in asked}
