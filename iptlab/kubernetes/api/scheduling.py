"""Where pods go and which addresses they get there.

Simplified: pods are spread evenly, whatever they need; addresses are given out in order, as
the host-local plugin does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from iptlab.kubernetes.addresses import Network
from iptlab.kubernetes.api.kinds import NODE, POD
from iptlab.kubernetes.api.resources import Resource, carries, made, stamp
from iptlab.kubernetes.api.store import Store
from iptlab.kubernetes.objects import Node


@dataclass
class Scheduler:
    """The last address that each network of pods gave out."""

    last: dict[Network, int] = field(default_factory=dict)

    def place(self, store: Store, nodes: Sequence[Node], now: datetime) -> None:
        """Give every pod that has no node yet a node and addresses, if there is one for it."""
        for pod in sorted(store.list(POD), key=lambda one: (one.created, one.key)):
            if pod.status.get("podIP") or pod.terminating:
                continue
            node = _chosen(pod, store, nodes)
            after = pod.edited()
            if node is None:
                pending = _pending(after, now)
                if pending.values != pod.values:
                    store.put(pending)
                continue
            made(after.values, "spec")["nodeName"] = node.name
            ips = node.addresses[: len(node.pod_networks)]
            if not pod.spec.get("hostNetwork"):
                ips = tuple(self._address(net, store) for net in node.pod_networks)
            status = made(after.values, "status")
            status.pop("conditions", None)
            status |= {"hostIP": node.addresses[0], "podIP": ips[0]}
            status["hostIPs"] = [{"ip": status["hostIP"]}]
            status["podIPs"] = [{"ip": ip} for ip in ips]
            store.put(after)

    def _address(self, net: Network, store: Store) -> str:
        """The next address of a node's pods; the first one is the node's own."""
        taken = {ip for pod in store.list(POD) for ip in addresses(pod)}
        count = min(net.num_addresses - 2, 1 << 16)
        start = self.last.get(net, 1)
        for step in range(1, count + 1):
            number = (start - 2 + step) % max(1, count - 1) + 2
            if str(net[number]) not in taken:
                self.last[net] = number
                return str(net[number])
        return str(net[2])


def addresses(pod: Resource) -> tuple[str, ...]:
    """A pod's addresses, one for each family."""
    return tuple(one["ip"] for one in pod.status.get("podIPs") or ())


def _chosen(pod: Resource, store: Store, nodes: Sequence[Node]) -> Node | None:
    """The node with the fewest pods of the same owner, then the fewest at all."""
    if wanted := pod.spec.get("nodeName"):
        return next((one for one in nodes if one.name == wanted), None)
    placed = [one for one in store.list(POD) if one.spec.get("nodeName") and not one.terminating]
    fitting = [one for one in nodes if _fits(pod, store.find(NODE, "", one.name))]

    def load(node: Node) -> tuple[int, int]:
        here = [one for one in placed if one.spec["nodeName"] == node.name]
        return sum(bool(pod.owner) and one.owner == pod.owner for one in here), len(here)

    return min(fitting, key=load, default=None)


def _fits(pod: Resource, node: Resource | None) -> bool:
    if node is None:
        return False
    wanted = pod.spec.get("nodeSelector") or {}
    return not node.spec.get("unschedulable") and carries(node.labels, wanted)


def _pending(pod: Resource, now: datetime) -> Resource:
    """The pod with a word on why it waits."""
    status = made(pod.values, "status")
    status["phase"] = "Pending"
    if not status.get("conditions"):
        reason = {"reason": "Unschedulable", "status": "False", "type": "PodScheduled"}
        status["conditions"] = [{"lastTransitionTime": stamp(now), **reason}]
    return pod


def victims(pods: Sequence[Resource], count: int) -> Iterator[Resource]:
    """The pods that go first when there are too many.

    Source: kubernetes/pkg/controller/controller_utils.go (ActivePodsWithRanks): those without
    a node, those not ready, those on a node with more of them, the youngest.
    """
    left = list(pods)
    for _ in range(min(count, len(left))):
        where = [one.spec.get("nodeName") for one in left]
        worst = max(
            left,
            key=lambda one: (
                not one.spec.get("nodeName"),
                not _is_ready(one),
                where.count(one.spec.get("nodeName")),
                one.created,
                int(one.metadata["resourceVersion"]),
            ),
        )
        left.remove(worst)
        yield worst


def _is_ready(pod: Resource) -> bool:
    conditions = pod.status.get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
