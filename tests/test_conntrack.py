"""Connection tracking: the state that rules see, packet by packet."""

from __future__ import annotations

import pytest

from iptlab.netfilter.context import Connection
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Kind
from iptlab.simulate.machine import Machine

ROUTER = Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24")
# who speaks: o began the conversation, r is the other side
FROM = {"o": "eth1", "r": "eth0"}
ENDS = {
    "o": "192.168.1.9{} -> 198.51.100.7{}",
    "r": "198.51.100.7{} -> 192.168.1.9{}",
}
PORTS = {"o": (":4000", ":80"), "r": (":80", ":4000")}


def situation(words: str) -> str:
    """``o udp`` or ``r tcp SYN,ACK seq=5`` as a packet on one side of the router."""
    who, protocol, *rest = words.split()
    ports = PORTS[who] if protocol in ("tcp", "udp", "sctp", "udplite") else ("", "")
    return " ".join(["in", FROM[who], protocol, ENDS[who].format(*ports), *rest])


def state_of(machine: Machine, words: str) -> str:
    """What tracking said of a packet."""
    journey = machine.journey(situation(words))
    return next(str(s.ctstate) for s in journey.stations if s.kind is Kind.CONNTRACK)


def states(machine: Machine, conversation: str) -> str:
    """What tracking says of one packet after another."""
    return " ".join(state_of(machine, words.strip()) for words in conversation.split(";"))


def only(machine: Machine) -> Connection:
    """The one entry that there is."""
    (connection,) = machine.connections()
    return connection


CONVERSATIONS = [
    ("o udp; o udp; r udp; o udp", "NEW NEW ESTABLISHED ESTABLISHED"),
    ("o icmp echo_id=1; r icmp echo-reply echo_id=1", "NEW ESTABLISHED"),
    ("o icmp echo_id=1; r icmp echo-reply echo_id=2", "NEW INVALID"),
    ("o icmp echo-reply", "INVALID"),
    ("o icmp timestamp-request; r icmp timestamp-reply", "NEW ESTABLISHED"),
    ("o icmp 40/0", "INVALID"),
    ("o 47; r 47", "NEW ESTABLISHED"),
    ("o 89; r 89", "NEW ESTABLISHED"),
    ("o udp damaged", "INVALID"),
    ("o udplite", "INVALID"),
    ("o 89 damaged", "NEW"),
    # the three steps of TCP, and its end
    (
        "o tcp SYN seq=10; r tcp SYN,ACK seq=50 ack=11; o tcp ACK seq=11 ack=51;"
        "o tcp FIN,ACK seq=11 ack=51; r tcp FIN,ACK seq=51 ack=12; o tcp ACK seq=12 ack=52",
        "NEW ESTABLISHED ESTABLISHED ESTABLISHED ESTABLISHED ESTABLISHED",
    ),
    ("o tcp SYN seq=10; o tcp SYN seq=10", "NEW NEW"),
    ("o tcp SYN,ACK", "INVALID"),
    ("o tcp RST", "INVALID"),
    ("o tcp FIN,ACK", "INVALID"),
    ("o tcp NONE", "INVALID"),
    ("o tcp FIN,PSH,URG", "INVALID"),
    ("o tcp SYN,FIN", "INVALID"),
    # a connection that began before tracking did
    ("o tcp ACK seq=10 ack=50; r tcp ACK seq=50 ack=10", "NEW ESTABLISHED"),
    # what lies outside of the window
    (
        "o tcp SYN seq=10; r tcp SYN,ACK seq=50 ack=11; o tcp ACK seq=11 ack=51;"
        "o tcp ACK seq=9000000 ack=51; r tcp RST seq=40; r tcp RST seq=51",
        "NEW ESTABLISHED ESTABLISHED INVALID INVALID ESTABLISHED",
    ),
    (
        "o sctp chunks=INIT init_tag=1; r sctp chunks=INIT_ACK vtag=1 init_tag=2;"
        "o sctp chunks=COOKIE_ECHO vtag=2; r sctp chunks=COOKIE_ACK vtag=1;"
        "o sctp chunks=DATA vtag=3",
        "NEW ESTABLISHED ESTABLISHED ESTABLISHED INVALID",
    ),
    ("o sctp chunks=DATA vtag=2", "INVALID"),
    ("o sctp chunks=INIT vtag=2 init_tag=1", "INVALID"),
    # errors belong to the connection whose packet they quote
    (
        "o udp; r icmp 3/3 quotes udp 192.168.1.9:4000 -> 198.51.100.7:80",
        "NEW RELATED",
    ),
    (
        "o udp; r icmp 3/3 quotes udp 192.168.1.9:4001 -> 198.51.100.7:80",
        "NEW INVALID",
    ),
    ("r icmp 11/0", "INVALID"),
]


@pytest.mark.parametrize(("conversation", "wanted"), CONVERSATIONS)
def test_every_packet_has_the_state_that_the_ones_before_it_give(
    conversation: str, wanted: str
) -> None:
    assert states(Machine(ROUTER), conversation) == wanted


HANDSHAKE = "o tcp SYN seq=10; r tcp SYN,ACK seq=50 ack=11; o tcp ACK seq=11 ack=51"


@pytest.mark.parametrize(
    ("conversation", "state", "status", "seconds"),
    [
        ("o udp", "", "CONFIRMED", 30),
        ("o udp; r udp", "", "CONFIRMED SEEN_REPLY", 30),
        ("o icmp; r icmp echo-reply", "", "CONFIRMED SEEN_REPLY", 30),
        ("o 47; r 47; o 47", "", "ASSURED CONFIRMED SEEN_REPLY", 180),
        ("o 89; r 89", "", "CONFIRMED SEEN_REPLY", 600),
        ("o tcp SYN seq=10", "SYN_SENT", "CONFIRMED", 120),
        ("o tcp ACK seq=10", "ESTABLISHED", "CONFIRMED", 300),
        (HANDSHAKE, "ESTABLISHED", "ASSURED CONFIRMED SEEN_REPLY", 432_000),
        (HANDSHAKE + "; r tcp RST seq=51", "CLOSE", "ASSURED CONFIRMED SEEN_REPLY", 10),
        (
            HANDSHAKE + "; r tcp FIN,ACK seq=51 ack=11",
            "FIN_WAIT",
            "ASSURED CONFIRMED SEEN_REPLY",
            120,
        ),
    ],
)
def test_the_entry_remembers(conversation: str, state: str, status: str, seconds: int) -> None:
    machine = Machine(ROUTER)
    states(machine, conversation)
    entry = only(machine)
    assert (entry.state, " ".join(sorted(entry.status))) == (state, status)
    machine.wait(seconds - 1)
    assert machine.connections()
    machine.wait(2)
    assert not machine.connections()


def test_udp_is_a_stream_once_it_is_still_answered_after_two_seconds() -> None:
    machine = Machine(ROUTER)
    states(machine, "o udp; r udp; o udp")
    machine.wait(1.9)
    states(machine, "o udp")
    assert "ASSURED" not in only(machine).status
    machine.wait(0.2)
    states(machine, "o udp")
    assert "ASSURED" in only(machine).status
    assert only(machine).expires == 120


def test_a_reset_in_place_of_an_answer_leaves_nothing() -> None:
    machine = Machine(ROUTER)
    assert states(machine, "o tcp SYN seq=10; r tcp RST,ACK ack=11") == "NEW ESTABLISHED"
    assert not machine.connections()
    states(machine, "o tcp SYN seq=10; o tcp RST seq=11")
    assert not machine.connections()


def test_a_new_connection_takes_the_place_of_one_that_is_over() -> None:
    machine = Machine(ROUTER)
    over = "; o tcp FIN,ACK seq=11 ack=51; r tcp FIN,ACK seq=51 ack=12; o tcp ACK seq=12 ack=52"
    states(machine, HANDSHAKE + over)
    assert only(machine).state == "TIME_WAIT"
    assert states(machine, "o tcp SYN seq=90000") == "NEW"
    assert only(machine).state == "SYN_SENT"


@pytest.mark.parametrize(
    ("switch", "conversation", "wanted"),
    [
        ("nf_conntrack_tcp_loose=0", "o tcp ACK", "INVALID"),
        ("nf_conntrack_checksum=0", "o udp damaged", "NEW"),
        (
            "nf_conntrack_tcp_be_liberal=1",
            HANDSHAKE + "; o tcp ACK seq=9000000 ack=51",
            "NEW ESTABLISHED ESTABLISHED ESTABLISHED",
        ),
    ],
)
def test_switches_change_what_is_believed(switch: str, conversation: str, wanted: str) -> None:
    name, _, value = switch.partition("=")
    machine = Machine(ROUTER.with_sysctls(**{name: int(value)}))
    assert states(machine, conversation) == wanted


def test_what_is_dropped_on_its_way_leaves_no_entry() -> None:
    rules = "*filter\n-A FORWARD -p udp -j DROP\nCOMMIT\n"
    machine = Machine(ROUTER.with_rules(rules))
    assert states(machine, "o udp; o udp") == "NEW NEW"
    assert not machine.connections()


def test_the_connection_counts_both_directions() -> None:
    machine = Machine(ROUTER)
    states(machine, "o udp length=100; r udp length=1000; r udp length=50")
    assert only(machine).packets == (1, 2)
    assert only(machine).bytes == (100, 1050)


def test_connmarks_come_back_with_the_answer() -> None:
    rules = """*mangle
-A PREROUTING -i eth1 -j CONNMARK --set-mark 5
-A PREROUTING -j CONNMARK --restore-mark
COMMIT
"""
    machine = Machine(ROUTER.with_rules(rules))
    states(machine, "o udp")
    answer = machine.journey(situation("r udp"))
    assert answer.exit
    assert answer.exit.mark == 5
    assert only(machine).mark == 5


@pytest.mark.parametrize(
    ("option", "wanted"),
    [
        # a zone of its own does not know answers from elsewhere
        ("--zone 1", "NEW NEW"),
        ("--zone-orig 1", "NEW ESTABLISHED"),
        ("--zone-reply 1", "NEW NEW"),
        ("--notrack", "UNTRACKED NEW"),
    ],
)
def test_zones_keep_connections_apart(option: str, wanted: str) -> None:
    machine = Machine(ROUTER.with_rules(f"*raw\n-A PREROUTING -i eth1 -j CT {option}\nCOMMIT\n"))
    found = []
    for words in ("o udp", "r udp"):
        found.append(str(machine.journey(situation(words)).stations[-1].ctstate))
    assert " ".join(found) == wanted


# each part as conntrack 1.4.7 prints it; the addresses are those of the router here
@pytest.mark.parametrize(
    ("option", "conversation", "line"),
    [
        (
            "",
            HANDSHAKE,
            "tcp      6 432000 ESTABLISHED src=192.168.1.9 dst=198.51.100.7 sport=4000 dport=80 "
            "src=198.51.100.7 dst=192.168.1.9 sport=80 dport=4000 [ASSURED] mark=0",
        ),
        (
            "--zone 7",
            "o udp",
            "udp      17 30 src=192.168.1.9 dst=198.51.100.7 sport=4000 dport=80 [UNREPLIED] "
            "src=198.51.100.7 dst=192.168.1.9 sport=80 dport=4000 mark=0 zone=7",
        ),
        (
            "--zone-orig 7",
            "o 50",
            "unknown  50 600 src=192.168.1.9 dst=198.51.100.7 zone-orig=7 [UNREPLIED] "
            "src=198.51.100.7 dst=192.168.1.9 mark=0",
        ),
        (
            "--zone-reply 7",
            "o 47",
            "gre      47 30 src=192.168.1.9 dst=198.51.100.7 srckey=0x0 dstkey=0x0 [UNREPLIED] "
            "src=198.51.100.7 dst=192.168.1.9 srckey=0x0 dstkey=0x0 zone-reply=7 mark=0",
        ),
        (
            "",
            "o icmp echo_id=5; r icmp echo-reply echo_id=5",
            "icmp     1 30 src=192.168.1.9 dst=198.51.100.7 type=8 code=0 id=5 "
            "src=198.51.100.7 dst=192.168.1.9 type=0 code=0 id=5 mark=0",
        ),
    ],
)
def test_an_entry_reads_as_conntrack_prints_it(option: str, conversation: str, line: str) -> None:
    rules = f"*raw\n-A PREROUTING -i eth1 -j CT {option}\nCOMMIT\n" if option else ""
    machine = Machine(ROUTER.with_rules(rules))
    states(machine, conversation)
    assert str(only(machine)) == line
