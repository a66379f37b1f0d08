"""Machines joined by links: what a person at one of them sees of the others."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from ipaddress import ip_address

import pytest

from iptlab import Host, Machine, PacketError
from iptlab.packet import Protocol
from iptlab.simulate.network import Link, Listener, Network, Plug, Result

ROUTER = """*nat
-A PREROUTING -i eth0 -p tcp --dport 80 -j DNAT --to-destination 192.168.1.10:8080
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i eth1 -p tcp --dport 25 -j REJECT --reject-with icmp-admin-prohibited
-A FORWARD -i eth1 -j ACCEPT
-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT
COMMIT
"""
FIREWALLED = """*filter
:INPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A OUTPUT -p tcp --dport 23 -j DROP
-A OUTPUT -p tcp --dport 24 -j REJECT
-A OUTPUT -p udp --dport 24 -j REJECT
COMMIT
"""
PLUG = Plug("web", "eth0")


def home(extra: str = "") -> Network:
    """A laptop and a web server behind a router, and a server far away."""
    machines = {
        "router": Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24", rules=ROUTER + extra),
        "laptop": Host.server("192.168.1.9/24"),
        "web": Host.server("192.168.1.10/24"),
        "shy": Host.server("192.168.1.11/24", rules=FIREWALLED),
        "far": Host.server("203.0.113.1/24", gateway="203.0.113.2"),
    }
    inside = Link.of("router eth1", "laptop eth0", "web eth0", "shy eth0")
    listeners = (
        Listener("web", Protocol.TCP, 8080, "nginx"),
        Listener("far", Protocol.TCP, 443, "far away"),
        Listener("far", Protocol.UDP, 53, "dns"),
    )
    built = {name: Machine(host) for name, host in machines.items()}
    return Network(built, (inside, Link.of("router eth0", "far eth0")), listeners)


@pytest.mark.parametrize(
    ("machine", "address", "port", "result", "listener"),
    [
        ("laptop", "203.0.113.1", 443, Result.CONNECTED, "far away"),
        ("laptop", "203.0.113.1", 444, Result.REFUSED, ""),
        ("laptop", "203.0.113.1", 25, Result.NO_ROUTE, ""),
        ("laptop", "203.0.113.77", 443, Result.NO_ROUTE, ""),
        ("laptop", "192.168.1.10", 8080, Result.CONNECTED, "nginx"),
        ("laptop", "192.168.1.11", 80, Result.TIMED_OUT, ""),
        ("far", "203.0.113.2", 80, Result.CONNECTED, "nginx"),
        ("far", "203.0.113.2", 81, Result.REFUSED, ""),
        ("far", "192.168.1.9", 22, Result.TIMED_OUT, ""),
        ("shy", "203.0.113.1", 23, Result.TIMED_OUT, ""),
        ("shy", "203.0.113.1", 24, Result.REFUSED, ""),
        ("web", "192.168.1.10", 8080, Result.CONNECTED, "nginx"),
    ],
)
def test_a_connection_ends_as_a_person_would_see_it(
    machine: str, address: str, port: int, result: Result, listener: str
) -> None:
    attempt = home().connect(machine, address, port)
    assert (attempt.result, attempt.listener) == (result, listener)


def test_the_server_sees_the_router_and_not_the_laptop() -> None:
    attempt = home().connect("laptop", "203.0.113.1", 443)
    assert attempt.seen is not None
    assert str(attempt.seen.src) == "203.0.113.2"
    assert [leg.machine for leg in attempt.trips[0].legs] == ["laptop", "router", "far"]
    assert [leg.machine for leg in attempt.trips[1].legs] == ["far", "router", "laptop"]


def test_udp_is_answered_by_a_datagram_or_an_error() -> None:
    asked = home().connect("laptop", "203.0.113.1", 53, protocol=Protocol.UDP)
    assert (asked.result, asked.listener) == (Result.CONNECTED, "dns")
    closed = home().connect("laptop", "203.0.113.1", 54, protocol=Protocol.UDP)
    assert closed.result is Result.REFUSED


def test_a_datagram_that_rules_hold_back_is_an_error_at_once() -> None:
    asked = home().connect("shy", "203.0.113.1", 24, protocol=Protocol.UDP)
    assert asked.result is Result.PROHIBITED


def test_ping_comes_back_through_nat() -> None:
    attempt = home().ping("laptop", "203.0.113.1")
    assert attempt.result is Result.CONNECTED
    assert attempt.seen is not None
    assert attempt.seen.src == ip_address("203.0.113.2")


def test_a_hairpin_without_snat_is_answered_by_a_stranger() -> None:
    hairpin = (
        "*nat\n-A PREROUTING -d 203.0.113.2 -p tcp --dport 88 -j DNAT --to 192.168.1.10:8080\n"
    )
    network = home()
    rules = network["router"].host.rules[4]  # type: ignore[index]
    network["router"].load(type(rules).parse(ROUTER.replace("*nat\n", hairpin, 1)))
    attempt = network.connect("laptop", "203.0.113.2", 88)
    assert attempt.result is Result.TIMED_OUT
    stranger = attempt.trips[1].last.journey.exit
    assert stranger is not None
    assert str(stranger.src) == "192.168.1.10"


def test_every_backend_has_its_exact_probability() -> None:
    balanced = (
        "*nat\n-A OUTPUT -d 10.96.0.1 -p tcp -m statistic --mode random --probability 0.5 "
        "-j DNAT --to-destination 192.168.1.10:8080\n"
        "-A OUTPUT -d 10.96.0.1 -p tcp -j DNAT --to-destination 203.0.113.1:443\nCOMMIT\n"
    )
    network = home()
    network["laptop"].load(network["laptop"].rules().parse(balanced))
    found = list(network.outcomes(lambda n, c: n.connect("laptop", "10.96.0.1", 80, choose=c)))
    assert {(one.listener, one.probability) for one in found} == {
        ("nginx", Fraction(1, 2)),
        ("far away", Fraction(1, 2)),
    }
    assert network["laptop"].connections() == ()


def test_a_packet_that_goes_in_circles_is_lost() -> None:
    network = home()
    trip = network.send("far", "icmp 203.0.113.1 -> 198.51.100.9 echo-request ttl=255")
    assert "on router" in str(trip)
    assert not trip.arrived


@pytest.mark.parametrize(
    ("links", "says"),
    [
        ([Link.of("web eth0", "laptop eth0"), Link.of("web eth0", "far eth0")], "plugged in twice"),
        ([Link.of("web eth7", "laptop eth0")], "no interface eth7"),
        ([Link.of("wbe eth0", "laptop eth0")], "there is no machine wbe here"),
    ],
)
def test_a_wrong_link_is_refused_with_its_cause(links: list[Link], says: str) -> None:
    with pytest.raises(PacketError, match=says):
        Network(home().machines, tuple(links))


def test_a_machine_may_sleep_until_something_comes_to_it() -> None:
    woken = []

    def wake(name: str) -> Machine | None:
        woken.append(name)
        return Machine(Host.server(f"192.168.1.{name[3:]}/24")) if name.startswith("pc-") else None

    network = home()
    known = {ip_address(f"192.168.1.{n}"): Plug(f"pc-{n}", "eth0") for n in range(100, 200)}
    inside = Link(network.links[0].plugs, known)
    network = Network(network.machines, (inside, network.links[1]), wake=wake)
    network.wait(60)
    assert network.connect("laptop", "192.168.1.150", 80).result is Result.REFUSED
    assert woken == ["pc-150"]
    assert network["pc-150"].now == network["laptop"].now
    assert network.connect("pc-151", "192.168.1.150", 80).result is Result.REFUSED
    with pytest.raises(PacketError, match="there is no machine printer here"):
        network.connect("printer", "192.168.1.150", 80)


def test_a_copy_does_not_see_what_comes_later() -> None:
    network = home()
    twin = network.copy()
    network.connect("laptop", "203.0.113.1", 443)
    network.wait(5)
    assert len(network["router"].connections()) == 1
    assert twin["router"].connections() == ()
    assert twin["router"].now < network["router"].now


def test_a_text_of_an_attempt_shows_what_nat_did() -> None:
    text = str(home().connect("far", "203.0.113.2", 80))
    assert "PREROUTING: dst: 203.0.113.2 becomes 192.168.1.10, dport: 80 becomes 8080" in text
    assert "POSTROUTING: src: 192.168.1.10 becomes 203.0.113.2, sport: 8080 becomes 80" in text


def test_a_forgotten_connection_begins_anew() -> None:
    machine = home()["router"]
    machine.receive("eth1", "udp 192.168.1.9:4000 -> 203.0.113.1:53")
    machine.receive("eth1", "udp 192.168.1.9:4001 -> 203.0.113.1:53")
    first, second = machine.connections()
    machine.forget([first])
    assert machine.connections() == (second,)


# --- conversations ---


def test_a_talk_is_closed_by_both_sides() -> None:
    network = home()
    opened = network.connect("laptop", "203.0.113.1", 443)
    talked = network.talk("laptop", opened, "GET / HTTP/1.1\r\n\r\n")
    assert talked.heard.endswith("\r\n\r\nhello from far away\n")
    assert len(talked.trips) == 9
    assert [one.state for one in network["router"].connections()] == ["TIME_WAIT"]


def test_a_talk_that_rules_interrupt_is_not_answered() -> None:
    network = home()
    opened = network.connect("laptop", "203.0.113.1", 443)
    network["router"].load("*filter\n-A FORWARD -p tcp --tcp-flags PSH PSH -j DROP\nCOMMIT\n")
    talked = network.talk("laptop", opened, "GET / HTTP/1.1\r\n\r\n")
    assert (talked.result, talked.heard) == (Result.TIMED_OUT, "")


@pytest.mark.parametrize(("patience", "sent"), [(0, 1), (0.5, 1), (3.5, 4), (7.5, 7), (300, 11)])
def test_a_syn_is_sent_again_as_long_as_somebody_waits(patience: float, sent: int) -> None:
    network = home()
    packet = network.first("laptop", ip_address("192.168.1.11"), Protocol.TCP, 80)
    began = network.now
    attempt = network.attempt("laptop", packet, patience=patience)
    assert (attempt.result, len(attempt.trips)) == (Result.TIMED_OUT, sent)
    assert (network.now - began).total_seconds() == min(patience, 131)


@pytest.mark.parametrize(("patience", "result"), [(1, Result.TIMED_OUT), (9, Result.NO_ROUTE)])
def test_a_neighbour_that_is_not_there_is_given_up_after_three_seconds(
    patience: float, result: Result
) -> None:
    network = home()
    packet = network.first("laptop", ip_address("192.168.1.77"), Protocol.TCP, 80)
    began = network.now
    assert network.attempt("laptop", packet, patience=patience).result is result
    assert (network.now - began).total_seconds() == min(patience, 3)


def test_an_interface_that_is_down_has_no_routes_and_hears_nothing() -> None:
    network = home()
    host = network["web"].host
    down = replace(host.interfaces[0], up=False)
    network["web"].configure(replace(host, interfaces=(down,)))
    assert network.ping("laptop", "192.168.1.10").result is Result.NO_ROUTE
    assert network.ping("web", "192.168.1.1").result is Result.UNREACHABLE


def test_a_switch_of_connection_tracking_can_be_turned_at_work() -> None:
    machine = Machine(Host.server("10.0.0.1/24"))
    machine.load("*filter\n-A INPUT -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n")
    lone = "tcp 10.0.0.9:4000 -> 10.0.0.1:80 ACK"
    assert machine.receive("eth0", lone).accepted
    machine.configure(machine.host.with_sysctls(nf_conntrack_tcp_loose=0))
    assert not machine.receive("eth0", lone.replace("4000", "4001")).accepted


def test_segments_are_as_long_as_linux_makes_them() -> None:
    network = home()
    opened = network.connect("laptop", "203.0.113.1", 443)
    closed = network.close("laptop", opened)
    lengths = [trip.legs[0].journey.packet.length for trip in closed.trips]
    assert lengths == [60, 60, 52, 52, 52, 52]
