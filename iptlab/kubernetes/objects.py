"""Services, EndpointSlices and Nodes: what kube-proxy reads of a cluster, as frozen values.

The fields keep what the manifest says; which of it counts for a family is decided in
``service_ports`` and ``endpoints``. Addresses are canonical text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from iptlab.kubernetes.addresses import Network
from iptlab.packet import Family

ZONE_LABEL = "topology.kubernetes.io/zone"
SERVICE_LABEL = "kubernetes.io/service-name"


class Transport(StrEnum):
    """The protocols that a Service can have, as rules write them."""

    TCP = "tcp"
    UDP = "udp"
    SCTP = "sctp"


class ServiceType(StrEnum):
    """How far a Service is offered: in the cluster, on every node, by a load balancer."""

    CLUSTER_IP = "ClusterIP"
    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"
    EXTERNAL_NAME = "ExternalName"


@dataclass(frozen=True, slots=True)
class PortSpec:
    """An entry of a Service's ``spec.ports``; a node port of 0 is none."""

    port: int
    name: str = ""
    protocol: Transport = Transport.TCP
    node_port: int = 0


@dataclass(frozen=True, slots=True)
class Ingress:
    """An address that a load balancer has for a Service.

    With the mode Proxy the load balancer translates by itself, and nodes let its address be.
    """

    ip: str
    mode: str = "VIP"


@dataclass(frozen=True, slots=True)
class Service:
    """A Service: stable addresses and ports in front of endpoints that come and go.

    ``affinity`` is for how many seconds a client stays with its endpoint; 0 is not at all.
    """

    namespace: str
    name: str
    type: ServiceType = ServiceType.CLUSTER_IP
    cluster_ip: str = ""
    cluster_ips: tuple[str, ...] = ()
    families: tuple[Family, ...] = ()
    ports: tuple[PortSpec, ...] = ()
    external_ips: tuple[str, ...] = ()
    source_ranges: tuple[Network, ...] = ()
    ingress: tuple[Ingress, ...] = ()
    external_local: bool = False
    internal_local: bool = False
    health_check_port: int = 0
    affinity: int = 0
    distribution: str = ""

    @property
    def id(self) -> tuple[str, str]:
        """What tells Services apart."""
        return self.namespace, self.name

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One pod, or other address, behind a Service, and whether it may be used.

    ``pod`` is the pod's name, empty if the manifest does not tell it.
    """

    address: str
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    node: str = ""
    zone: str = ""
    for_zones: frozenset[str] = frozenset()
    for_nodes: frozenset[str] = frozenset()
    pod: str = ""


@dataclass(frozen=True, slots=True)
class SlicePort:
    """A port that all endpoints of a slice have; the name ties it to the Service's port."""

    port: int
    name: str = ""
    protocol: Transport = Transport.TCP


@dataclass(frozen=True, slots=True)
class EndpointSlice:
    """Some of a Service's endpoints, all of one family and with the same ports.

    ``digest`` stands for everything that the manifest says, also what is not kept here:
    kube-proxy takes a slice for changed if anything in it differs.
    """

    namespace: str
    name: str
    service: str
    family: Family = Family.IPV4
    ports: tuple[SlicePort, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    digest: str = ""

    @property
    def id(self) -> tuple[str, str]:
        """What tells slices apart."""
        return self.namespace, self.name

    @property
    def owner(self) -> tuple[str, str]:
        """The id of the Service that the endpoints are for."""
        return self.namespace, self.service


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster: its zone, its own addresses, the networks of its pods."""

    name: str
    zone: str = ""
    addresses: tuple[str, ...] = ()
    pod_networks: tuple[Network, ...] = ()

    def address(self, family: Family) -> str:
        """Its first address of the family, internal ones before external; empty if none."""
        same = (one for one in self.addresses if (":" in one) == (family is Family.IPV6))
        return next(same, "")
