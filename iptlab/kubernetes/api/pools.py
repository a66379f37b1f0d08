"""The addresses and node ports that Services get.

Simplified: they are given out in order, where a real server draws them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain

from iptlab.kubernetes.addresses import Network
from iptlab.kubernetes.api.kinds import SERVICE
from iptlab.kubernetes.api.refusals import Cause, invalid
from iptlab.kubernetes.api.resources import Resource, part
from iptlab.packet import Family

# the upper band of each range is for what nobody asked for by number: pkg/controlplane
NODE_PORTS, _FIRST_NODE_PORT = range(30000, 32768), 30086
_FIRST_ADDRESS = 257
_NEVER_GIVEN = 1 << 16


@dataclass
class Pools:
    """The addresses and node ports that Services get, and the last ones given out."""

    networks: tuple[Network, ...]
    balancer: Network
    last: dict[str, int] = field(default_factory=dict)

    def families(self) -> tuple[Family, ...]:
        """The families that Services can have, the usual one first."""
        return tuple(Family(net.version) for net in self.networks)

    def address(self, family: Family, taken: set[str]) -> str:
        """The next free cluster address."""
        net = next(one for one in self.networks if one.version == family)
        first = min(_FIRST_ADDRESS, net.num_addresses // 2)
        last = min(net.num_addresses - 2, _NEVER_GIVEN)
        usual = range(first, last)
        return str(net[self._next(f"IPv{family}", usual, lambda n: str(net[n]), taken)])

    def node_port(self, taken: set[str]) -> int:
        """The next free node port."""
        usual = range(_FIRST_NODE_PORT, NODE_PORTS.stop)
        return self._next("node port", usual, str, taken)

    def balanced(self, taken: set[str]) -> str:
        """The next free address of the load balancer."""
        net = self.balancer
        usual = range(min(10, net.num_addresses - 2), net.num_addresses - 1)
        return str(net[self._next("balancer", usual, lambda n: str(net[n]), taken)])

    def _next(self, what: str, numbers: range, text: Callable[[int], str], taken: set[str]) -> int:
        """The number after the last one given out that is free; from the start at the end."""
        start = self.last.get(what, numbers.start - 1) + 1
        in_turn = chain(range(start, numbers.stop), range(numbers.start, start))
        free = next((number for number in in_turn if text(number) not in taken), None)
        if free is None:
            cause = Cause("spec", f"Internal error: no {what} is left to give out")
            raise invalid(SERVICE, "", [cause])
        self.last[what] = free
        return free


def ingress(service: Resource) -> list[str]:
    """The addresses that a load balancer has for a Service."""
    entries = part(service.status, "loadBalancer").get("ingress") or ()
    return [one.get("ip") or one.get("hostname") or "" for one in entries]


def given_addresses(others: Iterable[Resource]) -> set[str]:
    return {ip for other in others for ip in other.spec.get("clusterIPs") or ()} - {"None"}


def given_ports(others: Iterable[Resource]) -> set[tuple[str, str]]:
    return {
        (str(port["nodePort"]), port["protocol"])
        for other in others
        for port in other.spec.get("ports") or ()
        if port.get("nodePort")
    }
