"""Where a packet goes next: routes, policy rules, and the kernel's look-up in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_network,
)

from iptlab.errors import PacketError
from iptlab.packet import Address, Family, Packet

Network = IPv4Network | IPv6Network


class Kind(StrEnum):
    """What a route makes of a packet, or of an address, as ``ip route`` spells it.

    Man page: ip-route(8); kernel: include/uapi/linux/rtnetlink.h (RTN_*)
    """

    UNICAST = "unicast"
    LOCAL = "local"
    BROADCAST = "broadcast"
    ANYCAST = "anycast"
    MULTICAST = "multicast"
    BLACKHOLE = "blackhole"
    UNREACHABLE = "unreachable"
    PROHIBIT = "prohibit"
    THROW = "throw"


# the error that a local sender gets; kernel: net/ipv4/fib_semantics.c (fib_props)
SEND_ERRORS = {
    Kind.BLACKHOLE: "EINVAL",
    Kind.UNREACHABLE: "EHOSTUNREACH",
    Kind.PROHIBIT: "EACCES",
}
NO_ROUTE = "ENETUNREACH"
_SHAPE = "write for example: 10.0.0.0/8 via 192.168.1.1 dev eth0"
_RULE = "write for example: pref 100 fwmark 0x1/0xff lookup 101"


@dataclass(frozen=True, slots=True)
class Route:
    """One line of ``ip route``: the first of the longest prefix that fits decides.

    ``via`` is the next hop; without one the destination itself is on the link. ``source`` is
    the address that local packets get.
    """

    to: Network
    interface: str = ""
    via: Address | None = None
    kind: Kind = Kind.UNICAST
    table: str = "main"
    source: Address | None = None
    metric: int = 0

    @classmethod
    def parse(cls, text: str, family: Family = Family.IPV4) -> Route:
        """A line as ``ip route add`` takes it; PacketError for what it does not understand.

        >>> print(Route.parse("default via 10.0.0.1 dev eth0 table 101"))
        default via 10.0.0.1 dev eth0 table 101
        """
        words = text.split()
        kind = Kind(words.pop(0)) if words and words[0] in set(Kind) else Kind.UNICAST
        to = _network(words.pop(0) if words else "", family)
        given = _named(words, text, ("via", "dev", "table", "src", "metric"), ("onlink",))
        try:
            return cls(
                to,
                given.get("dev", ""),
                ip_address(given["via"]) if "via" in given else None,
                kind,
                given.get("table", "main"),
                ip_address(given["src"]) if "src" in given else None,
                int(given.get("metric", 0)),
            )
        except ValueError as error:
            raise PacketError(f"`{text}': {error}; {_SHAPE}") from None

    def __str__(self) -> str:
        words: list[str] = [] if self.kind is Kind.UNICAST else [self.kind]
        words.append("default" if not self.to.prefixlen else str(self.to))
        words += ["via", str(self.via)] if self.via else []
        words += ["dev", self.interface] if self.interface else []
        words += ["table", self.table] if self.table != "main" else []
        words += ["src", str(self.source)] if self.source else []
        words += ["metric", str(self.metric)] if self.metric else []
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One line of ``ip rule``: which table is looked up for which packets, lowest first."""

    preference: int
    table: str
    family: Family = Family.IPV4
    mark: int = 0
    mask: int = 0
    source: Network | None = None
    destination: Network | None = None
    in_interface: str = ""

    @classmethod
    def parse(cls, text: str, family: Family = Family.IPV4) -> PolicyRule:
        """A line as ``ip rule add`` takes it.

        >>> PolicyRule.parse("pref 1001 fwmark 0x1/0xff lookup 101").mask
        255
        """
        names = ("pref", "fwmark", "lookup", "table", "from", "to", "iif")
        given = _named(text.split(), text, names, shape=_RULE)
        mark, slash, mask = given.get("fwmark", "0/0").partition("/")
        try:
            preference = int(given.get("pref", 32765))
            masked = int(mark, 0), int(mask, 0) if slash else 0xFFFFFFFF
        except ValueError as error:
            raise PacketError(f"`{text}': {error}; {_RULE}") from None
        return cls(
            preference,
            given.get("lookup") or given.get("table") or "main",
            family,
            *masked,
            _network(given["from"], family) if given.get("from", "all") != "all" else None,
            _network(given["to"], family) if given.get("to", "all") != "all" else None,
            given.get("iif", ""),
        )

    def fits(self, packet: Packet, in_interface: str) -> bool:
        """Whether the rule is about packets like this one."""
        return (
            packet.mark & self.mask == self.mark
            and (self.source is None or packet.src in self.source)
            and (self.destination is None or packet.dst in self.destination)
            and (not self.in_interface or self.in_interface == (in_interface or "lo"))
        )

    def __str__(self) -> str:
        words = [f"{self.preference}:", "from", str(self.source or "all")]
        words += ["to", str(self.destination)] if self.destination else []
        words += ["fwmark", f"{self.mark:#x}/{self.mask:#x}"] if self.mask else []
        words += ["iif", self.in_interface] if self.in_interface else []
        return " ".join([*words, "lookup", self.table])


def _named(
    words: list[str],
    text: str,
    names: Iterable[str],
    alone: Iterable[str] = (),
    *,
    shape: str = _SHAPE,
) -> dict[str, str]:
    """Words in pairs of name and value."""
    given: dict[str, str] = {}
    while words:
        name = words.pop(0)
        if name in alone:
            continue
        if name not in names or not words:
            raise PacketError(f"`{text}': after `{name}' something is wrong; {shape}")
        given[name] = words.pop(0)
    return given


def _network(text: str, family: Family) -> Network:
    if text == "default":
        text = "0.0.0.0/0" if family is Family.IPV4 else "::/0"
    try:
        return ip_network(text)
    except ValueError:
        raise PacketError(f"`{text}' is no network; {_SHAPE}") from None


@dataclass(frozen=True, slots=True)
class Decision:
    """What routing says of a packet: deliver it here, or send it on through ``interface``."""

    kind: Kind
    interface: str = ""
    via: Address | None = None
    source: Address | None = None

    def __str__(self) -> str:
        if self.kind is Kind.LOCAL:
            return "to this machine"
        where = f"out through {self.interface}" if self.interface else str(self.kind)
        said = f"{self.kind}, " if self.kind in (Kind.BROADCAST, Kind.MULTICAST) else ""
        return f"{said}{where}{f', next hop {self.via}' if self.via else ''}"


@dataclass(frozen=True)
class Routing:
    """One family's routes and rules, with those that the addresses of interfaces bring.

    ``addresses`` are pairs of interface name and address, in the order they were added. Those
    of interfaces that are ``down`` bring no route but the one to this machine itself.
    """

    family: Family
    addresses: tuple[tuple[str, IPv4Interface | IPv6Interface], ...]
    routes: tuple[Route, ...] = ()
    rules: tuple[PolicyRule, ...] = ()
    down: frozenset[str] = frozenset()

    @cached_property
    def own(self) -> frozenset[Address]:
        """The addresses of this machine."""
        return frozenset(one.ip for _, one in self.addresses)

    @cached_property
    def _tables(self) -> dict[str, list[Route]]:
        """Routes by table, longest prefix first."""
        tables: dict[str, list[Route]] = {"local": [], "main": []}
        for route in (*self.brought(), *self.routes):
            tables.setdefault(route.table, []).append(route)
        for routes in tables.values():
            routes.sort(key=lambda route: (-route.to.prefixlen, route.metric))
        return tables

    def brought(self) -> Iterator[Route]:
        """The routes that the kernel makes of an address.

        Toward a second address of a network the machine speaks as the first, in IPv4.

        Kernel: net/ipv4/fib_frontend.c (fib_add_ifaddr), net/ipv6/addrconf.c
        """
        seen: set[Network] = set()
        primary: dict[tuple[str, Network], Address] = {}
        for name, one in self.addresses:
            host, four = ip_network(one.ip), self.family is Family.IPV4
            local = one.network if one.ip.is_loopback and four else host
            first = primary.setdefault((name, one.network), one.ip)
            source = first if four else one.ip
            yield Route(local, name, kind=Kind.LOCAL, table="local", source=source)
            if name in self.down or name == "lo" or one.network.prefixlen == self.family.bits:
                continue
            if one.network not in seen:
                seen.add(one.network)
                yield Route(one.network, name, source=one.ip)
            if self.family is Family.IPV4 and one.network.prefixlen < 31:
                last = ip_network(one.network.broadcast_address)
                yield Route(last, name, kind=Kind.BROADCAST, table="local", source=one.ip)
        if self.family is Family.IPV6:
            for name in dict.fromkeys(name for name, _ in self.addresses if name != "lo"):
                yield Route(IPv6Network("ff00::/8"), name, kind=Kind.MULTICAST, table="local")

    def look_up(self, packet: Packet, in_interface: str = "") -> Decision | None:
        """Where ``packet`` goes; None if no route fits."""
        route = self.find(packet, in_interface)
        return self._decision(route, packet.dst) if route else None

    def find(self, packet: Packet, in_interface: str = "") -> Route | None:
        """The route that a packet takes.

        The table local is asked first, then what the rules name, then main.

        Kernel: net/ipv4/fib_rules.c, fib_trie.c (fib_table_lookup)
        """
        for table in self._order(packet, in_interface):
            route = self.longest(packet.dst, table)
            if route is not None and route.kind is not Kind.THROW:
                return route
        return None

    def _order(self, packet: Packet, in_interface: str) -> Iterator[str]:
        yield "local"
        for rule in sorted(self.rules, key=lambda rule: rule.preference):
            if rule.fits(packet, in_interface):
                yield rule.table
        yield "main"
        yield "default"

    def longest(self, destination: Address, table: str) -> Route | None:
        """The route of a table that fits best."""
        fitting = (route for route in self._tables.get(table, ()) if destination in route.to)
        return next(fitting, None)

    def _decision(self, route: Route, destination: Address) -> Decision:
        kind = Kind.LOCAL if route.kind is Kind.ANYCAST else route.kind
        if kind is Kind.UNICAST and destination.is_multicast:
            kind = Kind.MULTICAST
        elif kind is Kind.UNICAST and destination == _EVERYBODY:
            kind = Kind.BROADCAST
        interface = "lo" if kind is Kind.LOCAL else route.interface
        source = route.source or self.address_of(route.interface, destination, route.via)
        if kind is Kind.LOCAL and (self.family is Family.IPV6 or not route.source):
            source = destination
        return Decision(kind, interface, route.via, source)

    def kind_of(self, address: Address, interface: str = "") -> Kind | None:
        """The kind of route that leads to an address; None without a route.

        With ``interface``, only that interface's own addresses count as local. IPv4 looks in the
        table local only, IPv6 in main too.

        Kernel: net/ipv4/fib_frontend.c (__inet_dev_addr_type), net/netfilter/xt_addrtype.c
        """
        if address.is_multicast:
            return Kind.MULTICAST
        if address == _EVERYBODY or (self.family == 4 and not int(address)):
            return Kind.BROADCAST
        route = self.longest(address, "local")
        if route is None and self.family is Family.IPV6:
            route = self.longest(address, "main")
        if route is None:
            return None
        if interface and route.kind in (Kind.LOCAL, Kind.BROADCAST):
            return route.kind if route.interface == interface else Kind.UNICAST
        return route.kind

    def address_of(
        self, interface: str, destination: Address, via: Address | None = None
    ) -> Address | None:
        """The address that this machine has towards a destination behind an interface.

        IPv4 takes the interface's first address in the network of the next hop, else its first
        one. IPv6 compares all addresses of the machine (RFC 6724), for a destination on the link
        and for a group those of the interface.

        Kernel: net/ipv4/devinet.c (inet_select_addr), net/ipv6/addrconf.c (ipv6_dev_get_saddr)
        """
        if self.family is Family.IPV6:
            return self._nearest(interface, destination)
        known = [(name, one) for name, one in self.addresses if not one.ip.is_loopback]
        own = [one for name, one in known if name == interface]
        near = (one.ip for one in own if (via or destination) in one.network)
        return next(near, next((one.ip for one in own + [one for _, one in known]), None))

    def _nearest(self, interface: str, destination: Address) -> Address | None:
        far = _scope(destination)
        beside = far <= _LINK or destination.is_multicast

        def merit(place: tuple[str, IPv4Interface | IPv6Interface]) -> tuple[bool, int, bool, int]:
            name, one = place
            common = 128 - (int(one.ip) ^ int(destination)).bit_length()
            own = _scope(one.ip)
            no_farther = -own if own >= far else own - _NOT_SO_FAR
            common = min(common, one.network.prefixlen)
            return one.ip == destination, no_farther, name == interface, common

        # of equals the kernel takes the one that was added last (ipv6_link_dev_addr)
        known = [one for one in reversed(self.addresses) if one[0] == interface or not beside]
        return max(known, key=merit)[1].ip if known else None


def _scope(address: Address) -> int:
    """How far an IPv6 address is known: on its link, or everywhere; a group says it itself."""
    if address.is_multicast:
        return int(address) >> 112 & 15
    return _LINK if address.is_link_local or address.is_loopback else 14


_LINK = 2
# what makes any scope that reaches better than one that does not
_NOT_SO_FAR = 128
_EVERYBODY = IPv4Address("255.255.255.255")
