"""Named sets: how they are read, printed and asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iptlab import Packet, Ruleset, RuleSyntaxError, TableName
from iptlab.errors import BadValueError
from iptlab.netfilter.context import CannotTell, Context
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.rules import Rule
from iptlab.packet import Family
from iptlab.syntax.ipset import read_sets, write_sets

SETS = """
create hosts hash:ip
add hosts 10.0.0.5
add hosts 10.0.1.0/31
create lan hash:ip netmask 24
add lan 10.9.8.7
create nets hash:net
add nets 10.0.0.0/8
add nets 10.1.0.0/16 nomatch
add nets 10.1.2.0/24
create web hash:ip,port
add web 10.0.0.5,80
add web 10.0.0.5,udp:8000-8001
add web 10.0.0.5,icmp:echo-request
create flows hash:ip,port,ip
add flows 10.0.0.5,tcp:80,192.0.2.1
create cards hash:net,iface
add cards 10.0.0.0/8,eth0
add cards 10.0.0.0/24,eth1
add cards 0.0.0.0/0,eth9
create ports bitmap:port range 1-1024
add ports 22
add ports tcp:80
create six hash:ip family inet6
add six 2001:db8::5
create macs hash:mac
add macs 02:00:00:AA:BB:1
create all list:set
add all hosts
add all web
"""

# set, directions, packet, answer
ASKED = [
    ("hosts", "src", "udp 10.0.0.5:9 -> 10.0.9.9:9", True),
    ("hosts", "dst", "udp 10.0.0.5:9 -> 10.0.9.9:9", False),
    ("hosts", "dst", "udp 10.0.0.4:9 -> 10.0.1.1:9", True),
    ("hosts", "src,dst", "udp 10.0.0.5:9 -> 10.0.9.9:9", True),
    ("lan", "src", "udp 10.9.8.200:9 -> 10.0.9.9:9", True),
    ("lan", "src", "udp 10.9.9.7:9 -> 10.0.9.9:9", False),
    ("nets", "src", "udp 10.7.7.7:9 -> 10.0.9.9:9", True),
    ("nets", "src", "udp 10.1.7.7:9 -> 10.0.9.9:9", False),
    ("nets", "src", "udp 10.1.2.7:9 -> 10.0.9.9:9", True),
    ("web", "src", "tcp 10.0.0.5:80 -> 10.0.0.6:80 SYN", False),
    ("web", "src,src", "tcp 10.0.0.5:80 -> 10.0.0.6:4000 SYN", True),
    ("web", "src,dst", "tcp 10.0.0.5:4000 -> 10.0.0.6:80 SYN", True),
    ("web", "src,dst", "udp 10.0.0.5:4000 -> 10.0.0.6:80", False),
    ("web", "dst,dst", "udp 10.0.0.6:4000 -> 10.0.0.5:8001", True),
    ("web", "src,dst", "icmp 10.0.0.5 -> 10.0.0.6 echo-request", True),
    ("web", "src,dst", "icmp 10.0.0.5 -> 10.0.0.6 echo-reply", False),
    ("flows", "src,dst,dst", "tcp 10.0.0.5:9 -> 192.0.2.1:80 SYN", True),
    ("flows", "src,dst,dst", "tcp 10.0.0.5:9 -> 192.0.2.2:80 SYN", False),
    ("flows", "src,dst", "tcp 10.0.0.5:9 -> 192.0.2.1:80 SYN", False),
    ("cards", "src,src", "tcp 10.3.0.5:9 -> 192.0.2.1:80 SYN", True),
    # the most specific network that is there decides, whichever interface it stands beside
    ("cards", "src,src", "tcp 10.0.0.5:9 -> 192.0.2.1:80 SYN", False),
    ("cards", "src,dst", "tcp 10.3.0.5:9 -> 192.0.2.1:80 SYN", False),
    ("ports", "dst", "udp 10.0.0.5:9 -> 192.0.2.1:22", True),
    ("ports", "dst", "sctp 10.0.0.5:9 -> 192.0.2.1:22", False),
    ("six", "src", "udp [2001:db8::5]:9 -> [2001:db8::6]:9", True),
    ("six", "src", "udp 10.0.0.5:9 -> 192.0.2.1:22", False),
    ("all", "src", "udp 10.0.0.5:9 -> 192.0.2.1:22", True),
    ("all", "src,dst", "tcp 10.0.0.5:9 -> 192.0.2.1:80 SYN", True),
    ("all", "dst", "udp 10.0.0.5:9 -> 192.0.2.1:22", False),
]


@pytest.mark.parametrize(("name", "directions", "packet", "answer"), ASKED)
def test_a_set_holds_what_its_elements_say(
    name: str, directions: str, packet: str, answer: bool
) -> None:
    sets = read_sets(SETS)
    context = Context(Hook.INPUT, "eth0", sets=sets)
    words = tuple(directions.split(","))
    assert sets[name].holds(Packet.parse(packet), context, words) is answer


def test_a_hole_is_found_with_return_nomatch() -> None:
    sets = read_sets(SETS)
    for options, answers in (
        ("--match-set nets src", [True, False]),
        ("! --match-set nets src", [False, True]),
        ("--match-set nets src --return-nomatch", [False, True]),
        ("--match-set hosts src --return-nomatch", [False, False]),
    ):
        rule = rule_of(f"-m set {options}")
        context = Context(sets=sets)
        packets = [Packet.parse(f"udp {ip}:9 -> 10.0.9.9:9") for ip in ("10.7.0.1", "10.1.0.1")]
        assert [rule.holds(packet, context) for packet in packets] == answers


def test_a_rule_says_what_it_looked_for() -> None:
    rule = rule_of("-m set --match-set web dst,dst -j DROP")
    packet = Packet.parse("tcp 10.0.0.9:4000 -> 10.0.0.5:443 SYN")
    sets = read_sets(SETS)
    assert rule.why_not(packet, Context(sets=sets)) == (
        "--match-set web dst,dst, but 10.0.0.5,tcp:443 is not in that set"
    )
    assert isinstance(rule.holds(packet, Context()), CannotTell)
    assert rule.explain() == (
        "A packet that is in the set web by dst,dst is dropped without an answer."
    )


def test_hardware_addresses_are_asked_of_the_context() -> None:
    sets = read_sets(SETS)
    packet = Packet.parse("udp 10.0.0.5:9 -> 192.0.2.1:22")
    context = Context(Hook.INPUT, "eth0", sets=sets)
    assert isinstance(sets["macs"].holds(packet, context, ("src",)), CannotTell)
    known = replace(context, mac="02:00:00:AA:BB:01")
    assert sets["macs"].holds(packet, known, ("src",)) is True


# one line of a set, and the lines that ipset save prints for it
SAVED = [
    ("hash:ip", "10.0.0.1", ["10.0.0.1"]),
    ("hash:ip", "10.0.0.4/31", ["10.0.0.4", "10.0.0.5"]),
    ("hash:ip", "10.0.0.3-10.0.0.1", ["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
    ("hash:ip netmask 24", "10.0.0.77", ["10.0.0.0"]),
    ("hash:net", "10.1.2.3/16", ["10.1.0.0/16"]),
    ("hash:net", "10.1.2.3/32", ["10.1.2.3"]),
    ("hash:net", "10.0.0.0-10.0.0.6", ["10.0.0.0/30", "10.0.0.4/31", "10.0.0.6"]),
    ("hash:net", "10.1.2.0/24 nomatch", ["10.1.2.0/24 nomatch"]),
    ("hash:net family inet6", "2001:DB8::1/64", ["2001:db8::/64"]),
    ("hash:ip,port", "10.0.0.1,ssh", ["10.0.0.1,tcp:22"]),
    ("hash:ip,port", "10.0.0.1,icmp:3/1", ["10.0.0.1,icmp:host-unreachable"]),
    ("hash:ip,port", "10.0.0.1,icmp:8/9", ["10.0.0.1,icmp:8/9"]),
    ("hash:ip,port", "10.0.0.1,47:0", ["10.0.0.1,gre:0"]),
    ("hash:ip,port,net", "10.0.0.1,80,10.0.0.0/8", ["10.0.0.1,tcp:80,10.0.0.0/8"]),
    ("hash:net,iface", "0.0.0.0/0,physdev:eth0", ["0.0.0.0/0,physdev:eth0"]),
    ("hash:ip timeout 60", "10.0.0.1", ["10.0.0.1 timeout 60"]),
    (
        "hash:net timeout 60 counters comment",
        '10.0.0.0/8 comment "office LAN" bytes 7 nomatch timeout 5',
        ['10.0.0.0/8 timeout 5 nomatch packets 0 bytes 7 comment "office LAN"'],
    ),
    ("bitmap:port range 0-1023", "100-102", ["100", "101", "102"]),
    ("bitmap:ip range 10.0.0.0/24", "10.0.0.8/31", ["10.0.0.8", "10.0.0.9"]),
    ("bitmap:ip,mac range 10.0.0.0/24", "10.0.0.8,2:0:0:0:0:A", ["10.0.0.8,02:00:00:00:00:0a"]),
    ("hash:ip,mark markmask 0xff", "10.0.0.1,0x1ff", ["10.0.0.1,255"]),
]


@pytest.mark.parametrize(("kind", "written", "saved"), SAVED)
def test_elements_are_printed_as_ipset_save_prints_them(
    kind: str, written: str, saved: list[str]
) -> None:
    text = write_sets(read_sets(f"create x {kind}\nadd x {written}\n"))
    assert text.splitlines()[1:] == [f"add x {line}" for line in saved]
    assert write_sets(read_sets(text)) == text


def test_a_set_is_printed_with_what_it_was_created_with() -> None:
    text = "create b list:set\ncreate a hash:ip comment hashsize 100 timeout 5\nadd b a\n"
    assert write_sets(read_sets(text)) == (
        "create a hash:ip family inet hashsize 128 maxelem 65536 timeout 5 comment bucketsize 12\n"
        "create b list:set size 8\n"
        "add b a\n"
    )


# what is wrong, and where: line, column
REFUSED = [
    ("create x hash:foo", "Syntax error: typename 'hash:foo' is unknown", 1, 10),
    ("create x hash:ip netmask 33", "Syntax error: '33' is out of range 1-32", 1, 26),
    ("create x hash:ip range 1-2", "Unknown argument: `range'", 1, 18),
    ("create x hash:ip family", "Missing mandatory argument of option `family'", 1, 18),
    ("create x bitmap:port", "Mandatory option `range' is missing", 1, 10),
    ("add x 10.0.0.1", "The set with the given name does not exist", 1, 5),
    ("frobnicate x", "No command specified: unknown argument frobnicate", 1, 1),
    ("create x hash:ip\ncreate x hash:ip", "set with the same name already exists", 2, 8),
    ("create x hash:ip\nadd x 10.0.0.1\nadd x 10.0.0.1", "it's already added", 3, 7),
    ("create x hash:ip\ndel x 10.0.0.1", "it's not added", 2, 7),
    ("create x hash:ip\nadd x 10.0.0.1,80", "Elem separator in 10.0.0.1,80, but", 2, 7),
    ("create x hash:ip,port\nadd x 10.0.0.1", "Second element is missing from", 2, 7),
    ("create x hash:ip\nadd x ::1", "cannot parse ::1: resolving to IPv4 address failed", 2, 7),
    ("create x hash:ip\nadd x 10.0.0.1 timeout 5", "created without timeout support", 2, 24),
    ("create x hash:ip\nadd x 10.0.0.1 nomatch", "Unknown argument: `nomatch'", 2, 16),
    ("create x hash:ip maxelem 2\nadd x 10.0.0.0/30", "Hash is full", 2, 7),
    ("create x hash:net\nadd x 0.0.0.0/0", "The value of the CIDR parameter", 2, 7),
    ("create x hash:ip,port\nadd x 10.0.0.1,gre:5", "pseudo port value 0 only", 2, 7),
    ("create x bitmap:port range 1-9\nadd x 10", "out of the range of the set", 2, 7),
    ("create x list:set\nadd x y", "Set to be added/deleted/tested as element", 2, 7),
]


@pytest.mark.parametrize(("text", "cause", "line", "column"), REFUSED)
def test_wrong_lines_are_refused_with_their_place(
    text: str, cause: str, line: int, column: int
) -> None:
    with pytest.raises(RuleSyntaxError) as refused:
        read_sets(text)
    assert cause in refused.value.cause
    assert (refused.value.line, refused.value.column) == (line, column)
    assert refused.value.cure


def test_a_rule_may_ask_only_for_sets_that_exist() -> None:
    sets = read_sets(SETS)
    match = rule_of("-m set --match-set hosts src").matches[0]
    match.check_sets(sets, Family.IPV4)
    with pytest.raises(BadValueError, match="family of set hosts is IPv4, which is not applicable"):
        match.check_sets(sets, Family.IPV6)
    with pytest.raises(BadValueError, match="Set hosts doesn't exist"):
        match.check_sets({}, Family.IPV4)


def rule_of(text: str) -> Rule:
    """One rule of INPUT."""
    table = Ruleset.parse(f"*filter\n-A INPUT {text}\nCOMMIT\n").table(TableName.FILTER)
    return table.chains["INPUT"].rules[0]
