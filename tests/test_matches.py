"""What matches answer; the same answers were counted by a kernel's rules."""

from __future__ import annotations

from datetime import datetime

import pytest

from iptlab import Packet, Ruleset
from iptlab.netfilter.context import CannotTell, Context, Owner
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.rules import Rule

TCP = "tcp 10.0.0.9:4000 -> 10.0.0.1:80"
UDP = "udp 10.0.0.9:5353 -> 10.0.0.1:53"
ERROR = "icmp 10.0.0.1 -> 10.0.0.9 port-unreachable"
QUOTED = f"quotes {UDP} payload=GET%20/"
SCTP = "sctp 10.0.0.9:7 -> 10.0.0.1:80"
ICMP = "icmp 10.0.0.9 -> 10.0.0.1"


def rule(text: str, *, family: int = 4, place: str = "mangle PREROUTING") -> Rule:
    """The one rule of a dump."""
    table, chain = place.split()
    dump = Ruleset.parse(f"*{table}\n-A {chain} {text}\nCOMMIT\n", family)
    return next(iter(dump.tables.values())).chains[chain].rules[0]


@pytest.mark.parametrize(
    ("text", "packet", "answer"),
    [
        ("-p tcp ! --dport 80:90", f"{TCP} SYN", False),
        # iptables-save forgets it, the kernel does not
        ("-p tcp ! --dport 0:65535", f"{TCP} SYN", False),
        ("-p tcp --tcp-flags SYN ACK", f"{TCP} SYN,ACK", False),
        ("-p tcp --syn", f"{TCP} SYN,PSH,URG", True),
        ("-p tcp --tcp-option 2", f"{TCP} SYN mss=1460", True),
        ("-p tcp ! --tcp-option 2", f"{TCP} SYN", True),
        ("-p tcp -m tcp", "tcp 10.0.0.9 -> 10.0.0.1 fragment=185", False),
        ("-p udp ! --dport 53", "udp 10.0.0.9 -> 10.0.0.1 fragment=185", False),
        ("-f", "udp 10.0.0.9 -> 10.0.0.1 fragment=185", True),
        ("-p udp --dport 90:80", "udp 10.0.0.9:1 -> 10.0.0.1:85", False),
        ("-p tcp -m multiport ! --ports 80,443", f"{TCP} SYN", False),
        ("-p tcp -m multiport ! --ports 81,443", f"{TCP} SYN", True),
        ("-p icmp --icmp-type 3", f"{ICMP} host-unreachable", True),
        ("-p icmp ! --icmp-type any", f"{ICMP} echo-request", False),
        ("-m mark --mark 0xf5/0xf", f"{UDP} mark=0xf5", False),
        ("-m mark ! --mark 0x1/0x1", f"{UDP} mark=0x2", True),
        ("-m length --length 28", UDP, True),
        ("-m length --length 200:100", UDP, False),
        ("-m ttl ! --ttl-eq 64", UDP, False),
        ("-m ttl --ttl-lt 5", f"{UDP} ttl=5", False),
        ("-m tos --tos Minimize-Delay", f"{UDP} tos=0xd0", True),
        ("-m tos --tos 0x10", f"{UDP} tos=0xd0", False),
        ("-m dscp --dscp-class EF", f"{UDP} tos=0xb9", True),
        ("-m ecn --ecn-ip-ect 1", f"{UDP} tos=0xb9", True),
        ("-p tcp -m ecn ! --ecn-tcp-ece --ecn-tcp-cwr", f"{TCP} ACK,CWR", True),
        ("-m iprange --src-range 10.0.0.5-10.0.0.9", UDP, True),
        ("-m iprange ! --dst-range 10.0.0.5-10.0.0.9", UDP, True),
        ("-p tcp -m tcpmss --mss 1400:1500", f"{TCP} SYN mss=1460", True),
        ("-p tcp -m tcpmss ! --mss 1400:1500", f"{TCP} SYN", True),
        ("-p sctp --chunk-types any INIT,ABORT", f"{SCTP} chunks=INIT", True),
        ("-p sctp --chunk-types all INIT,ABORT", f"{SCTP} chunks=INIT", False),
        ("-p sctp --chunk-types only INIT,ABORT", f"{SCTP} chunks=INIT", True),
        ("-p sctp --chunk-types any DATA:Ub", f"{SCTP} chunks=DATA:UB", False),
        ("-p esp --espspi 500:600", "esp 10.0.0.9 -> 10.0.0.1 spi=0x200", True),
        ("-p ah ! --ahspi 5", "ah 10.0.0.9 -> 10.0.0.1 spi=0x6", True),
        ("-m string --algo bm --string GET", f"{TCP} ACK payload=GET%20/", True),
        ("-m string --algo bm --string get --icase --to 43", f"{TCP} ACK payload=GET%20/", True),
        ("-m string --algo bm --string get --icase --to 42", f"{TCP} ACK payload=GET%20/", False),
        ("-m string --algo bm --string GET", f"{ERROR} length=63 {QUOTED}", True),
        ("-m string --algo bm --string GET", f"{ERROR} length=58 {QUOTED}", False),
        ("-m physdev ! --physdev-in eth+", UDP, True),
        ("-m devgroup --src-group 0", UDP, True),
        ("-m policy --dir in --pol none", UDP, True),
        ("-m policy --dir in --pol ipsec ! --proto esp", UDP, False),
    ],
)
def test_a_match_answers_as_the_kernel_does(text: str, packet: str, answer: bool) -> None:
    asked = rule(text)
    seen, context = Packet.parse(packet), Context(Hook.PREROUTING, "eth0")
    assert asked.holds(seen, context) is answer
    assert bool(asked.why_not(seen, context)) is not answer
    assert asked.explain()


@pytest.mark.parametrize(
    ("text", "packet", "answer"),
    [
        ("-p icmpv6 --icmpv6-type no-route", "icmpv6 fd00::9 -> fd00::1 no-route", True),
        ("-m hl --hl-gt 254", "udp [fd00::9]:1 -> [fd00::1]:2 ttl=255", True),
        ("-m frag", "udp [fd00::9]:1 -> [fd00::1]:2", False),
        ("-m rt ! --rt-type 0", "udp [fd00::9]:1 -> [fd00::1]:2", False),
        ("-m ipv6header --header prot", "udp [fd00::9]:1 -> [fd00::1]:2", True),
        ("-m ipv6header --header esp", "esp fd00::9 -> fd00::1", True),
        ("-m ipv6header ! --header esp --soft", "udp [fd00::9]:1 -> [fd00::1]:2", True),
        ("-m eui64", "udp [fe80::ff:feaa:bbcc]:1 -> [fd00::1]:2", True),
    ],
)
def test_an_ipv6_match_answers_as_the_kernel_does(text: str, packet: str, answer: bool) -> None:
    context = Context(Hook.PREROUTING, "eth0", mac="02:00:00:aa:bb:cc")
    assert rule(text, family=6).holds(Packet.parse(packet), context) is answer


@pytest.mark.parametrize(
    ("text", "owner", "answer"),
    [
        ("--uid-owner 1000", Owner(1000, 100), True),
        ("! --uid-owner 1000 --gid-owner 100", Owner(1001, 100), True),
        # a RST that the kernel made, and its ICMP errors
        ("--uid-owner 0", Owner(None, None, has_socket=False), False),
        ("! --uid-owner 0", Owner(None, None, has_socket=False), True),
        ("! --uid-owner 0", Owner(None, None), True),
        ("--socket-exists", Owner(None, None), True),
        ("--socket-exists", Owner(None, None, has_socket=False), False),
    ],
)
def test_the_kernel_owns_nothing(text: str, owner: Owner, answer: bool) -> None:
    asked = rule(f"-m owner {text}", place="filter OUTPUT")
    assert asked.holds(Packet.parse(UDP), Context(Hook.OUTPUT, owner=owner)) is answer


@pytest.mark.parametrize(
    ("text", "now", "answer"),
    [
        ("--timestart 09:00 --timestop 17:00", "2026-03-02T17:00:00", True),
        ("--timestart 09:00 --timestop 17:00", "2026-03-02T17:00:01", False),
        # the night from Monday to Tuesday: 2 March 2026 is a Monday
        ("--timestart 22:00 --timestop 06:00 --weekdays Mon", "2026-03-02T05:00:00", True),
        ("--timestart 22:00 --timestop 06:00 --weekdays Mon", "2026-03-03T05:00:00", False),
        (
            "--timestart 22:00 --timestop 06:00 --weekdays Mon --contiguous",
            "2026-03-03T05:00:00",
            True,
        ),
        ("! --monthdays 2", "2026-03-02T05:00:00", False),
        ("--datestop 2026-03-01", "2026-03-02T05:00:00", False),
    ],
)
def test_time_is_utc(text: str, now: str, answer: bool) -> None:
    context = Context(now=datetime.fromisoformat(now))
    assert rule(f"-m time {text}").holds(Packet.parse(UDP), context) is answer


def test_limited_to_an_interface_an_address_is_only_local_there() -> None:
    def types(address: object, interface: str) -> frozenset[str]:
        return frozenset({"LOCAL"} if interface in ("", "eth1") else {"UNICAST"})

    for interface, answer in (("eth0", False), ("eth1", True)):
        context = Context(Hook.PREROUTING, interface, address_types=types)
        asked = rule("-m addrtype --dst-type LOCAL --limit-iface-in")
        assert asked.holds(Packet.parse(UDP), context) is answer


@pytest.mark.parametrize(
    "text",
    [
        "-m addrtype --dst-type LOCAL",
        "-m mac --mac-source 02:00:00:00:00:01",
        "-m pkttype --pkt-type unicast",
        "-m time --timestart 09:00",
        "-m string --algo bm --string GET",
        "-m cpu --cpu 0",
        '-m u32 --u32 "6=1"',
        "-m rpfilter",
        "-m socket",
    ],
)
def test_nobody_can_tell_what_nobody_said(text: str) -> None:
    asked, context = rule(text), Context(Hook.PREROUTING, "eth0")
    assert isinstance(asked.holds(Packet.parse(UDP), context), CannotTell)
    assert "cannot tell" in asked.why_not(Packet.parse(UDP), context)


@pytest.mark.parametrize(
    "text",
    [
        f"{TCP} SYN,ECE,CWR mss=1460",
        f"{SCTP} chunks=INIT,DATA:BE",
        "esp 10.0.0.9 -> 10.0.0.1 spi=0x100",
        "udp 10.0.0.9 -> 10.0.0.1 fragment=185",
        f"{UDP} payload=GET%20/%00",
    ],
)
def test_a_packets_extras_are_read_and_printed_alike(text: str) -> None:
    assert str(Packet.parse(text)) == text
