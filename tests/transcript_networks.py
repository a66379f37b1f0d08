"""The networks that transcripts run on: small, fixed, with IPv4 and IPv6."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from iptlab import Host, Machine
from iptlab.packet import Family, Protocol
from iptlab.simulate.host import Interface
from iptlab.simulate.network import Link, Listener, Network
from iptlab.simulate.routing import Route

FORWARDS = {"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1}


def machine(*cards: str, routes: tuple[str, ...] = (), forwards: bool = False) -> Machine:
    """A machine from words: ``machine("eth0 10.0.0.1/24", routes=("default via 10.0.0.9 …",))``."""
    known = (Route.parse(line, Family.IPV6 if ":" in line else Family.IPV4) for line in routes)
    switches = FORWARDS if forwards else {}
    return Machine(Host(tuple(map(card, cards)), tuple(known), sysctls=switches))


def card(words: str) -> Interface:
    """An interface from its name and addresses; the hardware address comes from the first."""
    name, *addresses = words.split()
    read = Interface.of(name, *addresses)
    return replace(read, mac=f"02:42:{read.addresses[0].ip.packed.hex(':')}")


def inside(number: int) -> Machine:
    """A machine of the home network, behind its router."""
    return machine(
        f"eth0 192.168.1.{number}/24 2001:db8:1::{number}/64",
        routes=("default via 192.168.1.1 dev eth0", "default via 2001:db8:1::1 dev eth0"),
    )


def outside() -> Machine:
    """A machine on the Internet, which knows the way to the home's IPv6 network only."""
    return machine(
        "eth0 203.0.113.1/24 2001:db8:ffff::1/64",
        routes=("2001:db8:1::/64 via 2001:db8:ffff::2 dev eth0",),
    )


def home() -> Network:
    """A laptop and a web server behind a router; ``far`` is the Internet.

    The router has no rules: far hears the laptop, but does not know the way back in IPv4.
    """
    machines = {
        "laptop": inside(10),
        "web": inside(20),
        "router": machine(
            "eth0 203.0.113.2/24 2001:db8:ffff::2/64",
            "eth1 192.168.1.1/24 2001:db8:1::1/64",
            routes=("default via 203.0.113.1 dev eth0", "default via 2001:db8:ffff::1 dev eth0"),
            forwards=True,
        ),
        "far": outside(),
    }
    links = (
        Link.of("router eth0", "far eth0"),
        Link.of("router eth1", "laptop eth0", "web eth0"),
    )
    listeners = (
        Listener("web", Protocol.TCP, 80, "nginx", says="nginx on web\n"),
        Listener("web", Protocol.TCP, 8080, "tomcat", says="tomcat on web\n"),
        Listener("router", Protocol.TCP, 22, "sshd", says="SSH-2.0-OpenSSH_9.2\n"),
        Listener("far", Protocol.TCP, 80, "apache", says="apache on far\n"),
        Listener("far", Protocol.UDP, 53, "unbound", says="unbound on far\n"),
    )
    return Network(machines, links, listeners)


def uplinks() -> Network:
    """A router with two ways out: ``cable`` and ``fibre`` both lead to 198.51.100.1."""
    machines = {
        "laptop": machine(
            "eth0 192.168.1.10/24", routes=("default via 192.168.1.1 dev eth0",)
        ),
        "router": machine(
            "eth0 203.0.113.2/24",
            "eth1 192.168.1.1/24",
            "eth2 192.0.2.2/24",
            routes=("default via 203.0.113.1 dev eth0",),
            forwards=True,
        ),
        "cable": machine(
            "eth0 203.0.113.1/24 198.51.100.1/32",
            routes=("192.168.1.0/24 via 203.0.113.2 dev eth0",),
        ),
        "fibre": machine(
            "eth0 192.0.2.1/24 198.51.100.1/32",
            routes=("192.168.1.0/24 via 192.0.2.2 dev eth0",),
        ),
    }
    links = (
        Link.of("router eth0", "cable eth0"),
        Link.of("router eth1", "laptop eth0"),
        Link.of("router eth2", "fibre eth0"),
    )
    listeners = (
        Listener("cable", Protocol.TCP, 80, "cable", says="by cable\n"),
        Listener("fibre", Protocol.TCP, 80, "fibre", says="by fibre\n"),
    )
    return Network(machines, links, listeners)


NETWORKS: dict[str, Callable[[], Network]] = {"home": home, "uplinks": uplinks}
