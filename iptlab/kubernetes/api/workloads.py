"""What the API server makes of Pods, Deployments, slices, Nodes and Namespaces.

Source: kubernetes/pkg/apis/core/v1/defaults.go, pkg/apis/*/validation/validation.go
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from ipaddress import ip_address

from iptlab.kubernetes.addresses import canonical, family_of
from iptlab.kubernetes.api import names_allowed as allowed
from iptlab.kubernetes.api.kinds import DEPLOYMENT
from iptlab.kubernetes.api.refusals import (
    Cause,
    duplicate,
    forbidden,
    invalid,
    invalid_value,
    required,
    unsupported,
)
from iptlab.kubernetes.api.resources import Resource, Tree, carries, made, part

_POD_DEFAULTS: Tree = {
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}
_CONTAINER_DEFAULTS: Tree = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_PROBE_DEFAULTS: Tree = {
    "failureThreshold": 3,
    "periodSeconds": 10,
    "successThreshold": 1,
    "timeoutSeconds": 1,
}
_DEPLOYMENT_DEFAULTS: Tree = {
    "progressDeadlineSeconds": 600,
    "replicas": 1,
    "revisionHistoryLimit": 10,
    "strategy": {
        "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
        "type": "RollingUpdate",
    },
}
_MOST_REPLICAS = 200
_LONGEST_GRACE = 86400  # seconds
_ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_POD_IS_FIXED = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be "
    "set to 1 if it was previously negative)"
)


def _fill(tree: Tree, defaults: Tree) -> None:
    for name, value in defaults.items():
        if tree.get(name) in (None, {}):
            tree[name] = deepcopy(value)


# --- pods ---


def admit_pod(one: Resource, before: Resource | None) -> None:
    """Make an object a Pod as the server keeps it, or refuse it."""
    spec = made(one.values, "spec")
    _default_pod(spec)
    causes = [*_metadata(one), *_pod_spec("spec", spec)]
    if before and _fixed(spec) != _fixed(before.spec):
        causes.append(forbidden("spec", _POD_IS_FIXED))
    if causes:
        raise invalid(one.kind, one.name, causes)
    made(one.values, "status").setdefault("phase", "Pending")


def _default_pod(spec: Tree) -> None:
    _fill(spec, _POD_DEFAULTS)
    for container in spec.get("containers") or ():
        _fill(container, _CONTAINER_DEFAULTS)
        latest = ":" not in container.get("image", "").rpartition("/")[2]
        latest = latest or container["image"].endswith(":latest")
        container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
        for port in container.get("ports") or ():
            port.setdefault("protocol", "TCP")
        if container.get("readinessProbe") is not None:
            _fill(container["readinessProbe"], _PROBE_DEFAULTS)


def _fixed(spec: Tree) -> Tree:
    """What of a pod's spec nobody may change."""
    free = ("activeDeadlineSeconds", "tolerations", "nodeName", "containers")
    kept = {name: value for name, value in spec.items() if name not in free}
    containers = spec.get("containers") or ()
    kept["containers"] = [{**one, "image": "", "imagePullPolicy": ""} for one in containers]
    return kept


def _pod_spec(path: str, spec: Tree) -> Iterator[Cause]:
    containers = spec.get("containers") or ()
    grace = spec["terminationGracePeriodSeconds"]
    if not 0 <= grace <= _LONGEST_GRACE:
        detail = f"must be between 0 and {_LONGEST_GRACE} here"
        yield invalid_value(f"{path}.terminationGracePeriodSeconds", grace, detail)
    yield from allowed.there(f"{path}.containers", containers)
    names: set[str] = set()
    for number, container in enumerate(containers):
        here = f"{path}.containers[{number}]"
        name = container.get("name") or ""
        yield from allowed.label_name(f"{here}.name", name) if name else [required(f"{here}.name")]
        if name and name in names:
            yield duplicate(f"{here}.name", name)
        names.add(name)
        yield from allowed.there(f"{here}.image", container.get("image"))
        yield from _container_ports(here, container)
        yield from _probe(f"{here}.readinessProbe", container)


def _container_ports(path: str, container: Tree) -> Iterator[Cause]:
    names: set[str] = set()
    for number, port in enumerate(container.get("ports") or ()):
        here = f"{path}.ports[{number}]"
        if name := port.get("name"):
            yield from allowed.port_or_name(f"{here}.name", name)
            if name in names:
                yield duplicate(f"{here}.name", name)
            names.add(name)
        if not port.get("containerPort"):
            yield required(f"{here}.containerPort")
        else:
            yield from allowed.port_number(f"{here}.containerPort", port["containerPort"])
        if port["protocol"] not in _PROTOCOLS:
            yield unsupported(f"{here}.protocol", port["protocol"], _PROTOCOLS)


def _probe(path: str, container: Tree) -> Iterator[Cause]:
    probe = container.get("readinessProbe")
    if probe is None:
        return
    kinds = [name for name in ("exec", "httpGet", "tcpSocket", "grpc") if probe.get(name)]
    if not kinds:
        yield required(path, "must specify a handler type")
    for name in kinds[1:]:
        yield forbidden(f"{path}.{name}", "may not specify more than 1 handler type")
    for name in ("periodSeconds", "failureThreshold", "successThreshold"):
        if not 1 <= probe[name] <= _LONGEST_GRACE:
            detail = f"must be greater than 0 and less than or equal to {_LONGEST_GRACE}"
            yield invalid_value(f"{path}.{name}", probe[name], detail)
    delay = probe.get("initialDelaySeconds", 0)
    if not 0 <= delay <= _LONGEST_GRACE:
        detail = f"must be between 0 and {_LONGEST_GRACE}, inclusive"
        yield invalid_value(f"{path}.initialDelaySeconds", delay, detail)


# --- deployments ---


def admit_deployment(one: Resource, before: Resource | None) -> None:
    """Make an object a Deployment or ReplicaSet as the server keeps it, or refuse it."""
    spec = made(one.values, "spec")
    is_deployment = one.kind is DEPLOYMENT
    _fill(spec, _DEPLOYMENT_DEFAULTS if is_deployment else {"replicas": 1})
    if is_deployment:
        spec["strategy"].setdefault("type", "RollingUpdate")
    template = made(spec, "template")
    _default_pod(made(template, "spec"))
    made(template, "metadata")
    causes = [*_metadata(one), *_selector(spec), *_pod_spec("spec.template.spec", template["spec"])]
    if not 0 <= spec["replicas"] <= _MOST_REPLICAS:
        detail = "must be greater than or equal to 0"
        if spec["replicas"] > 0:
            detail = f"the nodes of this cluster have no room for more than {_MOST_REPLICAS} pods"
        causes.append(invalid_value("spec.replicas", spec["replicas"], detail))
    if is_deployment:
        causes += _strategy(spec["strategy"])
    if before and before.spec["selector"] != spec.get("selector"):
        causes.append(invalid_value("spec.selector", spec.get("selector"), "field is immutable"))
    if causes:
        raise invalid(one.kind, one.name, causes)
    changed = before is None or before.spec != spec
    generation = before.metadata.get("generation", 0) if before else 0
    one.metadata["generation"] = generation + changed
    made(one.values, "status")


def _strategy(strategy: Tree) -> Iterator[Cause]:
    """How pods are replaced: all at once, or a few at a time."""
    path = "spec.strategy"
    if strategy.get("type") not in ("Recreate", "RollingUpdate"):
        kinds = ("Recreate", "RollingUpdate")
        yield unsupported(f"{path}.type", strategy.get("type", ""), kinds)
    for name, value in part(strategy, "rollingUpdate").items():
        if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,4}%", value, re.ASCII):
            detail = (
                "a valid percent string must be a numeric string followed by an ending '%' (e.g. "
                "'1%',  or '93%', regex used for validation is '[0-9]+%')"
            )
            yield invalid_value(f"{path}.rollingUpdate.{name}", value, detail)
        elif isinstance(value, int) and value < 0:
            detail = "must be greater than or equal to 0"
            yield invalid_value(f"{path}.rollingUpdate.{name}", value, detail)


def _selector(spec: Tree) -> Iterator[Cause]:
    """The selector must be there and fit the pods that are made."""
    wanted = part(part(spec, "selector"), "matchLabels")
    if part(spec, "selector").get("matchExpressions"):
        detail = "matchExpressions are not taken here, write matchLabels"
        yield forbidden("spec.selector.matchExpressions", detail)
        return
    if not wanted:
        yield required("spec.selector")
    labels = part(part(spec["template"], "metadata"), "labels")
    yield from allowed.labels("spec.template.labels", labels)
    if not carries(labels, wanted):
        detail = "`selector` does not match template `labels`"
        yield invalid_value("spec.template.metadata.labels", labels, detail)


# --- slices ---


def admit_slice(one: Resource, before: Resource | None) -> None:
    """Make an object an EndpointSlice as the server keeps it, or refuse it."""
    for port in one.values.get("ports") or ():
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")
    one.values.setdefault("endpoints", [])
    one.values.setdefault("ports", [])
    causes = [*_metadata(one), *_slice(one.values)]
    if before and before.values["addressType"] != one.values.get("addressType"):
        value = one.values.get("addressType", "")
        causes.append(invalid_value("addressType", value, "field is immutable"))
    if causes:
        raise invalid(one.kind, one.name, causes)


def _slice(values: Tree) -> Iterator[Cause]:
    kind = values.get("addressType") or ""
    if not kind:
        yield required("addressType")
    elif kind not in _ADDRESS_TYPES:
        yield unsupported("addressType", kind, _ADDRESS_TYPES)
    for number, endpoint in enumerate(values["endpoints"] or ()):
        path = f"endpoints[{number}].addresses"
        addresses = endpoint.get("addresses") or ()
        if not addresses:
            yield required(path, "must contain at least 1 endpoint address")
        for place, text in enumerate(addresses if kind in _ADDRESS_TYPES[1:] else ()):
            yield from _endpoint_address(f"{path}[{place}]", text, kind)
    names: set[str] = set()
    for number, port in enumerate(values["ports"] or ()):
        if port["name"] in names:
            yield duplicate(f"ports[{number}].name", port["name"])
        names.add(port["name"])
        if port["name"]:
            yield from allowed.label_name(f"ports[{number}].name", port["name"])
        if port["protocol"] not in _PROTOCOLS:
            yield unsupported(f"ports[{number}].protocol", port["protocol"], _PROTOCOLS)
        if port.get("port") is not None:
            yield from allowed.port_number(f"ports[{number}].port", port["port"])


def _endpoint_address(path: str, text: str, kind: str) -> Iterator[Cause]:
    if canonical(text) != text or f"IPv{family_of(text)}" != kind:
        yield invalid_value(path, text, f"must be a valid {kind} address")
    elif ip_address(text).is_loopback:
        detail = "may not be in the loopback range (127.0.0.0/8, ::1/128)"
        yield invalid_value(path, text, detail)


# --- the rest ---


def admit_namespace(one: Resource, before: Resource | None) -> None:
    """Make an object a Namespace as the server keeps it, or refuse it."""
    if causes := list(_metadata(one)):
        raise invalid(one.kind, one.name, causes)
    made(one.metadata, "labels")["kubernetes.io/metadata.name"] = one.name
    made(one.values, "spec").setdefault("finalizers", ["kubernetes"])
    made(one.values, "status").setdefault("phase", "Active")


def admit_plain(one: Resource, before: Resource | None) -> None:
    """Check what every object has."""
    if causes := list(_metadata(one)):
        raise invalid(one.kind, one.name, causes)


def _metadata(one: Resource) -> Iterator[Cause]:
    check = allowed.label_name if one.kind.name == "Namespace" else allowed.object_name
    yield from check("metadata.name", one.name)
    yield from allowed.labels("metadata.labels", one.labels)
