"""The controllers of Deployments and ReplicaSets: as many pods as wanted, of the newest kind.

Source: kubernetes/pkg/controller/deployment, pkg/controller/replicaset
"""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import datetime, timedelta
from math import ceil

from iptlab.kubernetes.api.kinds import DEPLOYMENT, POD, REPLICA_SET
from iptlab.kubernetes.api.kubelet import condition
from iptlab.kubernetes.api.resources import Resource, Tree, made, owned_by, stamp
from iptlab.kubernetes.api.scheduling import victims
from iptlab.kubernetes.api.store import Store, letters
from iptlab.kubernetes.api.workloads import admit_pod

HASH = "pod-template-hash"


def deploy(store: Store, now: datetime) -> None:
    """Bring every Deployment's ReplicaSets one step nearer to what is wanted."""
    for deployment in store.list(DEPLOYMENT):
        sets = list(store.owned(REPLICA_SET, deployment))
        newest = _newest(store, deployment, sets, now)
        _roll(store, deployment, newest, [one for one in sets if one.key != newest.key])
        _write_status(store, deployment, newest)


def _newest(store: Store, deployment: Resource, sets: list[Resource], now: datetime) -> Resource:
    """The ReplicaSet of the Deployment's present template, made if there is none."""
    template = deployment.spec["template"]
    code = letters(json.dumps(template, sort_keys=True), 10)
    for one in sets:
        if one.labels.get(HASH) == code:
            return one
    template = deepcopy(template)
    labels = made(template["metadata"], "labels")
    labels[HASH] = code
    selector = {**deployment.spec["selector"]["matchLabels"], HASH: code}
    metadata = {
        "annotations": {"deployment.kubernetes.io/revision": str(len(sets) + 1)},
        "labels": dict(labels),
        "name": f"{deployment.name}-{code}",
        "namespace": deployment.namespace,
        "ownerReferences": owned_by(deployment),
    }
    spec = {"replicas": 0, "selector": {"matchLabels": selector}, "template": template}
    return store.add(Resource(REPLICA_SET, _object(REPLICA_SET, metadata, spec)), now)


def _object(kind: object, metadata: Tree, spec: Tree) -> Tree:
    api_version, name = ("v1", "Pod") if kind is POD else ("apps/v1", "ReplicaSet")
    return {
        "apiVersion": api_version,
        "kind": name,
        "metadata": metadata,
        "spec": spec,
        "status": {},
    }


def _roll(store: Store, deployment: Resource, newest: Resource, old: list[Resource]) -> None:
    """Move pods over: no more than the surge allows, no fewer than must be available."""
    wanted = int(deployment.spec["replicas"])
    surge, missing = _limits(deployment, wanted)
    others = sum(int(one.spec["replicas"]) for one in old)
    if deployment.spec["strategy"].get("type") == "Recreate":
        surge, missing = (0, wanted) if others else (0, 0)
        for one in old:
            _scale(store, one, 0)
        _scale(store, newest, 0 if any(active(store, one) for one in old) else wanted)
        return
    have = int(newest.spec["replicas"])
    more = max(have, min(wanted, wanted + surge - others)) if have <= wanted else wanted
    _scale(store, newest, more)
    spare = sum(len(_ready(store, one)) for one in (*old, newest)) - (wanted - missing)
    for one in old:
        replicas = int(one.spec["replicas"])
        # pods that are not ready are no loss
        useless = replicas - len(_ready(store, one))
        going = max(0, min(replicas, useless + max(0, spare)))
        _scale(store, one, replicas - going)
        spare -= max(0, going - useless)


def _limits(deployment: Resource, wanted: int) -> tuple[int, int]:
    """How many pods there may be too many, and too few."""
    rolling = deployment.spec["strategy"].get("rollingUpdate") or {}
    surge = _share(rolling.get("maxSurge", "25%"), wanted, up=True)
    missing = _share(rolling.get("maxUnavailable", "25%"), wanted, up=False)
    return (surge, missing) if surge or missing else (0, 1)


def _share(value: int | str, wanted: int, *, up: bool) -> int:
    if isinstance(value, int):
        return value
    share = wanted * int(value.rstrip("%")) / 100
    return ceil(share) if up else int(share)


def _scale(store: Store, one: Resource, replicas: int) -> None:
    if one.spec["replicas"] != replicas:
        after = one.edited()
        after.spec["replicas"] = replicas
        store.put(after)


def active(store: Store, owner: Resource) -> list[Resource]:
    """The pods of a ReplicaSet that are not on their way out."""
    return [one for one in store.owned(POD, owner) if not one.terminating]


def _ready(store: Store, owner: Resource) -> list[Resource]:
    return [one for one in active(store, owner) if condition(one, "Ready")]


def _write_status(store: Store, deployment: Resource, newest: Resource) -> None:
    """What ``kubectl get`` shows of a Deployment."""
    current = store.get(REPLICA_SET, newest.namespace, newest.name)
    sets = list(store.owned(REPLICA_SET, deployment))
    pods = [pod for one in sets for pod in active(store, one)]
    ready = sum(condition(pod, "Ready") for pod in pods)
    wanted = int(deployment.spec["replicas"])
    counts = {
        "availableReplicas": ready,
        "readyReplicas": ready,
        "replicas": len(pods),
        "unavailableReplicas": max(0, wanted - ready),
        "updatedReplicas": len(active(store, current)),
    }
    status = {name: count for name, count in counts.items() if count}
    status["observedGeneration"] = deployment.metadata["generation"]
    if deployment.status != status:
        after = deployment.edited()
        after.values["status"] = status
        annotations = made(after.metadata, "annotations")
        annotations["deployment.kubernetes.io/revision"] = current.metadata["annotations"][
            "deployment.kubernetes.io/revision"
        ]
        store.put(after)


def replicate(store: Store, now: datetime) -> None:
    """Give every ReplicaSet as many pods as it wants."""
    for owner in store.list(REPLICA_SET):
        _adopt(store, owner)
        pods = active(store, owner)
        wanted = int(owner.spec["replicas"])
        for _ in range(wanted - len(pods)):
            _start_pod(store, owner, now)
        for pod in victims(pods, len(pods) - wanted):
            end_pod(store, pod, now)
        pods = active(store, owner)
        ready = sum(condition(pod, "Ready") for pod in pods)
        status = {"replicas": len(pods)} | ({"readyReplicas": ready} if ready else {})
        if owner.status != status:
            after = store.get(REPLICA_SET, owner.namespace, owner.name).edited()
            after.values["status"] = status
            store.put(after)


def _adopt(store: Store, owner: Resource) -> None:
    """Take in pods that fit the selector and have no owner; let go of those that fit no more."""
    wanted = owner.spec["selector"]["matchLabels"]
    fitting = {one.key for one in store.list(POD, owner.namespace, wanted)}
    for pod in store.list(POD, owner.namespace):
        if not pod.owner and pod.key in fitting and not pod.terminating:
            after = pod.edited()
            after.metadata["ownerReferences"] = owned_by(owner)
            store.put(after)
        elif pod.owner == owner.uid and pod.key not in fitting:
            after = pod.edited()
            del after.metadata["ownerReferences"]
            store.put(after)


def _start_pod(store: Store, owner: Resource, now: datetime) -> None:
    template = deepcopy(owner.spec["template"])
    metadata = {
        "generateName": f"{owner.name}-",
        "labels": dict(template["metadata"]["labels"]),
        "name": store.new_name(f"{owner.name}-"),
        "namespace": owner.namespace,
        "ownerReferences": owned_by(owner),
    }
    pod = Resource(POD, _object(POD, metadata, template["spec"]))
    admit_pod(pod, None)
    store.add(pod, now)


def end_pod(store: Store, pod: Resource, now: datetime, seconds: int | None = None) -> None:
    """Ask a pod to end; it is gone once its grace period is over, at once if nothing runs."""
    grace = pod.spec["terminationGracePeriodSeconds"] if seconds is None else seconds
    if not grace or not pod.status.get("podIP"):
        store.remove(pod)
        return
    end = stamp(now + timedelta(seconds=grace))
    if pod.terminating and pod.metadata["deletionTimestamp"] <= end:
        return  # a second wish can only make it shorter
    after = pod.edited()
    after.metadata["deletionGracePeriodSeconds"] = grace
    after.metadata["deletionTimestamp"] = end
    store.put(after)
