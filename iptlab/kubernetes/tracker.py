"""Which Services a new state of the cluster changes, as kube-proxy counts it.

Source: kubernetes/pkg/proxy/servicechangetracker.go, endpointschangetracker.go
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.objects import EndpointSlice, Service, Transport
from iptlab.kubernetes.service_ports import ServicePort, service_ports
from iptlab.packet import Family

ServiceId = tuple[str, str]


@dataclass(frozen=True)
class Changes:
    """Services with a change of their own or of their slices.

    ``udp`` is whether slices changed of a Service that has, or had, UDP endpoints.
    """

    services: frozenset[ServiceId] = frozenset()
    udp: bool = False


@dataclass
class Tracker:
    """The cluster as last seen by the proxy of one family.

    Objects are frozen, so the very same object is no change, and only others are compared.
    """

    family: Family
    seen: Manifests = field(default_factory=Manifests)
    ports: dict[ServiceId, tuple[ServicePort, ...]] = field(default_factory=dict)
    slices_of: dict[ServiceId, dict[str, EndpointSlice]] = field(default_factory=dict)

    def update(self, manifests: Manifests) -> Changes:
        """Take in the cluster's new state, and say what changed."""
        old, self.seen = self.seen, manifests
        changed = self._update_services(old.services, manifests.services)
        sliced, udp = self._update_slices(old.slices, manifests.slices)
        return Changes(frozenset(changed | sliced), udp)

    def _update_services(
        self, old: tuple[Service, ...], new: tuple[Service, ...]
    ) -> set[ServiceId]:
        """A Service changed if its service ports did; the rest of it is nothing to rules."""
        before = {one.id: self.ports.pop(one.id, ()) for one in _only_in(old, new)}
        after = {one.id: service_ports(one, self.family) for one in _only_in(new, old)}
        self.ports.update({service: ports for service, ports in after.items() if ports})
        both = before.keys() | after.keys()
        return {service for service in both if before.get(service, ()) != after.get(service, ())}

    def _update_slices(
        self, old: tuple[EndpointSlice, ...], new: tuple[EndpointSlice, ...]
    ) -> tuple[set[ServiceId], bool]:
        """A slice changed if anything in it did."""
        before = {(one.owner, one.name): one for one in _only_in(old, new) if self._is_ours(one)}
        after = {(one.owner, one.name): one for one in _only_in(new, old) if self._is_ours(one)}
        keys = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
        changed = {owner for owner, _ in keys}
        udp = self._have_udp(changed)
        for owner, name in keys:
            slices = self.slices_of.setdefault(owner, {})
            slices.pop(name, None)
            if (owner, name) in after:
                slices[name] = after[owner, name]
        return changed, udp or self._have_udp(changed)

    def slices(self, service: ServiceId) -> list[EndpointSlice]:
        """The slices of a Service, in an order that does not depend on history."""
        return [one for _, one in sorted(self.slices_of.get(service, {}).items())]

    def _is_ours(self, one: EndpointSlice) -> bool:
        return one.family is self.family

    def _have_udp(self, services: Iterable[ServiceId]) -> bool:
        """Whether any of the Services has UDP endpoints now."""
        return any(
            one.endpoints and any(port.protocol is Transport.UDP for port in one.ports)
            for service in services
            for one in self.slices_of.get(service, {}).values()
        )


T = TypeVar("T", Service, EndpointSlice)


def _only_in(some: tuple[T, ...], others: tuple[T, ...]) -> list[T]:
    """Those that are not the very same object among the others."""
    if some is others:
        return []
    known = set(map(id, others))
    return [one for one in some if id(one) not in known]
