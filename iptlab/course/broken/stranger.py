"""A node that nobody has seen before: its Services, and packets for them, made up from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import islice

from iptlab.kubernetes.cluster import Cluster
from iptlab.ruleset import Ruleset
from iptlab.simulate.machine import Machine

_NODES = ("alder", "birch", "cedar")
_NAMES = ("blog", "forum", "mail", "music", "photos", "radio", "stock", "wiki")
_STRANGER, _FRIEND = "198.51.100.9", "203.0.113.9"
_FRIENDS = "203.0.113.0/24"

_NODE = """kind: Node
metadata: {{name: {name}}}
spec: {{podCIDR: {pods}.0/24, podCIDRs: [{pods}.0/24]}}
status: {{addresses: [{{type: InternalIP, address: {address}}}]}}
"""
_SERVICE = """kind: Service
metadata: {{name: {name}, namespace: shop}}
spec: {{clusterIP: {ip}, ports: [{{port: {port}, targetPort: {target}{more_port}}}]{more}}}
{status}"""
_SLICE = """kind: EndpointSlice
metadata: {{name: {name}, namespace: shop, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
ports: [{{name: "", port: {target}, protocol: TCP}}]
endpoints: [{ends}]
"""


@dataclass(frozen=True)
class _Service:
    """A Service as it is made up: what it is called, where it is, who is behind it.

    ``ends`` are numbers of nodes and pods: (0, 5) is the pod .5 of the first node.
    """

    name: str
    ip: str
    port: int
    target: int
    ends: tuple[tuple[int, int], ...]
    node_port: int = 0
    more: str = ""
    vip: str = ""


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

    @property
    def here(self) -> int:
        """Which of the nodes it is."""
        return self._number("node", 3)

    @property
    def name(self) -> str:
        """What the node is called."""
        return _NODES[self.here]

    def address(self, number: int) -> str:
        """An address in the network of the nodes, whose own are .10, .11 and .12."""
        return f"192.168.{20 + self._number('around', 200)}.{number}"

    def pod(self, node: int, number: int) -> str:
        """The address of a pod; every node has a network for its own."""
        return f"{self.pods(node)}.{number}"

    def pods(self, node: int) -> str:
        """The beginning of the addresses of a node's pods."""
        return f"10.{20 + self._number('net', 60)}.{1 + node}"

    @cached_property
    def services(self) -> tuple[_Service, ...]:
        """Its Services: for pods, with a node port, without backends, with a load balancer."""
        policy = ", type: NodePort, externalTrafficPolicy: Local"
        policies = (policy, policy, ", type: NodePort")
        return (
            self._made("inner", count=2 + self._number("inner", 3), more=self._affinity),
            self._made("door", count=3, node_port=True, more=policies[self._number("policy", 3)]),
            self._made("empty", count=0, node_port=True, more=", type: NodePort"),
            self._made("balanced", count=2 + self._number("balanced", 2), vip=True),
        )

    @property
    def _affinity(self) -> str:
        return ", sessionAffinity: ClientIP" * self._number("affinity", 2)

    def _made(
        self, role: str, *, count: int, node_port: bool = False, more: str = "", vip: bool = False
    ) -> _Service:
        """A Service with a role; pods are on nodes as it comes."""
        order = sorted(_NAMES, key=lambda name: self._number(name, 1 << 64))
        place = ("inner", "door", "empty", "balanced").index(role)
        ends = ((self._number(f"{role} {n}", 3), 10 * place + 11 + n) for n in range(count))
        ranges = f", type: LoadBalancer, loadBalancerSourceRanges: [{_FRIENDS}]"
        return _Service(
            name=order[place],
            ip=f"10.96.{self._number('ip', 200)}.{20 + 30 * place + self._number(role, 30)}",
            port=(80, 443, 8000, 25)[place],
            target=(8080, 8443, 9000, 2525)[place],
            ends=tuple(ends),
            node_port=node_port * (30000 + 1000 * place + self._number("node port", 1000)),
            more=ranges if vip else more,
            vip=f"192.0.2.{10 + self._number('vip', 200)}" if vip else "",
        )

    # --- its rules ---

    @cached_property
    def manifests(self) -> str:
        """The cluster as manifests."""
        nodes = (
            _NODE.format(name=name, pods=self.pods(n), address=self.address(10 + n))
            for n, name in enumerate(_NODES)
        )
        return "---\n".join([*nodes, *map(self._service, self.services), *self._slices()])

    def _service(self, one: _Service) -> str:
        status = f"status: {{loadBalancer: {{ingress: [{{ip: {one.vip}}}]}}}}\n" if one.vip else ""
        more_port = f", nodePort: {one.node_port}" if one.node_port else ""
        return _SERVICE.format(**vars(one) | {"more_port": more_port, "status": status})

    def _slices(self) -> list[str]:
        return [
            _SLICE.format(
                name=one.name,
                target=one.target,
                ends=", ".join(
                    f"{{addresses: [{self.pod(*end)}], nodeName: {_NODES[end[0]]}}}"
                    for end in one.ends
                ),
            )
            for one in self.services
            if one.ends
        ]

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
        pod = f"in cni0 tcp {self.pod(self.here, 77)}:40000"
        stranger = f"in eth0 tcp {_STRANGER}:40000"
        askers = [*self._own(inner), pod]
        nowhere = [
            f"{pod} -> {empty.ip}:{empty.port}",
            f"{stranger} -> {self.address(10 + self.here)}:{empty.node_port}",
            f"{pod} -> {inner.ip}:{inner.port + 1}",
        ]
        visitor = (_STRANGER, _FRIEND)[self._number("visitor", 2)]
        return (
            f"{askers[0]} -> {inner.ip}:{inner.port}",
            f"{stranger} -> {self.address(10 + self.here)}:{door.node_port}",
            nowhere[self._number("nowhere", 3)],
            f"in eth0 tcp {visitor}:40000 -> {balanced.vip}:{balanced.port}",
            f"in eth0 tcp {self.address(200)}:40000 -> {door.ip}:{door.port}",
        )

    def _own(self, service: _Service) -> list[str]:
        """A packet from a pod of this node that is behind the Service itself, if there is one."""
        own = (end for end in service.ends if end[0] == self.here)
        return [f"in cni0 tcp {self.pod(*end)}:40000" for end in islice(own, 1)]
