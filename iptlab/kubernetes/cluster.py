"""A cluster to send packets through: nodes with kube-proxy's rules, pods, and a client outside.

Every packet is followed machine by machine, so an answer shows what each node made of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from iptlab.errors import ManifestError
from iptlab.kubernetes.addresses import canonical
from iptlab.kubernetes.config import Config
from iptlab.kubernetes.destination import Destination, read_destination
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.node_proxy import NodeProxy
from iptlab.kubernetes.placement import CLIENT, GATEWAY, Placement, Pod, usual_config
from iptlab.kubernetes.sync import Sync
from iptlab.kubernetes.topology import Topology
from iptlab.ruleset import Ruleset
from iptlab.shown import Shown
from iptlab.simulate.chance import Chooser
from iptlab.simulate.machine import Machine
from iptlab.simulate.network import Attempt, Network, Result


@dataclass(frozen=True)
class Backend:
    """Who may answer a client, and how likely it is; without an answer ``pod`` is empty.

    ``address`` and ``port`` are where the first packet arrived, ``source`` is whom the pod
    takes for the client.
    """

    pod: str
    address: str
    port: int
    source: str
    result: Result
    probability: Fraction

    @classmethod
    def of(cls, attempt: Attempt) -> Backend:
        """What an attempt says about who answers, apart from its probability."""
        got = attempt.seen or attempt.packet
        pod = attempt.listener or attempt.server
        source = str(got.src) if attempt.seen else ""
        return cls(pod, str(got.dst), got.dport or 0, source, attempt.result, Fraction(0))

    @property
    def place(self) -> str:
        """Its address and port: 10.244.1.5:8080."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.port}"

    def __str__(self) -> str:
        who = f"{self.pod} {self.place}, sees {self.source}" if self.pod else self.result
        return f"{_chance(self.probability)}: {who}"

    def __repr__(self) -> str:
        return f"<{self}>"


class Backends(Shown, tuple[Backend, ...]):
    """Who may answer, one a line where it is printed."""

    @classmethod
    def of(cls, attempts: Iterable[Attempt]) -> Self:
        """Those who answer in these, the likeliest first; the same from two ways counts once."""
        found: dict[Backend, Fraction] = {}
        for attempt in attempts:
            backend = Backend.of(attempt)
            found[backend] = found.get(backend, Fraction(0)) + attempt.probability
        likely = [replace(one, probability=chance) for one, chance in found.items()]
        return cls(sorted(likely, key=lambda one: (-one.probability, one.pod, one.address)))

    def __str__(self) -> str:
        return "\n".join(map(str, self))


# how far a kernel's chance may be from the fraction that is meant: it counts in 2**-31 parts
_ROUNDED = Fraction(1, 1 << 24)


def _chance(exact: Fraction) -> str:
    """A probability to read: 1/3 is about 1/3 for the kernel, with a long denominator."""
    meant = exact.limit_denominator(1_000)
    if meant == exact:
        return str(exact)
    if abs(meant - exact) < _ROUNDED:
        return f"about {meant}"
    return f"about {float(exact):.10f}"


class Cluster(Shown):
    """Nodes, pods and a client outside, joined as in a cluster without an overlay network.

    Machines are called by name: nodes, pods as ``namespace/name`` (or the name alone where it
    is clear), ``client`` for one outside. A node's kube-proxy starts when the first packet
    comes to it, or when ``rules`` are asked for.

    Simplified: pods are routed, not bridged, and nothing masks their addresses towards the
    outside. The gateway stands for a load balancer that sends all packets to one node.
    """

    def __init__(self, manifests: Manifests, config: Config | None = None) -> None:
        self.place = Placement(manifests, config or usual_config(manifests))
        self._proxies: dict[str, NodeProxy] = {}
        self.network = self._network({})

    def __repr__(self) -> str:
        return f"<Cluster of {len(self.nodes)} nodes and {len(self.pods)} pods>"

    @classmethod
    def parse(cls, text: str, config: Config | None = None) -> Cluster:
        """A cluster out of manifests; ``config`` are the settings of all its kube-proxies."""
        return cls(Manifests.parse(text), config)

    @classmethod
    def read(cls, path: str | Path, config: Config | None = None) -> Cluster:
        """A cluster out of a file, ``-`` for the standard input."""
        return cls(Manifests.read(path), config)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes."""
        return tuple(self.place.nodes)

    @property
    def pods(self) -> tuple[Pod, ...]:
        """The pods that endpoints name, and those that were run."""
        return tuple(self.place.pods.values())

    # --- sending ---

    def connect(self, client: str, to: str, *, choose: Chooser | None = None) -> Attempt:
        """Open a connection: ``connect("client", "http://node-a:30080")``.

        ``to`` is a URL (tcp, udp, sctp, http, https) or a Service: ``shop/web:http``. UDP and
        SCTP send the first packet and await an answer.
        """
        return _connect(self.network, self._machine(client), self._read(to), choose)

    def outcomes(self, client: str, to: str) -> Iterator[Attempt]:
        """Everything that chance may make of a connection; the cluster stays as it is."""
        name, destination = self._machine(client), self._read(to)
        return self.network.outcomes(lambda n, choose: _connect(n, name, destination, choose))

    def backends(self, client: str, to: str) -> Backends:
        """Who may answer, the likeliest first; the same answer from two ways counts once."""
        return Backends.of(self.outcomes(client, to))

    def draws(self, client: str, to: str, choose: Chooser) -> Iterator[Backend]:
        """Who answers one connection after another, without end; the cluster stays as it is."""
        name, destination = self._machine(client), self._read(to)
        network = self.network.copy()
        while True:
            yield Backend.of(_connect(network, name, destination, choose))

    def wait(self, seconds: float) -> None:
        """Let time pass: connections time out, affinity wears off."""
        self.network.wait(seconds)

    # --- changing ---

    def apply(
        self, manifests: Manifests | str, *, pods: Iterable[Pod] | None = None
    ) -> tuple[Sync, ...]:
        """Change the cluster's objects to these; every running kube-proxy takes notice.

        ``pods`` are those that run, known to a Service or not; without them nothing changes
        about pods that were run.

        Connections go on as conntrack has them, but for the entries that kube-proxy deletes.
        What was run on a node that is gone is gone with it.
        """
        if isinstance(manifests, str):
            manifests = Manifests.parse(manifests)
        place = self.place.with_manifests(manifests)
        self._change(place if pods is None else replace(place, extra=tuple(pods)))
        return tuple(
            sync
            for name, proxy in self._proxies.items()
            for sync in proxy.sync(self._known, self.network[name])
        )

    def run(self, pod: str, *, node: str = "", address: str = "") -> None:
        """Start a pod on a node that no Service knows, or a machine outside with an address."""
        if bool(node) == bool(address):
            inside = f'run("shop/shell", node="{self.nodes[0]}")'
            cure = f'Write {inside} or run("office", address="198.51.100.9").'
            raise ManifestError(f"{pod} needs a node or an address outside", cure=cure)
        if pod in {*self.place.pods, *self.nodes, CLIENT, GATEWAY}:
            raise ManifestError(f"there is a machine {pod} already", cure="Choose another name.")
        if node:
            addresses = self.place.free_addresses(self._node(node))
        elif canonical(address):
            addresses = (ip_address(address),)
        else:
            raise ManifestError(
                f"`{address}' is no address", cure="Write one such as 198.51.100.9."
            )
        if taken := [self.place.owners[one] for one in addresses if one in self.place.owners]:
            raise ManifestError(f"{address} belongs to {taken[0]}", cure="Choose another address.")
        extra = (*self.place.extra, Pod(pod, node, addresses))
        self._change(replace(self.place, extra=extra))

    def route(self, address: str, node: str) -> None:
        """Have the gateway send packets to an address through a node, as a load balancer does."""
        if not canonical(address):
            raise ManifestError(f"`{address}' is no address", cure="Write one such as 192.0.2.10.")
        routed = {**self.place.routed, canonical(address): self._node(node)}
        self._change(replace(self.place, routed=routed))

    # --- looking ---

    def machine(self, name: str) -> Machine:
        """A node, pod or client, to look at its connections or send packets by hand."""
        return self.network[self._machine(name)]

    def rules(self, node: str, family: int = 4) -> Ruleset:
        """The rules of a node as they stand now, with their counters."""
        return self.network[self._node(node)].rules(family)

    # --- inside ---

    @property
    def _topology(self) -> Topology:
        return Topology(self.place)

    @property
    def _known(self) -> Manifests:
        """The manifests as kube-proxy sees them: with what nodes lack filled in."""
        nodes = tuple(self.place.nodes.values())
        return replace(self.place.manifests, nodes=nodes)

    def _change(self, place: Placement) -> None:
        """Go on with other machines and wires; those that stay keep what they remember."""
        topology = Topology(place)
        # all before any is changed: a place without room is refused, and nothing happened
        hosts = {name: topology.host(name) for name in self.network.machines}
        self.place = place
        awake = {}
        for name, machine in self.network.machines.items():
            host = hosts[name]
            if host is not None:
                machine.configure(host)
                awake[name] = machine
        self._proxies = {name: one for name, one in self._proxies.items() if name in awake}
        before = self.network
        self.network = self._network(awake)
        self.network.ports, self.network.now = before.ports, before.now

    def _network(self, machines: dict[str, Machine]) -> Network:
        topology = self._topology
        return Network(machines, topology.links(), topology.listeners(), wake=self._made)

    def _made(self, name: str) -> Machine | None:
        """A machine that nothing came to before, in this network or a copy of it.

        Nodes and the gateway are kept here, so that the next copy has them already.
        """
        host = self._topology.host(name)
        if host is None:
            return None
        number = self.nodes.index(name) if name in self.place.nodes else 0
        machine = Machine(host, seed=number, now=self.network.now)
        if name in self.place.nodes:
            self._proxies[name] = NodeProxy.of(name, self.place.config)
            self._proxies[name].sync(self._known, machine)
        elif name != GATEWAY:
            return machine
        self.network.machines[name] = machine
        return machine.copy()

    def _read(self, to: str) -> Destination:
        return read_destination(str(to), self.place.manifests, self.place.nodes)

    def _node(self, name: str) -> str:
        """The name, if there is such a node."""
        if name not in self.place.nodes:
            raise ManifestError(f"there is no node `{name}'", cure=_there_are(self.nodes))
        return name

    def _machine(self, name: str) -> str:
        """The full name of a machine; a pod may be called without its namespace."""
        pods = self.place.pods
        if name in pods or name in self.place.nodes or name == CLIENT:
            return name
        fitting = [one for one in pods if one.endswith(f"/{name}")]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise ManifestError(f"there are several pods `{name}'", cure=_there_are(fitting))
        cure = _there_are((CLIENT, *self.nodes, *pods))
        raise ManifestError(f"there is no machine `{name}'", cure=cure)


def _there_are(names: Iterable[str]) -> str:
    some = list(names)
    return f"There are {', '.join(some[:12])}{', …' * (len(some) > 12)}."


def _connect(
    network: Network, client: str, to: Destination, choose: Chooser | None = None
) -> Attempt:
    return network.connect(client, to.address, to.port, protocol=to.protocol, choose=choose)
