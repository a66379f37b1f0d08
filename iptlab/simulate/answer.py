"""What a machine sends back by itself: ICMP errors and TCP resets.

Kernel: net/ipv4/icmp.c (icmp_send), net/ipv6/icmp.c (icmp6_send),
net/ipv4/netfilter/nf_reject_ipv4.c, net/ipv6/netfilter/nf_reject_ipv6.c
"""

from __future__ import annotations

from dataclasses import replace

from iptlab.packet import Address, Family, IcmpType, Packet, Protocol, TcpFlags
from iptlab.wire import sums_up

# type and code of each --reject-with; kernel: ipt_REJECT.c, ip6t_REJECT.c
REJECTIONS: dict[str, IcmpType] = {
    "icmp-net-unreachable": IcmpType(3, 0),
    "icmp-host-unreachable": IcmpType(3, 1),
    "icmp-proto-unreachable": IcmpType(3, 2),
    "icmp-port-unreachable": IcmpType(3, 3),
    "icmp-net-prohibited": IcmpType(3, 9),
    "icmp-host-prohibited": IcmpType(3, 10),
    "icmp-admin-prohibited": IcmpType(3, 13),
    "icmp6-no-route": IcmpType(1, 0),
    "icmp6-adm-prohibited": IcmpType(1, 1),
    "icmp6-addr-unreachable": IcmpType(1, 3),
    "icmp6-port-unreachable": IcmpType(1, 4),
    "icmp6-policy-fail": IcmpType(1, 5),
    "icmp6-reject-route": IcmpType(1, 6),
}
RESET = "tcp-reset"
# protocols whose damaged packets are answered all the same (nf_reject_verify_csum)
UNCHECKED = frozenset((Protocol.SCTP, Protocol.UDPLITE, Protocol.DCCP, Protocol.ESP, Protocol.AH))
_GRE = 47
_SUMMED = frozenset((Protocol.TCP, Protocol.UDP, Protocol.ICMP, Protocol.ICMPV6))
# how large an error may be, its own headers included (RFC 1812, RFC 4443)
_LARGEST = {Family.IPV4: 576, Family.IPV6: 1280}
# echo, timestamp, information and address mask, asked and answered
_DESERVING = frozenset((0, 8, 13, 14, 15, 16, 17, 18))
# precedence of messages that keep the network running, in the TOS byte
_INTERNETWORK_CONTROL = 0xC0


def reset(packet: Packet, ttl: int) -> Packet | None:
    """The RST that refuses a TCP segment in the name of its destination, None if none is due."""
    if packet.flags & TcpFlags.RST or packet.fragment or not packet.intact:
        return None
    v4 = packet.family is Family.IPV4
    phantom = bool(packet.flags & TcpFlags.SYN) + bool(packet.flags & TcpFlags.FIN)
    answer = Packet(
        packet.dst,
        packet.src,
        Protocol.TCP,
        packet.dport,
        packet.sport,
        ttl=ttl,
        df=v4,
        window=0,
        payload=b"",
        flags=TcpFlags.RST,
    )
    if packet.flags & TcpFlags.ACK:
        return replace(answer, seq=packet.ack)
    ack = packet.seq + packet.data + phantom & 0xFFFFFFFF
    return replace(answer, flags=TcpFlags.RST | TcpFlags.ACK, ack=ack)


def adds_up(packet: Packet) -> bool:
    """Whether REJECT believes a packet's checksum; it takes every unknown protocol to have one.

    Kernel: include/net/netfilter/nf_reject.h (nf_reject_verify_csum), net/netfilter/utils.c
    """
    if packet.protocol in UNCHECKED:
        return True
    carried = packet.payload
    if packet.protocol in _SUMMED or not carried:
        return packet.intact
    unsummed = packet.protocol == _GRE and not carried[0] & 0x80
    return unsummed or sums_up(packet, carried)


def deserves_error(packet: Packet) -> bool:
    """Whether an ICMP error may be sent about it: never about an error, nor a later fragment.

    Of ICMP's own messages only questions and answers that the kernel knows deserve one.

    Kernel: net/ipv4/icmp.c (icmp_pointers), net/ipv6/icmp.c (is_ineligible)
    """
    if packet.fragment:
        return False
    if packet.icmp is None or packet.family is Family.IPV6:
        return packet.icmp is None or not packet.icmp.is_error(packet.family)
    return packet.icmp.type in _DESERVING


def error(packet: Packet, kind: IcmpType, source: Address, ttl: int) -> Packet:
    """The ICMP error about a packet, quoting as much of it as fits."""
    v4 = packet.family is Family.IPV4
    headers = 28 if v4 else 48
    room = _LARGEST[packet.family] - headers
    return Packet(
        source,
        packet.src,
        Protocol.ICMP if v4 else Protocol.ICMPV6,
        icmp=kind,
        ttl=ttl,
        tos=packet.tos & 0x1E | _INTERNETWORK_CONTROL if v4 else 0,
        length=headers + min(packet.length, room),
        quoted=replace(packet, mark=0),
    )
