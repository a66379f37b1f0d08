"""The networks that transcripts run on: those of the lessons, and two of our own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from iptlab.console.lab import Lab
from iptlab.packet import Family
from iptlab.simulate.host import Host, interfaces
from iptlab.simulate.routing import Route

FORWARDS = {"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1}


def machine(*cards: str, routes: tuple[str, ...] = (), forwards: bool = False) -> Host:
    """A machine from words: ``machine("eth0 10.0.0.1/24", routes=("default via 10.0.0.9",))``."""
    named = {card.split()[0]: card.split()[1:] for card in cards}
    known = (Route.parse(line, Family.IPV6 if ":" in line else Family.IPV4) for line in routes)
    switches = FORWARDS if forwards else {}
    return Host(interfaces(named.items()), tuple(known), sysctls=switches)


def inside(number: int) -> Host:
    """A machine of the home network, behind its router."""
    return machine(
        f"eth0 192.168.1.{number}/24 2001:db8:1::{number}/64",
        routes=("default via 192.168.1.1 dev eth0", "default via 2001:db8:1::1 dev eth0"),
    )


def home() -> Lab:
    """A laptop and a web server behind a router without rules; ``far`` is the Internet.

    Far knows the way to the home network in IPv6 only.
    """
    hosts = {
        "laptop": inside(10),
        "web": inside(20),
        "router": machine(
            "eth0 203.0.113.2/24 2001:db8:ffff::2/64",
            "eth1 192.168.1.1/24 2001:db8:1::1/64",
            routes=("default via 203.0.113.1 dev eth0", "default via 2001:db8:ffff::1 dev eth0"),
            forwards=True,
        ),
        "far": machine(
            "eth0 203.0.113.1/24 2001:db8:ffff::1/64",
            routes=("2001:db8:1::/64 via 2001:db8:ffff::2 dev eth0",),
        ),
    }
    listeners = (
        "web 80/tcp nginx",
        "web 8080/tcp tomcat",
        "router 22/tcp sshd",
        "far 80/tcp apache",
        "far 53/udp unbound",
    )
    return Lab(hosts, listeners=listeners)


def uplinks() -> Lab:
    """A router with two ways out: ``cable`` and ``fibre`` both are 198.51.100.1."""
    hosts = {
        "laptop": machine("eth0 192.168.1.10/24", routes=("default via 192.168.1.1 dev eth0",)),
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
    return Lab(hosts, listeners=("cable 80/tcp cable", "fibre 80/tcp fibre"))


NETWORKS: dict[str, Callable[[], Lab]] = {
    "home": home,
    "uplinks": uplinks,
    "home_router": partial(Lab.home_router, ipv6=True),
    "dmz": Lab.dmz,
    "two_routers": Lab.two_routers,
    "docker_host": Lab.docker_host,
}
