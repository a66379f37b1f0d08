"""The columns in which ``kubectl get`` shows each kind of object.

Source: kubernetes/pkg/printers/internalversion/printers.go
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from iptlab.kubernetes.api.kinds import Kind
from iptlab.kubernetes.api.kubelet import condition
from iptlab.kubernetes.api.pools import ingress
from iptlab.kubernetes.api.resources import Resource, part
from iptlab.kubernetes.kubectl.tables import age

_MOST_SHOWN = 3
_ROLE = "node-role.kubernetes.io/"


@dataclass(frozen=True)
class Columns:
    """A kind's columns, those that only ``-o wide`` shows, and the cells of an object."""

    usual: tuple[str, ...]
    wide: tuple[str, ...]
    cells: Callable[[Resource, datetime], list[str]]

    def header(self, *, wide: bool) -> list[str]:
        """The names of the columns."""
        return [*self.usual, *self.wide] if wide else [*self.usual]

    def row(self, one: Resource, now: datetime, *, wide: bool) -> list[str]:
        """The cells of an object."""
        cells = self.cells(one, now)
        return cells if wide else cells[: len(self.usual)]


def words(labels: Mapping[str, object]) -> str:
    """Labels or a selector in one cell."""
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items())) or "<none>"


def _joined(values: Iterable[object], none: str = "<none>") -> str:
    return ",".join(str(one) for one in values if one) or none


def roles(node: Resource) -> list[str]:
    """What a node's labels say it is for."""
    return sorted(name.removeprefix(_ROLE) for name in node.labels if name.startswith(_ROLE))


def _node(node: Resource, now: datetime) -> list[str]:
    ready = "Ready" if condition(node, "Ready") else "NotReady"
    addresses = node.status.get("addresses") or ()

    def first(kind: str) -> str:
        return next((one["address"] for one in addresses if one["type"] == kind), "<none>")

    info = part(node.status, "nodeInfo")
    return [
        node.name,
        f"{ready},SchedulingDisabled" if node.spec.get("unschedulable") else ready,
        _joined(roles(node)),
        age(node.created, now),
        info.get("kubeletVersion", ""),
        first("InternalIP"),
        first("ExternalIP"),
        info.get("osImage", "<unknown>"),
        info.get("kernelVersion", "<unknown>"),
        info.get("containerRuntimeVersion", "<unknown>"),
    ]


def pod_status(pod: Resource) -> str:
    """The word on how a pod is."""
    return "Terminating" if pod.terminating else str(pod.status.get("phase", "Unknown"))


def _pod(pod: Resource, now: datetime) -> list[str]:
    states = pod.status.get("containerStatuses") or ()
    ready = sum(bool(one["ready"]) for one in states)
    gates = [one["conditionType"] for one in pod.spec.get("readinessGates") or ()]
    open_ = sum(condition(pod, gate) for gate in gates)
    return [
        pod.name,
        f"{ready}/{len(pod.spec['containers'])}",
        pod_status(pod),
        str(sum(one["restartCount"] for one in states)),
        age(pod.created, now),
        pod.status.get("podIP") or "<none>",
        pod.spec.get("nodeName") or "<none>",
        "<none>",
        f"{open_}/{len(gates)}" if gates else "<none>",
    ]


def _containers(one: Resource) -> list[str]:
    """The containers and images of a template, and its selector."""
    containers = one.spec["template"]["spec"]["containers"]
    return [
        ",".join(each["name"] for each in containers),
        ",".join(each["image"] for each in containers),
        words(one.spec["selector"]["matchLabels"]),
    ]


def _deployment(one: Resource, now: datetime) -> list[str]:
    status = one.status
    return [
        one.name,
        f"{status.get('readyReplicas', 0)}/{one.spec['replicas']}",
        str(status.get("updatedReplicas", 0)),
        str(status.get("availableReplicas", 0)),
        age(one.created, now),
        *_containers(one),
    ]


def _replica_set(one: Resource, now: datetime) -> list[str]:
    return [
        one.name,
        str(one.spec["replicas"]),
        str(one.status.get("replicas", 0)),
        str(one.status.get("readyReplicas", 0)),
        age(one.created, now),
        *_containers(one),
    ]


def _service(service: Resource, now: datetime) -> list[str]:
    spec = service.spec
    return [
        service.name,
        spec["type"],
        spec.get("clusterIP") or "<none>",
        _external(service),
        _joined(map(_service_port, spec.get("ports") or ())),
        age(service.created, now),
        words(spec.get("selector") or {}),
    ]


def _service_port(port: Mapping[str, object]) -> str:
    node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port['port']}{node_port}/{port['protocol']}"


def _external(service: Resource) -> str:
    """The addresses of a Service for clients outside."""
    own: Sequence[str] = service.spec.get("externalIPs") or ()
    match service.spec["type"]:
        case "ExternalName":
            return str(service.spec["externalName"])
        case "LoadBalancer":
            return _joined([*ingress(service), *own], "<pending>")
    return _joined(own)


def _endpoints(one: Resource, now: datetime) -> list[str]:
    found: list[str] = []
    for subset in one.values.get("subsets") or ():
        ips = [each["ip"] for each in subset.get("addresses") or ()]
        ports = [port["port"] for port in subset.get("ports") or () if port.get("port")]
        found += [f"{bracketed(ip)}:{port}" for port in ports for ip in ips] if ports else ips
    return [one.name, cut(found, "<none>"), age(one.created, now)]


def bracketed(ip: str) -> str:
    """An address as it stands before a port."""
    return f"[{ip}]" if ":" in ip else ip


def cut(found: Sequence[str], none: str) -> str:
    """The first few, and how many more there are."""
    if not found:
        return none
    more = len(found) - _MOST_SHOWN
    shown = ",".join(found[:_MOST_SHOWN])
    return f"{shown} + {more} more..." if more > 0 else shown


def _slice(one: Resource, now: datetime) -> list[str]:
    ports = one.values.get("ports") or ()
    ends = [ip for end in one.values.get("endpoints") or () for ip in end.get("addresses") or ()]
    return [
        one.name,
        one.values["addressType"],
        cut([str(port.get("port") or "*") for port in ports], "<unset>"),
        cut(ends, "<unset>"),
        age(one.created, now),
    ]


def _namespace(one: Resource, now: datetime) -> list[str]:
    return [one.name, one.status.get("phase", ""), age(one.created, now)]


_TEMPLATE = ("CONTAINERS", "IMAGES", "SELECTOR")
_COLUMNS = {
    "Node": Columns(
        ("NAME", "STATUS", "ROLES", "AGE", "VERSION"),
        ("INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"),
        _node,
    ),
    "Pod": Columns(
        ("NAME", "READY", "STATUS", "RESTARTS", "AGE"),
        ("IP", "NODE", "NOMINATED NODE", "READINESS GATES"),
        _pod,
    ),
    "Deployment": Columns(
        ("NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"), _TEMPLATE, _deployment
    ),
    "ReplicaSet": Columns(("NAME", "DESIRED", "CURRENT", "READY", "AGE"), _TEMPLATE, _replica_set),
    "Service": Columns(
        ("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"), ("SELECTOR",), _service
    ),
    "Endpoints": Columns(("NAME", "ENDPOINTS", "AGE"), (), _endpoints),
    "EndpointSlice": Columns(("NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE"), (), _slice),
    "Namespace": Columns(("NAME", "STATUS", "AGE"), (), _namespace),
}


def columns_of(kind: Kind) -> Columns:
    """The columns of a kind."""
    return _COLUMNS[kind.name]
