"""The controller of EndpointSlices: who is behind each Service, by its selector.

Source: kubernetes/staging/src/k8s.io/endpointslice/reconciler.go, utils.go, trafficdist

Simplified: slices are filled up in order; a real controller moves as few endpoints as it can.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from iptlab.kubernetes.addresses import family_of
from iptlab.kubernetes.api.kinds import NODE, POD, SERVICE, SLICE
from iptlab.kubernetes.api.kubelet import condition
from iptlab.kubernetes.api.resources import Key, Resource, Tree, carries, owned_by, part
from iptlab.kubernetes.api.scheduling import addresses
from iptlab.kubernetes.api.store import Store
from iptlab.kubernetes.objects import SERVICE_LABEL, ZONE_LABEL

MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CONTROLLER = "endpointslice-controller.k8s.io"
_HEADLESS = "service.kubernetes.io/headless"
_MOST_ENDPOINTS = 100
_SAME_ZONE = ("PreferClose", "PreferSameZone")


def slice_up(store: Store, now: datetime) -> None:
    """Bring the slices of all Services with a selector up to their pods."""
    services = {one.key: one for one in store.list(SERVICE) if _selects(one)}
    known: dict[tuple[Key, str], list[Resource]] = {}
    for old in filter(is_managed, store.list(SLICE)):
        key = Key(SERVICE.name, old.namespace, old.labels.get(SERVICE_LABEL, ""))
        if key in services:
            known.setdefault((key, old.values["addressType"]), []).append(old)
        else:
            store.remove(old)
    pods: dict[str, list[Resource]] = {}
    for pod in sorted(store.list(POD), key=lambda one: (one.created, one.key)):
        pods.setdefault(pod.namespace, []).append(pod)
    for service in services.values():
        wanted = service.spec["selector"]
        chosen = [one for one in pods.get(service.namespace, ()) if carries(one.labels, wanted)]
        for family in service.spec["ipFamilies"]:
            parts = list(_parts(store, service, family, chosen))
            _reconcile(store, service, known.get((service.key, family), []), parts, now=now)


def _selects(service: Resource) -> bool:
    return bool(service.spec.get("selector")) and service.spec["type"] != "ExternalName"


def is_managed(one: Resource) -> bool:
    """Whether the controller made a slice, and will change it back if somebody changes it."""
    return one.labels.get(MANAGED_BY) == CONTROLLER


@dataclass(frozen=True)
class _Part:
    """What goes into one slice."""

    family: str
    ports: list[Tree]
    endpoints: list[Tree]


def _reconcile(
    store: Store, service: Resource, old: list[Resource], parts: list[_Part], *, now: datetime
) -> None:
    """Write a Service's slices of one family; those that stay as they are keep their name."""
    unused = list(old)
    for one in parts:
        before = next((each for each in unused if each.values["ports"] == one.ports), None)
        before = before or next(iter(unused), None)
        if before is None:
            _add(store, service, one, now)
            continue
        unused.remove(before)
        after = before.edited()
        after.values.update({"endpoints": one.endpoints, "ports": one.ports})
        after.metadata["labels"] = _labels(service)
        if after.values != before.values:
            after.metadata["generation"] += 1
            store.put(after)
    for each in unused:
        store.remove(each)


def _parts(
    store: Store, service: Resource, family: str, pods: Sequence[Resource]
) -> Iterator[_Part]:
    """Endpoints with the same ports together, at most 100 of them.

    A Service that selects no pod has one slice without endpoints.
    """
    groups: dict[str, list[Tree]] = {}
    for pod in pods:
        ip = next((ip for ip in addresses(pod) if f"IPv{family_of(ip)}" == family), None)
        if ip is not None:
            ports = json.dumps(_ports(service, pod))
            groups.setdefault(ports, []).append(_endpoint(store, service, pod, ip))
    for text, endpoints in (groups or {"[]": []}).items():
        for start in range(0, max(1, len(endpoints)), _MOST_ENDPOINTS):
            yield _Part(family, json.loads(text), endpoints[start : start + _MOST_ENDPOINTS])


def _add(store: Store, service: Resource, one: _Part, now: datetime) -> None:
    metadata = {
        "generateName": f"{service.name}-",
        "generation": 1,
        "labels": _labels(service),
        "name": store.new_name(f"{service.name}-"),
        "namespace": service.namespace,
        "ownerReferences": owned_by(service),
    }
    whole = {
        "addressType": one.family,
        "apiVersion": SLICE.api_version,
        "endpoints": one.endpoints,
        "kind": SLICE.name,
        "metadata": metadata,
        "ports": one.ports,
    }
    store.add(Resource(SLICE, whole), now)


def _labels(service: Resource) -> dict[str, str]:
    headless = {_HEADLESS: ""} if service.spec.get("clusterIP") == "None" else {}
    return {**service.labels, MANAGED_BY: CONTROLLER, SERVICE_LABEL: service.name, **headless}


def _ports(service: Resource, pod: Resource) -> list[Tree]:
    """The ports behind a Service's ports on a pod; a name that the pod does not have is none."""
    found = []
    for port in service.spec.get("ports") or ():
        number = target_port(port, pod)
        if number is not None:
            entry = {"name": port.get("name", ""), "port": number, "protocol": port["protocol"]}
            if port.get("appProtocol"):
                entry["appProtocol"] = port["appProtocol"]
            found.append(entry)
    return found


def target_port(port: Tree, pod: Resource) -> int | None:
    """The port of a pod that a Service's port leads to."""
    target = port["targetPort"]
    if isinstance(target, int):
        return target
    for container in pod.spec["containers"]:
        for one in container.get("ports") or ():
            if (one.get("name"), one["protocol"]) == (target, port["protocol"]):
                return int(one["containerPort"])
    return None


def _endpoint(store: Store, service: Resource, pod: Resource, ip: str) -> Tree:
    ready = condition(pod, "Ready")
    wanted = bool(service.spec.get("publishNotReadyAddresses"))
    node = pod.spec["nodeName"]
    where = store.find(NODE, "", node)
    zone = where.labels.get(ZONE_LABEL) if where else None
    endpoint: Tree = {
        "addresses": [ip],
        "conditions": {
            "ready": wanted or (ready and not pod.terminating),
            "serving": wanted or ready,
            "terminating": pod.terminating,
        },
        "nodeName": node,
        "targetRef": {
            "kind": "Pod",
            "name": pod.name,
            "namespace": pod.namespace,
            "uid": pod.uid,
        },
    }
    if zone:
        endpoint["zone"] = zone
    hints = _hints(service.spec, node, zone)
    if hints and endpoint["conditions"]["ready"]:
        endpoint["hints"] = hints
    return endpoint


def _hints(spec: Mapping[str, object], node: str, zone: str | None) -> Tree:
    """For whom an endpoint is meant, by the Service's trafficDistribution."""
    wish = spec.get("trafficDistribution")
    hints: Tree = {}
    if zone and wish in (*_SAME_ZONE, "PreferSameNode"):
        hints["forZones"] = [{"name": zone}]
    if wish == "PreferSameNode":
        hints["forNodes"] = [{"name": node}]
    return hints


def endpoints_of(store: Store, service: Resource) -> Iterator[tuple[Resource, Tree]]:
    """The endpoints in a Service's slices, with their slice, whoever wrote it."""
    for one in store.list(SLICE, service.namespace, {SERVICE_LABEL: service.name}):
        for endpoint in one.values.get("endpoints") or ():
            yield one, endpoint


def is_ready(endpoint: Tree) -> bool:
    """Whether an endpoint may get new connections; what is not stated counts as yes."""
    return part(endpoint, "conditions").get("ready") is not False
