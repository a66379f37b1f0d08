"""The rows of machines, clusters and comparisons, for data frames."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from iptlab.console.lab import Lab
from iptlab.console.shell import Transcript
from iptlab.console.tally import Tally
from iptlab.grading.became import became
from iptlab.grading.feedback import Comparison, Difference
from iptlab.kernel.verify import Verification
from iptlab.kubernetes.cluster import Backends, Cluster
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.manifests import Manifests
from iptlab.simulate.host import Host, Interface

Row = tuple[object, ...]

# --- machines: ip -json address ---

INTERFACE = ("ifname", "operstate", "mtu", "address", "family", "local", "prefixlen")


def interface_rows(one: Interface) -> Iterator[Row]:
    """A row for each address; one without addresses has a row all the same."""
    link = (one.name, "UP" if one.up else "DOWN", one.mtu, one.mac)
    for ends in one.addresses:
        family = "inet" if ends.version == 4 else "inet6"
        yield *link, family, str(ends.ip), ends.network.prefixlen
    if not one.addresses:
        yield *link, "", "", None


def host_rows(host: Host) -> Iterator[Row]:
    """The rows of its interfaces; lo is on every machine and left out."""
    return (row for one in host.interfaces for row in interface_rows(one))


def lab_rows(lab: Lab) -> Iterator[Row]:
    """The rows of every host's interfaces."""
    for place in lab.map.places:
        for card in place.cards:
            yield from ((place.name, *row) for row in interface_rows(card))


def transcript_rows(transcript: Transcript) -> Iterator[Row]:
    """A row for each line that was run."""
    for one in transcript.ran:
        yield one.line.number, one.shown("").strip(), one.status, one.stdout, one.stderr


def tally_rows(tally: Tally) -> Iterator[Row]:
    """A row for each who answered."""
    for one in tally.shares:
        yield one.who, one.chance, one.expected, one.counted


# --- Kubernetes ---


def manifests_rows(manifests: Manifests) -> Iterator[Row]:
    """A row for each object."""
    for service in manifests.services:
        yield "Service", service.namespace, service.name
    for some in manifests.slices:
        yield "EndpointSlice", some.namespace, some.name
    for node in manifests.nodes:
        yield "Node", "", node.name


def cluster_rows(cluster: Cluster) -> Iterator[Row]:
    """A row for each pod, as ``kubectl get pods -A -o wide`` has it."""
    for pod in cluster.pods:
        namespace, _, name = pod.name.rpartition("/")
        yield namespace, name, ",".join(map(str, pod.addresses)), pod.node


BACKEND = ("pod", "address", "port", "source", "result", "probability")


def backends_rows(backends: Backends) -> Iterator[Row]:
    """A row for each who may answer."""
    return map(attrgetter(*BACKEND), backends)


def proxy_rows(proxy: Proxy) -> Iterator[Row]:
    """A row for each service port and endpoint that the node's rules use."""
    for plan in proxy.plans():
        port = plan.port
        place = (port.name, str(port.protocol), port.cluster_ip, port.port, port.node_port)
        for end in plan.choice.reachable:
            yield *place, end.text, end.endpoint.node, plan.endpoint_chains[end.text]
        if not plan.choice.reachable:
            yield *place, "", "", ""


# --- comparisons ---


def verification_rows(found: Verification) -> Iterator[Row]:
    """A row for each thing that was compared."""
    for one in found.comparisons:
        yield from ((one.situation, str(one.backend), *row) for row in one.rows())


def difference_rows(one: Difference) -> Iterator[Row]:
    """A row for each end that is expected, or that it comes to."""
    for side, plays in zip(("expected", "actual"), one.sides, strict=True):
        for play in plays:
            yield side, one.situation, became(play, one.case.packet), float(play.probability)


def comparison_rows(one: Comparison) -> Iterator[Row]:
    """The rows of the difference, if there is one."""
    return difference_rows(one.difference) if one.difference else iter(())
