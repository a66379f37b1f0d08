"""What one sync of kube-proxy did: the restore text, and what it reports besides."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.kubernetes.conntrack import Connection
from iptlab.packet import Family


@dataclass(frozen=True)
class HealthCheck:
    """A port where load balancers ask; the node is healthy if it has ready endpoints."""

    service: str
    port: int
    local: int

    @property
    def status(self) -> int:
        """The HTTP status that is answered."""
        return 200 if self.local else 503


@dataclass(frozen=True)
class RestoreLines:
    """How many lines of each kind a restore text has."""

    filter_chains: int
    filter_rules: int
    nat_chains: int
    nat_rules: int


@dataclass(frozen=True)
class Sync:
    """A sync: ``text`` is what ``iptables-restore --noflush --counters`` is given.

    ``no_local_internal`` and ``no_local_external`` count service ports whose policy Local
    finds no endpoint here though there is one elsewhere. ``cleanup`` is whether the
    connection tracking table was looked through, ``deleted`` what was removed from it.
    """

    family: Family
    text: str
    full: bool
    large: bool
    service_ports: int
    endpoints: int
    no_local_internal: int
    no_local_external: int
    health_checks: tuple[HealthCheck, ...]
    cleanup: bool
    deleted: tuple[Connection, ...]

    @property
    def restore_lines(self) -> RestoreLines:
        """The lines of the text by table and kind."""
        counts = []
        for part in self.text.split("COMMIT\n")[:2]:
            chains = part.count("\n:")
            counts += [chains, part.count("\n") - 1 - chains]
        return RestoreLines(*counts)

    def as_dict(self) -> dict[str, object]:
        """All but the text, as JSON takes it."""
        lines = self.restore_lines
        return {
            "fullSync": self.full,
            "largeClusterMode": self.large,
            "servicePorts": self.service_ports,
            "endpoints": self.endpoints,
            "noLocalEndpointsInternal": self.no_local_internal,
            "noLocalEndpointsExternal": self.no_local_external,
            "restoreLines": {
                "filterChains": lines.filter_chains,
                "filterRules": lines.filter_rules,
                "natChains": lines.nat_chains,
                "natRules": lines.nat_rules,
            },
            "healthChecks": [
                {"localReadyEndpoints": one.local, "port": one.port, "service": one.service}
                for one in self.health_checks
            ],
            "conntrackCleanup": self.cleanup,
            "conntrackDeleted": [one.as_dict() for one in self.deleted],
        }
