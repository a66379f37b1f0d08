"""Names of hosts: ``/etc/hosts`` of every machine, and what a cluster's DNS adds to it.

Man page: hosts(5); Kubernetes: DNS for Services and Pods
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import IPv4Interface, IPv6Interface, ip_address

from iptlab.console.plans import Plan
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.placement import Placement
from iptlab.simulate.host import LOOPBACK, Host

HOSTS = "/etc/hosts"
_LOCAL = ("127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost")


def hosts_text(plan: Plan | Manifests, host: str) -> str:
    """The file as a machine of the plan has it; of a router its nearest address comes first."""
    lines = list(_LOCAL)
    if isinstance(plan, Plan):
        for name, other in plan.hosts.items():
            words = [name, *(alias for alias, meant in plan.aliases.items() if meant == name)]
            ordered = sorted(_addresses(other), key=lambda one: _far(one, plan.hosts[host]))
            lines += [f"{one.ip}\t{' '.join(words)}" for one in ordered]
    return "".join(f"{line}\n" for line in lines)


def _addresses(host: Host) -> Iterator[IPv4Interface | IPv6Interface]:
    for card in host.interfaces:
        if card.name != LOOPBACK.name:
            yield from card.addresses


def _far(address: IPv4Interface | IPv6Interface, host: Host) -> tuple[int, bool]:
    """How late an address comes among those of one name: IPv6 after IPv4, near ones first."""
    near = any(address.ip in own.network for own in _addresses(host))
    return address.version, not near


@lru_cache(maxsize=64)
def read_hosts(text: str) -> Mapping[str, tuple[str, ...]]:
    """The names of the file, each with its addresses in the file's order.

    >>> dict(read_hosts("10.0.0.1 gate gw # the way out"))
    {'gate': ('10.0.0.1',), 'gw': ('10.0.0.1',)}
    """
    names: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        address, *called = line.partition("#")[0].split() or [""]
        for name in called if _is_address(address) else ():
            names[name] = (*names.get(name, ()), address)
    return names


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def cluster_names(place: Placement) -> Mapping[str, tuple[str, ...]]:
    """What resolves in a cluster: Services by short and full names, nodes, pods, the client."""
    names: dict[str, tuple[str, ...]] = {}
    for address, owner in place.owners.items():
        for name in dict.fromkeys((owner, owner.rpartition("/")[2])):
            names[name] = (*names.get(name, ()), str(address))
    for service in place.manifests.services:
        ips = service.cluster_ips or (service.cluster_ip,)
        full = f"{service.name}.{service.namespace}.svc.cluster.local"
        parts = full.split(".")
        for short in (".".join(parts[:length]) for length in (1, 2, 3, 5)):
            if "None" not in ips and any(ips):
                names.setdefault(short, tuple(ips))
    return names
