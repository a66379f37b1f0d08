"""A node that nobody has seen before: its Services, and packets for them, made up from a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TypeVar

from iptlab.kubernetes.cluster import Cluster
from iptlab.ruleset import Ruleset
from iptlab.simulate.machine import Machine

T = TypeVar("T")

_NODES = ("alder", "birch", "cedar")
_NAMES = ("blog", "forum", "mail", "music", "photos", "radio", "stock", "wiki")
_STRANGER, _FRIEND = "198.51.100.9", "203.0.113.9"
_FRIENDS = "203.0.113.0/24"
_LOCAL = ", externalTrafficPolicy: Local"

_NODE = """kind: Node
metadata: {{name: {name}}}
spec: {{podCIDR: {pods}.0/24, podCIDRs: [{pods}.0/24]}}
status: {{addresses: [{{type: InternalIP, address: {address}}}]}}
"""
_SERVICE = """kind: Service
metadata: {{name: {0.name}, namespace: shop}}
spec:
  {{type: {0.role.type}, clusterIP: {0.ip}, ports: [{{port: {0.role.port}{1}}}]{0.spec}}}
status: {{loadBalancer: {{ingress: [{2}]}}}}
"""
_SLICE = """kind: EndpointSlice
metadata: {{name: {0.name}, namespace: shop, labels: {{kubernetes.io/service-name: {0.name}}}}}
addressType: IPv4
ports: [{{name: "", port: {0.role.target}, protocol: TCP}}]
endpoints: [{1}]
"""


@dataclass(frozen=True)
class Role:
    """What a Service is there for: its type and ports, its backends, what else it may say.

    ``counts`` are how many backends it may have, ``specs`` what its spec may end with.
    """

    type: str
    port: int
    target: int
    counts: tuple[int, ...]
    specs: tuple[str, ...] = ("",)


_ROLES = (
    Role("ClusterIP", 80, 8080, (2, 3, 4), ("", ", sessionAffinity: ClientIP")),
    Role("NodePort", 443, 8443, (3,), (_LOCAL, _LOCAL, "")),
    Role("NodePort", 8000, 9000, (0,)),
    Role("LoadBalancer", 25, 2525, (2, 3), (f", loadBalancerSourceRanges: [{_FRIENDS}]",)),
)


@dataclass(frozen=True)
class Made:
    """A Service as it is made up: what it is called, where it is, who is behind it.

    ``ends`` are numbers of nodes and pods: (0, 5) is the pod .5 of the first node. Without a
    node port or an address of a load balancer there is 0 or nothing.
    """

    role: Role
    name: str
    ip: str
    ends: tuple[tuple[int, int], ...]
    node_port: int
    vip: str
    spec: str


@dataclass(frozen=True)
class Stranger:
    """A node of a cluster made up from a seed, its rules, and five packets that come to it.

    The cluster has four Services: one for pods, one with a node port, one without backends,
    one with a load balancer for some people only.
    """

    seed: int

    def _number(self, what: str, below: int) -> int:
        """A number of the seed's own for each purpose."""
        return int(sha256(f"{self.seed} {what}".encode()).hexdigest(), 16) % below

    def _choice(self, what: str, options: Sequence[T]) -> T:
        return options[self._number(what, len(options))]

    # --- who is where ---

    @property
    def here(self) -> int:
        """Which of the nodes it is."""
        return self._number("node", len(_NODES))

    @property
    def name(self) -> str:
        """What the node is called."""
        return _NODES[self.here]

    def address(self, number: int) -> str:
        """An address in the network of the nodes, whose own are .10, .11 and .12."""
        return f"192.168.{20 + self._number('around', 200)}.{number}"

    def pods(self, node: int) -> str:
        """The beginning of the addresses of a node's pods."""
        return f"10.{20 + self._number('net', 60)}.{1 + node}"

    def pod(self, node: int, number: int) -> str:
        """The address of a pod."""
        return f"{self.pods(node)}.{number}"

    @cached_property
    def services(self) -> tuple[Made, ...]:
        """Its Services: for pods, with a node port, without backends, with a load balancer."""
        names = sorted(_NAMES, key=lambda name: self._number(name, 1 << 64))
        return tuple(self._made(place, names[place]) for place in range(len(_ROLES)))

    def _made(self, place: int, name: str) -> Made:
        role = _ROLES[place]
        count = self._choice(f"count {place}", role.counts)
        exposed = role.type == "NodePort"
        vip = f"192.0.2.{10 + self._number('vip', 200)}"
        return Made(
            role,
            name,
            ip=f"10.96.{self._number('ip', 200)}.{20 + 30 * place + self._number(name, 30)}",
            ends=tuple((self._number(f"{name} {n}", 3), 10 * place + 11 + n) for n in range(count)),
            node_port=exposed * (30000 + 1000 * place + self._number("node port", 1000)),
            vip=vip if role.type == "LoadBalancer" else "",
            spec=self._choice(f"spec {place}", role.specs),
        )

    # --- its rules ---

    @cached_property
    def manifests(self) -> str:
        """The cluster as manifests."""
        return "---\n".join(self._objects())

    def _objects(self) -> Iterator[str]:
        for n, name in enumerate(_NODES):
            yield _NODE.format(name=name, pods=self.pods(n), address=self.address(10 + n))
        for one in self.services:
            port = f", nodePort: {one.node_port}" if one.node_port else ""
            yield _SERVICE.format(one, port, f"{{ip: {one.vip}}}" if one.vip else "")
            ends = (
                f"{{addresses: [{self.pod(*end)}], nodeName: {_NODES[end[0]]}}}" for end in one.ends
            )
            yield _SLICE.format(one, ", ".join(ends))

    @cached_property
    def machine(self) -> Machine:
        """The node itself."""
        return Cluster.parse(self.manifests).machine(self.name)

    @property
    def rules(self) -> Ruleset:
        """What iptables-save shows there."""
        return self.machine.rules()

    # --- packets ---

    @cached_property
    def packets(self) -> tuple[str, ...]:
        """Five packets to its Services, or past them."""
        inner, door, empty, balanced = self.services
        # a pod that may come to itself, if there is one on this node
        own = (end for end in inner.ends if end[0] == self.here)
        asker = self.pod(*next(own, (self.here, 77)))
        stranger, neighbour = f"in eth0 tcp {_STRANGER}", f"in eth0 tcp {self.address(200)}"
        pod, node = f"in cni0 tcp {self.pod(self.here, 77)}", self.address(10 + self.here)
        nowhere = (
            f"{pod}:40000 -> {empty.ip}:{empty.role.port}",
            f"{stranger}:40000 -> {node}:{empty.node_port}",
            f"{pod}:40000 -> {inner.ip}:{inner.role.port + 1}",
        )
        visitor = self._choice("visitor", (_STRANGER, _FRIEND))
        return (
            f"in cni0 tcp {asker}:40000 -> {inner.ip}:{inner.role.port}",
            f"{stranger}:40000 -> {node}:{door.node_port}",
            self._choice("nowhere", nowhere),
            f"in eth0 tcp {visitor}:40000 -> {balanced.vip}:{balanced.role.port}",
            f"{neighbour}:40000 -> {door.ip}:{door.role.port}",
        )
