"""``kubectl run``, ``expose`` and ``create KIND``: objects without a file.

Source: kubernetes/staging/src/k8s.io/kubectl/pkg/cmd/run, cmd/expose, cmd/create
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iptlab.kubernetes.api.kinds import DEPLOYMENT, NAMESPACE, POD, REPLICA_SET, SERVICE, Kind
from iptlab.kubernetes.api.resources import Resource, Tree
from iptlab.kubernetes.kubectl import targets
from iptlab.kubernetes.kubectl.apply import create_from_files, make
from iptlab.kubernetes.kubectl.request import CommandError, Request

_SERVICE_TYPES = {
    "clusterip": "ClusterIP",
    "nodeport": "NodePort",
    "loadbalancer": "LoadBalancer",
    "externalname": "ExternalName",
}
_NO_BALANCER: Tree = {"loadBalancer": {}}


def _object(request: Request, kind: Kind, name: str, labels: Tree, **values: Tree) -> Resource:
    metadata: Tree = {"name": name}
    if labels:
        metadata["labels"] = labels
    if kind.namespaced and (request.flags.get("namespace") or "dry-run" not in request.flags):
        metadata["namespace"] = request.namespace
    whole = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **values}
    return Resource(kind, whole)


def pairs(flag: str, text: str) -> dict[str, str]:
    """Labels out of ``a=b,c=d``."""
    found = {}
    for one in filter(None, text.split(",")):
        name, equals, value = one.partition("=")
        if not equals:
            raise CommandError(f"error: unexpected {flag} spec: {one}; write NAME=VALUE")
        found[name] = value
    return found


# --- run ---


def run(request: Request) -> None:
    """Start one pod."""
    if request.on("stdin") or request.on("tty") or request.on("rm"):
        raise CommandError(
            "error: -i, -t and --rm need a terminal, which a cell is not; run the pod, then "
            "kubectl exec NAME -- COMMAND"
        )
    if not request.words:
        raise request.usage("NAME is required for run")
    image = request.flags.get("image")
    if not image:
        raise CommandError('error: required flag(s) "image" not set')
    name = request.words[0]
    container: Tree = {"image": image, "name": name, "resources": {}}
    words = [*request.words[1:], *request.after]
    if words:
        container["command" if request.on("command") else "args"] = words
    if request.flags.get("port"):
        container["ports"] = [{"containerPort": request.number("port", 0)}]
    if env := request.flags.get("env"):
        named = (one.partition("=") for one in env.split("\n"))
        container["env"] = [{"name": name, "value": value} for name, _, value in named]
    labels = pairs("label", request.flags["labels"]) if "labels" in request.flags else {"run": name}
    spec = {
        "containers": [container],
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": request.flags.get("restart") or "Always",
    }
    make(request, _object(request, POD, name, labels, spec=spec, status={}))
    if request.on("expose"):
        ports = [{"port": request.number("port", 0), "protocol": "TCP"}]
        service = {"ports": ports, "selector": labels}
        make(request, _object(request, SERVICE, name, {}, spec=service))


# --- expose ---


def expose(request: Request) -> None:
    """Make a Service in front of what a Deployment, ReplicaSet, Pod or Service has."""
    if not request.words:
        raise CommandError("error: You must provide one or more resources by argument or filename.")
    for one in list(targets.meant(request, request.words)):
        selector = _selector(one)
        if "selector" in request.flags:
            selector = pairs("selector", request.flags["selector"])
        ports = list(_ports(request, one))
        spec: Tree = {"ports": ports, "selector": selector}
        for flag, field in _EXPOSE_FIELDS:
            if request.flags.get(flag):
                spec[field] = request.flags[flag]
        if request.flags.get("external-ip"):
            spec["externalIPs"] = [request.flags["external-ip"]]
        labels = dict(one.labels)
        if "labels" in request.flags:
            labels = pairs("label", request.flags["labels"])
        name = request.flags.get("name") or one.name
        service = _object(request, SERVICE, name, labels, spec=spec, status=_NO_BALANCER)
        make(request, service, "exposed")


_EXPOSE_FIELDS = (
    ("type", "type"),
    ("cluster-ip", "clusterIP"),
    ("session-affinity", "sessionAffinity"),
    ("load-balancer-ip", "loadBalancerIP"),
)


def _selector(one: Resource) -> Tree:
    match one.kind.name:
        case "Deployment" | "ReplicaSet":
            return dict(one.spec["selector"]["matchLabels"])
        case "Service" if one.spec.get("selector"):
            return dict(one.spec["selector"])
        case "Pod" if one.labels:
            return dict(one.labels)
    if one.kind not in (POD, SERVICE, DEPLOYMENT, REPLICA_SET):
        raise CommandError(f"error: cannot expose a {one.kind.name}")
    what = "the pod has no labels" if one.kind == POD else "the service has no pod selector set"
    raise CommandError(
        f"error: couldn't retrieve selectors via --selector flag or introspection: {what} and "
        "cannot be exposed"
    )


def _ports(request: Request, one: Resource) -> Iterator[Tree]:
    """The ports that the flags say, else those of the containers."""
    protocol = request.flags.get("protocol")
    given = request.flags.get("port") or ",".join(_own_ports(one))
    if not given:
        raise CommandError("error: couldn't find port via --port flag or introspection")
    numbers = given.split(",")
    for number, text in enumerate(numbers, start=1):
        plain, _, own = text.partition("/")
        if not plain.isdecimal():
            cause = f'strconv.ParseInt: parsing "{plain}": invalid syntax'
            raise CommandError(f"error: {cause}")
        target = request.flags.get("target-port") or plain
        port: Tree = {
            "port": int(plain),
            "protocol": protocol or own or "TCP",
            "targetPort": int(target) if target.isdecimal() else target,
        }
        yield {"name": f"port-{number}", **port} if len(numbers) > 1 else port


def _own_ports(one: Resource) -> Iterator[str]:
    if one.kind == SERVICE:
        yield from (f"{each['port']}/{each['protocol']}" for each in one.spec["ports"])
        return
    spec = one.spec if one.kind == POD else one.spec["template"]["spec"]
    for container in spec["containers"]:
        for port in container.get("ports") or ():
            yield f"{port['containerPort']}/{port['protocol']}"


# --- create ---


def create(request: Request) -> None:
    """Make objects out of files, or a Deployment, Service or Namespace out of words."""
    if request.words:
        _create_from_words(request, request.words)
    elif "filename" in request.flags:
        create_from_files(request)
    else:
        raise CommandError("error: must specify one of -f and -k")


def _create_from_words(request: Request, words: Sequence[str]) -> None:
    makers = {
        **dict.fromkeys(("deployment", "deploy"), _deployment),
        **dict.fromkeys(("service", "svc"), _service),
        **dict.fromkeys(("namespace", "ns"), _namespace),
    }
    maker = makers.get(words[0])
    if maker is None:
        raise CommandError(
            f'error: unknown command "{words[0]} {" ".join(words[1:])}"\n'
            "Here are create -f FILE, create deployment, create service and create namespace."
        )
    if len(words) < 2:
        count = len(words) - 1
        raise CommandError(
            f"error: exactly one NAME is required, got {count}\n"
            f"See 'kubectl create {words[0]} -h' for help and examples"
        )
    make(request, maker(request, words[1:]))


def _namespace(request: Request, words: Sequence[str]) -> Resource:
    return _object(request, NAMESPACE, words[0], {}, spec={}, status={})


def _deployment(request: Request, words: Sequence[str]) -> Resource:
    name = words[0]
    images = (request.flags.get("image") or "").split("\n")
    if not images[0]:
        raise CommandError('error: required flag(s) "image" not set')
    containers: list[Tree] = []
    for image in images:
        short = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
        containers.append({"image": image, "name": short, "resources": {}})
    if request.flags.get("port"):
        containers[0]["ports"] = [{"containerPort": request.number("port", 0)}]
    if request.after:
        containers[0]["command"] = list(request.after)
    labels = {"app": name}
    spec = {
        "replicas": request.number("replicas", 1),
        "selector": {"matchLabels": dict(labels)},
        "strategy": {},
        "template": {"metadata": {"labels": dict(labels)}, "spec": {"containers": containers}},
    }
    return _object(request, DEPLOYMENT, name, labels, spec=spec, status={})


def _service(request: Request, words: Sequence[str]) -> Resource:
    type_ = _SERVICE_TYPES.get(words[0])
    if type_ is None or len(words) < 2:
        raise CommandError(
            "error: write kubectl create service clusterip, nodeport, loadbalancer or "
            "externalname, then NAME and --tcp=PORT:TARGET"
        )
    name = words[1]
    spec: Tree = {"type": type_, "selector": {"app": name}}
    tcp = list(filter(None, (request.flags.get("tcp") or "").replace(",", "\n").split("\n")))
    if type_ == "ExternalName":
        spec["externalName"] = request.flags.get("external-name", "")
    elif not tcp and request.flags.get("clusterip") != "None":
        raise CommandError("error: at least one tcp port specifier must be provided")
    if request.flags.get("clusterip"):
        spec["clusterIP"] = request.flags["clusterip"]
    spec["ports"] = [_tcp_port(one) for one in tcp]
    if request.flags.get("node-port") and spec["ports"]:
        spec["ports"][0]["nodePort"] = request.number("node-port", 0)
    return _object(request, SERVICE, name, {"app": name}, spec=spec, status=_NO_BALANCER)


def _tcp_port(text: str) -> Tree:
    port, _, target = text.partition(":")
    if not port.isdecimal():
        cause = f'strconv.Atoi: parsing "{port}": invalid syntax'
        raise CommandError(f"error: {cause}")
    target = target or port
    number: int | str = int(target) if target.isdecimal() else target
    name = text.replace(":", "-")
    return {"name": name, "port": int(port), "protocol": "TCP", "targetPort": number}
