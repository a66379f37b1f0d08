"""Address translation: what becomes of the first packet, of the answers, and of ports in use."""

from __future__ import annotations

import pytest
from hypothesis import given
from strategies import nat_rules, router_packets

from iptlab.packet import Packet
from iptlab.simulate.host import Host, interfaces
from iptlab.simulate.journey import Fate, Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.routing import PolicyRule, Route

ROUTER = Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24")
TCP_OUT = "in eth1 tcp 192.168.1.9:4000 -> 198.51.100.7:80"
TCP_IN = "in eth0 tcp 198.51.100.7:4000 -> 203.0.113.2:80"
UDP_IN = "in eth0 udp 198.51.100.7:4000 -> 203.0.113.2:53"


def machine(*rules: str, host: Host = ROUTER) -> Machine:
    """The router with these rules in table nat."""
    lines = "\n".join(f"-A {rule}" for rule in rules)
    return Machine(host.with_rules(f"*nat\n{lines}\nCOMMIT\n"))


def ends(journey: Journey) -> str:
    """Where a packet was from and for when it left."""
    assert journey.exit, journey.conclusion
    return " ".join(str(journey.exit).split()[1:4])


@pytest.mark.parametrize(
    ("rule", "packet", "wanted"),
    [
        ("POSTROUTING -j MASQUERADE", TCP_OUT, "203.0.113.2:4000 -> 198.51.100.7:80"),
        (
            "POSTROUTING -p tcp -j MASQUERADE --to-ports 50-50",
            TCP_OUT,
            "203.0.113.2:50 -> 198.51.100.7:80",
        ),
        ("POSTROUTING -j SNAT --to 9.9.9.9", TCP_OUT, "9.9.9.9:4000 -> 198.51.100.7:80"),
        (
            "POSTROUTING -p tcp -j SNAT --to 9.9.9.9:3000-5000",
            TCP_OUT,
            "9.9.9.9:4000 -> 198.51.100.7:80",
        ),
        ("POSTROUTING -j NETMAP --to 9.9.9.0/24", TCP_OUT, "9.9.9.9:4000 -> 198.51.100.7:80"),
        ("PREROUTING -j DNAT --to 192.168.1.10", TCP_IN, "198.51.100.7:4000 -> 192.168.1.10:80"),
        (
            "PREROUTING -p tcp -j DNAT --to 192.168.1.10:8080",
            TCP_IN,
            "198.51.100.7:4000 -> 192.168.1.10:8080",
        ),
        # the port is kept if it lies in the range, else the first free one is taken
        (
            "PREROUTING -p tcp -j DNAT --to 192.168.1.10:70-90",
            TCP_IN,
            "198.51.100.7:4000 -> 192.168.1.10:80",
        ),
        (
            "PREROUTING -p tcp -j DNAT --to 192.168.1.10:81-90",
            TCP_IN,
            "198.51.100.7:4000 -> 192.168.1.10:81",
        ),
        (
            "PREROUTING -p udp -j DNAT --to 192.168.1.10:1000-1100/50",
            UDP_IN,
            "198.51.100.7:4000 -> 192.168.1.10:1003",
        ),
        ("PREROUTING -p tcp -j REDIRECT --to 99", TCP_IN, "198.51.100.7:4000 -> 203.0.113.2:99"),
        ("PREROUTING -p tcp -j REDIRECT --to 99", TCP_OUT, "192.168.1.9:4000 -> 192.168.1.1:99"),
        ("PREROUTING -j NETMAP --to 192.168.1.0/24", TCP_IN, "198.51.100.7:4000 -> 192.168.1.2:80"),
        # in OUTPUT a redirection leads to localhost, and the source stays
        (
            "OUTPUT -p tcp -j REDIRECT --to 99",
            "tcp 203.0.113.2:4000 -> 198.51.100.7:80",
            "203.0.113.2:4000 -> 127.0.0.1:99",
        ),
        (
            "OUTPUT -j DNAT --to 192.168.1.10",
            "tcp 203.0.113.2:4000 -> 198.51.100.7:80",
            "203.0.113.2:4000 -> 192.168.1.10:80",
        ),
        ("INPUT -j SNAT --to 9.9.9.9", TCP_IN, "9.9.9.9:4000 -> 203.0.113.2:80"),
    ],
)
def test_the_first_packet_is_translated(rule: str, packet: str, wanted: str) -> None:
    assert ends(machine(rule).journey(packet)) == wanted


def test_the_rules_are_asked_once_for_a_connection() -> None:
    box = machine("POSTROUTING -j MASQUERADE")
    first, again = box.journey(TCP_OUT), box.journey(TCP_OUT)
    assert [place.chain for place in first.hits()] == ["PREROUTING", "POSTROUTING"]
    assert not again.hits()
    assert ends(again) == ends(first)


def test_a_new_rule_does_not_touch_what_is_already_translated() -> None:
    box = machine("POSTROUTING -j MASQUERADE")
    before = ends(box.journey(TCP_OUT))
    box.load(ROUTER.with_rules("*nat\n-A POSTROUTING -j SNAT --to 9.9.9.9\nCOMMIT\n").rules[4])  # type: ignore[index]
    assert ends(box.journey(TCP_OUT)) == before


def test_what_is_invalid_or_untracked_is_never_translated() -> None:
    raw = "*raw\n-A PREROUTING -p udp -j NOTRACK\nCOMMIT\n"
    box = Machine(ROUTER.with_rules(raw + "*nat\n-A POSTROUTING -j SNAT --to 9.9.9.9\nCOMMIT\n"))
    assert ends(box.journey(f"{TCP_OUT} RST")) == "192.168.1.9:4000 -> 198.51.100.7:80"
    untracked = "in eth1 udp 192.168.1.9:4000 -> 198.51.100.7:80"
    assert ends(box.journey(untracked)) == "192.168.1.9:4000 -> 198.51.100.7:80"


def test_a_busy_source_port_gives_way_to_one_drawn_from_its_class() -> None:
    box = machine("POSTROUTING -j MASQUERADE")
    box.journey("in eth1 udp 192.168.1.8:4000 -> 198.51.100.7:80")
    second = box.journey("in eth1 udp 192.168.1.9:4000 -> 198.51.100.7:80")
    assert second.exit
    assert second.exit.sport
    assert 1024 <= second.exit.sport != 4000
    assert any("drawn at random" in station.note for station in second.stations)


def test_a_busy_port_matters_only_towards_the_same_destination() -> None:
    box = machine("POSTROUTING -j MASQUERADE")
    box.journey("in eth1 udp 192.168.1.8:4000 -> 198.51.100.7:80")
    other = box.journey("in eth1 udp 192.168.1.9:4000 -> 198.51.100.8:80")
    assert ends(other) == "203.0.113.2:4000 -> 198.51.100.8:80"


def test_without_a_free_port_the_packet_is_dropped() -> None:
    box = machine("POSTROUTING -p udp -j SNAT --to 203.0.113.2:5000")
    assert box.journey("in eth1 udp 192.168.1.8:4000 -> 198.51.100.7:80").accepted
    second = box.journey("in eth1 udp 192.168.1.9:4000 -> 198.51.100.7:80")
    assert second.conclusion == (
        "dropped by the kernel: another connection has the same ends already"
    )


def test_the_same_source_keeps_its_new_port_towards_others() -> None:
    box = machine("POSTROUTING -p udp -j MASQUERADE --to-ports 6000-6999")
    first = box.journey("in eth1 udp 192.168.1.9:4000 -> 198.51.100.7:80")
    second = box.journey("in eth1 udp 192.168.1.9:4000 -> 198.51.100.8:80")
    assert first.exit
    assert second.exit
    assert 6000 <= (first.exit.sport or 0) <= 6999
    assert first.exit.sport == second.exit.sport


def test_a_server_of_a_range_is_chosen_by_the_ends_of_the_connection() -> None:
    box = machine("PREROUTING -p udp -j DNAT --to 192.168.1.10-192.168.1.13 --persistent")
    chosen = {}
    for host in range(1, 30):
        for port in (4000, 4001):
            packet = f"in eth0 udp 198.51.100.{host}:{port} -> 203.0.113.2:53"
            exit_ = box.journey(packet).exit
            assert exit_
            assert chosen.setdefault(host, exit_.dst) == exit_.dst
    assert len(set(chosen.values())) == 4


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (
            "icmp 192.168.1.10 -> 198.51.100.7 3/3",
            "icmp 203.0.113.2 -> 198.51.100.7 port-unreachable ttl=63",
        ),
        (
            "icmp 192.168.1.77 -> 198.51.100.7 11/0",
            "icmp 203.0.113.2 -> 198.51.100.7 time-exceeded ttl=63",
        ),
    ],
)
def test_an_error_hides_the_server_and_quotes_what_was_sent(error: str, wanted: str) -> None:
    box = machine("PREROUTING -p tcp -j DNAT --to 192.168.1.10:8080")
    box.journey(TCP_IN)
    quoted = "quotes tcp 198.51.100.7:4000 -> 192.168.1.10:8080 SYN"
    journey = box.journey(f"in eth1 {error} {quoted}")
    assert str(journey.exit) == f"{wanted} quotes tcp 198.51.100.7:4000 -> 203.0.113.2:80 SYN"


def test_a_redirect_about_a_translated_connection_is_dropped() -> None:
    box = machine("POSTROUTING -j MASQUERADE")
    box.journey(TCP_OUT)
    quoted = "tcp 203.0.113.2:4000 -> 198.51.100.7:80 SYN"
    journey = box.journey(f"in eth0 icmp 203.0.113.1 -> 203.0.113.2 5/1 quotes {quoted}")
    assert journey.reason == "a redirect about a translated connection"


def test_a_masqueraded_connection_does_not_move_to_another_uplink() -> None:
    rules = (
        "*mangle\n-A PREROUTING -m tos --tos 0x10 -j MARK --set-mark 1\nCOMMIT\n"
        "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n"
    )
    host = two_uplinks().with_rules(rules)
    box = Machine(host)
    assert box.journey("in eth2 udp 192.168.1.9:4000 -> 198.51.100.7:80").interface == "eth0"
    moved = box.journey("in eth2 udp 192.168.1.9:4000 -> 198.51.100.7:80 tos=0x10")
    assert moved.reason == "its masqueraded connection left by another way"


def two_uplinks() -> Host:
    """A router with two ways out, the second for packets with mark 1."""
    links = {"eth0": "203.0.113.2/24", "eth1": "192.0.2.2/24", "eth2": "192.168.1.1/24"}
    routes = ("default via 203.0.113.1 dev eth0", "default via 192.0.2.1 dev eth1 table 7")
    return Host(
        interfaces((name, (address,)) for name, address in links.items()),
        tuple(map(Route.parse, routes)),
        (PolicyRule.parse("pref 7 fwmark 1 lookup 7"),),
        {"ipv4/ip_forward": 1},
    )


# --- there and back ---


def answered(box: Machine, journey: Journey) -> Journey:
    """What becomes of the answer to a packet that came through."""
    assert journey.exit
    answer = journey.exit.reply()
    if journey.fate is Fate.DELIVERED:
        return box.send(answer)
    return box.receive(journey.interface, answer)


def the_ends(packet: Packet) -> tuple[object, ...]:
    """The addresses and ports of a packet."""
    return packet.src, packet.sport, packet.dst, packet.dport


@given(nat_rules(), router_packets())
def test_translation_there_and_back_is_the_identity(rules: str, situation: str) -> None:
    box = Machine(ROUTER.with_rules(rules))
    journey = box.journey(situation)
    if journey.accepted and journey.packet.dst.is_multicast is False:
        back = answered(box, journey)
        assert back.exit, f"{journey}\n{back}"
        assert the_ends(back.exit) == the_ends(journey.packet.reply()), f"{journey}\n{back}"
