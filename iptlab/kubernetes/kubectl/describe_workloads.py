"""What ``kubectl describe`` says about pods, and what makes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from iptlab.kubernetes.api.kinds import POD, REPLICA_SET
from iptlab.kubernetes.api.resources import Resource, part, read_time
from iptlab.kubernetes.kubectl.request import Request
from iptlab.kubernetes.kubectl.rows import words
from iptlab.kubernetes.kubectl.tables import age, moment

Container = Mapping[str, Any]


def describe_pod(request: Request, one: Resource) -> Iterator[str]:
    """Where a pod is, how its containers are, and its conditions."""
    from iptlab.kubernetes.kubectl.describe import multiline

    status = one.status
    yield f"Namespace:\t{one.namespace}"
    node = one.spec.get("nodeName")
    yield f"Node:\t{node}/{status['hostIP']}" if node and status.get("hostIP") else "Node:\t<none>"
    if status.get("startTime"):
        yield f"Start Time:\t{moment(read_time(status['startTime']))}"
    yield from multiline("Labels", one.labels)
    yield from multiline("Annotations", part(one.metadata, "annotations"), ": ")
    if one.terminating:
        since = read_time(one.metadata["deletionTimestamp"])
        yield f"Status:\tTerminating (lasts {age(since, request.plane.now)})"
        yield f"Termination Grace Period:\t{one.metadata['deletionGracePeriodSeconds']}s"
    else:
        yield f"Status:\t{status.get('phase', '')}"
    yield f"IP:\t{status.get('podIP', '')}"
    ips = status.get("podIPs") or ()
    yield "IPs:" if ips else "IPs:\t<none>"
    yield from (f"  IP:\t{each['ip']}" for each in ips)
    owners = one.metadata.get("ownerReferences") or ()
    yield from (f"Controlled By:\t{each['kind']}/{each['name']}" for each in owners)
    yield "Containers:"
    states = {each["name"]: each for each in status.get("containerStatuses") or ()}
    for container in one.spec["containers"]:
        yield from _container(container, states.get(container["name"]))
    yield from _conditions(one)
    yield "Volumes:\t<none>"
    yield "QoS Class:\tBestEffort"
    yield from multiline("Node-Selectors", one.spec.get("nodeSelector") or {})
    yield "Tolerations:\t<none>"


def _container(container: Container, state: Container | None) -> Iterator[str]:
    yield f"  {container['name']}:"
    yield f"    Image:\t{container['image']}"
    yield from _ports(container.get("ports") or ())
    for title, name in (("Command", "command"), ("Args", "args")):
        if container.get(name):
            yield f"    {title}:"
            yield from (f"      {line}" for each in container[name] for line in each.split("\n"))
    if state:
        yield "    State:\tRunning"
        started = read_time(state["state"]["running"]["startedAt"])
        yield f"      Started:\t{moment(started)}"
        yield f"    Ready:\t{state['ready']}"
        yield f"    Restart Count:\t{state['restartCount']}"
    if probe := container.get("readinessProbe"):
        yield f"    Readiness:\t{_probe(probe)}"
    env = container.get("env") or ()
    yield "    Environment:" if env else "    Environment:\t<none>"
    yield from (f"      {each['name']}:\t{each.get('value', '')}" for each in env)
    yield "    Mounts:\t<none>"


def _ports(ports: Sequence[Container]) -> Iterator[str]:
    for title, name in (("Port", "containerPort"), ("Host Port", "hostPort")):
        told = []
        for port in ports:
            label = f" ({port['name']})" if port.get("name") else ""
            told.append(f"{port.get(name, 0)}/{port['protocol']}{label}")
        yield f"    {title}{'s' * (len(told) > 1)}:\t{', '.join(told) or '<none>'}"


def _probe(probe: Container) -> str:
    counts = (
        f"delay={probe.get('initialDelaySeconds', 0)}s timeout={probe['timeoutSeconds']}s "
        f"period={probe['periodSeconds']}s #success={probe['successThreshold']} "
        f"#failure={probe['failureThreshold']}"
    )
    if asked := probe.get("exec"):
        return f"exec [{' '.join(asked['command'])}] {counts}"
    if asked := probe.get("httpGet"):
        scheme = asked.get("scheme", "HTTP").lower()
        where = f"{asked.get('host', '')}:{asked['port']}{asked.get('path', '/')}"
        return f"http-get {scheme}://{where} {counts}"
    if asked := probe.get("tcpSocket"):
        return f"tcp-socket {asked.get('host', '')}:{asked['port']} {counts}"
    return f"grpc <pod>:{probe['grpc'].get('port')} {counts}"


def _conditions(pod: Resource) -> Iterator[str]:
    conditions = {each["type"]: each["status"] for each in pod.status.get("conditions") or ()}
    gates = [each["conditionType"] for each in pod.spec.get("readinessGates") or ()]
    if gates:
        yield "Readiness Gates:"
        yield "  Type\tStatus"
        yield from (f"  {gate} \t{conditions.get(gate, '<none>')} " for gate in gates)
    if conditions:
        yield "Conditions:"
        yield "  Type\tStatus"
        yield from (f"  {name} \t{status} " for name, status in conditions.items())


def describe_deployment(request: Request, one: Resource) -> Iterator[str]:
    """How many pods are wanted and there, and what they are made of."""
    store, status, wanted = request.plane.store, one.status, one.spec["replicas"]
    if one.kind == REPLICA_SET:
        owners = one.metadata.get("ownerReferences") or ()
        yield from (f"Controlled By:\t{each['kind']}/{each['name']}" for each in owners)
        yield f"Replicas:\t{status.get('replicas', 0)} current / {wanted} desired"
        pods = list(store.owned(POD, one))
        running = sum(pod.status.get("phase") == "Running" for pod in pods)
        waiting = len(pods) - running
        yield f"Pods Status:\t{running} Running / {waiting} Waiting / 0 Succeeded / 0 Failed"
    else:
        yield f"Selector:\t{words(one.spec['selector']['matchLabels'])}"
        counts = (
            (wanted, "desired"),
            (status.get("updatedReplicas", 0), "updated"),
            (status.get("replicas", 0), "total"),
            (status.get("availableReplicas", 0), "available"),
            (status.get("unavailableReplicas", 0), "unavailable"),
        )
        yield f"Replicas:\t{' | '.join(f'{count} {word}' for count, word in counts)}"
        yield f"StrategyType:\t{one.spec['strategy']['type']}"
        yield "MinReadySeconds:\t0"
        if rolling := one.spec["strategy"].get("rollingUpdate"):
            most, least = (rolling.get(one, "25%") for one in ("maxSurge", "maxUnavailable"))
            yield f"RollingUpdateStrategy:\t{least} max unavailable, {most} max surge"
    yield from _template(one)
    if one.kind != REPLICA_SET:
        for title, empty in (("OldReplicaSets", True), ("NewReplicaSet", False)):
            sets = [each for each in store.owned(REPLICA_SET, one)]
            told = [_set(each) for each in sets if (each.spec["replicas"] == 0) == empty]
            yield f"{title}:\t{', '.join(told) or '<none>'}"


def _set(one: Resource) -> str:
    wanted = one.spec["replicas"]
    return f"{one.name} ({one.status.get('replicas', 0)}/{wanted} replicas created)"


def _template(one: Resource) -> Iterator[str]:
    template = one.spec["template"]
    yield "Pod Template:"
    labels = part(template["metadata"], "labels")
    for number, (name, value) in enumerate(sorted(labels.items())):
        yield f"{'  Labels:' if number == 0 else ''}\t{name}={value}"
    yield "  Containers:"
    for container in template["spec"]["containers"]:
        yield from (f" {line}" for line in _container(container, None))
    yield "  Volumes:\t<none>"
    yield "  Node-Selectors:\t<none>"
    yield "  Tolerations:\t<none>"
