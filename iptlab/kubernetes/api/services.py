"""What the API server makes of a Service: defaults, what it keeps, what it gives out.

Source: kubernetes/pkg/registry/core/service/strategy.go, storage/alloc.go
"""

from __future__ import annotations

from collections.abc import Iterable

from iptlab.kubernetes.addresses import family_of
from iptlab.kubernetes.api.kinds import SERVICE
from iptlab.kubernetes.api.pools import Pools, given_addresses, given_ports, ingress
from iptlab.kubernetes.api.refusals import Cause, invalid, invalid_value
from iptlab.kubernetes.api.resources import Resource, Tree, made
from iptlab.kubernetes.api.service_checks import (
    causes_in,
    causes_of_change,
    causes_of_taken,
    checks_health,
    has_node_ports,
    is_external,
    wire,
)
from iptlab.packet import Family

_DEFAULT_AFFINITY = 10800  # seconds


def admit_service(
    one: Resource, before: Resource | None, others: Iterable[Resource], pools: Pools
) -> None:
    """Make an object a Service as the server keeps it, or refuse it."""
    others = [other for other in others if other.key != one.key]
    spec = made(one.values, "spec")
    _default(spec)
    if before:
        _keep(spec, before.spec)
    if causes := [
        *causes_in(one, spec),
        *causes_of_change(spec, before),
        *causes_of_taken(spec, others, pools),
    ]:
        raise invalid(SERVICE, one.name, causes)
    _families(one, spec, pools)
    _addresses(spec, others, pools)
    _node_ports(spec, others, pools)
    made(one.values, "status").setdefault("loadBalancer", {})
    if spec["type"] != "LoadBalancer":
        one.status["loadBalancer"] = {}
    elif not one.status["loadBalancer"]:
        ip = pools.balanced({ip for other in others for ip in ingress(other)})
        one.status["loadBalancer"] = {"ingress": [{"ip": ip, "ipMode": "VIP"}]}


def causes_in_new(one: Resource) -> list[Cause]:
    """What the server has against a new Service by itself; its defaults are filled in."""
    spec = made(one.values, "spec")
    _default(spec)
    return list(causes_in(one, spec))


def _default(spec: Tree) -> None:
    """Fill in what the manifest leaves open."""
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["sessionAffinity"] == "ClientIP":
        client = made(made(spec, "sessionAffinityConfig"), "clientIP")
        client.setdefault("timeoutSeconds", _DEFAULT_AFFINITY)
    elif spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port", 0))
        if not port.get("nodePort"):
            port.pop("nodePort", None)
    if spec["type"] != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if is_external(spec):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    for name in ("clusterIP", "clusterIPs", "ports"):
        if not spec.get(name):
            spec.pop(name, None)
    if "clusterIPs" in spec:
        spec.setdefault("clusterIP", spec["clusterIPs"][0])
    elif "clusterIP" in spec:
        spec["clusterIPs"] = [spec["clusterIP"]]


def _keep(spec: Tree, old: Tree) -> None:
    """What was given out stays where nobody asks for another; what a type brought goes with it."""
    if spec["type"] == "ExternalName":
        if spec.get("clusterIPs") == old.get("clusterIPs"):
            for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
                spec.pop(name, None)
            spec.pop("internalTrafficPolicy", None)
    elif old["type"] != "ExternalName":
        changed = spec.get("clusterIP") not in (None, "", old.get("clusterIP"))
        if changed and spec.get("clusterIPs") == old.get("clusterIPs"):
            spec["clusterIPs"] = [spec["clusterIP"], *(old.get("clusterIPs") or ())[1:]]
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if not spec.get(name) and old.get(name):
                spec[name] = old[name]
    known = {wire(port): port.get("nodePort") for port in old.get("ports") or ()}
    ports = spec.get("ports") or ()
    if has_node_ports(spec):
        for port in ports:
            if known.get(wire(port)):
                port.setdefault("nodePort", known[wire(port)])
    elif has_node_ports(old):
        for port in ports:
            if port.get("nodePort") in known.values():
                port.pop("nodePort", None)
    _keep_external(spec, old)


def _keep_external(spec: Tree, old: Tree) -> None:
    """What only some types have stays while the type has it."""
    if not is_external(spec) and spec.get("externalTrafficPolicy") == old.get(
        "externalTrafficPolicy"
    ):
        spec.pop("externalTrafficPolicy", None)
    if spec["type"] != "LoadBalancer":
        spec.pop("allocateLoadBalancerNodePorts", None)
        if old.get("type") == "LoadBalancer":
            spec.pop("loadBalancerClass", None)
    if checks_health(spec):
        if old.get("healthCheckNodePort"):
            spec.setdefault("healthCheckNodePort", old["healthCheckNodePort"])
    else:
        spec.pop("healthCheckNodePort", None)


# --- giving out ---


def _families(one: Resource, spec: Tree, pools: Pools) -> None:
    """Which families a Service has: those of its addresses, else what its policy says."""
    if spec["type"] == "ExternalName":
        return
    usual = [f"IPv{family}" for family in pools.families()]
    asked = [f"IPv{family_of(ip)}" for ip in spec.get("clusterIPs") or () if ip != "None"]
    spec.setdefault("ipFamilyPolicy", "RequireDualStack" if len(asked) > 1 else "SingleStack")
    found = list(spec.get("ipFamilies") or asked or usual[:1])
    if spec["ipFamilyPolicy"] != "SingleStack":
        found += [family for family in usual if family not in found]
    if wrong := [family for family in found if family not in usual]:
        detail = "not configured on this cluster"
        raise invalid(SERVICE, one.name, [invalid_value("spec.ipFamilies[0]", wrong[0], detail)])
    if spec["ipFamilyPolicy"] == "RequireDualStack" and len(found) < 2:
        detail = "this cluster is not configured for dual-stack services"
        cause = invalid_value("spec.ipFamilyPolicy", "RequireDualStack", detail)
        raise invalid(SERVICE, one.name, [cause])
    spec["ipFamilies"] = found


def _addresses(spec: Tree, others: list[Resource], pools: Pools) -> None:
    if spec["type"] == "ExternalName" or spec.get("clusterIP") == "None":
        return
    given = given_addresses(others)
    ips = list(spec.get("clusterIPs") or ())[: len(spec["ipFamilies"])]
    for family in spec["ipFamilies"][len(ips) :]:
        ips.append(pools.address(Family(int(family.removeprefix("IPv"))), given))
    spec["clusterIP"], spec["clusterIPs"] = ips[0], ips


def _node_ports(spec: Tree, others: list[Resource], pools: Pools) -> None:
    """A node port for every port; the same one where only the protocol differs."""
    given = {port for port, _ in given_ports(others)}
    own: dict[object, int] = {}
    for port in spec.get("ports") or () if has_node_ports(spec) else ():
        if not port.get("nodePort"):
            port["nodePort"] = own.get(port["port"]) or pools.node_port(given)
        own[port["port"]] = port["nodePort"]
        given.add(str(port["nodePort"]))
    if checks_health(spec) and not spec.get("healthCheckNodePort"):
        spec["healthCheckNodePort"] = pools.node_port(given)
