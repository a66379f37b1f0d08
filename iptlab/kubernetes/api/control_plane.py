"""The control plane of a virtual cluster: objects in, and nodes, pods and rules follow.

Objects are changed at once; ``settle`` lets the controllers work until nothing is left to do,
and every node's kube-proxy hear of it. Time passes only where somebody waits.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from iptlab.errors import ManifestError
from iptlab.kubernetes.api import admission
from iptlab.kubernetes.api.beginning import (
    ALWAYS_THERE,
    THREE_NODES,
    header,
    manifests_of,
    read_objects,
    reporting,
    service_networks,
)
from iptlab.kubernetes.api.deployments import deploy, end_pod, replicate
from iptlab.kubernetes.api.kinds import (
    DEPLOYMENT,
    ENDPOINTS,
    NAMESPACE,
    NODE,
    POD,
    REPLICA_SET,
    SERVICE,
    SLICE,
)
from iptlab.kubernetes.api.kubelet import Files, Kubelet, listening
from iptlab.kubernetes.api.pools import Pools
from iptlab.kubernetes.api.refusals import ApiError, already_exists, bad_request
from iptlab.kubernetes.api.resources import Key, Resource, made, read_time
from iptlab.kubernetes.api.scheduling import Scheduler, addresses
from iptlab.kubernetes.api.slices import slice_up
from iptlab.kubernetes.api.store import Store
from iptlab.kubernetes.cluster import Cluster
from iptlab.kubernetes.config import Config
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.objects import Node, Transport
from iptlab.kubernetes.placement import Pod

_BALANCER_NETWORK = ip_network("192.0.2.0/24")
# the order in which the objects of the beginning are entered: what others need first
_FIRST = (NAMESPACE, NODE, SERVICE, SLICE, DEPLOYMENT, REPLICA_SET, POD, ENDPOINTS)
_OWN_SERVICE = Key(SERVICE.name, "default", "kubernetes")
_STATUS_FIELDS = {
    "Node": ("addresses",),
    "Pod": ("conditions",),
    "Service": ("conditions", "loadBalancer"),
}
# more rounds than any cluster needs to come to rest
_MOST_ROUNDS = 300


class ControlPlane:
    """The API server of a cluster, its controllers, and the cluster itself as ``cluster``.

    ``manifests`` are what is there from the start; nodes get what they lack. ``files_of``
    gives the files of a pod's machine, so that probes and commands see the same ones.
    """

    def __init__(self, manifests: str, config: Config | None = None) -> None:
        given = read_objects(manifests)
        self.cluster = Cluster(manifests_of(given), config)
        known = {one.name for one in given if one.kind is NODE}
        told = [Resource(NODE, header(NODE, {"name": n})) for n in self.cluster.nodes]
        given += [one for one in told if one.name not in known]
        self.store = Store()
        families = self.cluster.place.families
        self.pools = Pools(tuple(service_networks(given, families)), _BALANCER_NETWORK)
        self.scheduler = Scheduler()
        self.kubelet = Kubelet()
        self._applied, self._settled = -1, dict(self.store.objects)
        for one in sorted(given, key=lambda one: _FIRST.index(one.kind)):
            self._admit(one, None)
            self.store.add(one, self.now)
        self.settle()

    @classmethod
    def usual(cls) -> ControlPlane:
        """Three nodes in two zones; the API server runs on the first one."""
        return cls(THREE_NODES)

    def copy(self) -> ControlPlane:
        """Another control plane, with a cluster of its own, in the same state."""
        return deepcopy(self)

    def __repr__(self) -> str:
        return f"<ControlPlane of {self.cluster!r}>"

    @property
    def now(self) -> datetime:
        """The cluster's time, which moves only where somebody waits."""
        return self.cluster.network.now

    # --- requests ---

    def create(self, one: Resource) -> Resource:
        """Take in a new object; ApiError if it is wrong or there already."""
        if one.kind.namespaced:
            self.store.get(NAMESPACE, "", one.namespace)
        if not one.name and one.metadata.get("generateName"):
            one.metadata["name"] = self.store.new_name(one.metadata["generateName"])
        if self.store.find(one.kind, one.namespace, one.name):
            raise already_exists(one.kind, one.name)
        if one.kind is not NODE:
            one.values.pop("status", None)
        self._admit(one, None)
        return self.store.add(one, self.now)

    def update(self, one: Resource, *, status: bool = False) -> Resource:
        """Write an object anew: all but its status, or its status alone."""
        before = self.store.get(one.kind, one.namespace, one.name)
        after = before.edited()
        if status:
            wanted = one.values.get("status") or {}
            if not isinstance(wanted, dict):
                raise bad_request(f"cannot unmarshal the status of {one}: a mapping is wanted")
            # what the controllers and the kubelet say themselves, they would say again
            own = _STATUS_FIELDS.get(one.kind.name, ())
            made(after.values, "status").update({k: v for k, v in wanted.items() if k in own})
        else:
            kept = ("creationTimestamp", "uid", "deletionTimestamp", "ownerReferences")
            after = one.edited()
            after.metadata.update({k: before.metadata[k] for k in kept if k in before.metadata})
            if "status" in before.values:
                after.values["status"] = before.edited().status
        self._admit(after, before)
        return before if after.values == before.values else self.store.put(after)

    def delete(self, one: Resource, grace: int | None = None) -> None:
        """Delete an object and what belongs to it; a pod takes its time to end."""
        if one.kind is NAMESPACE and one.name in ALWAYS_THERE:
            message = f'namespaces "{one.name}" is forbidden: this namespace may not be deleted'
            raise ApiError("Forbidden", message)
        there = self.store.find(one.kind, one.namespace, one.name)
        if there is None:
            return  # it went along with something else
        if there.kind is POD:
            end_pod(self.store, there, self.now, grace)
            return
        self.store.remove(there)
        if there.key == _OWN_SERVICE:
            # the API server cannot be without it
            self.store.add(there.edited(), self.now)

    def files_of(self, pod: str) -> Files:
        """The files in a pod that is called ``namespace/name``."""
        namespace, _, name = pod.rpartition("/")
        return self.kubelet.files_of(self.store.get(POD, namespace or "default", name))

    # --- time ---

    def wait(self, seconds: float) -> None:
        """Let time pass; what happens on the way happens at its own time."""
        self.settle()
        end = self.now + timedelta(seconds=seconds)
        while (moment := self.next_change()) is not None and moment <= end:
            self._advance(moment)
        self._advance(end)

    def next_change(self) -> datetime | None:
        """When something will change by itself; None if nothing will."""
        self.settle()
        moments = [self.kubelet.next_change(one, self.now) for one in self.store.list(POD)]
        return min((one for one in moments if one is not None), default=None)

    def _advance(self, moment: datetime) -> None:
        self.cluster.wait(max(0.0, (moment - self.now).total_seconds()))
        self.settle()

    # --- carrying things through ---

    def settle(self) -> None:
        """Let controllers and nodes do all that is to be done at this time.

        If the cluster has no room for what is wanted, it is as it was after the last time.
        """
        try:
            self._come_to_rest()
        except ManifestError as error:
            self.store.objects = dict(self._settled)
            raise ApiError("InternalError", f"Internal error occurred: {error}") from None

    def _come_to_rest(self) -> None:
        for _ in range(_MOST_ROUNDS):
            version = self.store.version
            self._describe_nodes()
            self._collect_garbage()
            deploy(self.store, self.now)
            replicate(self.store, self.now)
            self.scheduler.place(self.store, self._nodes(), self.now)
            self._run_pods()
            slice_up(self.store, self.now)
            if self.store.version == version:
                break
        if self._applied != self.store.version:
            self.cluster.apply(self.manifests(), pods=self._machines())
            self._applied = self.store.version
            self._settled = dict(self.store.objects)

    def manifests(self) -> Manifests:
        """What every kube-proxy sees: Services, EndpointSlices and Nodes."""
        return manifests_of(list(self.store.objects.values()))

    def _admit(self, one: Resource, before: Resource | None) -> None:
        admission.admit(one, before, self.store, self.pools)

    def _nodes(self) -> list[Node]:
        """The nodes that the cluster has, by their order in it."""
        return [one for one in self._placed().values() if self.store.find(NODE, "", one.name)]

    def _placed(self) -> dict[str, Node]:
        nodes = manifests_of(self.store.list(NODE))
        if nodes.nodes == self.cluster.place.manifests.nodes:
            return dict(self.cluster.place.nodes)
        return dict(self.cluster.place.with_manifests(nodes).nodes)

    def _describe_nodes(self) -> None:
        """Let new nodes report who they are, as a kubelet does."""
        if all(one.status.get("nodeInfo") for one in self.store.list(NODE)):
            return
        for name, node in self._placed().items():
            resource = self.store.find(NODE, "", name)
            if resource is not None and not resource.status.get("nodeInfo"):
                self.store.put(reporting(resource, node, self.now))

    def _collect_garbage(self) -> None:
        """Take out what is over, and what belongs to something that is gone."""
        uids = {one.uid for one in self.store.objects.values()}
        namespaces = {one.name for one in self.store.list(NAMESPACE)}
        nodes = {one.name for one in self.store.list(NODE)}
        for one in list(self.store.objects.values()):
            lost = one.kind.namespaced and one.namespace not in namespaces
            lost = lost or bool(one.owner and one.owner not in uids)
            if one.kind is not POD:
                if lost:
                    self.store.remove(one)
                continue
            lost_node = bool(one.status.get("podIP")) and one.spec["nodeName"] not in nodes
            over = one.terminating and read_time(one.metadata["deletionTimestamp"]) <= self.now
            if over or lost_node or (lost and one.namespace not in namespaces):
                self.store.remove(one)
            elif lost and not one.terminating:
                end_pod(self.store, one, self.now)
        self.kubelet.keep({one.uid for one in self.store.list(POD)})

    def _run_pods(self) -> None:
        for pod in self.store.list(POD):
            if pod.status.get("podIP"):
                after = self.kubelet.run(pod, self.now)
                if after.values != pod.values:
                    self.store.put(after)

    def _machines(self) -> tuple[Pod, ...]:
        """The pods as machines of the network; one with hostNetwork is a process of its node."""
        return tuple(
            Pod(
                f"{one.namespace}/{one.name}",
                one.spec["nodeName"],
                tuple(ip_address(ip) for ip in addresses(one)),
                frozenset((Transport[protocol], port) for protocol, port in listening(one)),
            )
            for one in self.store.list(POD)
            if one.status.get("podIP") and not one.spec.get("hostNetwork")
        )
