"""A machine at work: the way of a packet, what stays behind, and what chance makes of it."""

from __future__ import annotations

import json
from collections import Counter
from copy import copy
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import router_packets, router_rules

from iptlab.errors import PacketError
from iptlab.netfilter.context import Owner
from iptlab.netfilter.rules import Counters
from iptlab.packet import Packet
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Fate, Journey
from iptlab.simulate.machine import Machine

ROUTER = Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24")
OUT = "in eth1 udp 192.168.1.9:4000 -> 198.51.100.7:53"
ALL_TABLES = "".join(
    f"*{name}\nCOMMIT\n" for name in ("raw", "mangle", "nat", "filter", "security")
)


def machine(rules: str = "", **switches: int) -> Machine:
    """The router with some rules."""
    return Machine(ROUTER.with_rules(rules).with_sysctls(**switches))


def stops(journey: Journey) -> str:
    """The names of all stations, in order."""
    return ", ".join(station.name for station in journey.stations)


# --- the way ---


@pytest.mark.parametrize(
    ("situation", "path"),
    [
        (OUT, "PREROUTING (in eth1) FORWARD (in eth1, out eth0) POSTROUTING (in eth1, out eth0)"),
        ("in eth1 udp 192.168.1.9:4 -> 192.168.1.1:4", "PREROUTING (in eth1) INPUT (in eth1)"),
        ("in eth1 udp 192.168.1.9:4 -> 203.0.113.2:4", "PREROUTING (in eth1) INPUT (in eth1)"),
        ("udp 203.0.113.2:4 -> 198.51.100.7:53", "OUTPUT (out eth0) POSTROUTING (out eth0)"),
        (
            "udp 127.0.0.1:4 -> 127.0.0.1:53",
            "OUTPUT (out lo) POSTROUTING (out lo) PREROUTING (in lo) INPUT (in lo)",
        ),
        (
            "udp 203.0.113.2:4 -> 192.168.1.1:53",
            "OUTPUT (out lo) POSTROUTING (out lo) PREROUTING (in lo) INPUT (in lo)",
        ),
        (
            "udp 192.168.1.1:4 -> 192.168.1.255:53",
            "OUTPUT (out eth1) POSTROUTING (out eth1) PREROUTING (in eth1) INPUT (in eth1) "
            "POSTROUTING (out eth1)",
        ),
        ("in eth1 udp 192.168.1.9:4 -> 198.51.100.7:4 ttl=1", "PREROUTING (in eth1)"),
        ("in eth1 udp 127.0.0.1:4 -> 198.51.100.7:4", "PREROUTING (in eth1)"),
    ],
)
def test_each_way_has_its_hooks(situation: str, path: str) -> None:
    assert " ".join(map(str, machine().journey(situation).path)) == path


@pytest.mark.parametrize(
    ("situation", "wanted"),
    [
        (
            OUT,
            "raw PREROUTING, conntrack, mangle PREROUTING, nat PREROUTING, routing, forwarding, "
            "mangle FORWARD, filter FORWARD, security FORWARD, "
            "mangle POSTROUTING, nat POSTROUTING, conntrack",
        ),
        (
            "in eth1 udp 192.168.1.9:4 -> 192.168.1.1:4",
            "raw PREROUTING, conntrack, mangle PREROUTING, nat PREROUTING, routing, "
            "mangle INPUT, filter INPUT, security INPUT, nat INPUT, conntrack",
        ),
        (
            "udp 203.0.113.2:4 -> 198.51.100.7:53",
            "routing, raw OUTPUT, conntrack, mangle OUTPUT, nat OUTPUT, filter OUTPUT, "
            "security OUTPUT, mangle POSTROUTING, nat POSTROUTING, conntrack",
        ),
        # looped through lo, nat is not asked again
        (
            "udp 127.0.0.1:4 -> 127.0.0.1:53",
            "routing, raw OUTPUT, conntrack, mangle OUTPUT, nat OUTPUT, filter OUTPUT, "
            "security OUTPUT, mangle POSTROUTING, nat POSTROUTING, conntrack, "
            "raw PREROUTING, mangle PREROUTING, mangle INPUT, filter INPUT, security INPUT",
        ),
    ],
)
def test_tables_come_in_the_order_of_their_priorities(situation: str, wanted: str) -> None:
    assert stops(machine(ALL_TABLES).journey(situation)) == wanted


@pytest.mark.parametrize(
    ("rules", "switches", "situation", "wanted"),
    [
        ("", {}, OUT, "forwarded through eth0: udp 192.168.1.9:4000 -> 198.51.100.7:53 ttl=63"),
        (
            "",
            {"ip_forward": 0},
            OUT,
            "dropped by the kernel: it is for another machine, and forwarding is off",
        ),
        ("*filter\n:FORWARD DROP\nCOMMIT\n", {}, OUT, "dropped by filter FORWARD policy"),
        (
            "*filter\n-A OUTPUT -j DROP\nCOMMIT\n",
            {},
            "udp 192.168.1.1:4 -> 192.168.1.9:4",
            "dropped by filter OUTPUT 1 (the sender is told EPERM)",
        ),
        (
            "*mangle\n-A PREROUTING -j TTL --ttl-set 2\n-A FORWARD -j TTL --ttl-dec 1\nCOMMIT\n",
            {},
            OUT,
            "forwarded through eth0: udp 192.168.1.9:4000 -> 198.51.100.7:53 ttl=0",
        ),
        (
            "*filter\n-A INPUT -m socket -j DROP\nCOMMIT\n",
            {},
            "in eth1 udp 192.168.1.9:4 -> 192.168.1.1:4",
            "cannot tell, because nobody said whether a socket waits for the packet "
            "by filter INPUT 1",
        ),
    ],
)
def test_the_end_is_told_in_one_line(
    rules: str, switches: dict[str, int], situation: str, wanted: str
) -> None:
    assert machine(rules, **switches).journey(situation).conclusion == wanted


@pytest.mark.parametrize("place", ["in eth1 ", ""])
def test_rules_never_see_a_part_of_a_packet(place: str) -> None:
    box = machine("*filter\n-A FORWARD -f -j ACCEPT\nCOMMIT\n")
    journey = box.journey(f"{place}udp 192.168.1.9 -> 198.51.100.7 length=60 fragment=6")
    assert journey.reason == "it is a part of a packet, and the other parts do not come"
    assert not journey.path


def test_interfaces_that_are_not_there_are_named() -> None:
    with pytest.raises(PacketError, match="there is no interface wlan0 here; there are lo, eth0"):
        machine().journey("in wlan0 udp 1.2.3.4:5 -> 6.7.8.9:5")


def test_rules_see_who_sent_a_packet() -> None:
    box = machine("*filter\n-A OUTPUT -m owner --uid-owner 1000 -j DROP\nCOMMIT\n")
    packet = "udp 192.168.1.1:4 -> 192.168.1.9:4"
    assert box.send(packet, owner=Owner(1000, 1000)).fate is Fate.DROPPED
    assert box.send(packet, owner=Owner(1001, 1000)).fate is Fate.SENT


@pytest.mark.parametrize(
    ("link", "wanted"),
    [
        ("unicast", "forwarded"),
        ("broadcast", "dropped by the kernel: the frame was a broadcast"),
        ("otherhost", "dropped by the kernel: the frame is for another machine"),
    ],
)
def test_only_frames_for_this_machine_are_sent_on(link: str, wanted: str) -> None:
    journey = machine().receive("eth1", OUT.removeprefix("in eth1 "), link=link)
    assert journey.conclusion.startswith(wanted)


@pytest.mark.parametrize(
    ("ends", "came", "by"),
    [
        ("203.0.113.2:4 -> 0.0.0.0:5", "203.0.113.2:4 -> 0.0.0.0:5", "lo"),
        ("0.0.0.0:4 -> 0.0.0.0:5", "127.0.0.1:4 -> 0.0.0.0:5", "lo"),
        ("0.0.0.0:4 -> 198.51.100.7:5", "203.0.113.2:4 -> 198.51.100.7:5", "eth0"),
        ("0.0.0.0:4 -> 255.255.255.255:5", "203.0.113.2:4 -> 255.255.255.255:5", "eth0"),
        ("0.0.0.0:4 -> 192.168.1.1:5", "192.168.1.1:4 -> 192.168.1.1:5", "lo"),
    ],
)
def test_who_leaves_an_address_open_gets_one(ends: str, came: str, by: str) -> None:
    journey = machine().journey(f"udp {ends}")
    assert (str(journey.exit), journey.path[0].out_interface) == (f"udp {came}", by)


def test_there_are_four_types_of_frames() -> None:
    with pytest.raises(PacketError, match="`anycast' is no type of frame; the types are unicast,"):
        machine().receive("eth1", "udp 1.2.3.4:5 -> 6.7.8.9:5", link="anycast")


# --- what is told ---


def test_a_journey_reads_as_a_list_of_stations() -> None:
    rules = "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n"
    assert str(machine(rules).journey(OUT)).splitlines() == [
        "in eth1: udp 192.168.1.9:4000 -> 198.51.100.7:53",
        "PREROUTING (in eth1)",
        "  conntrack: NEW: the first packet of a connection",
        "  nat PREROUTING",
        "    policy ACCEPT",
        "routing: out through eth0, next hop 203.0.113.1",
        "forwarding: out eth0",
        "  ttl: 64 becomes 63",
        "POSTROUTING (in eth1, out eth0)",
        "  nat POSTROUTING",
        "    POSTROUTING 1 -o eth0 -j MASQUERADE  yes: MASQUERADE "
        "(new source the outgoing interface's address)",
        "  nat: translated",
        "    src: 192.168.1.9 becomes 203.0.113.2",
        "  conntrack: the connection is kept",
        "forwarded through eth0: udp 203.0.113.2:4000 -> 198.51.100.7:53 ttl=63",
    ]


def test_every_rule_that_said_no_says_why() -> None:
    rules = "*filter\n-A FORWARD -p tcp -j ACCEPT\n-A FORWARD -o eth1 -j ACCEPT\nCOMMIT\n"
    (visit,) = machine(rules).journey(OUT).visits()
    assert [step.why_not for step in visit.steps()] == [
        "-p tcp, but this packet is udp",
        "-o eth1, but this packet leaves through eth0",
    ]


def test_a_station_knows_the_connection_before_and_after() -> None:
    rules = "*mangle\n-A PREROUTING -j CONNMARK --set-mark 7\nCOMMIT\n"
    journey = machine(rules).journey(OUT)
    mangle = next(one for one in journey.stations if one.name == "mangle PREROUTING")
    assert mangle.known
    assert mangle.connection
    assert (mangle.known.mark, mangle.connection.mark) == (0, 7)


def test_a_journey_is_json_and_a_table() -> None:
    rules = "*filter\n-A FORWARD -p tcp -j ACCEPT\n-A FORWARD -j REJECT\nCOMMIT\n"
    journey = machine(rules).journey(OUT)
    told = json.loads(json.dumps(journey.as_dict()))
    assert told["fate"] == "rejected"
    assert told["generated"][0]["fate"] == "sent"
    assert told["generated"][0]["next_hop"] == "192.168.1.9"
    frame = journey.to_frame()
    assert list(frame["outcome"])[-2:] == ["no: -p tcp, but this packet is udp", "yes: REJECT"]
    assert list(frame["num"])[-3:] == ["", 1, 2]


def test_the_table_of_an_empty_journey_has_columns_all_the_same() -> None:
    frame = machine().receive("eth1", OUT.removeprefix("in eth1 "), link="otherhost").to_frame()
    assert list(frame["outcome"]) == []


def test_a_packet_alone_is_sent_from_here() -> None:
    journey = machine().journey(Packet.parse("udp 192.168.1.1:4 -> 192.168.1.9:4"))
    assert journey.conclusion == "sent through eth1: udp 192.168.1.1:4 -> 192.168.1.9:4"


def test_trace_writes_what_the_kernel_would_log() -> None:
    rules = """*raw
-A PREROUTING -p udp -j TRACE
COMMIT
*filter
:side -
-A FORWARD -j side
-A FORWARD -p udp -j ACCEPT
-A side -p tcp -j DROP
COMMIT
"""
    traced = machine(rules).journey(OUT).traced
    assert [line.partition(" IN=")[0] for line in traced] == [
        "TRACE: raw:PREROUTING:policy:2",
        "TRACE: filter:FORWARD:rule:1",
        "TRACE: filter:side:return:2",
        "TRACE: filter:FORWARD:rule:2",
    ]
    assert machine(rules).journey(OUT.replace("udp", "tcp")).traced == ()


@pytest.mark.parametrize(
    ("options", "came_in", "source", "wanted"),
    [
        ("", "eth1", "192.168.1.9", True),
        ("", "eth0", "192.168.1.9", False),
        ("--loose", "eth0", "192.168.1.9", True),
        ("--invert", "eth0", "192.168.1.9", True),
        ("", "eth0", "203.0.113.2", False),
        ("--accept-local", "eth0", "203.0.113.2", True),
    ],
)
def test_rpfilter_looks_up_the_way_back(
    options: str, came_in: str, source: str, wanted: bool
) -> None:
    box = machine(f"*raw\n-A PREROUTING -m rpfilter {options} -j ACCEPT\nCOMMIT\n")
    journey = box.journey(f"in {came_in} udp {source}:4 -> 198.51.100.7:4")
    (step,) = next(journey.visits()).steps()
    assert (step.answer is True) == wanted
    assert wanted or "the way back to" in step.why_not


# --- time and memory ---


def test_limits_refill_as_time_goes_by() -> None:
    box = machine("*filter\n-A FORWARD -m limit --limit 1/sec --limit-burst 2 -j DROP\nCOMMIT\n")
    fates = [box.journey(OUT).fate for _ in range(3)]
    box.wait(1)
    fates += [box.journey(OUT).fate for _ in range(2)]
    dropped, passed = Fate.DROPPED, Fate.FORWARDED
    assert fates == [dropped, dropped, passed, dropped, passed]


def test_loading_other_rules_keeps_connections_and_begins_to_count_again() -> None:
    box = machine("*filter\n-A FORWARD -j ACCEPT\nCOMMIT\n")
    box.journey(OUT)
    box.load("*filter\n:FORWARD DROP\nCOMMIT\n")
    assert len(box.connections()) == 1
    assert box.journey(OUT).fate is Fate.DROPPED
    assert ":FORWARD DROP [1:28]" in box.rules().save(counters=True)


def test_a_copy_goes_its_own_way() -> None:
    box = machine("*filter\n-A FORWARD -j ACCEPT\nCOMMIT\n")
    twin = box.copy()
    twin.journey(OUT)
    twin.wait(5)
    assert (len(box.connections()), len(twin.connections())) == (0, 1)
    assert "[0:0] -A FORWARD" in box.rules().save(counters=True)
    assert twin.now > box.now


# --- chance ---

DICE = """*mangle
-A PREROUTING -m statistic --mode random --probability 0.5 -j MARK --set-mark 1
COMMIT
*filter
-A FORWARD -m mark --mark 1 -j DROP
-A FORWARD -m statistic --mode random --probability 0.25 -j REJECT
COMMIT
"""


def test_all_that_chance_may_do_is_told_with_its_probability() -> None:
    found = {one.fate: one.probability for one in machine(DICE).journeys(OUT)}
    assert found == {
        Fate.DROPPED: Fraction(1, 2),
        Fate.REJECTED: Fraction(1, 8),
        Fate.FORWARDED: Fraction(3, 8),
    }


def test_dice_fall_about_as_often_as_they_should() -> None:
    fates = Counter(machine(DICE).journey(OUT, seed=seed).fate for seed in range(400))
    assert 160 < fates[Fate.DROPPED] < 240
    assert 25 < fates[Fate.REJECTED] < 80


SITUATIONS = st.lists(router_packets(), min_size=1, max_size=5)


@given(router_rules(), router_packets())
@settings(max_examples=60)
def test_the_probabilities_of_all_outcomes_sum_to_one(rules: str, situation: str) -> None:
    box = machine(rules)
    before = box.rules().save(counters=True)
    assert sum(journey.probability for journey in box.journeys(situation)) == 1
    assert box.rules().save(counters=True) == before
    assert not box.connections()


@given(router_rules(), SITUATIONS, st.integers(0, 9))
@settings(max_examples=60)
def test_the_same_seed_gives_the_same_journeys(rules: str, packets: list[str], seed: int) -> None:
    first, second = (Machine(ROUTER.with_rules(rules), seed=seed) for _ in range(2))
    assert [str(first.journey(one)) for one in packets] == [
        str(second.journey(one)) for one in packets
    ]


@given(router_rules(), SITUATIONS)
@settings(max_examples=60)
def test_every_way_ends_and_counters_add_up(rules: str, packets: list[str]) -> None:
    box = machine(rules)
    sums: Counter[tuple[str, str, int]] = Counter()
    for situation in packets:
        journey = box.journey(situation)
        assert journey.conclusion
        assert len(journey.path) <= 5
        json.dumps(journey.as_dict())
        sums.update({(str(p.table), p.chain, p.number): n for p, n in journey.hits().items()})
    for name, table in box.rules().tables.items():
        for chain in table.chains.values():
            counted = {0: chain.counters} | {n: r.counters for n, r in enumerate(chain.rules, 1)}
            for number, (hits, size) in counted.items():
                assert hits == sums[name, chain.name, number]
                assert Counters(hits, size).bytes >= 28 * hits


@pytest.mark.parametrize("seconds", [-5, 1e12, float("nan")])
def test_time_neither_goes_back_nor_ends(seconds: float) -> None:
    machine = Machine(Host.server("10.0.0.5/24"))
    with pytest.raises(PacketError, match="number of seconds"):
        machine.wait(seconds)
    assert machine.now == Machine(Host.server("10.0.0.5/24")).now


def test_a_copied_machine_shares_nothing() -> None:
    machine = Machine(Host.server("10.0.0.5/24"))
    twin = copy(machine)
    twin.receive("eth0", "udp 10.0.0.9:4000 -> 10.0.0.5:53")
    assert (len(twin.connections()), len(machine.connections())) == (1, 0)


def test_a_machine_tells_in_a_few_lines_what_it_is() -> None:
    rules = "*filter\n-A INPUT -j DROP\nCOMMIT\n"
    host = Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24", rules=rules)
    assert str(Machine(host)).splitlines() == [
        "router:",
        "  eth0       203.0.113.2/24",
        "  eth1       192.168.1.1/24",
        "  route      default via 203.0.113.1 dev eth0",
        "  1 IPv4 rules in filter",
        "2026-01-01 12:00:00, 0 connections known",
    ]


def test_a_switch_is_a_number() -> None:
    with pytest.raises(PacketError, match="write a number"):
        Host.server("10.0.0.5/24").with_sysctls(rp_filter="1")  # type: ignore[arg-type]
