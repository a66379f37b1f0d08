"""What Services cost in rules: how many, how long their text, how many a packet has to pass.

All but the times is counted on rules that kube-proxy writes and packets that the simulator
sends, so it is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_network

from iptlab.errors import IptlabError
from iptlab.kubernetes.config import Config
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.loading import load
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.objects import Endpoint, EndpointSlice, Node, PortSpec, Service, SlicePort
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.trace import Step

MOST_SERVICES, MOST_ENDPOINTS = 20_000, 100
_PODS = ip_network("10.128.0.0/9")
_NODE = Node("node1", addresses=("192.168.10.11",))
_POD = "10.128.255.9"


@dataclass(frozen=True)
class Cost:
    """What a node pays for so many Services.

    ``save`` are the bytes that iptables-save prints, ``change`` those that kube-proxy hands to
    iptables-restore when one endpoint goes away. ``first`` is how many rules the first packet
    of a connection passes if it goes to the last Service and its last endpoint: no other
    passes more. ``later`` is how many each further packet of that connection passes.
    ``full_sync`` and ``partial_sync`` are the seconds that this library, not the real
    kube-proxy, takes to write all rules, and to write that change.
    """

    services: int
    rules: int
    save: int
    change: int
    first: int
    later: int
    full_sync: float
    partial_sync: float


Clock = Callable[[], float]


def cost(services: int, endpoints: int = 3, *, clock: Clock = lambda: 0.0) -> Cost:
    """Count it on one node; with a ``clock`` the times are measured too.

    >>> some, more = cost(10), cost(110)
    >>> more.first - some.first, more.later - some.later
    (100, 0)
    """
    manifests = cluster(services, endpoints)
    proxy, fewer = Proxy(Config(cluster_cidrs=(_PODS,))), _without_one(manifests)
    begun = clock()
    whole = proxy.sync(manifests)
    full_sync, begun = clock() - begun, clock()
    part = proxy.sync(fewer)
    partial_sync = clock() - begun
    rules = load(whole)
    first, later = _passed(rules, manifests.services[-1].cluster_ip)
    chains = [chain for table in rules.tables.values() for chain in table.chains.values()]
    return Cost(
        services,
        sum(len(chain.rules) for chain in chains),
        len(rules.save()),
        len(part.text),
        first,
        later,
        full_sync,
        partial_sync,
    )


def cluster(services: int, endpoints: int = 3) -> Manifests:
    """So many Services with one port and so many endpoints each."""
    for count, most, what in (
        (services, MOST_SERVICES, "Services"),
        (endpoints, MOST_ENDPOINTS, "endpoints"),
    ):
        if not 1 <= count <= most:
            raise IptlabError(f"{count} {what} cannot be measured; write 1 to {most:,}")
    numbers = range(services)
    return Manifests(
        tuple(
            Service("default", _name(n), cluster_ip=f"10.96.{_place(n)}", ports=(PortSpec(80),))
            for n in numbers
        ),
        tuple(_slice(n, endpoints) for n in numbers),
        (_NODE,),
    )


def _slice(number: int, endpoints: int) -> EndpointSlice:
    ends = tuple(Endpoint(f"10.{129 + pod}.{_place(number)}") for pod in range(endpoints))
    name = _name(number)
    return EndpointSlice("default", f"{name}-x", name, ports=(SlicePort(8080),), endpoints=ends)


def _name(number: int) -> str:
    """A name; kube-proxy's rules here are in the order of names, so that the last is known."""
    return f"svc-{number:05}"


def _place(number: int) -> str:
    """The last two bytes of an address for each number; none ends in 0 or 255."""
    return f"{number // 250}.{number % 250 + 1}"


def _without_one(manifests: Manifests) -> Manifests:
    """The same after the first endpoint of the first Service is gone."""
    first, *others = manifests.slices
    return replace(
        manifests, slices=(replace(first, endpoints=first.endpoints[1:], digest="less"), *others)
    )


def _passed(rules: Ruleset, cluster_ip: str) -> tuple[int, int]:
    """How many rules a connection's first packet passes, and how many a later one."""
    router = Host.router(lan="10.128.255.1/24", wan="192.168.10.11/24")
    machine = Machine(router.with_rules(rules))
    ends = f"tcp {_POD}:40000 -> {cluster_ip}:80"
    # no chance but the last is taken
    syn = machine.receive("eth1", f"{ends} SYN", choose=lambda _: False)
    assert syn.exit is not None, "kube-proxy's rules forward to endpoints"
    machine.receive("eth0", f"tcp {syn.exit.dst}:8080 -> {_POD}:40000 SYN,ACK")
    return _asked(syn), _asked(machine.receive("eth1", f"{ends} ACK"))


def _asked(journey: Journey) -> int:
    """How many rules were asked about a packet."""
    events = (event for visit in journey.visits() for event in visit.events)
    return sum(isinstance(event, Step) for event in events)
