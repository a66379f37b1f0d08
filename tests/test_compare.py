"""Rule sets compared by meaning: what is the same, what differs, and for which packet."""

from __future__ import annotations

import json
from contextlib import suppress
from fractions import Fraction

import pytest
from moments import a_moment
from mutants import ROUTER, SERVER, Effort, Reference, campaign, references

from iptlab.errors import CannotCompare
from iptlab.grading import bout as bouts
from iptlab.grading import read_rules
from iptlab.grading.bout import Bout
from iptlab.grading.compare import compare, entries
from iptlab.grading.scope import Aspect, Logs, Scope
from iptlab.netfilter.hooks import Hook
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host

REFERENCES = {one.name: one for one in references()}
WEB = "-t nat -A PREROUTING -p tcp -i eth0 --dport 80 -j DNAT --to-destination 192.168.1."
OUT = "-t nat -A POSTROUTING -o eth0 "

PUBLISHED = (
    "-t nat -A PREROUTING -i eth0 -d 203.0.113.2 -p tcp --dport 8080 "
    "-j DNAT --to-destination 192.168.1.10:80\n-P FORWARD DROP\n"
)
UNMARK = "-t mangle -A POSTROUTING -j MARK --set-mark 0\n-t mangle -A INPUT -j MARK --set-mark 0"

# --- the same, written in two ways ---

SAME = {
    "a policy and a last rule": ("-P INPUT DROP", "-A INPUT -j DROP"),
    "a list and single ports": (
        "-A INPUT -p tcp -m multiport --dports 22,80 -j DROP",
        "-A INPUT -p tcp --dport 80 -j DROP\n-A INPUT -p tcp --dport 22 -j DROP",
    ),
    "either port and one after the other": (
        "-A INPUT -p udp -m multiport --ports 53,123 -j DROP",
        "-A INPUT -p udp -m multiport --dports 53,123 -j DROP\n"
        "-A INPUT -p udp -m multiport --sports 53,123 -j DROP",
    ),
    "a chain and its rules in place": (
        "-N WEB\n-A INPUT -p tcp -j WEB\n-A WEB --proto tcp --dport 80 -j DROP",
        "-A INPUT -p tcp --dport 80 -j DROP",
    ),
    "no rule, and one after which nothing is left": (
        "-A INPUT -j ACCEPT",
        "-A INPUT -j ACCEPT\n-A INPUT -p tcp -j DROP",
    ),
    "a mark whose bits lie outside its mask never matches": (
        "-A INPUT -i lo -j ACCEPT",
        "-A INPUT -i lo -j ACCEPT\n-A INPUT -m mark --mark 0x2/0xd -j DROP",
    ),
    "two names of one state": (
        "-A INPUT -m state --state NEW -j DROP",
        "-A INPUT -m conntrack --ctstate NEW -j DROP",
    ),
    "a range of addresses and its networks": (
        "-A INPUT -m iprange --src-range 10.0.0.4-10.0.0.11 -j DROP",
        "-A INPUT -s 10.0.0.4/30 -j DROP\n-A INPUT -s 10.0.0.8/30 -j DROP",
    ),
    "two ways to an equal chance": (
        "-A INPUT -m statistic --mode random --probability 0.75 -j DROP",
        "-A INPUT -m statistic --mode random --probability 0.5 -j DROP\n"
        "-A INPUT -m statistic --mode random --probability 0.5 -j DROP",
    ),
    "a class of traffic and its byte": (
        "-t mangle -A INPUT -j DSCP --set-dscp-class EF",
        "-t mangle -A INPUT -j TOS --set-tos 0xb8/0xfc",
    ),
    "what a changed time to live is asked for": (
        "-t mangle -A INPUT -j TTL --ttl-dec 3\n-A INPUT -m ttl --ttl-lt 2 -j DROP",
        "-t mangle -A INPUT -j TTL --ttl-dec 3\n-A INPUT -m ttl --ttl-lt 1 -j DROP\n"
        "-A INPUT -m ttl --ttl-eq 1 -j DROP",
    ),
    "two times one hop, and two hops at once": (
        "-t mangle -A INPUT -j TTL --ttl-dec 1\n-t mangle -A INPUT -j TTL --ttl-dec 1",
        "-t mangle -A INPUT -j TTL --ttl-dec 2",
    ),
    "a mark that comes back from its connection": (
        "-t mangle -A INPUT -j CONNMARK --restore-mark\n-A INPUT -m mark --mark 7 -j DROP",
        "-t mangle -A INPUT -j CONNMARK --restore-mark\n-A INPUT -m connmark --mark 7 -j DROP",
    ),
    "a mark saved and a mark set": (
        "-t mangle -A INPUT -j MARK --set-mark 3\n-t mangle -A INPUT -j CONNMARK --save-mark",
        "-t mangle -A INPUT -j CONNMARK --set-mark 3\n-t mangle -A INPUT -j MARK --set-mark 3",
    ),
    "the smaller of two segment sizes": (
        "-t mangle -A INPUT -p tcp --tcp-flags SYN SYN -j TCPMSS --set-mss 1300",
        "-t mangle -A INPUT -p tcp --tcp-flags SYN SYN -j TCPMSS --set-mss 1400\n"
        "-t mangle -A INPUT -p tcp --tcp-flags SYN SYN -j TCPMSS --set-mss 1300",
    ),
    "a traffic class, and another one before it": (
        "-t mangle -A FORWARD -j CLASSIFY --set-class 1:2",
        "-t mangle -A FORWARD -j CLASSIFY --set-class 1:1\n"
        "-t mangle -A FORWARD -j CLASSIFY --set-class 1:2",
    ),
    "a limit that decides nothing": (
        "-A INPUT -m limit --limit 5/min -j ACCEPT",
        "-A INPUT -m limit --limit 5/min -j LOG",
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_meaning_in_two_ways(name: str) -> None:
    one, two = map(read_rules, SAME[name])
    found = compare(one, two)
    assert found.same, found
    assert found.proven


# --- what is written to the log ---

LOGS = "-A INPUT -p tcp --dport 22 -j LOG --log-prefix "
SAME_IN_THE_LOG = {
    "one line, and the same line twice": (f"{LOGS}a", f"{LOGS}a\n{LOGS}a"),
    "what is dropped, and logged before": (
        "-A INPUT -j LOG\n-A INPUT -j DROP",
        "-P INPUT DROP\n-N BOTH\n-A INPUT -j BOTH\n-A BOTH -j LOG\n-A BOTH -p udp -j DROP",
    ),
    "before and behind a rule that no such packet meets": (
        f"{LOGS}a\n-A INPUT -p udp -j DROP",
        f"-A INPUT -p udp -j DROP\n{LOGS}a",
    ),
}


@pytest.mark.parametrize("name", SAME_IN_THE_LOG)
def test_the_same_is_logged(name: str) -> None:
    found = compare(*map(read_rules, SAME_IN_THE_LOG[name]), Scope(logs=Logs.PREFIXES))
    assert found.same, found
    assert found.proven


def test_a_packet_shows_what_is_not_logged() -> None:
    one, two = read_rules(f"{LOGS}a\n-P INPUT DROP"), read_rules("-P INPUT DROP")
    assert compare(one, two).same
    text = str(compare(one, two, Scope(logs=Logs.PACKETS)))
    assert "10.0.0.5:22 SYN" in text
    assert "DROP, logged by filter INPUT policy" in text


def test_prefixes_count_where_they_are_asked_for() -> None:
    one, two = read_rules(f"{LOGS}a"), read_rules(f"{LOGS}b")
    assert compare(one, two, Scope(logs=Logs.PACKETS)).same
    text = str(compare(one, two, Scope(host=SERVER, logs=Logs.PREFIXES)))
    assert 'DELIVER, logged with prefix "a"' in text
    assert 'DELIVER, logged with prefix "b"' in text


# --- what differs, the packet that shows it, and what it is told with ---

DIFFERENT = {
    "a port": (
        "-A INPUT -p tcp --dport 22 -j DROP",
        "-A INPUT -p tcp --dport 23 -j DROP",
        "tcp 192.0.2.10:40000 -> 10.0.0.5:22 SYN, in eth0, ctstate NEW",
        ("DROP by filter INPUT 1: -p tcp -m tcp --dport 22 -j DROP", "ACCEPT by filter INPUT"),
    ),
    "the end of a chain that was gone to takes the policy": (
        "-P INPUT DROP\n-N ONE\n-A INPUT -p tcp -g ONE\n-A INPUT -j DROP",
        "-N ONE\n-A INPUT -p tcp -g ONE\n-A INPUT -j DROP",
        "tcp 192.0.2.10:40000 -> 10.0.0.5:80 SYN",
        ("DROP by filter INPUT policy", "ACCEPT by filter INPUT policy"),
    ),
    "what returns from a built-in chain takes the policy too": (
        "-P INPUT DROP\n-A INPUT -p tcp -j RETURN",
        "-A INPUT -p tcp -j RETURN\n-A INPUT -j DROP",
        "tcp 192.0.2.10:40000 -> 10.0.0.5:80 SYN",
        ("DROP by filter INPUT policy", "ACCEPT by filter INPUT policy"),
    ),
    "how it is rejected": (
        "-A INPUT -p udp -j REJECT",
        "-A INPUT -p udp -j REJECT --reject-with icmp-host-unreachable",
        "udp 192.0.2.10:40000 -> 10.0.0.5:80",
        ("REJECT with icmp-port-unreachable", "REJECT with icmp-host-unreachable"),
    ),
    "a state": (
        "-P INPUT DROP\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-P INPUT DROP\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT",
        "ctstate RELATED",
        ("ACCEPT", "DROP"),
    ),
    "what a limit lets through": (
        "-P INPUT DROP\n-A INPUT -p icmp -m limit --limit 1/sec -j ACCEPT",
        "-P INPUT DROP\n-A INPUT -p icmp -j ACCEPT",
        "when `-m limit --limit 1/sec' does not match",
        ("DROP by filter INPUT policy", "ACCEPT by filter INPUT 1"),
    ),
    "a mark": (
        "-t mangle -A INPUT -p tcp --dport 80 -j MARK --set-mark 1",
        "-t mangle -A INPUT -p tcp --dport 80 -j MARK --set-mark 3",
        "tcp 192.0.2.10:40000 -> 10.0.0.5:80 SYN",
        ("mark 0x1 by mangle INPUT 1", "mark 0x3 by mangle INPUT 1"),
    ),
    "a connection's mark": (
        "-t mangle -A INPUT -p tcp --dport 80 -j CONNMARK --set-mark 1",
        "-t mangle -A INPUT -p tcp --dport 80 -j CONNMARK --set-mark 2",
        "tcp 192.0.2.10:40000 -> 10.0.0.5:80 SYN",
        ("connection mark 0x1", "connection mark 0x2"),
    ),
    "a connection that was marked before": (
        "-A INPUT -m connmark --mark 5 -j DROP",
        "",
        "ctstate ESTABLISHED, connection mark 0x5",
        ("DROP by filter INPUT 1", "ACCEPT"),
    ),
    "a class of traffic": (
        "-t mangle -A INPUT -p udp -j DSCP --set-dscp 46",
        "-t mangle -A INPUT -p udp -j DSCP --set-dscp 40",
        "udp 192.0.2.10:40000 -> 10.0.0.5:80",
        ("tos 0xb8", "tos 0xa0"),
    ),
    "a time to live": (
        "-t mangle -A INPUT -j TTL --ttl-set 64",
        "-t mangle -A INPUT -j TTL --ttl-inc 1",
        "at INPUT",
        ("ACCEPT", "ACCEPT (ttl 65)"),
    ),
    "a segment size": (
        "-t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1300",
        "-t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
        "mss=1460",
        ("ACCEPT (mss 1300)", "ACCEPT (mss 1360)"),
    ),
    "what nat asks for": (
        "-t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.7",
        "-t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.8",
        "at PREROUTING",
        ("new destination 10.0.0.7", "new destination 10.0.0.8"),
    ),
    "a chance": (
        "-A INPUT -m statistic --mode random --probability 0.5 -j DROP",
        "-A INPUT -m statistic --mode random --probability 0.25 -j DROP",
        "at INPUT",
        ("DROP with probability 1/2", "DROP with probability 1/4"),
    ),
    "an interface nobody names": (
        "-A INPUT -i eth+ -j DROP",
        "-A INPUT -i eth0 -j DROP",
        "in eth9",
        ("DROP", "ACCEPT"),
    ),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_difference_is_told_with_its_packet_and_rules(name: str) -> None:
    expected, actual, situation, ends = DIFFERENT[name]
    text = str(compare(read_rules(expected), read_rules(actual)))
    assert situation in text
    assert all(end in text for end in ends), text


def test_a_difference_reads_like_this() -> None:
    reference = REFERENCES["web-and-admin"]
    shorter = reference.text.replace("-A ADMIN -s 192.0.2.66/32 -j RETURN\n", "")
    assert str(compare(reference.read(reference.text), reference.read(shorter))) == (
        "at INPUT, tcp 192.0.2.66:40000 -> 10.0.0.5:22 SYN, in eth0, ctstate NEW\n"
        "  expected: DROP by filter INPUT policy\n"
        "  yours:    ACCEPT by filter ADMIN 1: -p tcp -m tcp --dport 22 -j ACCEPT\n"
        "  the same only with ctstate NEW or UNTRACKED; protocol tcp; dport 22 or 8000 to 8079 "
        "or 8091 to 8099; in interface other than lo; src 192.0.2.66"
    )


TYPICAL = {
    "in the direction of the server": (
        f"{WEB}10",
        f"{WEB}11",
        "tcp 192.0.2.10:40000 -> 203.0.113.2:80 SYN, in eth0, ctstate NEW",
    ),
    "from inside to outside": (
        f"-P FORWARD DROP\n-A FORWARD -i eth1 -j ACCEPT\n{OUT}-j MASQUERADE",
        "-P FORWARD DROP\n-A FORWARD -i eth1 -j ACCEPT",
        "tcp 192.168.1.10:40000 -> 198.51.100.7:80 SYN, in eth1, ctstate NEW",
    ),
    "a later packet has no SYN": (
        "-P FORWARD DROP\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT",
        "-P FORWARD DROP",
        "-> 192.168.1.10:80 ACK, in eth0, ctstate ESTABLISHED",
    ),
}


@pytest.mark.parametrize("name", TYPICAL)
def test_the_packet_is_one_that_one_would_think_of(name: str) -> None:
    expected, actual, packet = TYPICAL[name]
    found = compare(read_rules(expected), read_rules(actual), Scope(host=ROUTER))
    assert found.difference
    assert packet in found.difference.situation


def test_what_makes_a_difference_is_said_in_few_words() -> None:
    lan = "-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -s 10.0.0.0/8 -j ACCEPT\n"
    open_ = lan.replace(" -s 10.0.0.0/8", "")
    found = compare(read_rules(lan), read_rules(open_)).difference
    assert found
    assert found.same_for == (
        "the same only with protocol tcp; in interface other than lo; src other than 10.0.0.0/8"
    )


def test_an_answer_is_data_too() -> None:
    one, two = read_rules("-A INPUT -p tcp -j DROP"), read_rules("-A INPUT -p udp -j DROP")
    told = json.loads(json.dumps(compare(one, two).as_dict()))
    assert told["difference"]["packet"] == "tcp 192.0.2.10:40000 -> 10.0.0.5:80 SYN"
    assert told["difference"]["expected"][0]["decided_by"] == "filter INPUT 1"
    assert told["difference"]["same_for"]["protocol"] == ["tcp", "udp"]


# --- scopes ---


def test_packets_outside_the_scope_do_not_count() -> None:
    one, two = read_rules("-A INPUT -p tcp -j DROP"), read_rules("-A INPUT -j DROP")
    assert not compare(one, two).same
    assert compare(one, two, Scope(assume="-p tcp")).same
    assert compare(one, two, Scope(hooks=(Hook.FORWARD,))).same
    inside = read_rules("-A INPUT -i eth0 -j DROP\n-A INPUT -i eth1 -j DROP")
    assert not compare(inside, two).same
    assert compare(inside, two, Scope(interfaces=("eth0", "eth1"))).same


def test_aspects_that_do_not_count_are_no_difference() -> None:
    drop, reject = read_rules("-A INPUT -j DROP"), read_rules("-A INPUT -j REJECT")
    assert not compare(drop, reject).same
    assert compare(drop, reject, Scope(aspects=frozenset(Aspect) - {Aspect.REJECTION})).same
    mark = read_rules("-t mangle -A INPUT -j MARK --set-mark 1")
    assert not compare(read_rules(""), mark).same
    assert compare(read_rules(""), mark, Scope(aspects=frozenset())).same


def test_packets_may_come_with_any_mark() -> None:
    never, always = read_rules("-A INPUT -m mark --mark 5 -j DROP"), read_rules("")
    assert compare(never, always).same
    assert "mark=0x5" in str(compare(never, always, Scope(mark=None)))
    kept = read_rules("-t mangle -A INPUT -m mark --mark 7 -j MARK --set-mark 7")
    assert compare(kept, always, Scope(mark=None)).same


def test_chances_typed_by_hand_may_be_a_little_off() -> None:
    rule = "-A INPUT -m statistic --mode random --probability {} -j DROP"
    third, typed = (read_rules(rule.format(number)) for number in ("0.33333333349", "0.33"))
    assert not compare(third, typed).same
    assert compare(third, typed, Scope(tolerance=Fraction(1, 100))).same


# --- whole hosts ---

SAME_ON_A_ROUTER = {
    "a choice of servers": (f"{WEB}10-192.168.1.12", f"{WEB}10-192.168.1.12"),
    "the first of a range of ports": (f"{WEB}10:81-90", f"{WEB}10:81"),
    "a port that may stay as it is": (f"{WEB}10:70-90", f"{WEB}10"),
    "an address that may stay as it is": (
        f"{OUT}-j SNAT --to-source 203.0.113.2-203.0.113.5",
        f"{OUT}! -s 203.0.113.3 -j SNAT --to-source 203.0.113.2-203.0.113.5",
    ),
    "a port drawn by lot": (
        f"{OUT}-p tcp -j MASQUERADE --random",
        f"{OUT}-p tcp -j MASQUERADE --random-fully",
    ),
    "a network, and each of its addresses": (
        "-t nat -A PREROUTING -d 203.0.113.16/31 -j NETMAP --to 192.168.1.16/31",
        "-t nat -A PREROUTING -d 203.0.113.16 -j DNAT --to 192.168.1.16\n"
        "-t nat -A PREROUTING -d 203.0.113.17 -j DNAT --to 192.168.1.17",
    ),
    "a network that is asked for where NETMAP is not": (
        "-t nat -A PREROUTING -d 203.0.113.16/31 -j NETMAP --to 192.168.1.16/31",
        "-t nat -N MAP\n-t nat -A PREROUTING -d 203.0.113.16/31 -j MAP\n"
        "-t nat -A MAP -j NETMAP --to 192.168.1.16/31",
    ),
    "ports that are moved one by one": (
        "-t nat -A PREROUTING -p tcp --dport 500:501 -j DNAT --to 192.168.1.9:70-71/500",
        "-t nat -A PREROUTING -p tcp --dport 500 -j DNAT --to 192.168.1.9:70\n"
        "-t nat -A PREROUTING -p tcp --dport 501 -j DNAT --to 192.168.1.9:71",
    ),
    "a hop that the router takes off": (
        "-A FORWARD -m ttl --ttl-lt 9 -j DROP",
        "-t mangle -A PREROUTING -m ttl --ttl-lt 10 -j MARK --set-mark 1\n"
        "-A FORWARD -m mark --mark 1 -j DROP\n"
        "-t mangle -A POSTROUTING -j MARK --set-mark 0\n"
        "-t mangle -A INPUT -j MARK --set-mark 0",
    ),
    "where a packet went before it was translated, remembered and asked": (
        f"{PUBLISHED}-t mangle -A PREROUTING -d 203.0.113.2 -p tcp --dport 8080 "
        "-j MARK --set-mark 1\n"
        f"-A FORWARD -m mark --mark 1 -m conntrack --ctstate NEW -j ACCEPT\n{UNMARK}",
        f"{PUBLISHED}-A FORWARD -p tcp -m conntrack --ctstate NEW --ctorigdst 203.0.113.2 "
        f"--ctorigdstport 8080 -j ACCEPT",
    ),
    "a translated destination, and what it was before": (
        f"{PUBLISHED}-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT",
        f"{PUBLISHED}-A FORWARD -m conntrack --ctorigdst 203.0.113.2 --ctproto tcp "
        "--ctorigdstport 8080 -j ACCEPT",
    ),
    "the direction of what comes in from outside": (
        "-A FORWARD -m conntrack --ctstate NEW --ctdir ORIGINAL -j DROP",
        "-A FORWARD -m conntrack --ctstate NEW -j DROP",
    ),
    "a source that no rule changes": (
        "-A INPUT -m conntrack --ctstate INVALID,UNTRACKED -j DROP\n-A INPUT -s 10.0.0.0/8 -j DROP",
        "-A INPUT -m conntrack --ctstate INVALID,UNTRACKED -j DROP\n"
        "-A INPUT -m conntrack --ctorigsrc 10.0.0.0/8 --ctdir ORIGINAL -j DROP\n"
        "-A INPUT -s 10.0.0.0/8 -m conntrack --ctdir REPLY -j DROP",
    ),
    "what stands where ICMP has no port": (
        "-A INPUT -m conntrack --ctstate NEW -p icmp --icmp-type 8/0 -j DROP",
        "-A INPUT -p icmp -m conntrack --ctstate NEW --ctorigdstport 2048 -j DROP",
    ),
}


@pytest.mark.parametrize("name", SAME_ON_A_ROUTER)
def test_the_same_on_a_router_in_two_ways(name: str) -> None:
    found = compare(*map(read_rules, SAME_ON_A_ROUTER[name]), Scope(host=ROUTER))
    assert found.same, found
    assert found.proven


# --- flows: every first packet fares the same, its reply or the next packet does not ---

DNAT = f"{WEB}10\n-P FORWARD DROP\n"
LET_IN = "-A FORWARD -i eth0 -d 192.168.1.10 -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT"
LET_PASS = "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT"
FLOWS = {
    "a reply that is dropped for being translated": (
        f"{DNAT}{LET_IN}\n{LET_PASS}",
        f"{DNAT}{LET_IN}\n-A FORWARD -i eth1 -m conntrack --ctstate DNAT -j DROP\n{LET_PASS}",
        "its reply: tcp 192.168.1.10:80 -> 192.0.2.10:40000 SYN,ACK length=60, in eth1",
        ("FORWARD out eth0 (new src 203.0.113.2)", "DROP by filter FORWARD 2"),
    ),
    "the next packet where only replies pass": (
        f"{DNAT}{LET_IN}\n-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT",
        f"{DNAT}{LET_IN}\n-A FORWARD -i eth1 -m conntrack --ctstate DNAT -j ACCEPT",
        "the next packet: tcp 192.0.2.10:40000 -> 203.0.113.2:80 ACK, in eth0",
        ("FORWARD out eth1 (new dst 192.168.1.10)", "DROP by filter FORWARD policy"),
    ),
    "an answer to SYN": (
        "",
        "-A FORWARD -p tcp --tcp-flags SYN,ACK SYN,ACK -m conntrack --ctstate ESTABLISHED -j DROP",
        "SYN,ACK length=60, in eth0",
        ("FORWARD out eth0", "DROP by filter FORWARD 1"),
    ),
    "a mark that the first packet left on its connection": (
        "-t mangle -A PREROUTING -p udp --dport 53 -j CONNMARK --set-mark 1",
        "-t mangle -A PREROUTING -p udp --dport 53 -j CONNMARK --set-mark 1\n"
        "-A OUTPUT -m connmark --mark 1 -j DROP",
        "its reply: udp 203.0.113.2:53 -> 192.0.2.10:40000 length=60, sent from here",
        ("SEND out eth0 (connection mark 0x1)", "DROP by filter OUTPUT 1"),
    ),
    "a mark that the reply left on its connection": (
        "-t mangle -A OUTPUT -p udp --sport 53 -j CONNMARK --set-mark 1",
        "-t mangle -A OUTPUT -p udp --sport 53 -j CONNMARK --set-mark 1\n"
        "-A INPUT -i eth0 -m connmark --mark 1 -j DROP",
        "-> 203.0.113.2:53, in eth0, ctstate NEW; the next packet: udp",
        ("DELIVER (connection mark 0x1)", "DROP by filter INPUT 1"),
    ),
    "connections that are not tracked": (
        "-t raw -A PREROUTING -p udp --dport 53 -j NOTRACK\n-P OUTPUT DROP\n"
        "-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT",
        "-P OUTPUT DROP\n-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT",
        "its reply: udp 203.0.113.2:53 -> 192.0.2.10:40000 length=60, sent from here",
        ("DROP by filter OUTPUT policy", "SEND out eth0 by filter OUTPUT 1"),
    ),
    "a reply that goes against its connection": (
        "-A INPUT -m conntrack --ctstate NEW -j ACCEPT",
        "-A OUTPUT -m conntrack --ctdir REPLY -j DROP",
        "its reply: tcp",
        ("SEND out eth0", "DROP by filter OUTPUT 1"),
    ),
    "a reply by where its connection was begun to": (
        f"{PUBLISHED}{LET_IN}\n{LET_PASS}",
        f"{PUBLISHED}{LET_IN}\n-A FORWARD -i eth1 -m conntrack --ctorigdst 203.0.113.2 -j DROP\n"
        f"{LET_PASS}",
        "its reply: tcp 192.168.1.10:80 -> 192.0.2.10:40000 SYN,ACK length=60, in eth1",
        ("FORWARD out eth0 (new src 203.0.113.2 port 8080)", "DROP by filter FORWARD 2"),
    ),
    "one of two servers is cut off": (
        f"{WEB}10-192.168.1.11",
        f"{WEB}10-192.168.1.11\n"
        "-A FORWARD -s 192.168.1.11 -i eth1 -m conntrack --ctstate DNAT -j DROP",
        "its reply: tcp 192.168.1.11:80 -> 192.0.2.10:40000",
        ("FORWARD out eth0 (new src 203.0.113.2)", "DROP by filter FORWARD 1"),
    ),
    "only outside of what is translated back": (
        f"{OUT}-j MASQUERADE",
        f"{OUT}-j MASQUERADE\n"
        "-A FORWARD -i eth0 -d 192.168.1.0/24 -m conntrack --ctstate SNAT -j DROP",
        "SYN, in eth0, ctstate NEW; its reply: tcp 10.0.0.5:22 -> 203.0.113.2:40000",
        ("FORWARD out eth1 (new dst 192.168.1.0)", "DROP by filter FORWARD 1"),
    ),
}


@pytest.mark.parametrize("name", FLOWS)
def test_a_reply_that_fares_differently_is_told_with_its_first_packet(name: str) -> None:
    expected, actual, situation, ends = FLOWS[name]
    text = str(compare(read_rules(expected), read_rules(actual), Scope(host=ROUTER)))
    assert situation in text, text
    assert all(end in text for end in ends), text


SAME_FLOWS = {
    "two orders of rules for first packets and others": (
        f"{DNAT}{LET_IN}\n{LET_PASS}",
        f"{DNAT}{LET_PASS}\n{LET_IN}",
    ),
    "what is translated, and what comes back from there": (
        f"{DNAT}-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT",
        f"{DNAT}-A FORWARD ! -i eth1 -m conntrack --ctstate DNAT -j ACCEPT\n"
        "-A FORWARD -i eth1 -m conntrack --ctstate DNAT -j ACCEPT",
    ),
    "connections left alone where nobody asks": (
        "-t raw -A PREROUTING -p udp --dport 53 -j NOTRACK",
        "",
    ),
}


@pytest.mark.parametrize("name", SAME_FLOWS)
def test_flows_are_proved_to_be_the_same(name: str) -> None:
    found = compare(*map(read_rules, SAME_FLOWS[name]), Scope(host=ROUTER))
    assert found.same, found
    assert found.proven, found


def test_flows_that_cannot_be_compared_are_said_to_be_open() -> None:
    port = f"{OUT}-p tcp -j MASQUERADE --to-ports 1000-2000\n"
    asks = "-A FORWARD -m conntrack --ctstate NEW -j ACCEPT\n"
    lot = f"{port}{asks}-t mangle -A PREROUTING -p tcp --dport 1500 -j MARK --set-mark 0"
    found = compare(read_rules(f"{port}{asks}"), read_rules(lot), Scope(host=ROUTER))
    assert found.same
    assert not found.proven
    assert "not proven for later packets of connections: " in str(found)
    assert "behind a port drawn by lot" in str(found)


UNSEEN = "-t raw -A OUTPUT -j NOTRACK\n-t mangle -A INPUT -j CONNMARK --set-mark 1\n"


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("-A FORWARD -m conntrack --ctdir REPLY -j RETURN", "-t raw -A OUTPUT -j NOTRACK"),
        # whoever hears no reply is still new when the next packet comes
        (UNSEEN, f"{UNSEEN}-t mangle -I INPUT -m connmark --mark 1 -m state --state NEW -j DROP"),
    ],
    ids=["on one side", "on both sides"],
)
def test_what_follows_a_reply_that_is_not_tracked_is_said_to_be_open(
    expected: str, actual: str
) -> None:
    found = compare(read_rules(expected), read_rules(actual), Scope(host=ROUTER))
    assert found.same
    assert not found.proven
    assert "their replies are not tracked" in str(found)


def test_a_scope_of_first_packets_asks_for_no_replies() -> None:
    one, two, *_ = FLOWS["an answer to SYN"]
    scope = Scope(host=ROUTER, assume="-m conntrack --ctstate NEW")
    assert compare(read_rules(one), read_rules(two), scope).proven


DIFFERENT_ON_A_ROUTER = {
    "how many servers there are": (
        f"{WEB}10-192.168.1.12",
        f"{WEB}10-192.168.1.13",
        ("new dst 192.168.1.11) with probability 1/3", "with probability 1/4"),
    ),
    "one server is closed": (
        f"{WEB}10-192.168.1.11\n-A FORWARD -m conntrack --ctstate DNAT -d 192.168.1.11 -j DROP",
        f"{WEB}10-192.168.1.11",
        ("DROP with probability 1/2 by filter FORWARD 1", "new dst 192.168.1.11)"),
    ),
    "from where ports are drawn": (
        f"{OUT}-p tcp -j MASQUERADE --to-ports 1000-2000",
        f"{OUT}-p tcp -j MASQUERADE --to-ports 1000-2001",
        ("drawn by lot from 1000 to 2000", "drawn by lot from 1000 to 2001"),
    ),
    "whether a port may stay": (
        "-t nat -A PREROUTING -p tcp -j REDIRECT --to-ports 80-90",
        "-t nat -A PREROUTING -p tcp -j REDIRECT --to-ports 80",
        ("203.0.113.2:90 SYN", "DELIVER (new dst port 80)"),
    ),
    "which network": (
        "-t nat -A PREROUTING -d 203.0.113.16/30 -j NETMAP --to 192.168.1.16/30",
        "-t nat -A PREROUTING -d 203.0.113.16/30 -j NETMAP --to 192.168.1.20/30",
        ("new dst 192.168.1.16", "new dst 192.168.1.20"),
    ),
    "the last hop": (
        "-t mangle -A PREROUTING -i eth1 -j TTL --ttl-set 2",
        "-t mangle -A PREROUTING -i eth1 -j TTL --ttl-set 1",
        ("FORWARD out", "DROP"),
    ),
    "the mark of a connection": (
        "-t mangle -A PREROUTING -i eth1 -j MARK --set-mark 1\n"
        "-t mangle -A FORWARD -j CONNMARK --save-mark",
        "-t mangle -A PREROUTING -i eth1 -j MARK --set-mark 1",
        ("connection mark 0x1", "mark 0x1"),
    ),
    "what the path can carry": (
        "-t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
        "-t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1400",
        ("FORWARD out", "mss 1400"),
    ),
}


@pytest.mark.parametrize("name", DIFFERENT_ON_A_ROUTER)
def test_a_difference_on_a_router_is_told(name: str) -> None:
    expected, actual, ends = DIFFERENT_ON_A_ROUTER[name]
    text = str(compare(read_rules(expected), read_rules(actual), Scope(host=ROUTER)))
    assert all(end in text for end in ends), text


@pytest.mark.parametrize(
    "rule",
    [
        "-t nat -A PREROUTING -j NETMAP --to 192.168.1.0/24",
        "-t nat -A PREROUTING -j DNAT --to 192.168.0.0-192.168.255.255",
        "-t nat -A POSTROUTING -j SNAT --to 203.0.113.9-203.0.113.5",
    ],
)
def test_choices_among_too_many_addresses_are_refused(rule: str) -> None:
    with pytest.raises(CannotCompare, match=r"of more than 256|more than 16 addresses"):
        compare(read_rules(rule), read_rules(""), Scope(host=ROUTER))


PUBLISHED = REFERENCES["nat-router"]


def test_what_happens_behind_a_new_destination_counts() -> None:
    closed = PUBLISHED.text.replace("tcp --dport 80 -j ACCEPT", "tcp --dport 8080 -j ACCEPT")
    found = compare(*map(PUBLISHED.read, (PUBLISHED.text, closed)), PUBLISHED.scope)
    assert found.difference
    assert found.difference.case.in_interface == "eth0"
    assert "FORWARD out eth1" in str(found)
    assert "DROP by filter FORWARD policy" in str(found)


def test_a_destination_that_the_packet_has_already_is_no_rewriting() -> None:
    rules = "-t nat -A PREROUTING -p tcp -d 192.168.1.10 --dport 80 -j DNAT --to {}"
    same, moved = (read_rules(rules.format(f"192.168.1.10:{port}")) for port in (80, 81))
    assert compare(read_rules("-t nat -N X"), same, Scope(host=ROUTER)).same
    assert not compare(read_rules("-t nat -N X"), moved, Scope(host=ROUTER)).same


def test_later_packets_of_an_open_connection_are_looked_at_too() -> None:
    both = "-P INPUT DROP\n-A INPUT -p tcp --dport 22 -j ACCEPT\n"
    more = both + "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT"
    found = compare(read_rules(both), read_rules(more), Scope(host=SERVER))
    assert found.difference
    assert found.difference.case.ctstate == "ESTABLISHED"


def test_two_hosts_are_compared_by_their_rules() -> None:
    one = SERVER.with_rules("*filter\n-A OUTPUT -p icmp -j DROP\nCOMMIT\n")
    two = SERVER.with_rules("*filter\n-A OUTPUT -p icmp -d 0.0.0.0/1 -j DROP\nCOMMIT\n")
    found = compare(one, two)
    assert found.difference
    assert "sent from here" in found.difference.situation
    assert compare(one, one).same
    with pytest.raises(CannotCompare, match="must not differ in anything but their rules"):
        compare(one, ROUTER)


# --- what cannot be compared, and what cannot be proved ---

REFUSED = {
    "-A INPUT -m addrtype --dst-type LOCAL -j DROP": "which addresses belong to this machine",
    "-A INPUT -m conntrack --ctstate DNAT -j DROP": "give the scope a host",
    "-t mangle -A INPUT -p tcp -j TCPOPTSTRIP --strip-options 8": "what it changes is not followed",
    "-t mangle -A INPUT -j HMARK --hmark-tuple src --hmark-mod 2 --hmark-rnd 1": "not computed",
    "-A INPUT -j NFQUEUE": "cannot compare",
    "-A INPUT -p tcp -m osf --genre Linux -j DROP": "cannot compare `-m osf",
    "-A INPUT -s 10.0.0.1/255.0.0.255 -j DROP": "holes",
}


@pytest.mark.parametrize("rule", REFUSED)
def test_what_nobody_can_tell_is_said(rule: str) -> None:
    with pytest.raises(CannotCompare) as caught:
        compare(read_rules(rule), read_rules("-A INPUT -j DROP"))
    assert REFUSED[rule] in str(caught.value)


def test_rules_that_no_packet_comes_to_are_not_asked() -> None:
    unused = read_rules("-t mangle -N UNUSED\n-t mangle -A UNUSED -p tcp -j ECN --ecn-tcp-remove")
    assert compare(unused, read_rules("")).same


HOSTILE = {
    "marks by chance": "\n".join(
        f"-t mangle -A INPUT -m statistic --mode random --probability 0.5 -j MARK --xor-mark {n}"
        for n in range(1, 180)
    ),
    "limits": "\n".join(
        f"-A INPUT -m limit --limit {n}/min -j {('DROP', 'ACCEPT')[n % 2]}" for n in range(1, 201)
    ),
    "deep jumps": "-N C0\n-A INPUT -j C0\n"
    + "\n".join(f"-N C{n + 1}\n-A C{n} -p tcp -j C{n + 1}" for n in range(500)),
    "chains": "\n".join(f"-N C{n}" for n in range(2000)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_too_much_is_soon_answered_or_refused(name: str) -> None:
    with a_moment(2):
        rules = read_rules(HOSTILE[name])
        try:
            assert compare(read_rules("-A INPUT -p tcp --dport 22 -j DROP"), rules).difference
        except CannotCompare as refused:
            assert "so many rules of chance" in str(refused)  # noqa: PT017


def test_beyond_its_budget_a_comparison_only_tries_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bouts, "BUDGET", 3)
    monkeypatch.setattr(bouts, "TRIES", 200)
    lines = ["-A INPUT -p tcp --dport 22 -j DROP", "-A INPUT -p udp -j DROP"]
    one, two = (read_rules("\n".join(order)) for order in (lines, reversed(lines)))
    found = compare(one, two)
    assert found.same
    assert not found.proven
    assert "not proven" in str(found)
    assert compare(one, read_rules("-A INPUT -p udp -j DROP")).difference
    assert compare(one, one).proven  # equal rules need no diagram


# --- the campaign, a small piece of it ---


@pytest.mark.parametrize("name", REFERENCES)
def test_mutants_are_caught_and_rewrites_are_not(name: str) -> None:
    score = campaign(REFERENCES[name], Effort(count=6, tries=30, packets=30, seed=7))
    assert score.wrong == []
    assert score.different


# --- masks mean what the rules' own conditions say ---


@pytest.mark.parametrize("name", REFERENCES)
def test_an_atom_answers_like_its_first_and_its_last_value(name: str) -> None:
    reference: Reference = REFERENCES[name]
    rules = reference.read(reference.text)
    for ground in entries(rules, rules, reference.scope):
        space = Bout(rules.tables, rules.tables, ground).prepared().space
        for axis, conditions in space.wanted.conditions.items():
            for condition in conditions.values() if axis in space.level else ():
                mask = space.mask(condition, axis)
                for at in range(len(space.atoms[space.level[axis]])):
                    for thing in (space.first_of(axis, at), space.last_of(axis, at)):
                        assert space.holds(condition, axis, thing) == bool(mask >> at & 1)


def test_rule_sets_of_different_families_are_not_compared() -> None:
    with pytest.raises(CannotCompare, match="never see the same packets"):
        compare(Ruleset(), Ruleset.parse("*filter\nCOMMIT\n", 6))


def test_output_asks_about_the_interface_that_was_chosen_first() -> None:
    """After a DNAT in OUTPUT the packet leaves elsewhere, but ``-o`` there still names the old."""
    first = (
        "*nat\n-A OUTPUT -d 203.0.113.80 -p tcp --dport 80 -j DNAT --to-destination 192.168.1.10\n"
        "COMMIT\n"
    )
    scope = Scope(host=Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24"))

    def differs(chain: str, interface: str) -> bool:
        # of the translated packet alone: no rule but the first makes one of port 80 go there
        rule = f"-A {chain} -o {interface} -d 192.168.1.10 -p tcp --dport 80 -m mark --mark 0"
        table = "filter" if chain == "OUTPUT" else "mangle"
        second = f"{first}*{table}\n{rule} -m conntrack --ctstate NEW -j DROP\nCOMMIT\n"
        found = compare(Ruleset.parse(first), Ruleset.parse(second), scope)
        return found.difference is not None and str(found.difference.case.packet.dst) == (
            "203.0.113.80"
        )

    assert differs("OUTPUT", "eth0")
    assert not differs("OUTPUT", "eth1")


# --- rules that ask for too much: an answer in a moment, or an honest refusal ---

TO_WEB = "-t nat -A PREROUTING -p tcp"
DEMANDING = {
    "many ranges of servers": "".join(
        f"{TO_WEB} --dport {n} -j DNAT --to-destination 192.168.1.{n % 9 + 1}-192.168.1.12\n"
        for n in range(1_000, 1_120)
    ),
    "a large network for another": "-t nat -A PREROUTING -d 1.0.0.0/16 -j NETMAP --to 2.0.0.0/16",
    "many networks for others": "".join(
        f"-t nat -A PREROUTING -d 203.0.{n}.0/24 -j NETMAP --to 192.168.{n}.0/24\n"
        for n in range(40)
    ),
    "many ports by all kinds of flags": "".join(
        f"-A INPUT -p tcp -m multiport --ports {n},{n + 9},{n + 30} -m tcp --tcp-flags ALL {flags} "
        f"-j {'DROP' if n % 2 else 'ACCEPT'}\n"
        for n in range(40)
        for flags in ("SYN", "ACK", "FIN", "SYN,ACK", "RST", "FIN,ACK")
    ),
    "many limits": "".join(
        f"-A INPUT -m limit --limit {n}/min -j {'DROP' if n % 2 else 'ACCEPT'}\n"
        for n in range(1, 200)
    ),
    "many bytes changed twice": 2
    * "".join(
        f"-t mangle -A INPUT -p tcp --dport {n} -j TOS --set-tos {n}/{n * 7 % 256}\n"
        for n in range(1, 151)
    ),
    "many bytes changed because of their value": "".join(
        f"-t mangle -A INPUT -m tos --tos {n % 256} -j TOS --set-tos {n * 3 % 256}/{n * 7 % 256}\n"
        for n in range(300)
    ),
    "many marks of connections": "".join(
        f"-t mangle -A PREROUTING -p tcp --dport {n} -j CONNMARK --set-xmark {n}/{n * 37}\n"
        f"-t mangle -A INPUT -m connmark --mark {n} -j CONNMARK --restore-mark\n"
        for n in range(1, 100)
    ),
}


@pytest.mark.parametrize("name", DEMANDING)
def test_rules_that_ask_for_too_much_are_answered_in_a_moment(name: str) -> None:
    one, two = read_rules(DEMANDING[name]), read_rules(f"{DEMANDING[name]}\n-N unused")
    with a_moment(2), suppress(CannotCompare):
        assert compare(one, two, Scope(host=ROUTER)).same
