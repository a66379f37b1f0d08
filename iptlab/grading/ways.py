"""Where a host sends packets, told apart by destination: the routing decision in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import NamedTuple

from iptlab.errors import CannotCompare
from iptlab.grading.sample import packet_of
from iptlab.packet import Address, Family, Packet
from iptlab.simulate.arrival import Refusal, decide, unseen
from iptlab.simulate.host import Host
from iptlab.simulate.routing import SEND_ERRORS, Decision, Kind

# addresses that routing treats in a way of their own
# kernel: net/ipv4/route.c (ip_route_input_slow), net/ipv6/addrconf.c (__ipv6_addr_type)
_SPECIAL: dict[Family, tuple[str, ...]] = {
    Family.IPV4: ("0.0.0.0/32", "0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32"),
    Family.IPV6: ("::/128", "::1/128", "fe80::/10", "ff00::/8"),
}


# somebody outside: addresses for documentation, RFC 5737 and RFC 3849
_FAR = {Family.IPV4: (0xC6336407, 0xC000020A), Family.IPV6: (0x20010DB8 << 96 | 0xFF << 64 | 7,)}


class Way(NamedTuple):
    """What routing makes of a packet: to this machine, or out by an interface.

    ``address`` is what MASQUERADE would put there.
    """

    local: bool
    interface: str = ""
    address: int | None = None


class Piece(NamedTuple):
    """Destinations from ``first`` to ``last``, which all go the same way; None is nowhere."""

    first: int
    last: int
    way: Way | None


class Ways:
    """One host's routing for one family; packets may carry marks that policy rules ask for."""

    def __init__(self, host: Host, family: Family) -> None:
        self.host = host
        self.family = family
        self.routing = host.routing[family]
        if any(rule.source for rule in self.routing.rules):
            raise CannotCompare("`ip rule ... from'", "routes must not depend on the source here")
        self._known: dict[tuple[str, int], tuple[Piece, ...]] = {}
        self._believed: dict[str, tuple[tuple[int, int], ...]] = {}

    @cached_property
    def edges(self) -> tuple[int, ...]:
        """The addresses at which routing, or the type of an address, may change."""
        networks = [ip_network(text) for text in _SPECIAL[self.family]]
        networks += [route.to for route in self.routing.routes]
        networks += [rule.destination for rule in self.routing.rules if rule.destination]
        cuts = {0}
        for _, one in self.routing.addresses:
            networks.append(one.network)
            last = int(one.network.broadcast_address)
            cuts |= {int(one.ip), int(one.ip) + 1, last, last + 1}
        for network in networks:
            cuts |= {int(network.network_address), int(network.broadcast_address) + 1}
        return tuple(sorted(cut for cut in cuts if cut < 1 << self.family.bits))

    @cached_property
    def runs(self) -> tuple[tuple[int, int], ...]:
        """First and last address of each piece between two edges."""
        behind = (*self.edges[1:], 1 << self.family.bits)
        return tuple((first, end - 1) for first, end in zip(self.edges, behind, strict=True))

    @cached_property
    def own(self) -> tuple[Address, ...]:
        """The addresses of the machine; loopback is the first of them."""
        return tuple(one.ip for _, one in self.routing.addresses)

    @cached_property
    def entrances(self) -> tuple[str, ...]:
        """The interfaces by which packets of the family come in from outside."""
        names = dict.fromkeys(name for name, _ in self.routing.addresses)
        return tuple(name for name in names if name != "lo")

    def first_address(self, interface: str) -> int | None:
        """What REDIRECT writes for packets that came in there; None if it has no address."""
        own = (int(one.ip) for name, one in self.routing.addresses if name == interface)
        return next(own, None)

    def usual(self, end: str, entrance: str) -> tuple[int, ...]:
        """Addresses that one expects at an end of packets that come in there, the best first.

        From outside somebody asks for this machine, from inside for somebody outside.
        """
        outside = {route.interface for route in self.routing.routes if not route.to.prefixlen}
        neighbours = [
            (name, int(one.network[10]))
            for name, one in self.routing.addresses
            if name not in ("lo", *outside) and one.network.num_addresses > 16
        ]
        if entrance not in outside:
            own = tuple(address for name, address in neighbours if name == entrance)
            return own if end == "src" else _FAR[self.family]
        inside = [address for _, address in neighbours]
        return (self.first_address(entrance) or 0, *inside) if end == "dst" else ()

    def confined(self, interface: str) -> tuple[tuple[int, int], ...]:
        """Sources that may not leave by an interface: loopback's, usually."""
        localnet = self.host.sysctl("ipv4/conf/{}/route_localnet", interface)
        if localnet or interface == "lo":
            return ()
        return tuple(run for run in self.runs if self._address(run[0]).is_loopback)

    def _address(self, number: int) -> Address:
        return IPv4Address(number) if self.family is Family.IPV4 else IPv6Address(number)

    def _packet(self, src: int, dst: int, mark: int = 0) -> Packet:
        return packet_of({"src": src, "dst": dst, "mark": mark}, self.family)

    # --- which packets come in at all ---

    def sources(self, interface: str) -> tuple[tuple[int, int], ...]:
        """The sources that the host believes of packets from that interface.

        Those that are known on their own link only are left out: they go nowhere else.
        """
        if interface not in self._believed:
            own = next(int(one.ip) for name, one in self.routing.addresses if name != "lo")
            self._believed[interface] = tuple(
                run
                for run in self.runs
                if not self._stays(run[0])
                and not unseen(packet := self._packet(run[0], own), "unicast")
                and not isinstance(decide(self.host, packet, interface), Refusal)
            )
        return self._believed[interface]

    def _stays(self, number: int) -> bool:
        """Whether it can be no source of a packet that a router passes on."""
        address = self._address(number)
        local = self.family is Family.IPV6 and (address.is_link_local or not number)
        return address.is_multicast or local

    def single(self, *, arriving: bool) -> tuple[tuple[int, int], ...]:
        """Destinations that are not multicast groups, and may be seen by whom they come to."""
        inside = arriving and self.family is Family.IPV6
        return tuple(
            run
            for run in self.runs
            if not self._address(run[0]).is_multicast
            and not (inside and self._address(run[0]).is_loopback)
        )

    # --- where they go ---

    def inbound(self, interface: str, mark: int) -> tuple[Piece, ...]:
        """Where packets go that came in by an interface."""
        key = (interface, mark)
        if key not in self._known:
            source = self.sources(interface)[0][0]
            self._known[key] = tuple(
                Piece(*run, self._arriving(self._packet(source, run[0], mark), interface))
                for run in self.runs
            )
        return self._known[key]

    def outbound(self, mark: int) -> tuple[Piece, ...]:
        """Where packets go that this machine sends."""
        key = ("", mark)
        if key not in self._known:
            source = int(self.own[0])
            self._known[key] = tuple(
                Piece(*run, self._leaving(self._packet(source, run[0], mark))) for run in self.runs
            )
        return self._known[key]

    def reached(self, interface: str, mark: int) -> Iterator[tuple[int, int]]:
        """Destinations to which a route leads, from an interface or (empty) from here.

        What is sent to no address at all comes to this machine, but nobody answers from there.
        """
        pieces = self.inbound(interface, mark) if interface else self.outbound(mark)
        return ((piece.first, piece.last) for piece in pieces if piece.way and piece.last)

    def _arriving(self, packet: Packet, interface: str) -> Way | None:
        found = decide(self.host, packet, interface)
        if isinstance(found, Refusal):
            return None
        return self._way(found, packet) if found.kind is Kind.UNICAST else Way(local=True)

    def _leaving(self, packet: Packet) -> Way | None:
        found = self.host.route_out(packet)
        if found is None or found.kind in SEND_ERRORS:
            return None
        return self._way(found, packet)

    def _way(self, found: Decision, packet: Packet) -> Way:
        """The way with what MASQUERADE writes there."""
        address = self.routing.address_of(found.interface, packet.dst, found.via)
        number = None if address is None else int(address)
        return Way(found.kind is Kind.LOCAL, found.interface, number)
