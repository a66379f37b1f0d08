"""The rows of rules, of packets on their way, and of connections, for data frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from iptlab.netfilter.context import Connection
from iptlab.netfilter.rules import Chain, Rule, Table
from iptlab.netfilter.values import Given
from iptlab.ruleset import Ruleset
from iptlab.simulate.journey import Journey
from iptlab.simulate.trace import HookVisit, Step, TableVisit
from iptlab.simulate.trips import Attempt, Trip
from iptlab.syntax.listing import target_name

Row = tuple[object, ...]

# --- rules: iptables -L -v --line-numbers ---

RULE = (
    *("num", "pkts", "bytes", "target", "prot", "opt", "in", "out", "source", "destination"),
    "rule",
)


def rule_row(rule: Rule, number: int = 1) -> Row:
    """The columns of ``-L``, and the whole rule as ``iptables-save`` prints it."""
    header = rule.header
    fragment = {None: "--", False: "-f", True: "!f"}
    return (
        number,
        *rule.counters,
        target_name(rule.target),
        _given(header.protocol, "all"),
        fragment[header.fragment.negated if header.fragment else None],
        _given(header.in_interface, "any"),
        _given(header.out_interface, "any"),
        _given(header.src, "anywhere"),
        _given(header.dst, "anywhere"),
        str(rule),
    )


def _given(one: Given[Any] | None, otherwise: str) -> str:
    return f"{'!' * one.negated}{one.value}" if one else otherwise


def chain_rows(chain: Chain) -> Iterator[Row]:
    """A row for each rule."""
    return ((chain.name, *rule_row(rule, at)) for at, rule in enumerate(chain.rules, start=1))


def table_rows(table: Table) -> Iterator[Row]:
    """The rows of its chains, as iptables orders them."""
    return ((str(table.name), *row) for chain in table.ordered() for row in chain_rows(chain))


def ruleset_rows(rules: Ruleset) -> Iterator[Row]:
    """The rows of its tables."""
    return (row for table in rules.tables.values() for row in table_rows(table))


# --- packets on their way ---

VISIT = ("table", "chain", "num", "rule", "packet", "mark", "outcome")
JOURNEY = ("hook", "station", "chain", "num", "rule", "packet", "mark", "ctstate", "outcome")
TRIP = ("machine", "in", "packet", "out", "exit", "fate", "by", "lost")


def visit_rows(visit: TableVisit) -> Iterator[Row]:
    """A row for each rule that was asked and each chain that was left."""
    for event in visit.events:
        row: Row = ("", "", "", "")
        if isinstance(event, Step):
            row = (event.number, str(event.rule), str(event.packet), event.packet.mark)
        yield str(visit.table), event.chain, *row, event.outcome


def hook_visit_rows(visit: HookVisit) -> Iterator[Row]:
    """The rows of its tables."""
    return (row for table in visit.tables for row in visit_rows(table))


def journey_rows(journey: Journey) -> Iterator[Row]:
    """A row for each rule asked, each chain left and each station without rules."""
    for station in journey.stations:
        place = (station.at.hook if station.at else "", station.name)
        state, packet = station.ctstate or "", station.packet
        if station.visit is None:
            yield (*place, "", "", "", str(packet), packet.mark, state, station.note)
            continue
        for _, chain, number, rule, seen, mark, outcome in visit_rows(station.visit):
            yield (*place, chain, number, rule, seen, mark, state, outcome)


def trip_rows(trip: Trip) -> Iterator[Row]:
    """A row for each machine that the packet came to, and for those of what it caused."""
    for leg in trip.legs:
        one, last = leg.journey, leg is trip.last
        exit_ = str(one.exit) if one.exit else ""
        end = (str(one.fate), str(one.by or one.reason), trip.lost if last else "")
        yield leg.machine, one.entry, str(one.packet), one.interface, exit_, *end
    for caused in trip.caused:
        yield from trip_rows(caused)


def attempt_rows(attempt: Attempt) -> Iterator[Row]:
    """The rows of its packets, which are numbered."""
    for number, trip in enumerate(attempt.trips, start=1):
        yield from ((number, *row) for row in trip_rows(trip))


# --- connections: conntrack(8) ---

CONNECTION = (
    *("protonum", "timeout", "state", "orig_src", "orig_dst", "orig_port_src", "orig_port_dst"),
    *("reply_src", "reply_dst", "reply_port_src", "reply_port_dst"),
    *("status", "mark", "zone", "packets", "bytes"),
)


def connection_row(one: Connection) -> Row:
    first, back = (
        (str(end.src), str(end.dst), end.sport, end.dport) for end in (one.original, one.reply)
    )
    status, zone = ",".join(sorted(one.status)), one.zones[0]
    known = (one.protocol, one.expires, one.state)
    return (*known, *first, *back, status, one.mark, zone, sum(one.packets), sum(one.bytes))
