"""kube-proxy in iptables mode: what it hands to iptables-restore, byte for byte.

A proxy keeps running: its first sync writes everything, later ones only what changed.
Its text is that of Kubernetes 1.36 (default feature gates), with everything that the real
one walks in no order sorted: service ports, chains to delete, local addresses.

Source: kubernetes/pkg/proxy/iptables/proxier.go (syncProxyRules), release 1.36
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from iptlab.errors import ManifestError
from iptlab.kubernetes import names
from iptlab.kubernetes.config import Config
from iptlab.kubernetes.conntrack import Connection, UdpService, stale
from iptlab.kubernetes.endpoints import Backends, BackendsByPort, backends, choose, serving
from iptlab.kubernetes.fixed_rules import NAT_CHAINS, closing_rules, filter_chains, opening_rules
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.objects import Node, Transport
from iptlab.kubernetes.port_rules import Plan
from iptlab.kubernetes.service_ports import ServicePort
from iptlab.kubernetes.settings import Settings
from iptlab.kubernetes.sync import HealthCheck, Sync
from iptlab.kubernetes.texts import Texts, declared, joined
from iptlab.kubernetes.tracker import ServiceId, Tracker
from iptlab.packet import Family
from iptlab.shown import Shown
from iptlab.syntax.chains import collector_paused

KUBERNETES = "1.36"
"""The version of Kubernetes whose kube-proxy this is."""

# with more endpoints, rules leave out comments and old chains are looked for less often
LARGE = 1000
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A service port as the proxy knows it, with all its endpoints, usable or not."""

    port: ServicePort
    backends: Backends

    def plan(self, settings: Settings, *, large: bool) -> Plan:
        """What is to be written for it on a node."""
        choice = choose(self.port, self.backends, settings.node, settings.zone)
        return Plan.of(self.port, choice, settings, large=large)


@dataclass(frozen=True, slots=True)
class Lacking:
    """How many ports of a Service find no endpoint here that their Local policy allows."""

    internal: int
    external: int


class Proxy(Shown):
    """kube-proxy of one family on one node; ``sync`` is told the cluster's state each time.

    ``existing`` are chains that an earlier kube-proxy left in the nat table.
    """

    def __init__(
        self,
        config: Config | None = None,
        family: Family = Family.IPV4,
        existing: Iterable[str] = (),
    ) -> None:
        self.config = config or Config()
        self.family = family
        self.large = False
        self.settings: Settings | None = None
        self._tracker = Tracker(family)
        self._endpoints: dict[ServiceId, int] = {}
        self._health: dict[ServiceId, HealthCheck] = {}
        self._lacking: dict[ServiceId, Lacking] = {}
        self._texts = Texts()
        # the zone and size that all texts were made for; None if they differ
        self._made_for: tuple[str, bool] | None = None
        # chains that are in the nat table, but of no service port any more
        self._left = {name for name in existing if name.startswith(names.PREFIXES)}
        self._full_at = self._looked_at = float("-inf")

    def sync(
        self,
        manifests: Manifests,
        *,
        full: bool = False,
        now: float = 0.0,
        connections: Iterable[Connection] = (),
    ) -> Sync:
        """Bring the node's rules up to the cluster's state.

        ``full`` forces a full sync, as after a failed restore or a flush by somebody else.
        ``now`` is a clock in seconds, ``connections`` what conntrack holds.
        """
        with collector_paused():
            settings = self._meet_node(manifests)
            full |= settings is not self.settings
            full |= now - self._full_at > _HOUR and not self.large
            self.settings = settings
            changes = self._tracker.update(manifests)
            fresh = {service: self._update(service, settings) for service in changes.services}
            self.large = sum(self._endpoints.values()) > LARGE
            written = self._write(settings, fresh, full=full)
            text = self._text(settings, written, self._take_old_chains(now))
            self._full_at = now if full else self._full_at
            deleted = tuple(self.stale(connections)) if changes.udp else ()
            return self._report(text, full=full, cleanup=changes.udp, deleted=deleted)

    def _report(
        self, text: str, *, full: bool, cleanup: bool, deleted: tuple[Connection, ...]
    ) -> Sync:
        return Sync(
            family=self.family,
            text=text,
            full=full,
            large=self.large,
            service_ports=sum(map(len, self._tracker.ports.values())),
            endpoints=sum(self._endpoints.values()),
            no_local_internal=sum(one.internal for one in self._lacking.values()),
            no_local_external=sum(one.external for one in self._lacking.values()),
            health_checks=tuple(check for _, check in sorted(self._health.items())),
            cleanup=cleanup,
            deleted=deleted,
        )

    # --- what is known ---

    def __str__(self) -> str:
        """Where it runs, and a line for each service port with its endpoints."""
        node = self.settings.node if self.settings else "a node that it was not told of yet"
        lines = [f"kube-proxy {KUBERNETES} for IPv{self.family} on {node}"]
        for entry in self._all_entries():
            one = entry.port
            ends = " ".join(end.text for end in entry.backends) or "no endpoint"
            address = f"[{one.cluster_ip}]" if ":" in one.cluster_ip else one.cluster_ip
            lines.append(f"  {one.name} {one.protocol} {address}:{one.port} -> {ends}")
        return "\n".join(lines)

    @property
    def known_settings(self) -> Settings:
        """What rules depend on besides Services; a proxy meets its node at the first sync."""
        if self.settings is None:
            raise ManifestError("nothing was synced yet", cure="Call sync(manifests) first.")
        return self.settings

    def plans(self) -> Iterator[Plan]:
        """The service ports with their chosen endpoints, as a full sync would write them."""
        for entry in self._all_entries():
            yield entry.plan(self.known_settings, large=self.large)

    def _all_entries(self) -> Iterator[Entry]:
        """The service ports, in the order in which they are written."""
        for service in self._texts.chains:
            yield from self._entries(service, backends(self._tracker.slices(service)))

    def _entries(self, service: ServiceId, found: BackendsByPort) -> list[Entry]:
        ports = self._tracker.ports.get(service, ())
        return [Entry(port, found.get((port.id.port, port.protocol), ())) for port in ports]

    def _meet_node(self, manifests: Manifests) -> Settings:
        """The settings of the node; after the first sync only its zone is watched."""
        if self.settings is None:
            node = own_node(self.config.node_name, manifests)
            return Settings.of(self.config, self.family, node)
        zone = own_node(self.settings.node, manifests).zone
        return self.settings if zone == self.settings.zone else replace(self.settings, zone=zone)

    def _update(self, service: ServiceId, settings: Settings) -> list[Entry]:
        """Take in a changed Service: its ports, their endpoints, its health check."""
        found = backends(self._tracker.slices(service))
        entries = self._entries(service, found)
        self._health.pop(service, None)
        self._endpoints.pop(service, None)
        if entries:
            self._endpoints[service] = sum([len(entry.backends) for entry in entries])
        if entries and entries[0].port.health_check_port:
            local = {
                one.ip
                for some in found.values()
                for one in some
                if one.endpoint.ready and one.endpoint.node == settings.node
            }
            port = entries[0].port.health_check_port
            self._health[service] = HealthCheck("/".join(service), port, len(local))
        return entries

    # --- text ---

    def _write(
        self, settings: Settings, fresh: Mapping[ServiceId, list[Entry]], *, full: bool
    ) -> Collection[ServiceId]:
        """Make the texts that are missing; the answer is whose own chains are written.

        A partial sync leaves the rules of unchanged Services as they are, even if the
        cluster has become large; a full one makes them anew if they would differ.
        """
        made_for = (settings.zone, self.large)
        outdated = full and self._made_for != made_for
        self._made_for = made_for if full or self._made_for == made_for else None
        known = self._tracker.ports.keys()
        unsorted = not fresh.keys() <= self._texts.chains.keys()
        for service, entries in fresh.items():
            self._rewrite(service, entries, settings)
        for service in known - fresh.keys() if outdated else ():
            found = backends(self._tracker.slices(service))
            self._rewrite(service, self._entries(service, found), settings)
        if unsorted:
            self._texts.sort()
        return known if full else fresh.keys() & known

    def _rewrite(self, service: ServiceId, entries: list[Entry], settings: Settings) -> None:
        """Make a Service's texts anew; its chains that are no more are left to delete."""
        self._left.update(self._texts.chain_names(service))
        self._lacking.pop(service, None)
        if not entries:
            self._texts.drop(service)
            return
        plans = [entry.plan(settings, large=self.large) for entry in entries]
        self._texts.write(service, plans)
        if self._left:
            self._left.difference_update(self._texts.chain_names(service))
        found = [plan.choice for plan in plans if plan.choice.exists]
        if not all(choice.internal and choice.external for choice in found):
            self._lacking[service] = Lacking(
                internal=sum(not choice.internal for choice in found),
                external=sum(not choice.external for choice in found),
            )

    def _take_old_chains(self, now: float) -> list[str]:
        """The chains to delete; in a large cluster nobody looks for them at every sync."""
        if self.large and now - self._looked_at <= self.config.sync_period:
            return []
        self._looked_at = now
        old, self._left = sorted(self._left), set()
        return old

    def _text(
        self, settings: Settings, written: Collection[ServiceId], old_chains: list[str]
    ) -> str:
        opening, closing = list(opening_rules(settings)), list(closing_rules(settings))
        return "".join(
            (
                "*filter\n",
                declared(filter_chains(settings)),
                joined(opening, "filter"),
                *self._texts.filter.values(),
                joined(closing, "filter"),
                "COMMIT\n*nat\n",
                declared(NAT_CHAINS),
                *self._texts.chain_lines(written),
                declared(old_chains),
                joined(opening, "nat"),
                *self._texts.nat_rules(written),
                *(f"-X {chain}\n" for chain in old_chains),
                joined(closing, "nat"),
                "COMMIT\n",
            )
        )

    # --- connection tracking ---

    def stale(self, connections: Iterable[Connection]) -> list[Connection]:
        """The UDP entries of this family that lead to endpoints which are gone."""
        same = (one for one in connections if one.family is self.family)
        return stale(same, filter(None, map(_udp_service, self._all_entries())))


def own_node(name: str, manifests: Manifests) -> Node:
    """The Node that the proxy runs on: the one of that name, without a name the first."""
    found = (node for node in manifests.nodes if not name or node.name == name)
    return next(found, Node(name))


def _udp_service(entry: Entry) -> UdpService | None:
    """Who may answer for a UDP service port; None if it has no serving endpoint."""
    port = entry.port
    ends = {(one.ip, one.port) for one in serving(entry.backends)}
    if port.protocol is not Transport.UDP or not ends:
        return None
    ips = (port.cluster_ip, *port.balancer_ips, *port.external_ips)
    return UdpService(tuple((ip, port.port) for ip in ips), port.node_port, ends)
