"""Every public value as a pandas DataFrame, with columns called as the tools call them.

Rules have the heads of ``iptables -L -v --line-numbers``, conntrack entries the options of
conntrack(8), interfaces the keys of ``ip -json address``, Kubernetes objects those of
their manifests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from iptlab.console.lab import Lab
from iptlab.console.shell import Transcript
from iptlab.console.tally import Tally
from iptlab.errors import IptlabError
from iptlab.grading.feedback import Comparison, Difference
from iptlab.kernel.verify import Verification
from iptlab.kubernetes.cluster import Backends, Cluster
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.manifests import Manifests
from iptlab.netfilter.context import Connection
from iptlab.netfilter.rules import Chain, Rule, Table
from iptlab.notebook.packet_rows import (
    CONNECTION,
    JOURNEY,
    RULE,
    TRIP,
    VISIT,
    Row,
    attempt_rows,
    chain_rows,
    connection_row,
    hook_visit_rows,
    journey_rows,
    rule_row,
    ruleset_rows,
    table_rows,
    trip_rows,
    visit_rows,
)
from iptlab.notebook.place_rows import (
    BACKEND,
    INTERFACE,
    backends_rows,
    cluster_rows,
    comparison_rows,
    difference_rows,
    host_rows,
    interface_rows,
    lab_rows,
    manifests_rows,
    proxy_rows,
    tally_rows,
    transcript_rows,
    verification_rows,
)
from iptlab.ruleset import Ruleset
from iptlab.shown import Shown
from iptlab.simulate.host import Host, Interface
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.trace import HookVisit, TableVisit
from iptlab.simulate.trips import Attempt, Trip

if TYPE_CHECKING:
    from pandas import DataFrame


class Columns(NamedTuple):
    """The names of a frame's columns, and the rows of a value."""

    names: tuple[str, ...]
    rows: Callable[[Any], Iterator[Row]]


def frame(value: Shown) -> DataFrame:
    """The value as a frame; one without columns of its own is one row of its fields."""
    try:
        from pandas import DataFrame  # half a second, for those alone who ask for it
    except ImportError:
        cause = "a data frame needs pandas, which is not installed here"
        raise IptlabError(f"{cause}; what you have shows itself without it") from None

    columns = next((FRAMES[kind] for kind in type(value).__mro__ if kind in FRAMES), None)
    if columns is None:
        columns = _fields_of(value)
    return DataFrame(list(columns.rows(value)), columns=columns.names)


def _fields_of(value: Shown) -> Columns:
    if not is_dataclass(value):
        raise IptlabError(f"a {type(value).__name__} has no columns")
    names = tuple(one.name for one in fields(value))
    return Columns(names, lambda one: iter([tuple(getattr(one, name) for name in names)]))


_DIFFERENCE = ("side", "situation", "outcome", "probability")
FRAMES: dict[type[Shown], Columns] = {
    Rule: Columns(RULE, lambda rule: iter([rule_row(rule)])),
    Chain: Columns(("chain", *RULE), chain_rows),
    Table: Columns(("table", "chain", *RULE), table_rows),
    Ruleset: Columns(("table", "chain", *RULE), ruleset_rows),
    TableVisit: Columns(VISIT, visit_rows),
    HookVisit: Columns(VISIT, hook_visit_rows),
    Journey: Columns(JOURNEY, journey_rows),
    Trip: Columns(TRIP, trip_rows),
    Attempt: Columns(("number", *TRIP), attempt_rows),
    Connection: Columns(CONNECTION, lambda one: iter([connection_row(one)])),
    Machine: Columns(CONNECTION, lambda machine: map(connection_row, machine.connections())),
    Interface: Columns(INTERFACE, interface_rows),
    Host: Columns(INTERFACE, host_rows),
    Lab: Columns(("host", *INTERFACE), lab_rows),
    Tally: Columns(("who", "chance", "expected", "counted"), tally_rows),
    Transcript: Columns(("line", "command", "status", "stdout", "stderr"), transcript_rows),
    Manifests: Columns(("kind", "namespace", "name"), manifests_rows),
    Backends: Columns(BACKEND, backends_rows),
    Cluster: Columns(("namespace", "name", "ip", "node"), cluster_rows),
    Proxy: Columns(
        (
            *("service", "protocol", "clusterIP", "port", "nodePort"),
            *("endpoint", "node", "chain"),
        ),
        proxy_rows,
    ),
    Verification: Columns(
        ("situation", "backend", "what", "simulator", "kernel", "agrees"), verification_rows
    ),
    Difference: Columns(_DIFFERENCE, difference_rows),
    Comparison: Columns(_DIFFERENCE, comparison_rows),
}
