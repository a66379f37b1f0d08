"""A configuration worked out for one family on one node: the words that rules are made of.

Source: kubernetes/pkg/proxy/iptables/proxier.go (NewProxier), pkg/proxy/util/localdetector.go,
nodeport_addresses.go
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from iptlab.kubernetes.addresses import Network, network
from iptlab.kubernetes.config import Config, DetectLocal, of_family
from iptlab.kubernetes.objects import Node
from iptlab.packet import Family

_LOOPBACK = {Family.IPV4: "127.0.0.1", Family.IPV6: "::1"}
_LOCALNET = ip_network("127.0.0.0/8")


@dataclass(frozen=True)
class Detector:
    """The rule words that are true of packets from pods, and those true of all others."""

    local: str
    remote: str

    @classmethod
    def by(cls, words: str) -> Detector:
        """A detector by one option, such as ``-s 10.244.0.0/16``."""
        return cls(words, f"! {words}")


@dataclass(frozen=True)
class Settings:
    """What the rules of one family on one node depend on, apart from Services.

    Without ``node_port_networks`` node ports answer on all local addresses; otherwise on
    ``node_port_addresses`` alone.
    """

    family: Family
    node: str
    zone: str
    node_ip: str
    mark: str
    detector: Detector | None
    masquerade_all: bool
    localhost_node_ports: bool
    node_port_networks: tuple[Network, ...]
    node_port_addresses: tuple[str, ...]
    random_fully: bool
    be_liberal: bool
    nfacct: bool
    service_external_ips: bool

    @classmethod
    def of(cls, config: Config, family: Family, node: Node) -> Settings:
        """The settings of the proxy for one family."""
        networks = _node_port_networks(config, family, node)
        localhost = config.localhost_node_ports and _has_localhost(networks, family)
        return cls(
            family=family,
            node=node.name,
            zone=node.zone,
            node_ip=_node_ip(config, family, node),
            mark=f"{1 << config.masquerade_bit:#010x}",
            detector=_detector(config, family, node),
            masquerade_all=config.masquerade_all,
            localhost_node_ports=localhost,
            node_port_networks=networks,
            node_port_addresses=_node_port_addresses(
                networks, _interface_addresses(config, family, node), localhost=localhost
            ),
            random_fully=config.random_fully,
            be_liberal=config.be_liberal,
            nfacct=config.nfacct,
            service_external_ips=config.service_external_ips,
        )


def _node_ip(config: Config, family: Family, node: Node) -> str:
    given = Node(node.name, addresses=config.node_ips).address(family)
    return given or node.address(family) or _LOOPBACK[family]


def _detector(config: Config, family: Family, node: Node) -> Detector | None:
    match config.detect_local:
        case DetectLocal.BRIDGE:
            name = config.bridge_interface
            return Detector.by(f"-i {name}") if name else None
        case DetectLocal.PREFIX:
            prefix = config.interface_name_prefix
            return Detector.by(f"-i {prefix}+") if prefix else None
        case DetectLocal.CLUSTER_CIDR:
            networks = of_family(config.cluster_cidrs, family)
        case DetectLocal.NODE_CIDR:
            networks = of_family(node.pod_networks, family)
        case DetectLocal.NONE:
            networks = []
    return Detector.by(f"-s {networks[0]}") if networks else None


def _node_port_networks(config: Config, family: Family, node: Node) -> tuple[Network, ...]:
    """The networks that node ports are limited to; none of this family, or any /0: no limit."""
    words = config.node_port_addresses
    if words == ("primary",):
        ip = _node_ip(config, family, node)
        found = [] if ip_address(ip).is_loopback else [ip_network(ip)]
    else:
        found = of_family(filter(None, map(network, words)), family)
    return () if any(one.prefixlen == 0 for one in found) else tuple(found)


def _has_localhost(networks: tuple[Network, ...], family: Family) -> bool:
    """Whether node ports answer on loopback; IPv6 cannot route it, whatever is wished."""
    if family is Family.IPV6:
        return False
    return not networks or any(one.overlaps(_LOCALNET) for one in networks)


def _interface_addresses(config: Config, family: Family, node: Node) -> list[str]:
    given = config.node_addresses or (*_LOOPBACK.values(), *node.addresses)
    return [one for one in given if ip_address(one).version == family]


def _node_port_addresses(
    networks: tuple[Network, ...], addresses: list[str], *, localhost: bool
) -> tuple[str, ...]:
    """The local addresses in the networks, in the order of their numbers."""
    inside = {
        one
        for one in map(ip_address, addresses)
        if any(one in net for net in networks) and (localhost or not one.is_loopback)
    }
    return tuple(map(str, sorted(inside)))
