"""Where pods go and which addresses they get there.

Simplified: pods are spread evenly, whatever they need; addresses are given out in order, as
the host-local plugin does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

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
            ips = self._addresses(pod, node, store) if node else ()
            after = _placed(pod, node, ips) if node and ips else _pending(pod, now)
            if after.values != pod.values:
                store.put(after)

    def _addresses(self, pod: Resource, node: Node, store: Store) -> tuple[str, ...]:
        """The addresses of a pod, one for each family; none if one of them is not to be had."""
        if pod.spec.get("hostNetwork"):
            return node.addresses[: len(node.pod_networks)]
        taken = {ip for one in store.list(POD) for ip in addresses(one)}
        found = tuple(self._next(net, taken) for net in node.pod_networks)
        return found if all(found) else ()

    def _next(self, net: Network, taken: set[str]) -> str:
        """The next free address of a node's pods; the first one is the node's own."""
        numbers = range(2, min(net.num_addresses - 1, 1 << 16))
        start = self.last.get(net, 1) + 1
        in_turn = chain(range(start, numbers.stop), range(numbers.start, start))
        free = (number for number in in_turn if number in numbers and str(net[number]) not in taken)
        number = next(free, 0)
        if not number:
            return ""
        self.last[net] = number
        return str(net[number])


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


def _placed(pod: Resource, node: Node, ips: Sequence[str]) -> Resource:
    """The pod on its node, with its addresses."""
    after = pod.edited()
    made(after.values, "spec")["nodeName"] = node.name
    status = made(after.values, "status")
    status.pop("conditions", None)
    status |= {"hostIP": node.addresses[0], "podIP": ips[0]}
    status["hostIPs"] = [{"ip": status["hostIP"]}]
    status["podIPs"] = [{"ip": ip} for ip in ips]
    return after


def _pending(pod: Resource, now: datetime) -> Resource:
    """The pod with a word on why it waits."""
    after = pod.edited()
    status = made(after.values, "status")
    status["phase"] = "Pending"
    if not status.get("conditions"):
        reason = {"reason": "Unschedulable", "status": "False", "type": "PodScheduled"}
        status["conditions"] = [{"lastTransitionTime": stamp(now), **reason}]
    return after


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
