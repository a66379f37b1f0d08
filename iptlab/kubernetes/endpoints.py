"""Which endpoints a service port has, and which of them a node's rules use.

Source: kubernetes/pkg/proxy/endpointslicecache.go, topology.go (CategorizeEndpoints)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from iptlab.kubernetes.objects import Endpoint, EndpointSlice, Transport
from iptlab.kubernetes.service_ports import ServicePort
from iptlab.packet import Family


class Backend(NamedTuple):
    """An endpoint at one port; ``text``, address and port, is its identity and sorting key."""

    text: str
    port: int
    endpoint: Endpoint

    @property
    def ip(self) -> str:
        """Its address."""
        return self.endpoint.address


Backends = tuple[Backend, ...]
# by the name and protocol of a slice's port
BackendsByPort = Mapping[tuple[str, Transport], Backends]


# around an address that has a port behind it: 10.0.0.1:80, [fd00::1]:80
_BRACKETS = {Family.IPV4: ("", ":"), Family.IPV6: ("[", "]:")}


def backends(slices: Iterable[EndpointSlice]) -> BackendsByPort:
    """All endpoints of one Service in one family, by port, sorted by their text.

    If two slices have the same address and port, the entry that is not terminating counts.
    """
    found: dict[tuple[str, Transport], dict[str, Backend]] = {}
    for one in slices:
        for port in one.ports:
            texts = found.setdefault((port.name, port.protocol), {})
            start, end = _BRACKETS[one.family]
            for endpoint in one.endpoints:
                text = f"{start}{endpoint.address}{end}{port.port}"
                if text not in texts or not endpoint.terminating:
                    texts[text] = Backend(text, port.port, endpoint)
    return {key: tuple(texts[text] for text in sorted(texts)) for key, texts in found.items()}


@dataclass(frozen=True, slots=True)
class Choice:
    """The endpoints that a node's rules use for a service port.

    ``cluster`` are for packets that may go to any node, ``local`` for those that must stay
    on this one; ``reachable`` are all that need a chain of their own. ``exists`` is whether
    there is a usable endpoint anywhere, ``internal`` and ``external`` whether packets from
    inside and from outside have one under their traffic policy.
    """

    cluster: Backends = ()
    local: Backends = ()
    reachable: Backends = ()
    exists: bool = False
    internal: bool = False
    external: bool = False


NOTHING = Choice()


def choose(port: ServicePort, all_backends: Backends, node: str, zone: str) -> Choice:
    """Choose for a service port among its endpoints, as seen from a node in a zone."""
    if not all_backends:
        return NOTHING
    ready = tuple([one for one in all_backends if one.endpoint.ready])
    hinted, cluster = False, NOTHING.cluster
    if port.uses_cluster:
        near = _near(ready, node, zone)
        hinted = near is not ready
        cluster = near or _draining(all_backends)
    if not port.uses_local:
        there = bool(cluster)
        return Choice(cluster, (), cluster, there, there, there and not port.external_local)
    draining = _draining(all_backends)
    return _choose_local(port, cluster, ready, draining, node=node, hinted=hinted)


def _choose_local(
    port: ServicePort,
    cluster: Backends,
    ready: Backends,
    draining: Backends,
    *,
    node: str,
    hinted: bool,
) -> Choice:
    """The choice for a port with a Local policy; hints do not matter on the node itself."""
    local_ready = _on(node, ready)
    local = local_ready or _on(node, draining)
    exists = bool(cluster or ready or draining)
    if not port.uses_cluster:
        reachable = local
    elif local_ready and not hinted:
        reachable = cluster  # all ready ones, so the local ones are among them
    else:
        both = {one.text: one for one in (*cluster, *local)}
        reachable = tuple(both[text] for text in sorted(both))
    here = bool(local)
    return Choice(
        cluster,
        local,
        reachable,
        exists,
        internal=exists and (here or not port.internal_local),
        external=exists and (here or not port.external_local),
    )


def _draining(some: Backends) -> Backends:
    """Those that are going away and still answer: used where nothing is ready."""
    return tuple([one for one in some if one.endpoint.terminating and one.endpoint.serving])


def _on(node: str, some: Backends) -> Backends:
    """Those on the node; one without a node's name is nowhere."""
    return tuple(one for one in some if node and one.endpoint.node == node)


def _near(ready: Backends, node: str, zone: str) -> Backends:
    """The ready endpoints that hints keep for this node, else zone; without hints all.

    Hints count only if every ready endpoint has them and one is meant for here.
    """
    if ready and all(one.endpoint.for_nodes for one in ready):
        here = tuple(one for one in ready if node in one.endpoint.for_nodes)
        if here:
            return here
    if zone and ready and all(one.endpoint.for_zones for one in ready):
        here = tuple(one for one in ready if zone in one.endpoint.for_zones)
        if here:
            return here
    return ready


def serving(some: Backends) -> Iterator[Backend]:
    """Those that answer, ready for new clients or not."""
    return (one for one in some if one.endpoint.serving)
