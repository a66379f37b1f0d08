"""One manifest to one object: which fields are read, what is legal in them, what is left out.

Source: Kubernetes API reference v1.36 (Service, EndpointSlice, Node), and its defaults
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from iptlab.kubernetes import field_names
from iptlab.kubernetes.addresses import canonical, family_of, network
from iptlab.kubernetes.fields import Fields, shown
from iptlab.kubernetes.objects import (
    SERVICE_LABEL,
    ZONE_LABEL,
    Endpoint,
    EndpointSlice,
    Ingress,
    Node,
    PortSpec,
    Service,
    ServiceType,
    SlicePort,
    Transport,
)
from iptlab.packet import Family

_FAMILIES = {"IPv4": Family.IPV4, "IPv6": Family.IPV6}
_TRANSPORTS = {one.name: one for one in Transport}
_POLICIES = ("Cluster", "Local")
_HIGHEST_PORT = 65535
_DEFAULT_AFFINITY, _LONGEST_AFFINITY = 10800, 86400  # seconds


def namespace_of(fields: Fields) -> str:
    """An object without a namespace lands in ``default``, as with kubectl."""
    return fields.child("metadata").label("namespace", "default")


# --- Service ---


def _service(fields: Fields) -> Service:
    metadata, spec = fields.child("metadata"), fields.child("spec")
    metadata.check_names(field_names.METADATA)
    spec.check_names(field_names.SERVICE_SPEC)
    kind = ServiceType(spec.choice("type", tuple(ServiceType), ServiceType.CLUSTER_IP))
    cluster_ip = _cluster_ip(spec, "clusterIP", spec.text("clusterIP"))
    if kind is not ServiceType.EXTERNAL_NAME and not spec.text("clusterIP"):
        spec.remark("clusterIP", "missing, so there are no rules; the API server assigns one")
    cluster_ips = tuple(_cluster_ip(spec, *word) for word in spec.words("clusterIPs"))
    return Service(
        namespace=namespace_of(fields),
        name=metadata.required("name") and metadata.label("name"),
        type=kind,
        cluster_ip=cluster_ip,
        cluster_ips=cluster_ips or (cluster_ip,),
        families=_service_families(spec, cluster_ips or (cluster_ip,)),
        ports=_service_ports(spec, needed=kind is not ServiceType.EXTERNAL_NAME),
        external_ips=tuple(_readable(spec, "externalIPs", canonical, "address")),
        source_ranges=tuple(_readable(spec, "loadBalancerSourceRanges", network, "network")),
        ingress=tuple(_ingresses(fields.child("status").child("loadBalancer"))),
        external_local=spec.choice("externalTrafficPolicy", _POLICIES, "Cluster") == "Local",
        internal_local=spec.choice("internalTrafficPolicy", _POLICIES, "Cluster") == "Local",
        health_check_port=spec.number("healthCheckNodePort", 0, 0, _HIGHEST_PORT),
        affinity=_affinity(spec),
        distribution=spec.text("trafficDistribution"),
    )


def _cluster_ip(spec: Fields, name: str, text: str) -> str:
    """A cluster address; ``None`` is a headless Service, nothing one without address yet."""
    if text in ("", "None"):
        return ""
    address = canonical(text)
    if not address:
        raise spec.refuse(
            name, f"{shown(text)} is no address", "Write one such as 10.96.0.10, or None."
        )
    return address


def _service_families(spec: Fields, cluster_ips: tuple[str, ...]) -> tuple[Family, ...]:
    """The families in the order of the cluster addresses, each that of its address."""
    found = tuple(_family(spec, *word) for word in spec.words("ipFamilies"))
    for number, (family, ip) in enumerate(zip(found, cluster_ips, strict=False)):
        if ip and family_of(ip) is not family:
            cause = f"IPv{family} is not the family of the cluster IP {ip}"
            cure = "Write the families in the order of the clusterIPs."
            raise spec.refuse(f"ipFamilies[{number}]", cause, cure)
    return found


def _family(fields: Fields, name: str, text: str) -> Family:
    if text not in _FAMILIES:
        raise fields.refuse(name, f"{shown(text)} is no family", "Allowed are IPv4 and IPv6.")
    return _FAMILIES[text]


def _readable(fields: Fields, name: str, read: Callable[[str], Any], what: str) -> Iterator[Any]:
    """The values of a list that can be read; kube-proxy leaves the others out."""
    for key, text in fields.words(name):
        value = read(text.strip() if what == "network" else text)
        if value:
            yield value
        else:
            fields.remark(key, f"{shown(text)} is no {what}; kube-proxy leaves it out")


def _service_ports(spec: Fields, *, needed: bool) -> tuple[PortSpec, ...]:
    ports: dict[tuple[str, Transport], PortSpec] = {}
    for fields in spec.children("ports"):
        fields.check_names(field_names.SERVICE_PORT)
        if fields.values.get("port") is None:
            raise fields.refuse("port", "this must be there", f"Allowed is 1 to {_HIGHEST_PORT}.")
        port = PortSpec(
            port=fields.number("port", 0, 1, _HIGHEST_PORT),
            name=fields.label("name"),
            protocol=_transport(fields),
            node_port=fields.number("nodePort", 0, 0, _HIGHEST_PORT),
        )
        key = (port.name, port.protocol)
        if key in ports:
            cause = f"another {port.protocol.name} port of this Service has the name `{port.name}'"
            raise fields.refuse("name", cause, "Give every port of the Service its own name.")
        ports[key] = port
    if needed and not ports and spec.text("clusterIP") != "None":
        raise spec.refuse(
            "ports", "a Service needs a port", "Write ports: and below it - port: 80."
        )
    return tuple(ports.values())


def _transport(fields: Fields) -> Transport:
    return _TRANSPORTS[fields.choice("protocol", tuple(_TRANSPORTS), "TCP")]


def _ingresses(balancer: Fields) -> Iterator[Ingress]:
    """The addresses that a load balancer has; host names are nothing to kube-proxy."""
    for fields in balancer.children("ingress"):
        text = fields.text("ip")
        mode = fields.choice("ipMode", ("VIP", "Proxy"), "VIP")
        address = canonical(text)
        if address:
            yield Ingress(address, mode)
        elif text:
            fields.remark("ip", f"{shown(text)} is no address; kube-proxy leaves it out")


def _affinity(spec: Fields) -> int:
    """For how many seconds clients stay with their endpoint; the API server fills in 3 hours."""
    if spec.choice("sessionAffinity", ("None", "ClientIP"), "None") == "None":
        return 0
    client = spec.child("sessionAffinityConfig").child("clientIP")
    return client.number("timeoutSeconds", _DEFAULT_AFFINITY, 1, _LONGEST_AFFINITY)


# --- EndpointSlice ---


def _slice(fields: Fields) -> EndpointSlice | None:
    metadata = fields.child("metadata")
    fields.check_names(field_names.SLICE)
    metadata.check_names(field_names.METADATA)
    name = metadata.text("name")
    service = metadata.child("labels").text(SERVICE_LABEL)
    if not name:
        metadata.remark("name", "missing, so kube-proxy ignores the slice")
        return None
    if not service:
        metadata.remark("labels", f"no {SERVICE_LABEL}, so no Service has these endpoints")
        return None
    address_type = fields.choice("addressType", (*_FAMILIES, "FQDN"), "IPv4")
    if address_type == "FQDN":
        fields.remark("addressType", "FQDN endpoints have no address for rules; not used")
        return None
    family = _FAMILIES[address_type]
    return EndpointSlice(
        namespace=namespace_of(fields),
        name=name,
        service=service,
        family=family,
        ports=tuple(_slice_ports(fields)),
        endpoints=tuple(_endpoints(fields, family)),
        digest=_digest(fields.values),
    )


def _slice_ports(fields: Fields) -> Iterator[SlicePort]:
    """The ports that are numbered; one without a name belongs to no service port."""
    for port in fields.children("ports"):
        port.check_names(field_names.SLICE_PORT)
        number = port.number("port", 0, 0, _HIGHEST_PORT)
        protocol = _transport(port)
        if port.values.get("name") is None:
            port.remark("name", 'missing, so kube-proxy ignores this port; write name: ""')
        elif not number:
            port.remark("port", "missing, so kube-proxy ignores this port")
        else:
            yield SlicePort(number, port.label("name"), protocol)


def _endpoints(fields: Fields, family: Family) -> Iterator[Endpoint]:
    for endpoint in fields.children("endpoints"):
        endpoint.check_names(field_names.ENDPOINT)
        words = next(endpoint.words("addresses"), None)
        if words is None:
            endpoint.remark("addresses", "empty, so kube-proxy skips this endpoint")
            continue
        key, text = words
        address = canonical(text)
        if not address:
            cure = "Write an address such as 10.244.1.5; names need addressType: FQDN."
            raise endpoint.refuse(key, f"{shown(text)} is no address", cure)
        if family_of(address) is not family:
            endpoint.remark(key, f"{address} is no IPv{family} address; the endpoint is not used")
            continue
        yield _endpoint(endpoint, address)


def _endpoint(fields: Fields, address: str) -> Endpoint:
    """An endpoint: what its conditions leave open counts as good."""
    conditions, hints = fields.child("conditions"), fields.child("hints")
    target = fields.child("targetRef")
    conditions.check_names(field_names.CONDITIONS)
    return Endpoint(
        address=address,
        ready=conditions.truth("ready", True),
        serving=conditions.truth("serving", True),
        terminating=conditions.truth("terminating", False),
        node=fields.text("nodeName"),
        zone=fields.text("zone"),
        for_zones=frozenset(hint.required("name") for hint in hints.children("forZones")),
        for_nodes=frozenset(hint.required("name") for hint in hints.children("forNodes")),
        pod=target.text("name") if target.text("kind") in ("", "Pod") else "",
    )


def _digest(values: object) -> str:
    text = json.dumps(values, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


# --- Node ---


def _node(fields: Fields) -> Node:
    metadata, spec = fields.child("metadata"), fields.child("spec")
    name = metadata.required("name")
    pods = tuple(_readable(spec, "podCIDRs", network, "network"))
    if not pods and spec.text("podCIDR"):
        only = network(spec.text("podCIDR"))
        pods = (only,) if only else ()
    return Node(
        name=name,
        zone=metadata.child("labels").text(ZONE_LABEL),
        addresses=tuple(_node_addresses(fields.child("status"))),
        pod_networks=pods,
    )


def _node_addresses(status: Fields) -> list[str]:
    """The node's own addresses: internal ones, then external ones; names are left out."""
    found: dict[str, list[str]] = {"InternalIP": [], "ExternalIP": []}
    for fields in status.children("addresses"):
        kind, text = fields.text("type"), fields.text("address")
        if kind in found and canonical(text):
            found[kind].append(canonical(text))
    return [*found["InternalIP"], *found["ExternalIP"]]


READERS: dict[str, Callable[[Fields], Any]] = {
    "Service": _service,
    "EndpointSlice": _slice,
    "Node": _node,
}
# the API groups that these kinds belong to; a Service of Knative's is another thing
GROUPS = {"Service": "", "EndpointSlice": "discovery.k8s.io", "Node": ""}
