"""Machines as they are configured: interfaces, routes, rules of routing, switches."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from iptlab.errors import PacketError
from iptlab.packet import Family, Packet
from iptlab.simulate.arrival import Refusal, decide
from iptlab.simulate.host import Host, Interface, interfaces
from iptlab.simulate.routing import PolicyRule, Route

LINKS = interfaces(
    (
        ("eth0", ("203.0.113.2/24", "203.0.113.3/24", "2001:db8:f::2/64")),
        ("eth1", ("192.168.1.1/24", "2001:db8:1::1/64")),
        ("eth2", ("10.0.0.0/31", "172.16.0.1/32")),
    )
)
ROUTES = (
    "default via 203.0.113.1 dev eth0",
    "10.8.0.0/16 via 192.168.1.2 dev eth1",
    "10.8.1.0/24 via 192.168.1.3 dev eth1",
    "10.9.0.0/16 dev eth1 metric 20",
    "10.9.0.0/16 dev eth0 metric 10",
    "blackhole 10.66.0.0/16",
    "unreachable 10.67.0.0/16",
    "prohibit 10.68.0.0/16",
    "throw 10.69.0.0/16 table 7",
    "default via 192.168.1.77 dev eth1 table 7",
)
RULES = ("pref 100 fwmark 0x7/0xf lookup 7", "pref 101 from 192.168.1.64/26 lookup 7")
ROUTER = Host(
    LINKS,
    (
        *map(Route.parse, ROUTES),
        Route.parse("default via 2001:db8:f::1 dev eth0", Family.IPV6),
    ),
    tuple(map(PolicyRule.parse, RULES)),
    {"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1},
)


@pytest.mark.parametrize(
    ("packet", "wanted"),
    [
        ("198.51.100.7", "out through eth0, next hop 203.0.113.1"),
        ("203.0.113.9", "out through eth0"),
        ("203.0.113.3", "to this machine"),
        ("127.9.9.9", "to this machine"),
        ("203.0.113.255", "broadcast, out through eth0"),
        ("255.255.255.255", "broadcast, out through eth0, next hop 203.0.113.1"),
        ("224.0.0.5", "multicast, out through eth0, next hop 203.0.113.1"),
        ("10.8.9.9", "out through eth1, next hop 192.168.1.2"),
        ("10.8.1.9", "out through eth1, next hop 192.168.1.3"),
        ("10.9.0.1", "out through eth0"),
        ("10.0.0.1", "out through eth2"),
        ("10.0.0.0", "to this machine"),
        ("172.16.0.1", "to this machine"),
        ("10.66.1.1", "blackhole"),
        ("10.67.1.1", "unreachable"),
        ("10.68.1.1", "prohibit"),
        ("198.51.100.7 mark=0x7", "out through eth1, next hop 192.168.1.77"),
        ("198.51.100.7 mark=0x17", "out through eth1, next hop 192.168.1.77"),
        ("198.51.100.7 mark=0x8", "out through eth0, next hop 203.0.113.1"),
        # throw: the table gives the packet back, and main decides
        ("10.69.0.1 mark=0x7", "out through eth0, next hop 203.0.113.1"),
        # the table local is asked before all rules
        ("203.0.113.3 mark=0x7", "to this machine"),
    ],
)
def test_the_longest_prefix_of_the_first_table_decides(packet: str, wanted: str) -> None:
    destination, _, mark = packet.partition(" ")
    found = ROUTER.route_out(Packet.parse(f"89 203.0.113.2 -> {destination} {mark}"))
    assert str(found) == wanted


def test_a_rule_may_ask_for_the_source() -> None:
    packet = Packet.parse("89 192.168.1.70 -> 198.51.100.7")
    assert str(ROUTER.route_out(packet)) == "out through eth1, next hop 192.168.1.77"


def test_without_a_route_there_is_no_decision() -> None:
    assert Host(LINKS).route_out(Packet.parse("89 192.168.1.1 -> 198.51.100.7")) is None


@pytest.mark.parametrize(
    ("came_in", "ends", "wanted"),
    [
        ("eth0", "8.8.8.8 -> 192.168.1.9", "out through eth1"),
        ("eth1", "192.168.1.9 -> 203.0.113.2", "to this machine"),
        ("eth1", "192.168.1.9 -> 192.168.1.255", "broadcast, out through eth1"),
        ("eth1", "0.0.0.0 -> 255.255.255.255", "broadcast, out through eth1"),
        ("eth1", "192.168.1.9 -> 224.0.0.1", "multicast, out through eth1"),
        ("eth1", "192.168.1.9 -> 224.0.0.251", "nobody here listens to the group 224.0.0.251"),
        ("eth0", "224.0.0.1 -> 203.0.113.2", "224.0.0.1 cannot be a source"),
        ("eth0", "0.0.0.0 -> 203.0.113.2", "0.0.0.0 cannot be a source"),
        ("eth0", "8.8.8.8 -> 0.0.0.0", "0.0.0.0 cannot be a destination"),
        (
            "eth0",
            "127.0.0.1 -> 203.0.113.2",
            "a loopback address never comes from outside (route_localnet is off)",
        ),
        (
            "eth0",
            "8.8.8.8 -> 127.0.0.1",
            "a loopback address cannot be reached from outside (route_localnet is off)",
        ),
        ("eth0", "203.0.113.3 -> 203.0.113.2", "its source leads to a local route"),
        ("eth0", "8.8.8.8 -> 10.67.0.1", "the route to it says unreachable"),
        ("eth1", "2001:db8:1::9 -> 2001:db8:9::9", "out through eth0, next hop 2001:db8:f::1"),
        ("eth1", "2001:db8:1::9 -> 2001:db8:f::", "to this machine"),
        ("eth1", "2001:db8:1::9 -> ::1", "there is no route to it"),
    ],
)
def test_a_packet_from_outside_is_for_here_or_through_or_nowhere(
    came_in: str, ends: str, wanted: str
) -> None:
    found = decide(ROUTER, Packet.parse(f"89 {ends}"), came_in)
    assert (found.reason if isinstance(found, Refusal) else str(found)) == wanted


@pytest.mark.parametrize(
    ("switches", "came_in", "source", "believed"),
    [
        ({}, "eth1", "8.8.8.8", True),
        ({"ipv4/conf/all/rp_filter": 1}, "eth0", "8.8.8.8", True),
        ({"ipv4/conf/all/rp_filter": 1}, "eth1", "8.8.8.8", False),
        ({"ipv4/conf/eth1/rp_filter": 1}, "eth1", "8.8.8.8", False),
        ({"ipv4/conf/eth0/rp_filter": 1}, "eth1", "8.8.8.8", True),
        ({"ipv4/conf/all/rp_filter": 2}, "eth1", "8.8.8.8", True),
        ({"ipv4/conf/all/rp_filter": 2}, "eth1", "10.66.0.1", False),
        ({}, "eth1", "10.66.0.1", True),
        ({}, "eth1", "203.0.113.3", False),
        ({"ipv4/conf/eth1/accept_local": 1}, "eth1", "203.0.113.3", True),
        (
            {"ipv4/conf/eth1/accept_local": 1, "ipv4/conf/all/rp_filter": 1},
            "eth1",
            "203.0.113.3",
            False,
        ),
        (
            {"ipv4/conf/eth0/accept_local": 1, "ipv4/conf/all/rp_filter": 1},
            "eth0",
            "203.0.113.3",
            True,
        ),
    ],
)
def test_rp_filter_and_accept_local_say_which_sources_are_believed(
    switches: dict[str, int], came_in: str, source: str, believed: bool
) -> None:
    host = replace(ROUTER, sysctls={"ipv4/ip_forward": 1, **switches})
    found = decide(host, Packet.parse(f"89 {source} -> 192.168.1.1"), came_in)
    assert isinstance(found, Refusal) != believed


@pytest.mark.parametrize(
    ("address", "interface", "words"),
    [
        ("203.0.113.2", "", "LOCAL"),
        ("203.0.113.2", "eth0", "LOCAL"),
        ("203.0.113.2", "eth1", "UNICAST"),
        ("127.0.0.5", "", "LOCAL"),
        ("192.168.1.255", "", "BROADCAST"),
        ("0.0.0.0", "", "BROADCAST"),
        ("0.1.2.3", "", "UNICAST"),
        # a route that leads nowhere makes no type of its own in IPv4
        ("10.66.0.1", "", "UNICAST"),
        ("224.9.9.9", "", "MULTICAST"),
        ("192.168.1.9", "", "UNICAST"),
        ("2001:db8:f::2", "", "LOCAL UNICAST"),
        ("2001:db8:f::", "", "ANYCAST UNICAST"),
        ("ff02::1", "", "MULTICAST"),
        ("::", "", "UNSPEC"),
    ],
)
def test_addrtype_asks_routing_what_an_address_is(address: str, interface: str, words: str) -> None:
    found = ROUTER.address_types(ip_address(address), interface)
    assert " ".join(sorted(found)) == words


@pytest.mark.parametrize(
    ("interface", "destination", "source"),
    [
        ("eth0", "198.51.100.7", "203.0.113.2"),
        ("eth1", "192.168.1.9", "192.168.1.1"),
        ("eth2", "172.16.0.9", "10.0.0.0"),
        ("eth0", "2001:db8:99::1", "2001:db8:f::2"),
        ("eth1", "2001:db8:99::1", "2001:db8:1::1"),
    ],
)
def test_a_packet_from_here_gets_the_address_nearest_to_its_way(
    interface: str, destination: str, source: str
) -> None:
    to = ip_address(destination)
    assert ROUTER.routing[Family(to.version)].address_of(interface, to) == ip_address(source)


# as `ip -6 route get ADDRESS oif d1` answers on such a machine
@pytest.mark.parametrize(
    ("own", "destination", "source"),
    [
        (("fd00::1/64", "fe80::d1/64"), "ff02::5", "fe80::d1"),
        (("fd00::1/64", "fe80::d1/64"), "ff05::5", "fd00::1"),
        (("fd00::1/64", "fe80::d1/64"), "ff0e::5", "fd00::1"),
        (("fd00::1/64", "fe80::d1/64"), "fe80::77", "fe80::d1"),
        (("fd00::1/64",), "ff02::5", "fd00::1"),
        (("fd00::1/64",), "fe80::77", "fd00::1"),
        ((), "ff02::5", "None"),
        ((), "2001:db8:7::1", "2001:db8::2"),
    ],
)
def test_what_stays_on_a_link_gets_an_address_of_that_link(
    own: tuple[str, ...], destination: str, source: str
) -> None:
    links = interfaces((("d1", own), ("d0", ("2001:db8::2/64", "fe80::d0/64"))))
    routing = Host(links).routing[Family.IPV6]
    assert str(routing.address_of("d1", ip_address(destination))) == source


def test_of_two_equal_ipv6_addresses_the_one_added_last_is_taken() -> None:
    link = Interface.of("eth0", "2001:db8::2/64", "2001:db8::3/64", "fe80::1/64")
    routing = Host((link,)).routing[Family.IPV6]
    assert str(routing.address_of("eth0", ip_address("2001:db8:9::1"))) == "2001:db8::3"
    assert str(routing.address_of("eth0", ip_address("fe80::9"))) == "fe80::1"


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.0/8 via 192.168.1.1 dev eth1",
        "default via 192.168.1.1 dev eth1 table 7",
        "blackhole 10.66.0.0/16",
        "10.0.0.0/8 dev eth1 src 192.168.1.1 metric 10",
    ],
)
def test_routes_print_as_they_are_read(text: str) -> None:
    assert str(Route.parse(text)) == text


def test_policy_rules_print_as_ip_rule_lists_them() -> None:
    rule = PolicyRule.parse("pref 9 fwmark 1 from 10.0.0.0/8 to 10.1.0.0/16 iif eth0 lookup 7")
    assert str(rule) == "9: from 10.0.0.0/8 to 10.1.0.0/16 fwmark 0x1/0xffffffff iif eth0 lookup 7"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Route.parse("10.0.0.1/8 dev eth0"), "is no network; write for example"),
        (lambda: Route.parse("10.0.0.0/8 over eth0"), "after `over' something is wrong"),
        (lambda: Interface.of("eth0", "10.0.0.300/24"), "write an address with its prefix"),
        (lambda: Host(sysctls={"ipv4/ip_foward": 1}), "sysctl ipv4/ip_foward is not modelled"),
        (lambda: Host().with_sysctls(ip_foward=1), "sysctl ip_foward is not modelled; known: ip_f"),
        (
            lambda: Host(LINKS, (Route.parse("default dev eth9"),)),
            "there is no interface eth9 here",
        ),
        (lambda: Host.server("10.0.0.5"), "`10.0.0.5' does not say how large its network is"),
        (lambda: Host.server("10.0.0.5/24", gateway="there"), "`there' is no IP address"),
        (lambda: Host.server("10.0.0.5/24", gateway="fd00::1"), "gateway fd00::1 is not IPv4"),
        (lambda: Host(interfaces([("eth0", ())] * 2)), "two interfaces have one name"),
        (lambda: Route.parse("default via here dev eth0"), "'here' does not appear to be"),
        (lambda: Route.parse("default dev eth0 metric low"), "write for example: 10.0.0.0/8"),
        (lambda: PolicyRule.parse("fwmark one lookup 7"), "write for example: pref 100"),
    ],
)
def test_what_cannot_be_is_refused_with_the_cure(make: object, says: str) -> None:
    with pytest.raises(PacketError, match=says.replace("(", r"\(")):
        make()  # type: ignore[operator]


def test_the_usual_machines_are_built_in_one_line() -> None:
    router = Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24")
    assert list(router.by_name) == ["lo", "eth0", "eth1"]
    assert [str(route) for route in router.routes] == ["default via 203.0.113.1 dev eth0"]
    assert router.forwards(Family.IPV4)
    server = Host.server("2001:db8::2/64", gateway="2001:db8::99")
    assert str(server.routes[0]) == "default via 2001:db8::99 dev eth0"
    assert not server.forwards(Family.IPV6)
    assert server.with_sysctls(forwarding=1).forwards(Family.IPV6)
