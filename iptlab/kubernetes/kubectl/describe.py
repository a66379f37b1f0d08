"""``kubectl describe``: all that there is to say about an object.

Source: kubernetes/staging/src/k8s.io/kubectl/pkg/describe/describe.go

Simplified: there are no events, and nothing is said about memory, disks and images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from iptlab.kubernetes.api.kinds import POD
from iptlab.kubernetes.api.resources import Resource, part, read_time
from iptlab.kubernetes.api.slices import endpoints_of, is_ready
from iptlab.kubernetes.api.store import Store
from iptlab.kubernetes.kubectl import targets
from iptlab.kubernetes.kubectl.apply import LAST_APPLIED
from iptlab.kubernetes.kubectl.describe_workloads import describe_deployment, describe_pod
from iptlab.kubernetes.kubectl.request import CommandError, Request
from iptlab.kubernetes.kubectl.rows import bracketed, cut, roles, words
from iptlab.kubernetes.kubectl.tables import age, columns, moment

_NO_TYPE = (
    'error: You must specify the type of resource to describe. Use "kubectl api-resources" for '
    "a complete list of supported resources."
)


def describe(request: Request) -> None:
    """Tell all about some objects, one after the other."""
    if not request.words:
        raise CommandError(_NO_TYPE)
    found = _found(request)
    pages = []
    for one in found:
        lines = [*_heading(one), *_DESCRIBERS[one.kind.name](request, one)]
        pages.append(columns([*lines, "Events:\t<none>"]))
    request.out.append("\n\n".join(pages))
    if not found and not request.status:
        where = f" in {request.namespace} namespace." if not request.on("all-namespaces") else ""
        request.warn(f"No resources found{where}")


def _found(request: Request) -> list[Resource]:
    if any("/" in word for word in request.words) or len(request.words) > 1:
        return list(targets.meant(request, request.words))
    kinds = targets.kinds_named(request.words[0])
    return [one for kind in kinds for one in targets.listed(request, kind)]


def multiline(title: str, values: Mapping[str, str], glue: str = "=") -> Iterator[str]:
    """Labels or annotations, each on its line."""
    shown = {name: value for name, value in values.items() if name != LAST_APPLIED}
    told = [f"{name}{glue}{value}" for name, value in sorted(shown.items())] or ["<none>"]
    for number, text in enumerate(told):
        yield f"{title}:\t{text}" if number == 0 else f"\t{text}"


def _heading(one: Resource) -> Iterator[str]:
    """What stands first with every kind but pods, nodes and deployments."""
    yield f"Name:\t{one.name}"
    if one.kind.name in ("Pod", "Node"):
        return
    if one.kind.namespaced:
        yield f"Namespace:\t{one.namespace}"
    if one.kind.name == "Deployment":
        yield f"CreationTimestamp:\t{moment(one.created)}"
    if one.kind.name == "ReplicaSet":
        yield f"Selector:\t{words(one.spec['selector']['matchLabels'])}"
    yield from multiline("Labels", one.labels)
    yield from multiline("Annotations", part(one.metadata, "annotations"), ": ")


# --- Service ---


def _service(request: Request, one: Resource) -> Iterator[str]:
    spec = one.spec
    yield f"Selector:\t{words(spec.get('selector') or {})}"
    yield f"Type:\t{spec['type']}"
    if spec.get("ipFamilyPolicy"):
        yield f"IP Family Policy:\t{spec['ipFamilyPolicy']}"
    yield f"IP Families:\t{','.join(spec.get('ipFamilies') or ()) or '<none>'}"
    yield f"IP:\t{spec.get('clusterIP', '')}"
    yield f"IPs:\t{','.join(spec.get('clusterIPs') or ()) or '<none>'}"
    for title, name in (("External IPs", "externalIPs"), ("External Name", "externalName")):
        if spec.get(name):
            value = spec[name]
            yield f"{title}:\t{value if isinstance(value, str) else ','.join(value)}"
    entries = part(one.status, "loadBalancer").get("ingress") or ()
    if entries:
        yield f"LoadBalancer Ingress:\t{', '.join(map(_ingress, entries))}"
    for port in spec.get("ports") or ():
        yield from _port(request.plane.store, one, port)
    yield f"Session Affinity:\t{spec['sessionAffinity']}"
    for title, name in _SERVICE_ENDING:
        if spec.get(name):
            value = spec[name]
            yield f"{title}:\t{','.join(value) if isinstance(value, list) else value}"


_SERVICE_ENDING = (
    ("External Traffic Policy", "externalTrafficPolicy"),
    ("Internal Traffic Policy", "internalTrafficPolicy"),
    ("HealthCheck NodePort", "healthCheckNodePort"),
    ("LoadBalancer Source Ranges", "loadBalancerSourceRanges"),
    ("Traffic Distribution", "trafficDistribution"),
)


def _ingress(entry: Mapping[str, str]) -> str:
    if not entry.get("ip"):
        return entry.get("hostname", "")
    return f"{entry['ip']} ({entry['ipMode']})" if entry.get("ipMode") else entry["ip"]


def _port(store: Store, service: Resource, port: Mapping[str, object]) -> Iterator[str]:
    name, protocol = port.get("name") or "<unset>", port["protocol"]
    yield f"Port:\t{name}\t{port['port']}/{protocol}"
    yield f"TargetPort:\t{port['targetPort']}/{protocol}"
    if port.get("appProtocol"):
        yield f"AppProtocol:\t{port['appProtocol']}"
    if port.get("nodePort"):
        yield f"NodePort:\t{name}\t{port['nodePort']}/{protocol}"
    yield f"Endpoints:\t{_ready(store, service, str(port.get('name') or ''))}"


def _ready(store: Store, service: Resource, name: str) -> str:
    """The ready endpoints of one port of a Service."""
    found, any_slice = [], False
    for part_, endpoint in endpoints_of(store, service):
        any_slice = True
        for port in part_.values.get("ports") or ():
            if (port.get("name") or "") == name and is_ready(endpoint):
                found.append(f"{bracketed(endpoint['addresses'][0])}:{port['port']}")
    return cut(found, "" if any_slice or service.spec.get("selector") else "<none>")


# --- slices ---


def _slice(request: Request, one: Resource) -> Iterator[str]:
    yield f"AddressType:\t{one.values['addressType']}"
    ports = one.values.get("ports") or ()
    yield "Ports:" if ports else "Ports: <unset>"
    if ports:
        yield "  Name\tPort\tProtocol"
        yield "  ----\t----\t--------"
    for port in ports:
        number = port.get("port") or "<unset>"
        yield f"  {port.get('name') or '<unset>'}\t{number}\t{port['protocol']}"
    ends = one.values.get("endpoints") or ()
    yield "Endpoints:" if ends else "Endpoints: <none>"
    for end in ends:
        ready = part(end, "conditions").get("ready")
        target = part(end, "targetRef")
        yield f"  - Addresses:\t{', '.join(end['addresses'])}"
        yield "    Conditions:"
        yield f"      Ready:\t{'<unset>' if ready is None else str(ready).lower()}"
        yield f"    Hostname:\t{end.get('hostname') or '<unset>'}"
        if target:
            yield f"    TargetRef:\t{target.get('kind')}/{target.get('name')}"
        yield f"    NodeName:\t{end.get('nodeName') or '<unset>'}"
        yield f"    Zone:\t{end.get('zone') or '<unset>'}"


def _endpoints(request: Request, one: Resource) -> Iterator[str]:
    yield "Subsets:"
    for subset in one.values.get("subsets") or ():
        for title, name in (("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")):
            ips = ",".join(each["ip"] for each in subset.get(name) or ())
            yield f"  {title}:\t{ips or '<none>'}"
        ports: Sequence[Mapping[str, object]] = subset.get("ports") or ()
        if ports:
            yield "  Ports:"
            yield "    Name\tPort\tProtocol"
            yield "    ----\t----\t--------"
        for port in ports:
            yield f"    {port.get('name') or '<unset>'}\t{port['port']}\t{port['protocol']}"
        yield ""


# --- the rest ---


def _node(request: Request, one: Resource) -> Iterator[str]:
    yield f"Roles:\t{','.join(roles(one)) or '<none>'}"
    yield from multiline("Labels", one.labels)
    yield from multiline("Annotations", part(one.metadata, "annotations"), ": ")
    yield f"CreationTimestamp:\t{moment(one.created)}"
    yield "Taints:\t<none>"
    yield f"Unschedulable:\t{str(bool(one.spec.get('unschedulable'))).lower()}"
    yield "Conditions:"
    titles = ("Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message")
    yield "  " + "\t".join(titles)
    yield "  " + "\t".join("-" * len(one) for one in titles)
    for each in one.status.get("conditions") or ():
        since = moment(read_time(each["lastTransitionTime"]))
        now = moment(request.plane.now)
        told = (each["type"], each["status"], now, since, each["reason"], each["message"])
        yield "  " + " \t".join(told)
    yield "Addresses:"
    for address in one.status.get("addresses") or ():
        yield f"  {address['type']}:\t{address['address']}"
    yield "System Info:"
    for title, name in _SYSTEM:
        yield f"  {title}:\t{part(one.status, 'nodeInfo').get(name, '')}"
    yield f"PodCIDR:\t{one.spec.get('podCIDR', '')}"
    yield f"PodCIDRs:\t{','.join(one.spec.get('podCIDRs') or ())}"
    yield from _pods_on(request, one)


_SYSTEM = (
    ("Kernel Version", "kernelVersion"),
    ("OS Image", "osImage"),
    ("Operating System", "operatingSystem"),
    ("Architecture", "architecture"),
    ("Container Runtime Version", "containerRuntimeVersion"),
    ("Kubelet Version", "kubeletVersion"),
)


def _pods_on(request: Request, node: Resource) -> Iterator[str]:
    store = request.plane.store
    pods = [pod for pod in store.list(POD) if pod.spec.get("nodeName") == node.name]
    yield f"Non-terminated Pods:\t({len(pods)} in total)"
    yield "  Namespace\tName\tAge"
    yield "  ---------\t----\t---"
    for pod in pods:
        yield f"  {pod.namespace}\t{pod.name}\t{age(pod.created, request.plane.now)}"


def _namespace(request: Request, one: Resource) -> Iterator[str]:
    yield f"Status:\t{one.status.get('phase', '')}"
    yield ""
    yield "No resource quota."
    yield ""
    yield "No LimitRange resource."


_DESCRIBERS: Mapping[str, Callable[[Request, Resource], Iterator[str]]] = {
    "Deployment": describe_deployment,
    "Endpoints": _endpoints,
    "EndpointSlice": _slice,
    "Namespace": _namespace,
    "Node": _node,
    "Pod": describe_pod,
    "ReplicaSet": describe_deployment,
    "Service": _service,
}
