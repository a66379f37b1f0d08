"""What an ipset holds, said in conditions: the same packets, each in one case only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from iptlab.errors import CannotCompare
from iptlab.grading import read_rules
from iptlab.grading.compare import compare
from iptlab.grading.members import cases
from iptlab.grading.scope import Scope
from iptlab.matches.set import SetMatch
from iptlab.netfilter.context import Context
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.values import Given
from iptlab.packet import IcmpType, Packet, TcpFlags
from iptlab.simulate.host import Host
from iptlab.syntax.ipset import read_sets

# --- every kind of set against the simulator's own look into it ---

NETS = ("10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24", "10.1.1.7", "10.2.0.0/16", "192.0.2.0/24")
HOSTS = ("10.1.1.7", "10.1.1.8", "10.1.2.3", "10.2.0.1", "10.9.9.9", "192.0.2.1", "203.0.113.9")
PORTS = ("80", "udp:53", "sctp:80", "icmp:echo-request", "icmp:3/1", "dccp:0", "47:0", "22")
KINDS = {
    "hash:ip": (HOSTS,),
    "hash:ip netmask 24": (HOSTS[1:],),
    "bitmap:ip range 10.1.0.0/16": (HOSTS[:3],),
    "bitmap:port range 0-1024": (("22", "53", "80"),),
    "hash:net": (NETS,),
    "hash:ip,port": (HOSTS, PORTS),
    "hash:net,port": (NETS, PORTS),
    "hash:net,net": (NETS, NETS),
    "hash:ip,port,ip": (HOSTS[:2], PORTS[:2], HOSTS[:2]),
    "hash:ip,port,net": (HOSTS[:2], PORTS[:3], NETS),
    "hash:net,port,net": (NETS, PORTS, NETS),
    "hash:net,iface": (NETS, ("eth0", "eth1", "physdev:eth0")),
    "list:set": (("one", "two"),),
}
MEMBERS = """
create one hash:net
add one 10.1.0.0/16
add one 10.1.1.0/24 nomatch
create two hash:ip,port
add two 10.1.1.7,80
add two 10.2.0.1,udp:53
"""


def some_set(kind: str, lot: Random) -> str:
    """A set of that kind with elements by lot, as text."""
    lines = {f"create it {kind}"}
    for _ in range(lot.randint(1, 7)):
        parts = ",".join(map(lot.choice, KINDS[kind]))
        lines.add(f"add it {parts}")
    elements = sorted(lines - {f"create it {kind}"})
    hole = " nomatch" if NETS in KINDS[kind] else ""
    told = [line + (hole if lot.random() < 0.3 else "") for line in elements]
    return MEMBERS + "\n".join([f"create it {kind}", *told])


def packets(lot: Random) -> Iterator[tuple[Packet, Context]]:
    """Packets at a hook, of all protocols that sets tell apart, some of them fragments."""
    for _ in range(120):
        protocol = lot.choice((1, 6, 6, 6, 17, 17, 33, 47, 50, 58, 132, 200))
        fragment = lot.choice((0, 0, 0, 100))
        ported = protocol in (6, 17, 33, 132) and not fragment
        icmp = IcmpType(*lot.choice(((8, 0), (3, 1), (3, 2)))) if protocol == 1 else None
        port = lot.choice((22, 53, 80, 80)) if ported else None
        there = lot.choice((22, 53, 80, 80)) if ported else None
        hosts = lot.choice((HOSTS, HOSTS[:2]))
        src, dst = lot.choice(hosts), lot.choice(hosts)
        sample = Packet.parse(f"tcp {src}:1 -> {dst}:2")
        packet = replace(
            sample,
            protocol=protocol,
            sport=port,
            dport=there,
            flags=TcpFlags.NONE,
            icmp=None if fragment else icmp,
            fragment=fragment,
        )
        hook = Hook.FORWARD
        ends = (lot.choice(("eth0", "eth1", "eth2")) for _ in range(2))
        yield packet, Context(hook, *ends)


@pytest.mark.parametrize("kind", KINDS)
def test_cases_hold_the_packets_that_the_set_holds(kind: str) -> None:
    lot = Random(kind)
    inside = 0
    for _ in range(12):
        text = some_set(kind, lot)
        sets = read_sets(text)
        directions = ",".join(lot.choice(("src", "dst")) for _ in range(lot.choice((2, 3, 3))))
        hole = " --return-nomatch" * (lot.random() < 0.3)
        rules = read_rules(f"-A FORWARD -m set --match-set it {directions}{hole} -j DROP")
        (match,) = rules.tables[TableName.FILTER].chains["FORWARD"].rules[0].matches
        assert isinstance(match, SetMatch)
        turned = lot.random() < 0.5
        match = replace(match, match_set=Given(match.match_set.value, turned))
        found = cases(match, sets, fragments=True)
        assert found is not None
        for packet, context in packets(lot):
            holding = [all(one.answer(packet, context) for one in case) for case in found]
            expected = match.holds(packet, replace(context, sets=sets))
            assert sum(holding) == expected, (text, str(match), packet)
            inside += expected != turned
    assert inside > 5


# --- rule sets with and without them ---

SETS = read_sets(
    """
create bad hash:net
add bad 10.0.0.0/8
add bad 10.1.0.0/16 nomatch
create web hash:ip,port
add web 192.168.1.10,80
add web 192.168.1.10,443
add web 192.168.1.11,80
create marks hash:ip,mark
add marks 10.0.0.1,0x1
"""
)
SCOPE = Scope(hooks=(Hook.FORWARD,), sets=SETS)
HOLDS = "-A FORWARD -m set --match-set "
SAME = {
    "a network with a hole": (
        f"{HOLDS}bad src -j DROP",
        "-A FORWARD -s 10.1.0.0/16 -j ACCEPT\n-A FORWARD -s 10.0.0.0/8 -j DROP",
    ),
    "all outside of it": (
        "-A FORWARD -m set ! --match-set bad src -j DROP",
        "-A FORWARD -s 10.1.0.0/16 -j DROP\n-A FORWARD ! -s 10.0.0.0/8 -j DROP",
    ),
    "addresses with their ports": (
        f"-P FORWARD DROP\n{HOLDS}web dst,dst -j ACCEPT",
        "-P FORWARD DROP\n-A FORWARD -d 192.168.1.10/31 -p tcp --dport 80 -j ACCEPT\n"
        "-A FORWARD -d 192.168.1.10 -p tcp --dport 443 -j ACCEPT",
    ),
    "a chance for each packet, not for each element": (
        f"{HOLDS}web dst,dst -m statistic --mode random --probability 0.5 -j DROP",
        "-A FORWARD -d 192.168.1.10 -p tcp -m multiport --dports 80,443 "
        "-m statistic --mode random --probability 0.5 -j DROP\n"
        "-A FORWARD -d 192.168.1.11 -p tcp --dport 80 "
        "-m statistic --mode random --probability 0.5 -j DROP",
    ),
    "too few directions for it": (f"{HOLDS}web dst -j DROP", "-P FORWARD ACCEPT"),
}


@pytest.mark.parametrize("name", SAME)
def test_sets_are_compared_by_what_they_hold(name: str) -> None:
    one, two = map(read_rules, SAME[name])
    found = compare(one, two, SCOPE)
    assert found.same, found
    assert found.proven


def test_a_packet_shows_what_a_set_leaves_out() -> None:
    one = read_rules(f"{HOLDS}web dst,dst -j DROP")
    two = read_rules("-A FORWARD -d 192.168.1.10/31 -p tcp -m multiport --dports 80,443 -j DROP")
    found = compare(one, two, SCOPE).difference
    assert found is not None
    assert "-> 192.168.1.11:443" in found.situation
    assert not found.case.supposed


def test_sets_are_asked_about_what_nat_has_written() -> None:
    router = replace(Host.router(wan="203.0.113.1/24", lan="192.168.1.1/24"), sets=SETS)
    nat = "-t nat -A PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to-destination 192.168.1.1"
    rest = "1:80\n-P FORWARD DROP\n"
    ports = "-d 192.168.1.10/31 -p tcp --dport 80 -j ACCEPT\n"
    more = "-A FORWARD -d 192.168.1.10 -p tcp --dport 443 -j ACCEPT"
    one = read_rules(f"{nat}{rest}{HOLDS}web dst,dst -j ACCEPT")
    two = read_rules(f"{nat}{rest}-A FORWARD {ports}{more}")
    fewer = read_rules(f"{nat}{rest}-A FORWARD {ports}")
    scope = Scope(assume="-m conntrack --ctstate NEW").on(router)
    assert compare(one, two, scope).same
    assert compare(one, fewer, scope).difference is not None


def test_sets_of_which_nobody_knows_enough_are_free_questions() -> None:
    for holds in (f"{HOLDS}unknown src", f"{HOLDS}marks src,src"):
        found = compare(read_rules(f"{holds} -j DROP"), read_rules(""), SCOPE).difference
        assert found is not None
        assert found.case.supposed


def test_sets_of_too_many_kinds_are_refused() -> None:
    lines = [f"add many 10.0.{n}.1,{n},10.1.0.{n % 250}" for n in range(1, 250)]
    lines += [f"add many 10.0.{n}.1,{n + 1000},10.1.0.{n * 7 % 250}" for n in range(1, 250)]
    lines += [f"add many 10.0.{n}.1,{n + 2000},10.1.0.{n * 9 % 250}" for n in range(1, 250)]
    sets = read_sets("create many hash:ip,port,ip\n" + "\n".join(lines))
    one = read_rules(f"{HOLDS}many src,dst,dst -j DROP")
    with pytest.raises(CannotCompare, match="too many kinds"):
        compare(one, read_rules(""), Scope(sets=sets))
