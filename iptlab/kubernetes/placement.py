"""Who has which address in a cluster, worked out from its manifests and filled in.

Nodes and pods that the manifests do not say enough about get what a small cluster would have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from ipaddress import ip_address, ip_network
from typing import TypeVar

from iptlab.errors import ManifestError
from iptlab.kubernetes.addresses import Network, family_of
from iptlab.kubernetes.config import Config, of_family
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.objects import Endpoint, EndpointSlice, Node, Service, Transport
from iptlab.packet import Address, Family

T = TypeVar("T")

CLIENT, GATEWAY = "client", "gateway"

# what machines get that the manifests say nothing about; documentation networks outside
_NODES = {Family.IPV4: ip_network("192.168.10.0/24"), Family.IPV6: ip_network("fd00:192:168::/64")}
_PODS = {Family.IPV4: ip_network("10.244.0.0/16"), Family.IPV6: ip_network("fd00:10:244::/48")}
_OUTSIDE = {
    Family.IPV4: [ip_network(f"{net}.0/24") for net in ("203.0.113", "198.51.100", "192.0.2")],
    Family.IPV6: [ip_network(f"2001:db8:{net}::/64") for net in ("113", "198", "192")],
}
_CLIENT_NUMBER = 7
_FIRST_NODE = 11
# how long prefixes are: of a node's pods, of the network around a node's address
OF_NODE = {Family.IPV4: 24, Family.IPV6: 64}


@dataclass(frozen=True)
class Pod:
    """A pod: its machine's name is ``namespace/name``, its node and its addresses.

    One without a node is a machine outside, such as a database that endpoints name by address.
    ``listens`` are the ports that processes wait on; None if only endpoints tell of them.
    """

    name: str
    node: str
    addresses: tuple[Address, ...]
    listens: frozenset[tuple[Transport, int]] | None = None


@dataclass(frozen=True)
class Placement:
    """Who is where in a cluster: nodes, pods, a gateway and a client outside.

    ``extra`` are pods that no endpoint names, ``routed`` addresses that the gateway is told
    to send to a certain node, ``guessed`` nodes that only endpoints told of before.
    """

    manifests: Manifests
    config: Config
    extra: tuple[Pod, ...] = ()
    routed: Mapping[str, str] = field(default_factory=dict)
    guessed: tuple[Node, ...] = ()

    def with_manifests(self, manifests: Manifests) -> Placement:
        """The same for other manifests, without what was on nodes that are gone.

        A node that no manifest described is there for good.
        """
        described = {one.name for one in self.manifests.nodes}
        guessed = tuple(one for name, one in self.nodes.items() if name not in described)
        after = Placement(manifests, self.config, guessed=guessed)
        extra = tuple(one for one in self.extra if not one.node or one.node in after.nodes)
        routed = {ip: node for ip, node in self.routed.items() if node in after.nodes}
        return replace(after, extra=extra, routed=routed)

    # --- nodes ---

    @cached_property
    def families(self) -> tuple[Family, ...]:
        """The families that the cluster speaks."""
        return self.config.families

    @cached_property
    def nodes(self) -> Mapping[str, Node]:
        """All nodes by name, those too that only endpoints speak of, with all they lack."""
        given = {one.name: one for one in (*self.guessed, *self.manifests.nodes)}
        names = [*given, *sorted({one.node for one in self._endpoints() if one.node} - {*given})]
        names = names or [self.config.node_name or "node-a"]
        taken = {address for one in given.values() for address in one.addresses}
        known = [given.get(name, Node(name)) for name in names]
        for family in self.families:
            known = list(self._addressed(known, family, taken))
            known = list(self._with_pods(known, family))
        return {one.name: one for one in known}

    def _addressed(self, nodes: Iterable[Node], family: Family, taken: set[str]) -> Iterator[Node]:
        """The nodes, each with an address of the family."""
        numbered = map(str, _numbered(_NODES[family], _FIRST_NODE))
        free = (address for address in numbered if address not in taken)
        for one in nodes:
            if one.address(family):
                yield one
                continue
            address = _first(free, f"address for node {one.name}", "Give Nodes status.addresses.")
            yield replace(one, addresses=(*one.addresses, address))

    def _with_pods(self, nodes: list[Node], family: Family) -> Iterator[Node]:
        """The nodes, each with a network for its pods of the family.

        One that is not given is that around the node's first endpoint, else the first free one.
        """
        own = {ip_address(address) for one in nodes for address in one.addresses}
        first: dict[str, Network] = {}
        for end in self._endpoints():
            if family_of(end.address) is family and ip_address(end.address) not in own:
                around = ip_network(f"{end.address}/{OF_NODE[family]}", strict=False)
                first.setdefault(end.node, around)
        given = [net for one in nodes for net in of_family(one.pod_networks, family)]
        taken = {*given}
        free = _PODS[family].subnets(new_prefix=OF_NODE[family])
        next(free)
        for one in nodes:
            if of_family(one.pod_networks, family):
                yield one
                continue
            wished = first.get(one.name)
            if wished is None or any(wished.overlaps(net) for net in taken):
                unused = (net for net in free if not any(net.overlaps(t) for t in taken))
                what = f"network for the pods of node {one.name}"
                wished = _first(unused, what, "Give Nodes spec.podCIDRs that do not overlap.")
            taken.add(wished)
            yield replace(one, pod_networks=(*one.pod_networks, wished))

    def _endpoints(self) -> Iterator[Endpoint]:
        return (endpoint for _, endpoint in self.placed())

    def placed(self) -> Iterator[tuple[EndpointSlice, Endpoint]]:
        """The endpoints of the cluster's families, each with its slice."""
        for one in self.manifests.slices:
            if one.family in self.families:
                yield from ((one, endpoint) for endpoint in one.endpoints)

    # --- pods ---

    @cached_property
    def node_of(self) -> Mapping[Address, str]:
        """The nodes' own addresses in their network, and whose they are."""
        own = {ip_address(a): one.name for one in self.nodes.values() for a in one.addresses}
        more = [ip_address(one) for one in self.config.node_addresses]
        for address in more if self.config.node_name in self.nodes else ():
            if not address.is_loopback and not self._node_around(address):
                own.setdefault(address, self.config.node_name)
        return own

    @cached_property
    def bridges(self) -> Mapping[Network, Address]:
        """The node's own address in every network of pods: the first that no pod has."""
        taken = {address for pod in self.pods.values() for address in pod.addresses}
        networks = [net for one in self.nodes.values() for net in one.pod_networks]
        return {
            net: _first(
                (one for one in _numbered(net) if one not in taken),
                f"address in {net} for the node itself",
                "Give the Node larger spec.podCIDRs.",
            )
            for net in networks
        }

    @cached_property
    def pods(self) -> Mapping[str, Pod]:
        """All pods by name; endpoints with the address of a node are processes of the node."""
        found = {one.name: one for one in self.extra}
        known = {*self.node_of, *(address for one in self.extra for address in one.addresses)}
        for owner, endpoint in self.placed():
            address = ip_address(endpoint.address)
            if address in known:
                continue
            known.add(address)
            usual = f"{owner.service}-{re.sub('[.:]+', '-', endpoint.address)}"
            name = f"{owner.namespace}/{endpoint.pod or usual}"
            node = endpoint.node or self._node_around(address)
            before = found.get(name, Pod(name, node, ()))
            found[name] = replace(before, addresses=(*before.addresses, address))
        return found

    def _node_around(self, address: Address) -> str:
        """The node whose pods' network has the address; empty if it is outside the cluster."""
        nodes = self.nodes.values()
        return next(
            (one.name for one in nodes if any(address in net for net in one.pod_networks)), ""
        )

    @cached_property
    def owners(self) -> Mapping[Address, str]:
        """Who has each address, of nodes, pods and machines outside."""
        pods = {a: one.name for one in self.pods.values() for a in one.addresses}
        return {**self.clients, **pods, **self.node_of}

    @cached_property
    def strays(self) -> Mapping[str, Sequence[Address]]:
        """The addresses of pods that are not in their own node's networks, by node."""
        found: dict[str, list[Address]] = {}
        for pod in self.pods.values():
            networks = self.nodes[pod.node].pod_networks if pod.node else ()
            for address in pod.addresses:
                if not any(address in net for net in networks):
                    found.setdefault(pod.node, []).append(address)
        return found

    def free_addresses(self, node: str) -> tuple[Address, ...]:
        """An address for one more pod of a node in every family, from the end of its networks."""
        networks = self.nodes[node].pod_networks
        highs = {net: min(net.num_addresses, 1 << 16) - 2 for net in networks}
        spaces = ((net[number] for number in range(high, 1, -1)) for net, high in highs.items())
        return tuple(
            _first(
                (one for one in space if one not in self.owners),
                f"address for one more pod of node {node}",
                "Give the Node larger spec.podCIDRs.",
            )
            for space in spaces
        )

    # --- addresses that no manifest says ---

    def _around(self, family: Family) -> Network:
        """The network of the first node's address."""
        first = next(iter(self.nodes.values())).address(family)
        return ip_network(f"{first}/{OF_NODE[family]}", strict=False)

    @cached_property
    def gateways(self) -> Mapping[Family, Address]:
        """The gateway's address in the nodes' network."""
        around = {family: self._around(family) for family in self.families}
        return {
            family: _first(
                (one for one in _numbered(net) if one not in self.node_of),
                f"address in {net} for the gateway",
                "Take one from a Node.",
            )
            for family, net in around.items()
        }

    @cached_property
    def outside(self) -> Mapping[Family, Network]:
        """The network of clients outside: one that no machine of the cluster is in.

        Services may have addresses in it, though not those of the gateway and the client.
        """
        used = {*self.node_of}
        used |= {address for pod in self.pods.values() if not pod.node for address in pod.addresses}
        found = {}
        for family in self.families:
            free = (
                net
                for net in _OUTSIDE[family]
                if not any(one in net for one in used)
                and self.virtual.keys().isdisjoint((net[1], net[_CLIENT_NUMBER]))
            )
            found[family] = next(free, _OUTSIDE[family][0])
        return found

    @cached_property
    def clients(self) -> Mapping[Address, str]:
        return {net[_CLIENT_NUMBER]: CLIENT for net in self.outside.values()}

    @cached_property
    def virtual(self) -> Mapping[Address, str]:
        """The addresses of Services for clients outside, and the node that each leads to.

        A load balancer sends packets of a Service with policy Local where it has a ready
        endpoint; this one takes the first such node.
        """
        found: dict[Address, str] = {}
        for service in self.manifests.services:
            ips = [one.ip for one in service.ingress if one.mode == "VIP"]
            for ip in map(ip_address, (*ips, *service.external_ips)):
                found.setdefault(ip, self._balanced(service))
        return {**found, **{ip_address(ip): node for ip, node in self.routed.items()}}

    def _balanced(self, service: Service) -> str:
        first = next(iter(self.nodes))
        return self._ready.get(service.id, first) if service.external_local else first

    @cached_property
    def _ready(self) -> Mapping[tuple[str, str], str]:
        """The first node that has a ready endpoint of a Service, by the Service's id."""
        found: dict[tuple[str, str], str] = {}
        for owner, endpoint in self.placed():
            if endpoint.ready and endpoint.node:
                found.setdefault(owner.owner, endpoint.node)
        return found


def _numbered(net: Network, least: int = 1) -> Iterator[Address]:
    """The addresses of a network from its second one on, or a later one."""
    return (net[number] for number in range(min(least, net.num_addresses - 1), net.num_addresses))


def _first(free: Iterator[T], what: str, cure: str) -> T:
    """The next that is free; ManifestError if there is none left."""
    for one in free:
        return one
    raise ManifestError(f"there is no {what} left", cure=cure)


def usual_config(manifests: Manifests) -> Config:
    """kube-proxy's settings where nobody gave any: one network for all pods, as kubeadm has it.

    It speaks the families that the cluster's Services and endpoints have.
    """
    families = {one.family for one in manifests.slices}
    families |= {family_of(one.cluster_ip) for one in manifests.services if one.cluster_ip}
    spoken = tuple(sorted(families)) or (Family.IPV4,)
    nodes = Placement(manifests, Config(families=spoken)).nodes.values()
    cidrs = [
        _covering([n for one in nodes for n in of_family(one.pod_networks, f)]) for f in spoken
    ]
    return Config(families=spoken, cluster_cidrs=tuple(cidrs))


def _covering(networks: Sequence[Network]) -> Network:
    """The smallest network with room for many nodes that has all of these in it."""
    most = 16 if networks[0].version == 4 else 48
    length = min(most, *(net.prefixlen for net in networks))
    low, high = min(net[0] for net in networks), max(net[-1] for net in networks)
    while high not in (found := ip_network(f"{low}/{length}", strict=False)):
        length -= 1
    return found
