"""The packet's text form."""

from __future__ import annotations

import pytest
from hypothesis import given
from strategies import packets

from iptlab import Packet, PacketError


@pytest.mark.parametrize(
    "text",
    [
        "tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN",
        "tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN,ACK mark=0x4000 ttl=3",
        "tcp 10.0.0.9:4000 -> 10.0.0.1:22 NONE",
        "udp 10.0.0.9:5353 -> 224.0.0.251:5353",
        "icmp 10.0.0.9 -> 10.0.0.1 echo-request",
        "gre 10.0.0.9 -> 10.0.0.1",
        "tcp [2001:db8::9]:4000 -> [::1]:22 SYN",
        "icmpv6 fe80::1 -> ff02::1 router-advertisement",
    ],
)
def test_the_text_form_is_read_and_printed_alike(text: str) -> None:
    assert str(Packet.parse(text)) == text


@given(packets() | packets(family=6))
def test_every_packet_is_read_back(packet: Packet) -> None:
    assert Packet.parse(str(packet)) == packet


@given(packets())
def test_the_reply_of_a_reply_is_the_packet(packet: Packet) -> None:
    assert packet.reply().reply() == packet


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a packet"),
        ("knock knock", "is not a packet"),
        ("tcp 10.0.0.9:4000 to 10.0.0.1:22", "is not a packet"),
        ("tpc 10.0.0.9:4000 -> 10.0.0.1:22", "no protocol"),
        ("tcp 10.0.0.9 -> 10.0.0.1:22", "needs a port"),
        ("icmp 10.0.0.9:3 -> 10.0.0.1", "has no ports"),
        ("tcp 10.0.0.900:4000 -> 10.0.0.1:22", "no IP address"),
        ("tcp 10.0.0.9:4000 -> 10.0.0.1:70000", "no port"),
        ("tcp 10.0.0.9:4000 -> 10.0.0.1:22 SIN", "no TCP flag"),
        ("tcp 10.0.0.9:4000 -> 10.0.0.1:22 ttl=300", "ttl 300 is out of range"),
        ("tcp 10.0.0.9:4000 -> 10.0.0.1:22 ttl=x", "is a number"),
        ("tcp 10.0.0.9:4000 -> [::1]:22", "different families"),
        ("udp 10.0.0.9:4000 -> 10.0.0.1:22 loud", "unknown"),
        ("tcp 10.0.0.9:4000 -> 10.0.0.1:22 length=10", "shorter"),
        ("icmp 10.0.0.9 -> 10.0.0.1 echo-reqest", "no ICMP type"),
        ("icmp 10.0.0.9 -> 10.0.0.1 echo-request echo-reply", "has its icmp already"),
        ("tcp 10.0.0.9:4000 -> 10.0.0.1:22 ttl=3 ttl=4", "has its ttl already"),
    ],
)
def test_what_is_no_packet_is_refused_with_a_cure(text: str, says: str) -> None:
    with pytest.raises(PacketError, match=says):
        Packet.parse(text)


@pytest.mark.parametrize("flags", ["SYN,ACK", "SYN ACK", "ACK SYN", "ttl=64 SYN,ACK"])
def test_flags_may_be_parted_by_commas_or_blanks(flags: str) -> None:
    packet = Packet.parse(f"tcp 10.0.0.1:22 -> 10.0.0.9:4000 {flags}")
    assert str(packet) == "tcp 10.0.0.1:22 -> 10.0.0.9:4000 SYN,ACK"


def test_headers_leave_out_what_is_as_usual() -> None:
    packet = Packet.parse("udp 10.0.0.9:53 -> 10.0.0.1:53 tos=0x10 df")
    assert list(packet.headers()) == [
        *(("protocol", "udp"), ("src", "10.0.0.9"), ("sport", "53"), ("dst", "10.0.0.1")),
        *(("dport", "53"), ("mark", "0x0"), ("ttl", "64"), ("tos", "0x10"), ("length", "28")),
        ("df", "True"),
    ]
