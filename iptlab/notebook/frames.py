"""Every public value as a pandas DataFrame, with columns called as the tools call them.

Rules have the heads of ``iptables -L -v --line-numbers``, conntrack entries the options of
conntrack(8), interfaces the keys of ``ip -json address``, Kubernetes objects those of
their manifests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from iptlab.console.lab import Lab
from iptlab.console.shell import Transcript
from iptlab.console.tally import Tally
from iptlab.errors import IptlabError
from iptlab.grading.feedback import Comparison, Difference, became
from iptlab.kernel.verify import Verification
from iptlab.kubernetes.cluster import Backends, Cluster
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.manifests import Manifests
from iptlab.netfilter.context import Connection
from iptlab.netfilter.rules import Chain, Rule, Table
from iptlab.netfilter.values import Given
from iptlab.ruleset import Ruleset
from iptlab.shown import Shown
from iptlab.simulate.host import Host, Interface
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.trace import HookVisit, Step, TableVisit
from iptlab.simulate.trips import Attempt, Trip
from iptlab.syntax.listing import target_name

if TYPE_CHECKING:
    from pandas import DataFrame

Row = tuple[object, ...]


class Columns(NamedTuple):
    """The names of a frame's columns, and the rows of a value."""

    names: tuple[str, ...]
    rows: Callable[[Any], Iterator[Row]]


def frame(value: Shown) -> DataFrame:
    """The value as a frame; one without columns of its own is one row of its fields."""
    # half a second, for those alone who ask for it
    from pandas import DataFrame

    columns = next((FRAMES[kind] for kind in type(value).__mro__ if kind in FRAMES), None)
    if columns is None:
        columns = _fields_of(value)
    return DataFrame(list(columns.rows(value)), columns=columns.names)


def _fields_of(value: Shown) -> Columns:
    if not is_dataclass(value):
        raise IptlabError(f"a {type(value).__name__} has no columns")
    names = tuple(one.name for one in fields(value))
    return Columns(names, lambda one: iter([tuple(getattr(one, name) for name in names)]))


# --- rules: iptables -L -v --line-numbers ---

_RULE = (
    *("num", "pkts", "bytes", "target", "prot", "opt", "in", "out", "source", "destination"),
    "rule",
)


def _rule(rule: Rule, number: int = 1) -> Row:
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


def _chain(chain: Chain) -> Iterator[Row]:
    return ((chain.name, *_rule(rule, at)) for at, rule in enumerate(chain.rules, start=1))


def _table(table: Table) -> Iterator[Row]:
    return ((str(table.name), *row) for chain in table.ordered() for row in _chain(chain))


def _ruleset(rules: Ruleset) -> Iterator[Row]:
    return (row for table in rules.tables.values() for row in _table(table))


# --- packets on their way ---

_VISIT = ("table", "chain", "num", "rule", "packet", "mark", "outcome")
_JOURNEY = ("hook", "station", "chain", "number", "rule", "packet", "mark", "ctstate", "outcome")
_TRIP = ("machine", "in", "packet", "out", "exit", "fate", "by", "lost")


def _visit(visit: TableVisit) -> Iterator[Row]:
    """A row for each rule that was asked and each chain that was left."""
    for event in visit.events:
        row: Row = ("", "", "", "")
        if isinstance(event, Step):
            row = (event.number, str(event.rule), str(event.packet), event.packet.mark)
        yield str(visit.table), event.chain, *row, event.outcome


def _hook_visit(visit: HookVisit) -> Iterator[Row]:
    return (row for table in visit.tables for row in _visit(table))


def _journey(journey: Journey) -> Iterator[Row]:
    """A row for each rule asked, each chain left and each station without rules."""
    for station in journey.stations:
        place = (station.at.hook if station.at else "", station.name)
        state, packet = station.ctstate or "", station.packet
        if station.visit is None:
            yield (*place, "", "", "", str(packet), packet.mark, state, station.note)
            continue
        for _, chain, number, rule, seen, mark, outcome in _visit(station.visit):
            yield (*place, chain, number, rule, seen, mark, state, outcome)


def _trip(trip: Trip) -> Iterator[Row]:
    """A row for each machine that the packet came to, and for those of what it caused."""
    for leg in trip.legs:
        one, last = leg.journey, leg is trip.last
        exit_ = str(one.exit) if one.exit else ""
        end = (str(one.fate), str(one.by or one.reason), trip.lost if last else "")
        yield leg.machine, one.entry, str(one.packet), one.interface, exit_, *end
    for caused in trip.caused:
        yield from _trip(caused)


def _attempt(attempt: Attempt) -> Iterator[Row]:
    for number, trip in enumerate(attempt.trips, start=1):
        yield from ((number, *row) for row in _trip(trip))


# --- connections: conntrack(8) ---

_CONNECTION = (
    *("protonum", "timeout", "state", "orig_src", "orig_dst", "orig_port_src", "orig_port_dst"),
    *("reply_src", "reply_dst", "reply_port_src", "reply_port_dst"),
    *("status", "mark", "zone", "packets", "bytes"),
)


def _connection(one: Connection) -> Row:
    first, back = (
        (str(end.src), str(end.dst), end.sport, end.dport) for end in (one.original, one.reply)
    )
    status, zone = ",".join(sorted(one.status)), one.zones[0]
    known = (one.protocol, one.expires, one.state)
    return (*known, *first, *back, status, one.mark, zone, sum(one.packets), sum(one.bytes))


# --- machines: ip -json address ---

_INTERFACE = ("ifname", "operstate", "mtu", "address", "family", "local", "prefixlen")


def _interface(one: Interface) -> Iterator[Row]:
    """A row for each address; one without addresses has a row all the same."""
    link = (one.name, "UP" if one.up else "DOWN", one.mtu, one.mac)
    for ends in one.addresses:
        family = "inet" if ends.version == 4 else "inet6"
        yield *link, family, str(ends.ip), ends.network.prefixlen
    if not one.addresses:
        yield *link, "", "", None


def _host(host: Host) -> Iterator[Row]:
    return (row for one in host.interfaces for row in _interface(one))


def _lab(lab: Lab) -> Iterator[Row]:
    for place in lab.map.places:
        for card in place.cards:
            yield from ((place.name, *row) for row in _interface(card))


def _transcript(transcript: Transcript) -> Iterator[Row]:
    for one in transcript.ran:
        yield one.line.number, one.shown("").strip(), one.status, one.stdout, one.stderr


# --- Kubernetes ---


def _manifests(manifests: Manifests) -> Iterator[Row]:
    for service in manifests.services:
        yield "Service", service.namespace, service.name
    for some in manifests.slices:
        yield "EndpointSlice", some.namespace, some.name
    for node in manifests.nodes:
        yield "Node", "", node.name


def _cluster(cluster: Cluster) -> Iterator[Row]:
    """A row for each pod, as ``kubectl get pods -A -o wide`` has it."""
    for pod in cluster.pods:
        namespace, _, name = pod.name.rpartition("/")
        yield namespace, name, ",".join(map(str, pod.addresses)), pod.node


def _proxy(proxy: Proxy) -> Iterator[Row]:
    """A row for each service port and endpoint that the node's rules use."""
    for plan in proxy.plans():
        port = plan.port
        place = (port.name, str(port.protocol), port.cluster_ip, port.port, port.node_port)
        for end in plan.choice.reachable:
            yield *place, end.text, end.endpoint.node, plan.endpoint_chains[end.text]
        if not plan.choice.reachable:
            yield *place, "", "", ""


# --- comparisons ---


def _verification(found: Verification) -> Iterator[Row]:
    for one in found.comparisons:
        yield from ((one.situation, str(one.backend), *row) for row in one.rows())


def _difference(one: Difference) -> Iterator[Row]:
    for side, plays in zip(("expected", "actual"), one.sides, strict=True):
        for play in plays:
            yield side, one.situation, became(play, one.case.packet), float(play.probability)


def _comparison(one: Comparison) -> Iterator[Row]:
    return _difference(one.difference) if one.difference else iter(())


_DIFFERENCE = ("side", "situation", "outcome", "probability")
_BACKEND = ("pod", "address", "port", "source", "result", "probability")

FRAMES: dict[type[Shown], Columns] = {
    Rule: Columns(_RULE, lambda rule: iter([_rule(rule)])),
    Chain: Columns(("chain", *_RULE), _chain),
    Table: Columns(("table", "chain", *_RULE), _table),
    Ruleset: Columns(("table", "chain", *_RULE), _ruleset),
    TableVisit: Columns(_VISIT, _visit),
    HookVisit: Columns(_VISIT, _hook_visit),
    Journey: Columns(_JOURNEY, _journey),
    Trip: Columns(_TRIP, _trip),
    Attempt: Columns(("number", *_TRIP), _attempt),
    Connection: Columns(_CONNECTION, lambda one: iter([_connection(one)])),
    Machine: Columns(_CONNECTION, lambda machine: map(_connection, machine.connections())),
    Interface: Columns(_INTERFACE, _interface),
    Host: Columns(_INTERFACE, _host),
    Lab: Columns(("host", *_INTERFACE), _lab),
    Tally: Columns(
        ("who", "likely", "expected", "counted"),
        lambda tally: (
            (one.who, one.likely, float(tally.expected(one)), one.counted) for one in tally.shares
        ),
    ),
    Transcript: Columns(("line", "command", "status", "stdout", "stderr"), _transcript),
    Manifests: Columns(("kind", "namespace", "name"), _manifests),
    Backends: Columns(
        _BACKEND,
        lambda backends: map(attrgetter(*_BACKEND), backends),
    ),
    Cluster: Columns(("namespace", "name", "ip", "node"), _cluster),
    Proxy: Columns(
        (
            *("service", "protocol", "clusterIP", "port", "nodePort"),
            *("endpoint", "node", "chain"),
        ),
        _proxy,
    ),
    Verification: Columns(
        ("situation", "backend", "what", "simulator", "kernel", "agrees"), _verification
    ),
    Difference: Columns(_DIFFERENCE, _difference),
    Comparison: Columns(_DIFFERENCE, _comparison),
}
