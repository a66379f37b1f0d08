"""Packets as bytes on the wire: from the IP header on, read into a ``Packet``."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from iptlab.errors import PacketError
from iptlab.names import SCTP_CHUNK_FLAGS, SCTP_CHUNKS
from iptlab.packet import Family, IcmpType, Packet, Protocol, TcpFlags

_CHUNK_NAMES = {number: name for name, number in SCTP_CHUNKS.items()}
_MSS_OPTION = 2


def decode(data: bytes) -> Packet:
    """The packet in ``data``, which may end early, as a packet quoted by an ICMP error does.

    Fields that are cut off stay at their usual values. A packet that is whole is ``intact`` only
    if the checksum of its transport header is right.

    Source: RFC 791, 8200, 9293, 768, 792, 4443, 9260, 4303, 4302
    """
    if len(data) < 20 or data[0] >> 4 not in (4, 6):
        raise PacketError(f"these {len(data)} bytes do not begin with an IP header")
    return _ipv4(data) if data[0] >> 4 == 4 else _ipv6(data)


def _ipv4(data: bytes) -> Packet:
    head, tos, length, number, fragment, ttl, protocol, _, src, dst = struct.unpack_from(
        "!BBHHHBBH4s4s", data
    )
    return _above(
        Packet(
            IPv4Address(src),
            IPv4Address(dst),
            protocol,
            ttl=ttl,
            tos=tos,
            id=number,
            df=bool(fragment & 0x4000),
            fragment=fragment & 0x1FFF,
        ),
        data[(head & 15) * 4 :],
        length,
    )


def _ipv6(data: bytes) -> Packet:
    if len(data) < 40:
        raise PacketError(f"these {len(data)} bytes are too few for an IPv6 header, 40 bytes")
    first, length, protocol, ttl, src, dst = struct.unpack_from("!IHBB16s16s", data)
    return _above(
        Packet(
            IPv6Address(src),
            IPv6Address(dst),
            protocol,
            ttl=ttl,
            tos=first >> 20 & 0xFF,
            flow_label=first & 0xFFFFF,
        ),
        data[40:],
        length + 40,
    )


def _above(packet: Packet, rest: bytes, length: int) -> Packet:
    """The packet with what its transport header says."""
    known = {} if packet.fragment else _READERS.get(packet.protocol, _unknown)(rest, packet)
    read = replace(packet, length=0, **known)
    headers = 20 if packet.family is Family.IPV4 else 40
    whole = not packet.fragment and len(rest) == length - headers
    if whole and read.length == length and read.payload is None:
        read = replace(read, payload=b"")
    intact = not whole or is_intact(packet, rest)
    return replace(read, length=max(length, read.length), intact=intact)


def is_intact(packet: Packet, rest: bytes) -> bool:
    """Whether the checksum of what follows the IP header is right.

    Protocols that iptlab does not know are summed as ICMP is, which the kernel does before it
    refuses one of their packets (net/netfilter/utils.c, nf_ip_checksum).

    Source: RFC 1071, 768 (a UDP checksum of 0 is none), 3828, 9260 (appendix B), 2784
    """
    match packet.protocol:
        case Protocol.SCTP:
            sums = int.from_bytes(rest[8:12], "little"), _crc32c(rest[:8] + bytes(4) + rest[12:])
            return sums[0] == sums[1]
        case Protocol.UDP if packet.family is Family.IPV4 and rest[6:8] == bytes(2):
            return True
        case Protocol.UDPLITE:
            covered = int.from_bytes(rest[4:6]) or len(rest)
            if not 8 <= covered <= len(rest) or rest[6:8] == bytes(2):
                return False
            return _folded(_pseudo(packet, len(rest)) + rest[:covered]) == 0xFFFF
        case Protocol.ICMP:
            return _folded(rest) == 0xFFFF
        case Protocol.ESP | Protocol.AH | Protocol.DCCP:
            return True
        case 47 if not rest[:1] or not rest[0] & _GRE_CHECKSUM:
            return True
        case Protocol.TCP | Protocol.UDP | Protocol.ICMPV6:
            return _folded(_pseudo(packet, len(rest)) + rest) == 0xFFFF
        case _:
            pseudo = b"" if packet.family is Family.IPV4 else _pseudo(packet, len(rest))
            return _folded(pseudo + rest) == 0xFFFF


_GRE_CHECKSUM = 0x80


def sums_up(packet: Packet, rest: bytes) -> bool:
    """Whether what follows the IP header would pass for a checksum and what it covers.

    Kernel: net/netfilter/utils.c (nf_ip_checksum, nf_ip6_checksum)
    """
    pseudo = b"" if packet.family is Family.IPV4 else _pseudo(packet, len(rest))
    return _folded(pseudo + rest) == 0xFFFF


def _pseudo(packet: Packet, size: int) -> bytes:
    """The addresses, length and protocol that a checksum covers besides the packet."""
    ends = packet.src.packed + packet.dst.packed
    return ends + struct.pack("!IHBB", size, 0, 0, packet.protocol)


def _folded(data: bytes) -> int:
    """The ones' complement sum of 16-bit words."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _crc32c(data: bytes) -> int:
    """The checksum of SCTP: CRC-32 with Castagnoli's polynomial."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 * (crc & 1)
    return crc ^ 0xFFFFFFFF


def _unknown(rest: bytes, packet: Packet) -> dict[str, Any]:
    return _payload(rest, 0)


def _ports(rest: bytes, packet: Packet) -> dict[str, Any]:
    sport, dport = struct.unpack_from("!HH", rest)
    return {"sport": sport, "dport": dport}


def _udp(rest: bytes, packet: Packet) -> dict[str, Any]:
    return {**_ports(rest, packet), **_payload(rest, 8)}


def _payload(rest: bytes, header: int) -> dict[str, Any]:
    return {"payload": rest[header:]} if len(rest) > header else {}


def _tcp(rest: bytes, packet: Packet) -> dict[str, Any]:
    known = _ports(rest, packet) | {"seq": int.from_bytes(rest[4:8])}
    if len(rest) < 20:
        return known
    ack, size, flags, window = struct.unpack_from("!IBBH", rest, 8)
    header = (size >> 4) * 4
    known |= {"ack": ack, "flags": TcpFlags(flags), "window": window}
    return known | {"mss": _mss(rest[20:header])} | _payload(rest, header)


def _mss(options: bytes) -> int | None:
    """The maximum segment size among the TCP options, None if it is not there."""
    while len(options) > 1 and options[0]:
        if options[0] == 1:
            options = options[1:]
        elif options[0] == _MSS_OPTION:
            return int.from_bytes(options[2:4])
        else:
            options = options[max(2, options[1]) :]
    return None


def _icmp(rest: bytes, packet: Packet) -> dict[str, Any]:
    kind = IcmpType(rest[0], rest[1])
    if kind.is_error(packet.family) and len(rest) >= 8 + 20:
        return {"icmp": kind, "mtu": int.from_bytes(rest[6:8]), "quoted": decode(rest[8:])}
    if len(rest) < 8 or kind.is_error(packet.family):
        return {"icmp": kind}
    number, seq = struct.unpack_from("!HH", rest, 4)
    return {"icmp": kind, "echo_id": number, "echo_seq": seq} | _payload(rest, 8)


def _sctp(rest: bytes, packet: Packet) -> dict[str, Any]:
    known = _ports(rest, packet) | {"vtag": int.from_bytes(rest[4:8])}
    chunks, at = [], 12
    while at + 4 <= len(rest):
        kind, flags, size = struct.unpack_from("!BBH", rest, at)
        if kind in _CHUNK_NAMES:
            chunks.append(_chunk(_CHUNK_NAMES[kind], flags))
        if kind in (1, 2) and at + 8 <= len(rest):
            known["init_tag"] = int.from_bytes(rest[at + 4 : at + 8])
        at += max(4, size + 3 & ~3)
    return known | {"chunks": tuple(chunks)}


def _chunk(name: str, flags: int) -> str:
    letters = "".join(one for one, bit in SCTP_CHUNK_FLAGS.get(name, {}).items() if flags & bit)
    return f"{name}:{letters}" if letters else name


def _esp(rest: bytes, packet: Packet) -> dict[str, Any]:
    return {"spi": int.from_bytes(rest[:4]), **_payload(rest, 8)} if len(rest) >= 4 else {}


def _ah(rest: bytes, packet: Packet) -> dict[str, Any]:
    return {"spi": int.from_bytes(rest[4:8])} if len(rest) >= 8 else {}


_READERS: dict[int, Callable[[bytes, Packet], dict[str, Any]]] = {
    Protocol.TCP: _tcp,
    Protocol.UDP: _udp,
    Protocol.UDPLITE: _udp,
    Protocol.DCCP: _ports,
    Protocol.SCTP: _sctp,
    Protocol.ICMP: _icmp,
    Protocol.ICMPV6: _icmp,
    Protocol.ESP: _esp,
    Protocol.AH: _ah,
}
