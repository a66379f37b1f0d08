"""A cluster's machines and wires: interfaces, routes, links, and who listens where.

Every node has ``eth0`` in the nodes' network and a bridge for its pods. It reaches other nodes'
pods through these nodes (as flannel's host-gw does), the rest of the world through a gateway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface, ip_network

from iptlab.kubernetes.addresses import Network
from iptlab.kubernetes.config import DetectLocal, of_family
from iptlab.kubernetes.objects import Node, Transport
from iptlab.kubernetes.placement import CLIENT, GATEWAY, OF_NODE, Placement, Pod
from iptlab.packet import Address, Family, Protocol
from iptlab.simulate.host import Host, Interface, interfaces
from iptlab.simulate.network import Link, Listener, Plug
from iptlab.simulate.routing import Route

PROTOCOLS = {
    Transport.TCP: Protocol.TCP,
    Transport.UDP: Protocol.UDP,
    Transport.SCTP: Protocol.SCTP,
}

_EVERYWHERE = {Family.IPV4: ip_network("0.0.0.0/0"), Family.IPV6: ip_network("::/0")}
_FORWARDING = {"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1}


@dataclass(frozen=True)
class Topology:
    """The machines of a cluster as hosts, and the links between them."""

    place: Placement

    @property
    def bridge(self) -> str:
        """The interface of every node that its pods are behind; detectors may want a name."""
        match self.place.config.detect_local:
            case DetectLocal.BRIDGE:
                return self.place.config.bridge_interface or "cni0"
            case DetectLocal.PREFIX:
                return f"{self.place.config.interface_name_prefix or 'cni'}0"
        return "cni0"

    # --- machines ---

    def host(self, name: str) -> Host | None:
        """The machine of a name, without rules; None if there is none."""
        if name in self.place.nodes:
            return self._node_host(self.place.nodes[name])
        if name == GATEWAY:
            return self._gateway_host()
        if name == CLIENT:
            return self._outsider_host(name, tuple(self.place.clients))
        pod = self.place.pods.get(name)
        if pod is None:
            return None
        return self._pod_host(pod) if pod.node else self._outsider_host(name, pod.addresses)

    def _node_host(self, node: Node) -> Host:
        own = [f"{one}/{OF_NODE[Family(one.version)]}" for one in self._own(node.name)]
        pods = [f"{self.place.bridges[net]}/{net.prefixlen}" for net in self._networks(node)]
        routes = [Route(_only(one), self.bridge) for one in self.place.strays.get(node.name, ())]
        routes += self._to_nodes(besides=node.name, own=own)
        routes += self._to_pods(besides=node.name)
        routes += [Route(_EVERYWHERE[f], "eth0", via) for f, via in self.place.gateways.items()]
        localnet = self.place.config.localhost_node_ports
        switches = {
            **_FORWARDING,
            "ipv4/conf/all/route_localnet": int(localnet),
            "netfilter/nf_conntrack_tcp_be_liberal": int(self.place.config.be_liberal),
        }
        named = interfaces((("eth0", own), (self.bridge, pods)))
        return Host(named, tuple(routes), sysctls=switches, name=node.name)

    def _gateway_host(self) -> Host:
        inside = [f"{via}/{OF_NODE[family]}" for family, via in self.place.gateways.items()]
        outside = [f"{net[1]}/{net.prefixlen}" for net in self.place.outside.values()]
        routes = [Route(_only(one), "eth1") for one in self.place.strays.get("", ())]
        routes += [*self._to_nodes(own=inside), *self._to_pods()]
        routes += [
            Route(_only(one), "eth0", self._address(node, one))
            for one, node in self.place.virtual.items()
            if Family(one.version) in self.place.families
        ]
        named = interfaces((("eth0", inside), ("eth1", outside)))
        return Host(named, tuple(routes), sysctls=_FORWARDING, name=GATEWAY)

    def _pod_host(self, pod: Pod) -> Host:
        """A pod reaches everything through its node, other pods there too."""
        networks = self._networks(self.place.nodes[pod.node])
        via = {Family(net.version): self.place.bridges[net] for net in networks}
        return _end_host(pod.name, pod.addresses, via)

    def _outsider_host(self, name: str, addresses: Sequence[Address]) -> Host:
        via = {family: net[1] for family, net in self.place.outside.items()}
        return _end_host(name, addresses, via)

    def _networks(self, node: Node) -> list[Network]:
        """The networks of a node's pods, in the cluster's families."""
        return [
            net for family in self.place.families for net in of_family(node.pod_networks, family)
        ]

    def _own(self, node: str) -> list[Address]:
        """A node's own addresses in the cluster's families."""
        own = (one for one, name in self.place.node_of.items() if name == node)
        return [one for one in own if Family(one.version) in self.place.families]

    def _address(self, node: str, family_like: Address) -> Address:
        """A node's address of the family that another address has."""
        return ip_address(self.place.nodes[node].address(Family(family_like.version)))

    def _to_nodes(self, own: Sequence[str], besides: str = "") -> Iterator[Route]:
        """The routes to nodes on the same link whose addresses are of another network."""
        near = [ip_interface(one).network for one in own]
        for address, name in self.place.node_of.items():
            spoken = Family(address.version) in self.place.families
            if name != besides and spoken and not any(address in net for net in near):
                yield Route(_only(address), "eth0")

    def _to_pods(self, besides: str = "") -> Iterator[Route]:
        """The routes to the pods of other nodes, each through its node."""
        for node in self.place.nodes.values():
            strays = [_only(one) for one in self.place.strays.get(node.name, ())]
            for net in (*self._networks(node), *strays) if node.name != besides else ():
                yield Route(net, "eth0", self._address(node.name, net[0]))

    # --- wires ---

    def links(self) -> tuple[Link, ...]:
        """The nodes' network, the one outside, and the bridge of each node."""
        nodes = {one: Plug(name, "eth0") for one, name in self.place.node_of.items()}
        nodes |= {one: Plug(GATEWAY, "eth0") for one in self.place.gateways.values()}
        outside = {net[1]: Plug(GATEWAY, "eth1") for net in self.place.outside.values()}
        outside |= {one: Plug(CLIENT, "eth0") for one in self.place.clients}
        bridges: dict[str, dict[Address, Plug]] = {
            name: {self.place.bridges[net]: Plug(name, self.bridge) for net in self._networks(node)}
            for name, node in self.place.nodes.items()
        }
        for pod in self.place.pods.values():
            here = bridges[pod.node] if pod.node else outside
            here |= dict.fromkeys(pod.addresses, Plug(pod.name, "eth0"))
        return tuple(Link((), known) for known in (nodes, outside, *bridges.values()))

    def listeners(self) -> tuple[Listener, ...]:
        """A process for every port that a pod listens on, and kube-proxy's for health checks.

        Of whom nobody told where it listens, it is the ports of its endpoints.
        """
        pods = self.place.pods.values()
        told = {one.name: one.listens for one in pods if one.listens is not None}
        found = {
            Listener(name, PROTOCOLS[protocol], port, name)
            for name, ports in told.items()
            for protocol, port in ports
        }
        found |= {
            Listener(name, PROTOCOLS[port.protocol], port.port, name)
            for owner, endpoint in self.place.placed()
            for name in (self.place.owners[ip_address(endpoint.address)],)
            if name not in told
            for port in owner.ports
        }
        checks = {one.health_check_port for one in self.place.manifests.services} - {0}
        found |= {
            Listener(node, Protocol.TCP, port, "kube-proxy")
            for node in self.place.nodes
            for port in checks
        }
        return tuple(found)


def _only(address: Address) -> Network:
    """The network of one address."""
    return ip_network(address)


def _end_host(name: str, addresses: Sequence[Address], via: Mapping[Family, Address]) -> Host:
    """A machine with one interface and a way to everything through a neighbour."""
    own = tuple(ip_interface(one) for one in addresses)
    routes = [Route(_EVERYWHERE[f], "eth0", hop) for f, hop in via.items()]
    return Host((Interface("eth0", own),), tuple(routes), name=name)
