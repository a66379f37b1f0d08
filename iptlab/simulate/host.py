"""One Linux machine: its interfaces, routes, switches, ipsets and rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Any, Self

from iptlab.errors import PacketError
from iptlab.netfilter.hooks import Backend
from iptlab.netfilter.ipset import IpSet
from iptlab.packet import Address, Family, Packet
from iptlab.ruleset import Ruleset
from iptlab.shown import Shown
from iptlab.simulate.routing import SEND_ERRORS, Decision, Kind, PolicyRule, Route, Routing

# What the kernel starts with, by path below /proc/sys/net; {} is an interface's name.
# kernel: Documentation/networking/ip-sysctl.rst, nf_conntrack-sysctl.rst
SYSCTLS: dict[str, int] = {
    "ipv4/ip_forward": 0,
    "ipv6/conf/all/forwarding": 0,
    "ipv4/conf/{}/route_localnet": 0,
    "ipv4/conf/{}/rp_filter": 0,
    "ipv4/conf/{}/accept_local": 0,
    "ipv4/ip_default_ttl": 64,
    "ipv4/icmp_echo_ignore_all": 0,
    "ipv4/fwmark_reflect": 0,
    "ipv6/fwmark_reflect": 0,
    "netfilter/nf_conntrack_tcp_loose": 1,
    "netfilter/nf_conntrack_tcp_be_liberal": 0,
    "netfilter/nf_conntrack_checksum": 1,
}
# groups that every machine listens to
_JOINED: frozenset[Address] = frozenset(
    (IPv4Address("224.0.0.1"), IPv6Address("ff02::1"), IPv6Address("ff01::1"))
)
_ROUTERS = (IPv6Address("ff02::2"), IPv6Address("ff01::2"), IPv6Address("ff05::2"))
_SOLICITED = int(IPv6Address("ff02::1:ff00:0"))


@dataclass(frozen=True, slots=True)
class Interface(Shown):
    """A network card, tunnel or bridge; its first address of a family is the primary one.

    ``mac`` is its hardware address, ``mtu`` the largest packet in bytes that leaves by it. While
    it is not ``up``, it has no routes; its IPv4 addresses still are this machine's.
    """

    name: str
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()
    mac: str = "02:00:00:00:00:01"
    mtu: int = 1500
    groups: frozenset[Address] = frozenset()
    up: bool = True

    def __str__(self) -> str:
        """The interface as ``ip -brief address`` prints it."""
        state = "UP" if self.up else "DOWN"
        return f"{self.name:<16} {state:<14} {' '.join(map(str, self.addresses))}".rstrip()

    @classmethod
    def of(cls, name: str, *addresses: str, mac: str = "02:00:00:00:00:01") -> Self:
        """An interface from text: ``Interface.of("eth0", "192.168.1.1/24")``."""
        cure = "write an address with its prefix: 10.0.0.1/24"
        try:
            read = tuple(map(ip_interface, addresses))
        except ValueError as error:
            raise PacketError(f"{error}; {cure}") from None
        if bare := [text for text in addresses if "/" not in text]:
            raise PacketError(f"`{bare[0]}' does not say how large its network is; {cure}")
        return cls(name, read, mac)


LOOPBACK = Interface(
    "lo", (IPv4Interface("127.0.0.1/8"), IPv6Interface("::1/128")), "00:00:00:00:00:00", 65536
)


@dataclass(frozen=True)
class Host(Shown):
    """One machine as it is configured; what happens on it happens in a ``Machine``.

    ``sysctls`` are switches by their path below ``/proc/sys/net``; one that is not there is as
    the kernel sets it. ``rules`` are the rule sets by family; the loopback interface is added.
    ``backend`` is what iptables loads rules into: it orders two of the tables.
    """

    interfaces: tuple[Interface, ...] = ()
    routes: tuple[Route, ...] = ()
    policy: tuple[PolicyRule, ...] = ()
    sysctls: Mapping[str, int] = field(default_factory=dict)
    sets: Mapping[str, IpSet] = field(default_factory=dict)
    rules: Mapping[Family, Ruleset] = field(default_factory=dict)
    name: str = "host"
    backend: Backend = Backend.LEGACY

    def __post_init__(self) -> None:
        """Refuse unknown switches, two interfaces of one name and routes through no interface."""
        known = {path.format(one.name) for path in SYSCTLS for one in self._all()}
        known |= {path.format(every) for path in SYSCTLS for every in ("all", "default")}
        if unknown := sorted(set(self.sysctls) - known):
            raise PacketError(f"sysctl {unknown[0]} is not modelled; known: {', '.join(SYSCTLS)}")
        names = {one.name for one in self._all()}
        if len(names) < len(self._all()):
            raise PacketError("two interfaces have one name; give each a name of its own")
        for path, value in self.sysctls.items():
            if not isinstance(value, int):
                raise PacketError(f"sysctl {path} is {value!r}; write a number, such as 1")
        for route in self.routes:
            if route.interface and route.interface not in names:
                raise PacketError(f"`{route}': there is no interface {route.interface} here")

    @classmethod
    def router(cls, *, lan: str, wan: str, rules: str = "", gateway: str = "") -> Host:
        """A router: ``eth0`` is the outside (``wan``), ``eth1`` the inside (``lan``).

        Addresses are written with their prefix: ``192.168.1.1/24``. The default route leads to
        ``gateway``, or else to the first address of the outside network.
        """
        outside, inside = Interface.of("eth0", wan), Interface.of("eth1", lan)
        forwarding = {"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1}
        return cls._built((outside, inside), gateway, rules, forwarding, "router")

    @classmethod
    def server(cls, address: str, *, rules: str = "", gateway: str = "") -> Host:
        """A machine with one interface, ``eth0``, that forwards nothing."""
        return cls._built((Interface.of("eth0", address),), gateway, rules, {}, "server")

    @classmethod
    def _built(
        cls,
        interfaces: tuple[Interface, ...],
        gateway: str,
        rules: str,
        sysctls: Mapping[str, int],
        name: str,
    ) -> Host:
        numbered = tuple(
            replace(one, mac=f"02:00:00:00:00:{number:02x}")
            for number, one in enumerate(interfaces, start=1)
        )
        outside = interfaces[0].addresses[0]
        family = Family(outside.version)
        first = outside.network[min(1, outside.network.num_addresses - 1)]
        hop = _gateway(gateway, family) if gateway else first
        everywhere = ip_network("0.0.0.0/0" if family is Family.IPV4 else "::/0")
        route = (Route(everywhere, "eth0", hop),) if hop != outside.ip else ()
        loaded = {family: Ruleset.parse(rules, family)} if rules else {}
        return cls(numbered, route, sysctls=sysctls, rules=loaded, name=name)

    def with_rules(self, rules: Ruleset | str, family: int = 4) -> Host:
        """The same machine with another rule set of one family."""
        if isinstance(rules, str):
            rules = Ruleset.parse(rules, family, sets=self.sets)
        return replace(self, rules={**self.rules, rules.family: rules})

    def verify(self, packets: str | Iterable[str]) -> Any:
        """Simulator and real kernel side by side about these packets: ``iptlab.verify``."""
        # asking the kernel is further down the ladder, and only whoever asks it needs that
        return import_module("iptlab.kernel.verify").verify(self, packets)

    def __str__(self) -> str:
        """Interfaces, routes and how many rules, a line each, as ``ip`` would tell them."""
        lines = [f"{self.name}:"]
        for one in self.interfaces:
            lines.append(f"  {one.name:<10} {' '.join(map(str, one.addresses)) or 'no address'}")
        lines += [f"  route      {route}" for route in self.routes]
        lines += [f"  rule       {rule}" for rule in self.policy]
        for family, rules in self.rules.items():
            chains = (chain for table in rules.tables.values() for chain in table.ordered())
            count = sum(len(chain.rules) for chain in chains)
            lines.append(f"  {count} IPv{family} rules in {', '.join(rules.tables) or 'no table'}")
        return "\n".join(lines)

    def with_sysctls(self, **switches: int) -> Host:
        """The same machine with switches set, by the last part of their path: ``ip_forward=1``.

        A switch of one name in both families is set in both, one for interfaces for all of them.
        """
        paths = {path: path.rpartition("/")[2] for path in SYSCTLS}
        if unknown := sorted(set(switches) - set(paths.values())):
            known = ", ".join(dict.fromkeys(paths.values()))
            raise PacketError(f"sysctl {unknown[0]} is not modelled; known: {known}")
        meant = {path.format("all"): switches[n] for path, n in paths.items() if n in switches}
        return replace(self, sysctls={**self.sysctls, **meant})

    def _all(self) -> tuple[Interface, ...]:
        there = any(one.name == "lo" for one in self.interfaces)
        return self.interfaces if there else (LOOPBACK, *self.interfaces)

    @cached_property
    def by_name(self) -> Mapping[str, Interface]:
        """The interfaces by name, loopback included."""
        return {one.name: one for one in self._all()}

    @cached_property
    def routing(self) -> Mapping[Family, Routing]:
        """The routing tables of both families."""
        return {family: self._routing(family) for family in Family}

    def _routing(self, family: Family) -> Routing:
        own = [(one.name, a) for one in self._all() for a in one.addresses if a.version == family]
        down = frozenset(one.name for one in self._all() if not one.up)
        given = tuple(
            route
            for route in self.routes
            if route.to.version == family and route.interface not in down
        )
        routers = tuple(_routers(own)) if family is Family.IPV6 and self.forwards(family) else ()
        rules = tuple(rule for rule in self.policy if rule.family == family)
        return Routing(family, tuple(own), (*routers, *given), rules, down)

    def owns(self, address: Address) -> bool:
        """Whether it is an address of this machine."""
        return self.routing[Family(address.version)].kind_of(address) is Kind.LOCAL

    def sysctl(self, path: str, interface: str = "") -> int:
        """A switch; one for interfaces is on if it is for this one or for all of them.

        Kernel: include/linux/inetdevice.h (IN_DEV_ORCONF, IN_DEV_MAXCONF)
        """
        usual = SYSCTLS[path]
        names = ("all", interface) if "{}" in path else ("",)
        return max(self.sysctls.get(path.format(name), usual) for name in names)

    def forwards(self, family: Family) -> bool:
        """Whether the machine passes on packets that are not for itself."""
        switch = "ipv4/ip_forward" if family is Family.IPV4 else "ipv6/conf/all/forwarding"
        return bool(self.sysctl(switch))

    def listens_to(self, group: Address, interface: str) -> bool:
        """Whether the machine has joined a multicast group there."""
        if group in _JOINED or group in self.by_name[interface].groups:
            return True
        if group in _ROUTERS:
            return self.forwards(Family.IPV6)
        own = (one.ip for one in self.by_name[interface].addresses if one.version == 6)
        return any(int(group) == _SOLICITED | int(one) & 0xFFFFFF for one in own)

    # --- routing decisions ---

    def route_out(self, packet: Packet) -> Decision | None:
        """The route of a packet that this machine sends; None without one.

        To the address 0.0.0.0 it sends to itself.

        Kernel: net/ipv4/route.c (ip_route_output_key_hash_rcu)
        """
        if packet.family is Family.IPV4 and not int(packet.dst):
            own = packet.src if int(packet.src) else LOOPBACK.addresses[0].ip
            return Decision(Kind.LOCAL, "lo", source=own)
        return self.routing[packet.family].look_up(packet)

    def way_back(self, packet: Packet, interface: str) -> tuple[str, str]:
        """The kind of the route that a packet would take, and its interface; empty without one.

        An address that is known on its link only is behind ``interface``.
        """
        if packet.dst.version == 6 and packet.dst.is_link_local and not self.owns(packet.dst):
            return Kind.UNICAST, interface
        route = self.routing[packet.family].find(packet)
        return (route.kind, route.interface) if route else ("", "")

    def address_types(self, address: Address, interface: str = "") -> frozenset[str]:
        """The words of ``-m addrtype`` that fit an address.

        Kernel: net/netfilter/xt_addrtype.c
        """
        family = Family(address.version)
        kind = self.routing[family].kind_of(address, interface)
        if family is Family.IPV4:
            return frozenset({str(kind or Kind.UNICAST).upper()})
        words = {str(kind).upper()} if kind in (Kind.LOCAL, Kind.ANYCAST) else set()
        words |= {"UNREACHABLE"} if kind is None or kind in SEND_ERRORS else set()
        words.add("MULTICAST" if address.is_multicast else "UNICAST" if int(address) else "UNSPEC")
        return frozenset(words)


def _gateway(text: str, family: Family) -> Address:
    """The address of a gateway, which must be of the family that its machine speaks outside."""
    try:
        hop = ip_address(text)
    except ValueError:
        raise PacketError(f"`{text}' is no IP address; write for example 10.0.0.254") from None
    if hop.version != family:
        raise PacketError(f"gateway {hop} is not IPv{family.value}, as the outside address is")
    return hop


def _routers(own: Iterable[tuple[str, IPv4Interface | IPv6Interface]]) -> Iterator[Route]:
    """The address by which a network's routers are reached, whichever is nearest (RFC 4291).

    Kernel: net/ipv6/addrconf.c (addrconf_join_anycast)
    """
    for name, one in own:
        if one.network.prefixlen < 127 and not one.ip.is_loopback:
            first = ip_network(one.network.network_address)
            yield Route(first, name, kind=Kind.ANYCAST, table="local")


def interfaces(named: Iterable[tuple[str, Iterable[str]]]) -> tuple[Interface, ...]:
    """Interfaces from names and addresses, with hardware addresses counted up."""
    return tuple(
        Interface.of(name, *addresses, mac=f"02:00:00:00:00:{number:02x}")
        for number, (name, addresses) in enumerate(named, start=1)
    )
