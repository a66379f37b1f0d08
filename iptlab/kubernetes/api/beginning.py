"""What is in a cluster when it begins: the objects of manifests, and what they imply.

Manifests for kube-proxy alone say where endpoints are and nothing of pods; so that the
controllers can take over from there, the pods behind the endpoints are made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from ipaddress import ip_network

from iptlab.errors import ManifestError
from iptlab.kubernetes.addresses import Network, family_of
from iptlab.kubernetes.api.kinds import KINDS, NAMESPACE, NODE, POD, SERVICE, SLICE, Kind, kind_of
from iptlab.kubernetes.api.resources import Resource, Tree, made, part, stamp
from iptlab.kubernetes.api.slices import CONTROLLER, MANAGED_BY
from iptlab.kubernetes.documents import read_documents
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.objects import SERVICE_LABEL, Node
from iptlab.packet import Family

VERSION = "v1.36.2"
ALWAYS_THERE = ("default", "kube-system")
_NAMESPACES = (*ALWAYS_THERE, "kube-node-lease", "kube-public")
_IMAGE = "registry.example/server:1"
# where kubeadm has Services
_SERVICES = {Family.IPV4: ip_network("10.96.0.0/12"), Family.IPV6: ip_network("fd00:10:96::/112")}
_AROUND = {Family.IPV4: 16, Family.IPV6: 112}

THREE_NODES = """
kind: List
items:
- kind: Node
  metadata:
    name: node1
    labels: {topology.kubernetes.io/zone: zone-a, node-role.kubernetes.io/control-plane: ""}
- {kind: Node, metadata: {name: node2, labels: {topology.kubernetes.io/zone: zone-a}}}
- {kind: Node, metadata: {name: node3, labels: {topology.kubernetes.io/zone: zone-b}}}
- kind: Service
  metadata:
    name: kubernetes
    labels: {component: apiserver, provider: kubernetes}
  spec: {clusterIP: 10.96.0.1, ports: [{name: https, port: 443, targetPort: 6443}]}
- kind: EndpointSlice
  metadata: {name: kubernetes, labels: {kubernetes.io/service-name: kubernetes}}
  addressType: IPv4
  ports: [{name: https, port: 6443, protocol: TCP}]
  endpoints: [{addresses: [192.168.10.11], conditions: {ready: true}}]
"""


def read_objects(text: str) -> list[Resource]:
    """The objects of manifests, the namespaces they need, the pods behind their endpoints."""
    given = [_resource(one) for one in _trees(text)]
    there = {one.key for one in given}
    names = {*_NAMESPACES, *(one.namespace for one in given if one.kind.namespaced)}
    namespaces = [Resource(NAMESPACE, header(NAMESPACE, {"name": one})) for one in sorted(names)]
    pods = {one.key: one for one in _pods_behind(given) if one.key not in there}
    return [*(one for one in namespaces if one.key not in there), *given, *pods.values()]


def header(kind: Kind, metadata: Tree) -> Tree:
    """The beginning of an object."""
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata}


def manifests_of(resources: Sequence[Resource]) -> Manifests:
    """What kube-proxy reads of objects."""
    items = [one.values for one in resources if one.kind in (NODE, SERVICE, SLICE)]
    return Manifests.parse(json.dumps({"kind": "List", "items": items}))


def service_networks(given: Sequence[Resource], families: Sequence[Family]) -> list[Network]:
    """Where Services get their addresses: the usual networks, or those around given ones."""
    found = []
    for family in families:
        ips = [str(one.spec.get("clusterIP") or "") for one in given if one.kind is SERVICE]
        own = [ip for ip in ips if ip not in ("", "None") and family_of(ip) is family]
        around = [ip_network(f"{ip}/{_AROUND[family]}", strict=False) for ip in own]
        usual = _SERVICES[family]
        inside = all(one.network_address in usual for one in around)
        found.append(usual if inside else around[0])
    return found


def _trees(text: str) -> Iterator[Tree]:
    """The objects of manifests, those in Lists one by one."""
    waiting = [content for _, content in read_documents(text)]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, dict) or "kind" not in one:
            raise ManifestError("this is no Kubernetes object", cure="It begins with kind: Node.")
        if one["kind"] == "List":
            waiting[:0] = one.get("items") or ()
        else:
            yield one


def _resource(values: Tree) -> Resource:
    """An object of the beginning; its apiVersion may be missing."""
    names = {kind.name: kind.api_version for kind in KINDS}
    version = values.setdefault("apiVersion", names.get(values["kind"], ""))
    kind = kind_of(version, values["kind"])
    if kind is None:
        cure = f"There are {', '.join(names)}."
        raise ManifestError(f"{values['kind']} is no kind that this cluster has", cure=cure)
    if kind.namespaced:
        made(values, "metadata").setdefault("namespace", "default")
    return Resource(kind, values)


# --- pods ---


def _pods_behind(given: Sequence[Resource]) -> Iterator[Resource]:
    """A pod for every endpoint that names one; its slice is the controller's from then on."""
    services = {(one.namespace, one.name): one for one in given if one.kind is SERVICE}
    for one in given:
        service = services.get((one.namespace, one.labels.get(SERVICE_LABEL, "")))
        if one.kind is not SLICE or service is None or not service.spec.get("selector"):
            continue
        ends = one.values.get("endpoints") or ()
        if all(part(end, "targetRef").get("name") and end.get("nodeName") for end in ends):
            made(one.metadata, "labels")[MANAGED_BY] = CONTROLLER
            made(one.values, "metadata").setdefault("generation", 1)
            yield from (_pod(service, one, end) for end in ends)


def _pod(service: Resource, slice_: Resource, end: Tree) -> Resource:
    targets = {p.get("name") or "": p.get("targetPort") for p in service.spec.get("ports") or ()}
    ports: list[Tree] = []
    for port in slice_.values.get("ports") or ():
        entry = {"containerPort": port.get("port"), "protocol": port.get("protocol", "TCP")}
        target = targets.get(port.get("name") or "")
        ports.append({**entry, "name": target} if isinstance(target, str) else entry)
    container: Tree = {"image": _IMAGE, "name": service.name, "ports": ports}
    if part(end, "conditions").get("ready") is False:
        container["readinessProbe"] = {"exec": {"command": ["cat", "/tmp/ready"]}}
    metadata = {
        "labels": dict(service.spec["selector"]),
        "name": end["targetRef"]["name"],
        "namespace": service.namespace,
    }
    ips = [{"ip": end["addresses"][0]}]
    return Resource(
        POD,
        {
            **header(POD, metadata),
            "spec": {"containers": [container], "nodeName": end["nodeName"]},
            "status": {"podIP": ips[0]["ip"], "podIPs": ips},
        },
    )


# --- nodes ---


def reporting(resource: Resource, node: Node, now: datetime) -> Resource:
    """The Node as its kubelet registers it."""
    after = resource.edited()
    labels = made(after.metadata, "labels")
    own = {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}
    labels |= {**own, "kubernetes.io/hostname": node.name, **labels}
    spec, status = made(after.values, "spec"), made(after.values, "status")
    cidrs = [str(net) for net in node.pod_networks]
    spec |= {"podCIDR": cidrs[0], "podCIDRs": cidrs}
    ips = [{"address": one, "type": "InternalIP"} for one in node.addresses]
    status.setdefault("addresses", [*ips, {"address": node.name, "type": "Hostname"}])
    status["conditions"] = [
        {
            "lastTransitionTime": stamp(now),
            "message": "kubelet is posting ready status",
            "reason": "KubeletReady",
            "status": "True",
            "type": "Ready",
        }
    ]
    status["nodeInfo"] = {
        "architecture": "amd64",
        "containerRuntimeVersion": "containerd://2.1.4",
        "kernelVersion": "6.1.0-56-amd64",
        "kubeletVersion": VERSION,
        "operatingSystem": "linux",
        "osImage": "Debian GNU/Linux 12 (bookworm)",
    }
    return after
