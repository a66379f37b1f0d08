"""Service ports: the unit of kube-proxy's work, one for each port of a Service and family.

Source: kubernetes/pkg/proxy/serviceport.go (newBaseServiceInfo), servicechangetracker.go
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from iptlab.kubernetes import names
from iptlab.kubernetes.addresses import Network, family_of
from iptlab.kubernetes.config import of_family
from iptlab.kubernetes.objects import PortSpec, Service, ServiceType, Transport
from iptlab.packet import Family


class PortId(NamedTuple):
    """What tells service ports apart, in the order in which rules are written here.

    kube-proxy itself walks its ports in no order.
    """

    namespace: str
    service: str
    port: str
    protocol: Transport

    @property
    def owner(self) -> tuple[str, str]:
        """The id of the Service."""
        return self.namespace, self.service

    def __str__(self) -> str:
        """The name that rules say in their comments: ``shop/web:http``, without protocol."""
        name = f"{self.namespace}/{self.service}"
        return f"{name}:{self.port}" if self.port else name


@dataclass(frozen=True)
class ServicePort:
    """A port of a Service in one family, with all that its rules depend on.

    kube-proxy writes a Service's own chains anew if any of these fields differs. ``name``
    is the id as rules have it in comments, ``digest`` the end of its chains' names; hashing
    is dear, so it is done once.
    """

    id: PortId
    name: str
    digest: str
    cluster_ip: str
    port: int
    node_port: int = 0
    external_ips: tuple[str, ...] = ()
    balancer_ips: tuple[str, ...] = ()
    source_ranges: tuple[Network, ...] = ()
    external_local: bool = False
    internal_local: bool = False
    health_check_port: int = 0
    affinity: int = 0

    @property
    def protocol(self) -> Transport:
        """The protocol, as rules write it."""
        return self.id.protocol

    @property
    def exposed(self) -> bool:
        """Whether it can be reached by anything but its cluster IP."""
        return bool(self.node_port or self.balancer_ips or self.external_ips)

    @property
    def uses_cluster(self) -> bool:
        """Whether some of its packets may go to endpoints on any node."""
        return not self.internal_local or self.exposed

    @property
    def uses_local(self) -> bool:
        """Whether some of its packets may go to endpoints on this node only."""
        return self.internal_local or (self.external_local and self.exposed)

    # --- the names of its chains ---

    @property
    def cluster_chain(self) -> str:
        """The chain with the endpoints of all nodes."""
        return names.service_chain(self.digest)

    @property
    def local_chain(self) -> str:
        """The chain with the endpoints of this node."""
        return names.local_chain(self.digest)

    @property
    def external_chain(self) -> str:
        """The chain of packets that come to its node port and external addresses."""
        return names.external_chain(self.digest)

    @property
    def firewall_chain(self) -> str:
        """The chain that checks source ranges."""
        return names.firewall_chain(self.digest)

    @property
    def internal_policy_chain(self) -> str:
        """Where packets to the cluster IP go on."""
        return self.local_chain if self.internal_local else self.cluster_chain

    @property
    def external_policy_chain(self) -> str:
        """Where packets from outside go on."""
        return self.local_chain if self.external_local else self.cluster_chain


def service_ports(service: Service, family: Family) -> tuple[ServicePort, ...]:
    """The service ports of a Service in a family, sorted; some Services have none."""
    address = _cluster_ip(service, family)
    if not address:
        return ()
    ranges = of_family(service.source_ranges, family)
    if any(one.prefixlen == 0 for one in ranges):
        ranges = []  # everyone may come
    local = service.external_local and _is_external(service)
    balanced = service.type is ServiceType.LOAD_BALANCER
    external = tuple([ip for ip in service.external_ips if family_of(ip) is family])
    balancer = tuple(_balancer_ips(service, family))
    ports = [
        ServicePort(
            *_identity(service, spec),
            address,
            spec.port,
            spec.node_port,
            external,
            balancer,
            tuple(ranges),
            local,
            service.internal_local,
            service.health_check_port if balanced and local else 0,
            service.affinity,
        )
        for spec in service.ports
    ]
    return tuple(sorted(ports, key=attrgetter("id")))


def _identity(service: Service, spec: PortSpec) -> tuple[PortId, str, str]:
    """The id of a port, its name, and the digest of both name and protocol."""
    id_ = PortId(service.namespace, service.name, spec.name, spec.protocol)
    name = str(id_)
    return id_, name, names.digest(f"{name}{spec.protocol}")


def _cluster_ip(service: Service, family: Family) -> str:
    """The cluster IP of the family; empty if there is none, or nothing should be proxied."""
    if not service.cluster_ip or service.type is ServiceType.EXTERNAL_NAME:
        return ""
    if not service.families:
        return service.cluster_ip if family_of(service.cluster_ip) is family else ""
    pairs = zip(service.families, service.cluster_ips, strict=False)
    return next((ip for one, ip in pairs if one is family), "")


def _is_external(service: Service) -> bool:
    """Whether an external traffic policy means anything for the Service."""
    if service.type is ServiceType.CLUSTER_IP:
        return bool(service.external_ips)
    return service.type in (ServiceType.NODE_PORT, ServiceType.LOAD_BALANCER)


def _balancer_ips(service: Service, family: Family) -> Iterator[str]:
    """The load balancer addresses that nodes answer for."""
    for one in service.ingress:
        if one.mode == "VIP" and family_of(one.ip) is family:
            yield one.ip
