"""The old Endpoints objects, which are made from Services' slices when somebody asks.

Source: kubernetes/pkg/controller/endpoint, which makes them of the same pods
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from iptlab.kubernetes.api.kinds import ENDPOINTS, SERVICE
from iptlab.kubernetes.api.resources import Resource, Tree
from iptlab.kubernetes.api.slices import endpoints_of, is_ready
from iptlab.kubernetes.api.store import Store


def one(store: Store, namespace: str, name: str) -> Resource | None:
    """The Endpoints of a Service, if there is such a Service and it has any."""
    service = store.find(SERVICE, namespace, name)
    if service is None or service.spec["type"] == "ExternalName":
        return None
    return _made(store, service)


def all_(store: Store, namespace: str | None) -> list[Resource]:
    """The Endpoints of all Services."""
    found = (one(store, each.namespace, each.name) for each in store.list(SERVICE, namespace))
    return [each for each in found if each is not None]


def _made(store: Store, service: Resource) -> Resource:
    groups: dict[str, list[Tree]] = {}
    for part, endpoint in endpoints_of(store, service):
        if not (endpoint.get("conditions") or {}).get("terminating"):
            groups.setdefault(json.dumps(part.values.get("ports") or []), []).append(endpoint)
    metadata = {
        "creationTimestamp": service.metadata["creationTimestamp"],
        "labels": dict(service.labels),
        "name": service.name,
        "namespace": service.namespace,
    }
    subsets = [dict(_subset(json.loads(ports), ends)) for ports, ends in groups.items()]
    whole = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": subsets}
    return Resource(ENDPOINTS, whole)


def _subset(ports: list[Tree], ends: list[Tree]) -> Iterator[tuple[str, object]]:
    for name, wanted in (("addresses", True), ("notReadyAddresses", False)):
        addresses = [dict(_address(end)) for end in ends if is_ready(end) == wanted]
        if addresses:
            yield name, addresses
    yield "ports", [{key: value for key, value in port.items() if value} for port in ports]


def _address(endpoint: Tree) -> Iterator[tuple[str, object]]:
    yield "ip", endpoint["addresses"][0]
    for name in ("nodeName", "targetRef"):
        if endpoint.get(name):
            yield name, endpoint[name]
