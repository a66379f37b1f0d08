"""What a machine answers by itself: REJECT, time exceeded, no way, too big."""

from __future__ import annotations

import pytest

from iptlab.simulate.host import Host, interfaces
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine

V4 = Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24")
V6 = Host.router(lan="2001:db8:1::1/64", wan="2001:db8:f::2/64")
HERE = "192.168.1.9:4000 -> 192.168.1.1:22"


def rejected(packet: str, kind: str, *, link: str = "unicast", host: Host = V4) -> Journey:
    """The journey of a packet from the LAN that a rule rejects wherever it meets it."""
    protocol = "-p tcp " if kind == "tcp-reset" else ""
    rules = "\n".join(
        f"-A {chain} {protocol}-j REJECT --reject-with {kind}" for chain in ("INPUT", "FORWARD")
    )
    family = 4 if host is V4 else 6
    return Machine(host.with_rules(f"*filter\n{rules}\nCOMMIT\n", family)).receive(
        "eth1", packet, link=link
    )


@pytest.mark.parametrize(
    ("packet", "wanted"),
    [
        (f"tcp {HERE} SYN seq=100", "RST,ACK ack=101 window=0 df"),
        (f"tcp {HERE} SYN seq=100 payload=abc", "RST,ACK ack=104 window=0 df"),
        (f"tcp {HERE} SYN,FIN seq=100", "RST,ACK ack=102 window=0 df"),
        (f"tcp {HERE} NONE seq=100", "RST,ACK ack=100 window=0 df"),
        (f"tcp {HERE} ACK seq=100 ack=77 payload=abc", "RST seq=77 window=0 df"),
        (f"tcp {HERE} SYN,ACK seq=100 ack=77", "RST seq=77 window=0 df"),
    ],
)
def test_a_reset_looks_like_one_of_the_server(packet: str, wanted: str) -> None:
    (answer,) = rejected(packet, "tcp-reset").generated
    assert str(answer.exit) == f"tcp 192.168.1.1:22 -> 192.168.1.9:4000 {wanted}"
    assert answer.exit is not None
    assert answer.exit.payload == b""


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("icmp-net-unreachable", "destination-unreachable"),
        ("icmp-host-unreachable", "host-unreachable"),
        ("icmp-proto-unreachable", "protocol-unreachable"),
        ("icmp-port-unreachable", "port-unreachable"),
        ("icmp-net-prohibited", "network-prohibited"),
        ("icmp-host-prohibited", "host-prohibited"),
        ("icmp-admin-prohibited", "communication-prohibited"),
    ],
)
def test_an_icmp_error_quotes_the_packet(kind: str, wanted: str) -> None:
    (answer,) = rejected("udp 192.168.1.9:4000 -> 192.168.1.1:53", kind).generated
    assert str(answer.exit) == (
        f"icmp 192.168.1.1 -> 192.168.1.9 {wanted} tos=0xc0 "
        "quotes udp 192.168.1.9:4000 -> 192.168.1.1:53"
    )


PORT = "icmp-port-unreachable"


@pytest.mark.parametrize(
    ("packet", "kind", "link"),
    [
        (f"tcp {HERE} RST", "tcp-reset", "unicast"),
        (f"tcp {HERE} SYN damaged", "tcp-reset", "unicast"),
        (f"udp {HERE} damaged", PORT, "unicast"),
        ("89 192.168.1.9 -> 192.168.1.1 damaged", PORT, "unicast"),
        ("icmp 192.168.1.9 -> 192.168.1.1 3/1", PORT, "unicast"),
        ("icmp 192.168.1.9 -> 192.168.1.1 40/0", PORT, "unicast"),
        ("udp 192.168.1.9:4 -> 192.168.1.255:4", PORT, "broadcast"),
        ("udp 192.168.1.9:4 -> 192.168.1.255:4", PORT, "unicast"),
        ("udp 192.168.1.9:4 -> 192.168.1.1:4", PORT, "broadcast"),
        ("udp 192.168.1.9:4 -> 224.0.0.1:4", PORT, "multicast"),
    ],
)
def test_some_packets_get_no_answer_but_are_dropped_all_the_same(
    packet: str, kind: str, link: str
) -> None:
    journey = rejected(packet, kind, link=link)
    assert journey.conclusion == f"rejected with {kind} by filter INPUT 1 (no answer is due)"
    assert not journey.generated


@pytest.mark.parametrize(
    "packet",
    [
        "icmp 192.168.1.9 -> 192.168.1.1",
        "icmp 192.168.1.9 -> 192.168.1.1 echo-reply",
        "icmp 192.168.1.9 -> 192.168.1.1 timestamp-request",
        "esp 192.168.1.9 -> 192.168.1.1 spi=1",
        "sctp 192.168.1.9:4 -> 192.168.1.1:4 chunks=INIT init_tag=1 damaged",
        "udplite 192.168.1.9:4 -> 192.168.1.1:4 damaged",
    ],
)
def test_these_are_answered_although_one_might_not_think_so(packet: str) -> None:
    assert len(rejected(packet, PORT).generated) == 1


@pytest.mark.parametrize(
    ("packet", "kind", "wanted"),
    [
        (
            "udp [2001:db8:1::9]:4000 -> [2001:db8:1::1]:53",
            "icmp6-adm-prohibited",
            "icmpv6 2001:db8:1::1 -> 2001:db8:1::9 communication-prohibited",
        ),
        (
            "udp [2001:db8:1::9]:4000 -> [2001:db8:99::1]:53",
            "icmp6-port-unreachable",
            "icmpv6 2001:db8:1::1 -> 2001:db8:1::9 port-unreachable",
        ),
        (
            "tcp [2001:db8:1::9]:4000 -> [2001:db8:99::1]:53 SYN seq=3",
            "tcp-reset",
            "tcp [2001:db8:99::1]:53 -> [2001:db8:1::9]:4000 RST,ACK ack=4 window=0",
        ),
    ],
)
def test_ipv6_has_errors_of_its_own(packet: str, kind: str, wanted: str) -> None:
    (answer,) = rejected(packet, kind, host=V6).generated
    assert str(answer.exit).partition(" quotes ")[0] == wanted


def test_an_error_quotes_as_much_as_fits() -> None:
    (answer,) = rejected("udp 192.168.1.9:4 -> 192.168.1.1:4 length=1400", PORT).generated
    assert answer.exit
    assert answer.exit.length == 576
    assert answer.exit.quoted
    assert answer.exit.quoted.length == 1400


@pytest.mark.parametrize(
    ("packet", "reason", "wanted"),
    [
        ("udp 192.168.1.9:4 -> 8.8.8.8:4 ttl=1", "its time to live is over", "time-exceeded"),
        (
            "udp 192.168.1.9:4 -> 8.8.8.8:4 length=1501 df",
            "it is larger than 1500 bytes and may not be cut",
            "fragmentation-needed",
        ),
    ],
)
def test_a_router_says_why_it_cannot_send_a_packet_on(
    packet: str, reason: str, wanted: str
) -> None:
    journey = Machine(V4).receive("eth1", packet)
    assert journey.reason == reason
    (answer,) = journey.generated
    assert str(answer.exit).split()[4] == wanted
    assert str(answer.exit).startswith("icmp 192.168.1.1 -> 192.168.1.9 ")


def test_a_router_speaks_in_the_name_of_the_way_back_or_in_ipv6_of_the_way_in() -> None:
    v4 = Machine(V4).receive("eth1", "udp 8.8.8.8:4 -> 192.168.1.9:4 ttl=1")
    v6 = Machine(V6).receive("eth1", "udp [2001:db8:9::1]:4 -> [2001:db8:1::9]:4 ttl=1")
    sources = [str(one.generated[0].packet.src) for one in (v4, v6)]
    assert sources == ["203.0.113.2", "2001:db8:1::1"]


@pytest.mark.parametrize(("switch", "mark"), [(0, 0), (1, 7)])
def test_an_answer_has_the_mark_of_the_question_only_with_fwmark_reflect(
    switch: int, mark: int
) -> None:
    rules = "*mangle\n-A PREROUTING -j MARK --set-mark 7\nCOMMIT\n"
    machine = Machine(V4.with_rules(rules).with_sysctls(fwmark_reflect=switch))
    journey = machine.receive("eth1", "udp 192.168.1.9:4 -> 8.8.8.8:4 ttl=1")
    assert journey.generated[0].packet.mark == mark


def test_a_router_cuts_a_packet_that_may_be_cut() -> None:
    assert Machine(V4).receive("eth1", "udp 192.168.1.9:4 -> 8.8.8.8:4 length=1501").accepted


def test_an_answer_makes_a_journey_of_its_own_and_may_be_dropped_on_it() -> None:
    rules = "*filter\n-A INPUT -j REJECT\n-A OUTPUT -p icmp -j DROP\nCOMMIT\n"
    machine = Machine(V4.with_rules(rules))
    journey = machine.receive("eth1", "udp 192.168.1.9:4 -> 192.168.1.1:4")
    (answer,) = journey.generated
    assert answer.conclusion == "dropped by filter OUTPUT 1 (the sender is told EPERM)"
    assert [str(place) for place in journey.hits()] == ["filter INPUT 1", "filter OUTPUT 1"]


def test_an_answer_belongs_to_the_connection_but_not_to_one_that_is_not_tracked() -> None:
    rules = """*raw
-A PREROUTING -p udp --dport 9 -j NOTRACK
COMMIT
*filter
-A INPUT -j REJECT
-A OUTPUT -m conntrack --ctstate RELATED
-A OUTPUT -m conntrack --ctstate INVALID
COMMIT
"""
    for port, number in ((4, 1), (9, 2)):
        machine = Machine(V4.with_rules(rules))
        journey = machine.receive("eth1", f"udp 192.168.1.9:4 -> 192.168.1.1:{port}")
        (answer,) = journey.generated
        assert f"filter OUTPUT {number}" in [str(place) for place in answer.hits()]


@pytest.mark.parametrize(
    ("kind", "by"), [("icmp6-port-unreachable", "eth1"), ("tcp-reset", "eth0")]
)
def test_an_error_goes_back_to_the_link_of_a_neighbour_but_a_reset_is_routed(
    kind: str, by: str
) -> None:
    links = (("eth0", ("fe80::d0/64",)), ("eth1", ("fe80::d1/64",)))
    (answer,) = rejected(
        "tcp [fe80::9]:4000 -> [fe80::d1]:22", kind, host=Host(interfaces(links))
    ).generated
    assert answer.interface == by
