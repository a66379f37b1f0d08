"""What a client asks for, as it would be typed: a URL, or a Service by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from iptlab.errors import ManifestError
from iptlab.kubernetes.addresses import canonical
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.objects import Node, PortSpec, Service
from iptlab.kubernetes.topology import PROTOCOLS
from iptlab.packet import Protocol

# the protocol and usual port of each scheme; 0: the port has to be said
_SCHEMES = {
    "tcp": (Protocol.TCP, 0),
    "udp": (Protocol.UDP, 0),
    "sctp": (Protocol.SCTP, 0),
    "http": (Protocol.TCP, 80),
    "https": (Protocol.TCP, 443),
}
_URL = re.compile(r"(?P<scheme>\w+)://(?P<host>\[[^]]*\]|[^:/]*)(?::(?P<port>[0-9]+))?(?:/.*)?")
_SERVICE = re.compile(r"(?P<namespace>[^/:]+)/(?P<name>[^/:]+)(?::(?P<port>[^/:]+))?")
_DNS = re.compile(r"(?P<name>[^.]+)\.(?P<namespace>[^.]+)(\.svc(\.cluster\.local)?)?")
_SHAPE = "Write tcp://10.96.0.10:80, http://{}:30080, udp://dns.kube-system:53 or shop/web:http."


@dataclass(frozen=True)
class Destination:
    """An address and port, and the protocol to speak with it."""

    address: str
    port: int
    protocol: int = Protocol.TCP

    def __str__(self) -> str:
        place = f"[{self.address}]" if ":" in self.address else self.address
        return f"{Protocol(self.protocol).name.lower()}://{place}:{self.port}"


def read_destination(text: str, manifests: Manifests, nodes: Mapping[str, Node]) -> Destination:
    """What a text means in a cluster; ManifestError if it means nothing there."""
    if url := _URL.fullmatch(text.strip()):
        return _of_url(text, url, manifests, nodes)
    if named := _SERVICE.fullmatch(text.strip()):
        service = _reachable(manifests.service(f"{named['namespace']}/{named['name']}"))
        port = _port(service, named["port"] or "")
        return Destination(service.cluster_ip, port.port, PROTOCOLS[port.protocol])
    cure = _SHAPE.format(next(iter(nodes)))
    raise ManifestError(f"`{text}' is neither a URL nor a Service's name", cure=cure)


def _of_url(
    text: str, url: re.Match[str], manifests: Manifests, nodes: Mapping[str, Node]
) -> Destination:
    if url["scheme"] not in _SCHEMES:
        known = ", ".join(_SCHEMES)
        raise ManifestError(f"`{url['scheme']}' is no scheme here", cure=f"There are {known}.")
    protocol, usual = _SCHEMES[url["scheme"]]
    port = int(url["port"] or usual)
    if not 1 <= port <= 65535:
        cause = f"`{text}' needs a port from 1 to 65535"
        raise ManifestError(cause, cure=f"Write {url['scheme']}://{url['host']}:8080.")
    return Destination(_address(url["host"].strip("[]"), manifests, nodes), port, protocol)


def _address(host: str, manifests: Manifests, nodes: Mapping[str, Node]) -> str:
    """The address of a host in a URL: itself, a node's, or the cluster IP of a DNS name."""
    if address := canonical(host):
        return str(ip_address(address))
    if host in nodes:
        return nodes[host].addresses[0]
    if name := _DNS.fullmatch(host):
        return _reachable(manifests.service(f"{name['namespace']}/{name['name']}")).cluster_ip
    known = ", ".join(nodes)
    raise ManifestError(
        f"`{host}' is no address, node or Service",
        cure=f"Nodes are {known}; a Service is written NAME.NAMESPACE.",
    )


def _reachable(service: Service) -> Service:
    if not service.cluster_ip:
        cause = f"Service {service} has no cluster IP, so kube-proxy does nothing for it"
        raise ManifestError(cause, cure="Connect to the address of one of its pods.")
    return service


def _port(service: Service, word: str) -> PortSpec:
    """The port of a Service by its name or number; without a word its only one."""
    fitting = [one for one in service.ports if word in (one.name, str(one.port))]
    if not word and len(service.ports) == 1:
        return service.ports[0]
    if fitting:
        return fitting[0]
    known = ", ".join(f"{service}:{one.name or one.port}" for one in service.ports)
    raise ManifestError(f"Service {service} has no port `{word}'", cure=f"Write {known}.")
