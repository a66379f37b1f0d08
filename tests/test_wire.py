"""Packets as bytes: what is read out of them."""

from __future__ import annotations

import pytest

from iptlab.errors import PacketError
from iptlab.wire import decode

# as a network card would show them, from the IP header on
WHOLE = {
    "4510002c000940003f0627aa0a0000090a0000010fa0001600000007000000006002faf0796f0000020405b4": (
        "tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN ttl=63 tos=0x10 mss=1460 id=9 seq=7 df"
    ),
    "4500002b00000000400666c40a0000090a0000010fa0001600000007000000055018faf099ff0000616263": (
        "tcp 10.0.0.9:4000 -> 10.0.0.1:22 PSH,ACK payload=abc seq=7 ack=5 damaged"
    ),
    "4500002000000000401166c40a0000090a0000010fa00035000c173161626364": (
        "udp 10.0.0.9:4000 -> 10.0.0.1:53 payload=abcd"
    ),
    # a UDP checksum of 0 is none
    "4500002000000000401166c40a0000090a0000010fa00035000c000061626364": (
        "udp 10.0.0.9:4000 -> 10.0.0.1:53 payload=abcd"
    ),
    "4500001e00000000400166d60a0000090a00000108009694000700026162": (
        "icmp 10.0.0.9 -> 10.0.0.1 echo-request payload=ab echo_id=7 echo_seq=2"
    ),
    (
        "4500003800000000400166bc0a0000090a00000103040ba700000578"
        "4500001c00000000401166c80a0000090a0000010fa000350008dbff"
    ): (
        "icmp 10.0.0.9 -> 10.0.0.1 fragmentation-needed mtu=1400 "
        "quotes udp 10.0.0.9:4000 -> 10.0.0.1:53"
    ),
    (
        "45000034000000004084663d0a0000090a0000010fa0138800000000a48f68a0"
        "01000014000000110000ffff0001000100000001"
    ): ("sctp 10.0.0.9:4000 -> 10.0.0.1:5000 length=52 chunks=INIT init_tag=0x11"),
    "4500001800000000402f66ae0a0000090a00000161626364": "gre 10.0.0.9 -> 10.0.0.1 payload=abcd",
    # protocols that nobody knows are summed like ICMP
    "4500001800000000405966840a0000090a00000161626364": (
        "ospf 10.0.0.9 -> 10.0.0.1 payload=abcd damaged"
    ),
    "45000018000000004059668400000009000000016162 9e9d".replace(" ", ""): (
        "ospf 0.0.0.9 -> 0.0.0.1 payload=ab%9E%9D"
    ),
    (
        "608000050008110920010db800000000000000000000000920010db8000000000000000000000001"
        "0fa000350008948d"
    ): "udp [2001:db8::9]:4000 -> [2001:db8::1]:53 ttl=9 tos=0x8 flow_label=5",
    (
        "6000000000083a4020010db800000000000000000000000920010db8000000000000000000000001"
        "8000243800070002"
    ): "icmpv6 2001:db8::9 -> 2001:db8::1 echo-request echo_id=7 echo_seq=2",
    # a later fragment has no ports
    "45000020000000064011000000000009000000010fa00035000c173100000000": (
        "udp 0.0.0.9 -> 0.0.0.1 length=32 fragment=6"
    ),
}


@pytest.mark.parametrize(("data", "wanted"), WHOLE.items())
def test_the_headers_are_read(data: str, wanted: str) -> None:
    assert str(decode(bytes.fromhex(data))) == wanted


@pytest.mark.parametrize("data", WHOLE)
def test_the_length_is_that_of_the_header_even_if_the_end_is_missing(data: str) -> None:
    whole = bytes.fromhex(data)
    ports = 28 if whole[0] >> 4 == 4 else 48
    assert decode(whole[:ports]).length == decode(whole).length == len(whole)


@pytest.mark.parametrize("data", ["", "00", "45", "55" * 20, "60" + "00" * 30])
def test_what_is_no_packet_is_refused(data: str) -> None:
    with pytest.raises(PacketError, match=r"IP(v6)? header"):
        decode(bytes.fromhex(data))
