"""The controller of EndpointSlices: who is behind each Service, by its selector.

Source: kubernetes/staging/src/k8s.io/endpointslice/reconciler.go, utils.go, trafficdist

Simplified: slices are filled up in order; a real controller moves as few endpoints as it can.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from iptlab.kubernetes.addresses import family_of
from iptlab.kubernetes.api.kinds import NODE, POD, SERVICE, SLICE
from iptlab.kubernetes.api.kubelet import condition
from iptlab.kubernetes.api.resources import Resource, Tree, owned_by, part
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
    wanted = {one.key for one in store.list(SERVICE) if _selects(one)}
    for old in store.list(SLICE):
        service = store.find(SERVICE, old.namespace, old.labels.get(SERVICE_LABEL, ""))
        if is_managed(old) and (service is None or service.key not in wanted):
            store.remove(old)
    for service in store.list(SERVICE):
        if _selects(service):
            for family in service.spec["ipFamilies"]:
                _reconcile(store, service, family, now)


def _selects(service: Resource) -> bool:
    return bool(service.spec.get("selector")) and service.spec["type"] != "ExternalName"


def is_managed(one: Resource) -> bool:
    """Whether the controller made a slice, and will change it back if somebody changes it."""
    return one.labels.get(MANAGED_BY) == CONTROLLER


def _reconcile(store: Store, service: Resource, family: str, now: datetime) -> None:
    """Write the slices of a Service for one family; those that stay as they are keep their name."""
    old = [
        one
        for one in store.list(SLICE, service.namespace, {SERVICE_LABEL: service.name})
        if is_managed(one) and one.values["addressType"] == family
    ]
    unused = list(old)
    for ports, endpoints in _parts(store, service, family):
        before = next((one for one in unused if one.values["ports"] == ports), None)
        before = before or next(iter(unused), None)
        if before is None:
            values = {"addressType": family, "endpoints": endpoints, "ports": ports}
            _add(store, service, values, now)
            continue
        unused.remove(before)
        after = before.edited()
        after.values.update({"endpoints": endpoints, "ports": ports})
        after.metadata["labels"] = _labels(service)
        if after.values != before.values:
            after.metadata["generation"] += 1
            store.put(after)
    for one in unused:
        store.remove(one)


def _parts(store: Store, service: Resource, family: str) -> Iterator[tuple[list[Tree], list[Tree]]]:
    """What goes into the slices: endpoints with the same ports together, at most 100 of them.

    A Service that selects no pod has one slice without endpoints.
    """
    groups: dict[str, list[Tree]] = {}
    pods = store.list(POD, service.namespace, service.spec["selector"])
    for pod in sorted(pods, key=lambda one: (one.created, one.key)):
        ip = next((ip for ip in addresses(pod) if f"IPv{family_of(ip)}" == family), None)
        if ip is not None:
            ports = json.dumps(_ports(service, pod))
            groups.setdefault(ports, []).append(_endpoint(store, service, pod, ip))
    for text, endpoints in (groups or {"[]": []}).items():
        for start in range(0, max(1, len(endpoints)), _MOST_ENDPOINTS):
            yield json.loads(text), endpoints[start : start + _MOST_ENDPOINTS]


def _add(store: Store, service: Resource, values: Tree, now: datetime) -> None:
    metadata = {
        "generateName": f"{service.name}-",
        "generation": 1,
        "labels": _labels(service),
        "name": store.new_name(f"{service.name}-"),
        "namespace": service.namespace,
        "ownerReferences": owned_by(service),
    }
    whole = {"apiVersion": SLICE.api_version, "kind": SLICE.name, "metadata": metadata, **values}
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
