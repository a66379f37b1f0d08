"""What a lab consists of before anything happens in it, and the labs of the lessons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from iptlab.errors import PacketError
from iptlab.packet import Family, Protocol
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host, interfaces
from iptlab.simulate.network import Link, Listener, Plug
from iptlab.simulate.routing import Route

_PROTOCOLS = {"tcp": Protocol.TCP, "udp": Protocol.UDP, "sctp": Protocol.SCTP}
_FORWARDING = {"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1}
MASQUERADE = "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n"


@dataclass(frozen=True)
class Plan:
    """Hosts by name, the links between them, who listens where, and more names for hosts."""

    hosts: Mapping[str, Host]
    links: tuple[Link, ...] = ()
    listeners: tuple[Listener, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        hosts: Mapping[str, Host],
        links: Iterable[str | Link] | None,
        listeners: Iterable[str | Listener],
    ) -> Plan:
        """A plan from words; without links, interfaces in one network are on one link."""
        if not isinstance(hosts, Mapping) or not hosts:
            raise PacketError('a lab is made of hosts by name: {"laptop": Host.server(...), ...}')
        named = {name: _numbered(host, name, n) for n, (name, host) in enumerate(hosts.items(), 1)}
        wires = _links_of(named) if links is None else tuple(map(_link, links))
        there = tuple(map(_listener, listeners))
        if strangers := [one.machine for one in there if one.machine not in named]:
            known = ", ".join(named)
            raise PacketError(f"there is no host {strangers[0]} to listen on; there are {known}")
        return cls(named, wires, there)


def _numbered(host: Host, name: str, number: int) -> Host:
    """The host under its name, its cards with hardware addresses that no other host has."""
    cards = tuple(
        replace(one, mac=f"02:00:00:00:{number % 256:02x}:{card % 256:02x}")
        for card, one in enumerate(host.interfaces, start=1)
    )
    return replace(host, name=name, interfaces=cards)


def _links_of(hosts: Mapping[str, Host]) -> tuple[Link, ...]:
    """A link for each group of interfaces that have addresses in the same networks."""
    groups: list[tuple[set[object], list[Plug]]] = []
    for name, host in hosts.items():
        for card in host.interfaces:
            networks: set[object] = {one.network for one in card.addresses}
            plugs = [Plug(name, card.name)]
            for group in [one for one in groups if one[0] & networks]:
                groups.remove(group)
                networks, plugs = networks | group[0], [*group[1], *plugs]
            groups.append((networks, plugs))
    return tuple(Link(tuple(plugs)) for networks, plugs in groups if networks and len(plugs) > 1)


def _link(words: str | Link) -> Link:
    """A link from ``"router eth1 -- laptop eth0"``."""
    if isinstance(words, Link):
        return words
    ends = [end.split() for end in words.split("--")]
    if len(ends) < 2 or any(len(end) != 2 for end in ends):
        raise PacketError(f"`{words}' is no link; write for example: router eth1 -- laptop eth0")
    return Link(tuple(Plug(*end) for end in ends))


def _listener(words: str | Listener) -> Listener:
    """A listener from ``"server 80/tcp web"``; without a name it is called as its host is."""
    if isinstance(words, Listener):
        return words
    host, place, *name = [*words.split(maxsplit=2), "", ""][:3]
    port, _, protocol = place.partition("/")
    if protocol not in _PROTOCOLS or not port.isdecimal() or not 0 < int(port) < 65536:
        cure = "write a host, a port and a name: server 80/tcp web"
        raise PacketError(f"`{words}' is nobody who could listen; {cure}")
    called = name[0] or host
    says = f"hello from {called}\n"
    return Listener(host, _PROTOCOLS[protocol], int(port), called, says=says)


# --- the labs of the lessons ---


def home_router(rules: str, *, ipv6: bool) -> Plan:
    """A laptop and a phone behind a router, and a server that stands for the internet.

    Without ``ipv6`` they are as if they had never heard of it.
    """
    plan = _home(rules)
    if ipv6:
        return plan
    hosts = {name: _old(host) for name, host in plan.hosts.items()}
    return replace(plan, hosts=hosts)


def _old(host: Host) -> Host:
    """The host with its addresses and routes of IPv4 alone."""
    cards = tuple(
        replace(card, addresses=tuple(one for one in card.addresses if one.version == 4))
        for card in host.interfaces
    )
    routes = tuple(route for route in host.routes if route.to.version == 4)
    return replace(host, interfaces=cards, routes=routes)


def _home(rules: str) -> Plan:
    return _plan(
        {
            "laptop": _end("192.168.1.20/24", "192.168.1.1", "2001:db8:1::20/64", "2001:db8:1::1"),
            "phone": _end("192.168.1.11/24", "192.168.1.1", "2001:db8:1::11/64", "2001:db8:1::1"),
            "router": _router(
                {
                    "eth0": ("203.0.113.2/24", "2001:db8::2/64"),
                    "eth1": ("192.168.1.1/24", "2001:db8:1::1/64"),
                },
                "default via 203.0.113.1 dev eth0",
                "default via 2001:db8::1 dev eth0",
                rules=rules,
            ),
            "server": _host(
                {"eth0": ("203.0.113.1/24", "2001:db8::1/64")},
                "2001:db8:1::/64 via 2001:db8::2 dev eth0",
            ),
        },
        "laptop 22/tcp ssh, router 22/tcp ssh, server 22/tcp ssh, server 80/tcp web, "
        "server 443/tcp web, server 53/udp dns, server 53/tcp dns",
        **{"example.com": "server"},
    )


def dmz(rules: str) -> Plan:
    """A router between the internet, an office, and a web server in a network of its own."""
    return _plan(
        {
            "laptop": _end("192.168.1.10/24", "192.168.1.1"),
            "web": _end("10.0.0.80/24", "10.0.0.1"),
            "router": _router(
                {
                    "eth0": ("203.0.113.2/24",),
                    "eth1": ("192.168.1.1/24",),
                    "eth2": ("10.0.0.1/24",),
                },
                "default via 203.0.113.1 dev eth0",
                rules=rules,
            ),
            "client": _host({"eth0": ("203.0.113.1/24",)}),
        },
        "laptop 22/tcp ssh, web 22/tcp ssh, web 80/tcp web, web 443/tcp web, router 22/tcp ssh, "
        "client 80/tcp site, client 53/udp dns",
    )


def two_routers() -> Plan:
    """Two networks, each with a router, and a link between the routers."""
    return _plan(
        {
            "laptop": _end("192.168.1.10/24", "192.168.1.1"),
            "left": _router(
                {"eth0": ("10.0.0.1/24",), "eth1": ("192.168.1.1/24",)},
                "192.168.2.0/24 via 10.0.0.2 dev eth0",
            ),
            "right": _router(
                {"eth0": ("10.0.0.2/24",), "eth1": ("192.168.2.1/24",)},
                "192.168.1.0/24 via 10.0.0.1 dev eth0",
            ),
            "server": _end("192.168.2.10/24", "192.168.2.1"),
        },
        "laptop 22/tcp ssh, left 22/tcp ssh, right 22/tcp ssh, server 22/tcp ssh, "
        "server 80/tcp web",
    )


def docker_host() -> Plan:
    """A machine that runs two containers, the rules Docker made for them, and a client."""
    hosts = {
        "client": _host({"eth0": ("203.0.113.1/24",)}),
        "docker": _router(
            {"eth0": ("203.0.113.10/24",), "docker0": ("172.17.0.1/16",)},
            "default via 203.0.113.1 dev eth0",
            rules=DOCKER,
        ),
        "web": _end("172.17.0.2/16", "172.17.0.1"),
        "db": _end("172.17.0.3/16", "172.17.0.1"),
    }
    return _plan(
        hosts,
        "web 80/tcp nginx, db 5432/tcp postgres, docker 22/tcp ssh, client 80/tcp site",
    )


def _plan(hosts: Mapping[str, Host], listening: str, **aliases: str) -> Plan:
    """A plan of these hosts; ``aliases`` are their second names."""
    return replace(Plan.of(hosts, None, listening.split(", ")), aliases=aliases)


def _host(cards: Mapping[str, tuple[str, ...]], *routes: str, rules: str = "") -> Host:
    """A host of these interfaces and routes; a route with colons is one of IPv6."""
    read = [Route.parse(one, Family.IPV6 if ":" in one else Family.IPV4) for one in routes]
    loaded = {Family.IPV4: Ruleset.parse(rules)} if rules else {}
    return Host(interfaces(cards.items()), tuple(read), rules=loaded)


def _router(cards: Mapping[str, tuple[str, ...]], *routes: str, rules: str = "") -> Host:
    return replace(_host(cards, *routes, rules=rules), sysctls=_FORWARDING)


def _end(address: str, gateway: str, address6: str = "", gateway6: str = "") -> Host:
    """A host with one interface and a gateway in each family it speaks."""
    addresses = tuple(filter(None, (address, address6)))
    gateways = filter(None, (gateway, gateway6))
    return _host({"eth0": addresses}, *(f"default via {one} dev eth0" for one in gateways))


# What dockerd writes for a container on the default bridge that publishes its port 80 as 8080.
# Source: moby daemon/libnetwork/drivers/bridge/setup_ip_tables_linux.go, portmapper (release 24)
DOCKER = """*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
COMMIT
"""
