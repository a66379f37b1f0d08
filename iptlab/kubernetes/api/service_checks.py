"""What can be wrong with a Service, in the order in which the API server says it.

Source: kubernetes/pkg/apis/core/validation/validation.go (ValidateService)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address

from iptlab.kubernetes.addresses import network as read_network
from iptlab.kubernetes.api import names_allowed as allowed
from iptlab.kubernetes.api.pools import NODE_PORTS, Pools, given_addresses, given_ports
from iptlab.kubernetes.api.refusals import (
    Cause,
    duplicate,
    forbidden,
    invalid_value,
    required,
    unsupported,
)
from iptlab.kubernetes.api.resources import Resource, Tree, part

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_POLICIES = ("Cluster", "Local")
_DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
_FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_AFFINITIES = ("ClientIP", "None")
_BALANCED = "may only be used when `type` is 'LoadBalancer'"
_LONGEST_AFFINITY = 86400  # seconds


def is_external(spec: Tree) -> bool:
    """Whether clients outside the cluster may come to a Service."""
    return spec["type"] in ("NodePort", "LoadBalancer") or bool(spec.get("externalIPs"))


def wire(port: Tree) -> tuple[object, object]:
    return port.get("protocol"), port.get("port")


def has_node_ports(spec: Tree) -> bool:
    return spec["type"] == "NodePort" or (
        spec["type"] == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False
    )


def checks_health(spec: Tree) -> bool:
    return (spec["type"], spec.get("externalTrafficPolicy")) == ("LoadBalancer", "Local")


def causes_in(one: Resource, spec: Tree) -> Iterator[Cause]:
    """What is wrong with a Service by itself."""
    yield from allowed.service_name("metadata.name", one.name)
    yield from allowed.labels("metadata.labels", one.labels)
    headless, ports = spec.get("clusterIP") == "None", spec.get("ports") or []
    if not ports and not headless and spec["type"] != "ExternalName":
        yield required("spec.ports")
    for number, port in enumerate(ports):
        yield from _port(f"spec.ports[{number}]", port, spec)
    yield from _repeated(ports)
    yield from allowed.labels("spec.selector", spec.get("selector") or {})
    yield from _choice(spec, "sessionAffinity", _AFFINITIES)
    yield from _affinity(spec)
    yield from _choice(spec, "type", _TYPES)
    if spec["type"] == "ExternalName":
        yield from _external_name(spec)
    if headless and spec["type"] in ("NodePort", "LoadBalancer"):
        detail = f"may not be set to 'None' for {spec['type']} services"
        yield invalid_value("spec.clusterIPs[0]", "None", detail)
    yield from _policies(spec)
    for number, entry in enumerate(part(one.status, "loadBalancer").get("ingress") or ()):
        if entry.get("ip"):
            yield from allowed.address(f"status.loadBalancer.ingress[{number}].ip", entry["ip"])
    for number, text in enumerate(spec.get("externalIPs") or ()):
        yield from allowed.address(f"spec.externalIPs[{number}]", text)
    yield from _ranges(spec)
    for name in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
        if spec.get(name) is not None and spec["type"] != "LoadBalancer":
            yield forbidden(f"spec.{name}", _BALANCED)


def _port(path: str, port: Tree, spec: Tree) -> Iterator[Cause]:
    if len(spec["ports"]) > 1 and not port.get("name"):
        yield required(f"{path}.name")
    elif port.get("name"):
        yield from allowed.label_name(f"{path}.name", port["name"])
    yield from allowed.port_number(f"{path}.port", port.get("port", 0))
    yield from _choice(port, "protocol", _PROTOCOLS, path)
    yield from allowed.port_or_name(f"{path}.targetPort", port["targetPort"])
    if spec["type"] in ("ClusterIP", "ExternalName") and port.get("nodePort"):
        detail = f"may not be used when `type` is '{spec['type']}'"
        yield forbidden(f"{path}.nodePort", detail)


def _repeated(ports: list[Tree]) -> Iterator[Cause]:
    """Names, and pairs of protocol and port, that are there twice."""
    names: set[object] = set()
    wires: set[object] = set()
    for number, port in enumerate(ports):
        if port.get("name") and port["name"] in names:
            yield duplicate(f"spec.ports[{number}].name", port["name"])
        if wire(port) in wires:
            value = {"protocol": port.get("protocol"), "port": port.get("port")}
            yield duplicate(f"spec.ports[{number}]", value)
        names.add(port.get("name"))
        wires.add(wire(port))


def _choice(tree: Tree, name: str, words: tuple[str, ...], path: str = "spec") -> Iterator[Cause]:
    if tree.get(name) is not None and tree[name] not in words:
        yield unsupported(f"{path}.{name}", tree[name], words)


def _affinity(spec: Tree) -> Iterator[Cause]:
    client = part(part(spec, "sessionAffinityConfig"), "clientIP")
    seconds = client.get("timeoutSeconds")
    if seconds is not None and not 1 <= seconds <= _LONGEST_AFFINITY:
        detail = f"must be greater than 0 and less than or equal to {_LONGEST_AFFINITY}"
        path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
        yield invalid_value(path, seconds, detail)


def _external_name(spec: Tree) -> Iterator[Cause]:
    if spec.get("clusterIPs"):
        yield forbidden("spec.clusterIPs", "may not be set when `type` is 'ExternalName'")
    if not spec.get("externalName"):
        yield required("spec.externalName")
    else:
        yield from allowed.object_name("spec.externalName", spec["externalName"].rstrip("."))


def _policies(spec: Tree) -> Iterator[Cause]:
    yield from _choice(spec, "internalTrafficPolicy", _POLICIES)
    yield from _choice(spec, "ipFamilyPolicy", _FAMILY_POLICIES)
    yield from _choice(spec, "trafficDistribution", _DISTRIBUTIONS)
    policy = spec.get("externalTrafficPolicy")
    if policy and not is_external(spec):
        detail = "may only be set for externally-accessible services"
        yield invalid_value("spec.externalTrafficPolicy", policy, detail)
    else:
        yield from _choice(spec, "externalTrafficPolicy", _POLICIES)
    if spec.get("healthCheckNodePort") and not checks_health(spec):
        detail = (
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        )
        yield invalid_value("spec.healthCheckNodePort", spec["healthCheckNodePort"], detail)


def _ranges(spec: Tree) -> Iterator[Cause]:
    ranges = spec.get("loadBalancerSourceRanges") or ()
    if ranges and spec["type"] != "LoadBalancer":
        yield forbidden("spec.LoadBalancerSourceRanges", _BALANCED)
    for number, text in enumerate(ranges):
        if not read_network(text.strip()) or not re.search("/", text):
            detail = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
            yield invalid_value(f"spec.loadBalancerSourceRanges[{number}]", text, detail)


def causes_of_change(spec: Tree, before: Resource | None) -> Iterator[Cause]:
    """A cluster address stays for good."""
    if before is None or "ExternalName" in (before.spec["type"], spec["type"]):
        return
    first = (before.spec.get("clusterIPs") or [None])[0]
    if first and (spec.get("clusterIPs") or [first])[0] != first:
        yield invalid_value("spec.clusterIPs[0]", spec["clusterIPs"], "may not change once set")


def causes_of_taken(spec: Tree, others: list[Resource], pools: Pools) -> Iterator[Cause]:
    """Addresses and node ports that were asked for and cannot be had."""
    if spec["type"] != "ExternalName":
        for number, text in enumerate(spec.get("clusterIPs") or ()):
            yield from _address_taken(
                number, text, spec, given=given_addresses(others), pools=pools
            )
    ports = given_ports(others)
    for number, port in enumerate(spec.get("ports") or ()):
        wanted = port.get("nodePort")
        path = f"spec.ports[{number}].nodePort"
        if wanted and wanted not in NODE_PORTS:
            detail = "provided port is not in the valid range. The range of valid ports is"
            yield invalid_value(path, wanted, f"{detail} {NODE_PORTS[0]}-{NODE_PORTS[-1]}")
        elif wanted and (str(wanted), port.get("protocol")) in ports:
            yield invalid_value(path, wanted, "provided port is already allocated")


def _address_taken(
    number: int, text: str, spec: Tree, *, given: set[str], pools: Pools
) -> Iterator[Cause]:
    if text == "None":
        return
    if wrong := list(allowed.address(f"spec.clusterIPs[{number}]", text)):
        yield from wrong
        return
    spaces = [net for net in pools.networks if net.version == ip_address(text).version]
    failed = f"failed to allocate IP {text}: "
    if not any(ip_address(text) in net for net in spaces):
        ranges = ", ".join(map(str, spaces or pools.networks))
        detail = f"the provided IP ({text}) is not in the valid range. The range of valid IPs is"
        yield invalid_value("spec.clusterIPs", spec["clusterIPs"], f"{failed}{detail} {ranges}")
    elif text in given:
        detail = f"{failed}provided IP is already allocated"
        yield invalid_value("spec.clusterIPs", spec["clusterIPs"], detail)
