"""What targets do to a packet, one line a case."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from iptlab.netfilter.actions import Action, Continue, NoTrack, SetConnmark, Translate, Undecided
from iptlab.netfilter.context import Connection, Context, Tuple
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.packet import Packet
from iptlab.ruleset import Ruleset

PACKET = Packet.parse("tcp 192.168.1.9:4000 -> 203.0.113.1:80 SYN mark=0x1f ttl=10 tos=0xb9")
FLOW = Tuple(PACKET.src, PACKET.dst, 4000, 80)
TRACKED = Context(
    Hook.PREROUTING,
    "eth0",
    connection=Connection(6, FLOW, Tuple(PACKET.dst, PACKET.src, 80, 4000), mark=0x1234),
)


def act(target: str, table: str = "mangle", context: Context = TRACKED) -> Action:
    """What ``-p tcp -j TARGET`` does to PACKET."""
    text = f"*{table}\n-A {context.hook} -p tcp -j {target}\nCOMMIT\n"
    rule = Ruleset.parse(text).tables[TableName(table)].chains[context.hook].rules[0]
    assert rule.target
    return rule.target.act(PACKET, context)


@pytest.mark.parametrize(
    ("target", "field", "value"),
    [
        ("MARK --set-mark 0x80", "mark", 0x80),
        ("MARK --set-mark 0x80/0xf0", "mark", 0x8F),
        ("MARK --set-xmark 0x82/0xf0", "mark", 0x8D),
        ("MARK --and-mark 0xf", "mark", 0xF),
        ("MARK --or-mark 0x20", "mark", 0x3F),
        ("MARK --xor-mark 0x21", "mark", 0x3E),
        ("CONNMARK --restore-mark", "mark", 0x1234),
        ("CONNMARK --restore-mark --mask 0xf0", "mark", 0x3F),
        (
            "CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff00 --right-shift-mark 8",
            "mark",
            0x12,
        ),
        ("TOS --set-tos 0x10", "tos", 0x10),
        ("TOS --set-tos Minimize-Delay", "tos", 0x90),
        ("TOS --and-tos 0xf0", "tos", 0xB0),
        ("DSCP --set-dscp-class AF11", "tos", 0x29),
        ("ECN --ecn-ip-ect 2", "tos", 0xBA),
        ("TTL --ttl-set 0", "ttl", 0),
        ("TTL --ttl-dec 3", "ttl", 7),
        ("TTL --ttl-dec 11", "ttl", 0),
        ("TTL --ttl-inc 250", "ttl", 255),
    ],
)
def test_the_packet_goes_on_changed(target: str, field: str, value: int) -> None:
    action = act(target)
    assert isinstance(action, Continue)
    assert action.packet == replace(PACKET, **{field: value})


@pytest.mark.parametrize(
    ("target", "mark"),
    [
        ("CONNMARK --set-mark 5", 5),
        ("CONNMARK --set-mark 0x5/0xff", 0x1205),
        ("CONNMARK --set-mark 5 --left-shift-mark 4", 0x50),
        ("CONNMARK --or-mark 1", 0x1235),
        ("CONNMARK --save-mark", 0x1F),
        ("CONNMARK --save-mark --nfmask 0xf --ctmask 0xff", 0x120F),
        ("CONNMARK --save-mark --left-shift-mark 8", 0x1F00),
    ],
)
def test_the_connection_gets_a_mark(target: str, mark: int) -> None:
    action = act(target)
    assert isinstance(action, Continue)
    assert action.packet == PACKET
    (effect,) = action.effects
    assert isinstance(effect, SetConnmark)
    changed = effect.on(TRACKED).connection
    assert changed
    assert changed.mark == mark


def test_without_a_connection_there_is_nothing_to_mark() -> None:
    untracked = NoTrack().on(TRACKED)
    assert act("CONNMARK --set-mark 5", context=untracked) == Continue(
        PACKET, "no connection, nothing to mark"
    )


def test_a_mark_that_nobody_described_cannot_be_restored() -> None:
    assert isinstance(act("CONNMARK --restore-mark", context=Context(Hook.INPUT)), Undecided)


@pytest.mark.parametrize(
    ("hook", "target", "note"),
    [
        ("PREROUTING", "DNAT --to-destination 10.0.0.1:8080", "new destination 10.0.0.1:8080"),
        ("PREROUTING", "DNAT --to-destination :81-89", "new destination port 81-89"),
        ("OUTPUT", "REDIRECT", "new destination the incoming interface's address"),
        ("POSTROUTING", "SNAT --to-source 10.0.0.1-10.0.0.9", "new source 10.0.0.1-10.0.0.9"),
        (
            "POSTROUTING",
            "MASQUERADE --to-ports 1024-2047",
            "new source the outgoing interface's address, port 1024-2047",
        ),
        ("PREROUTING", "NETMAP --to 10.1.0.0/16", "new destination in 10.1.0.0/16"),
        ("INPUT", "NETMAP --to 10.1.0.0/16", "new source in 10.1.0.0/16"),
    ],
)
def test_nat_says_what_the_connection_gets(hook: str, target: str, note: str) -> None:
    action = act(target, "nat", replace(TRACKED, hook=Hook(hook)))
    assert isinstance(action, Translate)
    assert action.note == note


def test_a_port_may_keep_its_distance_from_a_base() -> None:
    action = act("DNAT --to-destination 10.0.0.1-10.0.0.2:80-90/8080 --persistent", "nat")
    assert isinstance(action, Translate)
    assert action.addresses == (IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"))
    assert (action.ports, action.base, action.persistent) == ((80, 90), 8080, True)
