"""Packets as bytes on the wire, and as the dictionaries of the recordings.

>>> packet = {"ip": 4, "src": "10.0.0.1", "dst": "10.0.0.2", "proto": "udp"}
>>> data = build(packet | {"sport": 9, "dport": 53, "data": 4})
>>> len(data), parse(data)["dport"]
(32, 53)
"""

from __future__ import annotations

import socket
import struct
from typing import Any

Packet = dict[str, Any]

NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58, "sctp": 132, "udplite": 136}
_NAMES = {number: name for name, number in NUMBERS.items()}
FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
CHUNKS = {
    **{0: "DATA", 1: "INIT", 2: "INIT_ACK", 3: "SACK", 4: "HEARTBEAT", 5: "HEARTBEAT_ACK"},
    **{6: "ABORT", 7: "SHUTDOWN", 8: "SHUTDOWN_ACK", 9: "ERROR", 10: "COOKIE_ECHO"},
    **{11: "COOKIE_ACK", 14: "SHUTDOWN_COMPLETE"},
}
# ICMP types that quote a packet, by family
ERRORS = {4: {3, 4, 5, 11, 12}, 6: {1, 2, 3, 4}}
# ICMP types with an identifier and a sequence number, by family
_QUERIES = {4: {0, 8, 13, 14, 15, 16, 17, 18}, 6: {128, 129}}
_ADDRESS = {4: socket.AF_INET, 6: socket.AF_INET6}
_PAYLOAD = b"abcdefghijklmnopqrstuvwxyz"


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    words = struct.unpack(f">{len(data) // 2 + len(data) % 2}H", data + b"\0" * (len(data) % 2))
    total: int = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def _crc32c_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC32C = _crc32c_table()


def _crc32c(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _CRC32C[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def payload(size: int) -> bytes:
    """The letters that fill every packet."""
    return (_PAYLOAD * (size // len(_PAYLOAD) + 1))[:size]


def _carried(packet: Packet) -> bytes:
    """What stands behind the headers: the bytes ``payload`` in hexadecimal, or letters."""
    said = packet.get("payload")
    return payload(packet.get("data", 0)) if said is None else bytes.fromhex(said)


def build(packet: Packet) -> bytes:
    """The packet from its IP header on; ``hex``, where given, is that already."""
    if "hex" in packet:
        return bytes.fromhex(packet["hex"])
    number: int = NUMBERS.get(packet["proto"]) or packet["proto"]
    body = _TRANSPORTS.get(packet["proto"], _plain)(packet)
    where = {"tcp": 16, "udp": 6, "udplite": 6, "icmp": 2, "icmpv6": 2}.get(packet["proto"])
    if where is not None:
        body = _with_checksum(packet, number, body, where)
    elif packet["proto"] == "sctp":
        total = _crc32c(body) ^ (0x5555 if packet.get("bad_csum") else 0)
        body = body[:8] + struct.pack("<I", total) + body[12:]
    return _ip_header(packet, number, len(body)) + body


def _with_checksum(packet: Packet, number: int, body: bytes, where: int) -> bytes:
    family = _ADDRESS[packet["ip"]]
    ends = socket.inet_pton(family, packet["src"]) + socket.inet_pton(family, packet["dst"])
    pseudo = b"" if packet["proto"] == "icmp" else ends + struct.pack(">II", len(body), number)
    total = checksum(pseudo + body)
    if total == 0 and number in (17, 136):
        total = 0xFFFF
    total ^= 0x5555 if packet.get("bad_csum") else 0
    return body[:where] + struct.pack(">H", total) + body[where + 2 :]


def _ip_header(packet: Packet, number: int, size: int) -> bytes:
    family = _ADDRESS[packet["ip"]]
    ends = socket.inet_pton(family, packet["src"]) + socket.inet_pton(family, packet["dst"])
    ttl, tos = packet.get("ttl", 64), packet.get("tos", 0)
    if packet["ip"] == 6:
        first = 6 << 28 | tos << 20 | packet.get("flowlabel", 0)
        return struct.pack(">IHBB", first, size, number, ttl) + ends
    offset = (packet.get("df", False) << 14) | 0
    start = struct.pack(">BBHHH", 0x45, tos, size + 20, packet.get("id", 0), offset)
    rest = struct.pack(">BB", ttl, number)
    total = checksum(start + rest + b"\0\0" + ends)
    return start + rest + struct.pack(">H", total) + ends


def _tcp(packet: Packet) -> bytes:
    words = packet["flags"].split(",")
    flags = sum(1 << n for n, name in enumerate(FLAGS) if name in words)
    options = struct.pack(">BBH", 2, 4, packet["mss"]) if packet.get("mss") else b""
    head = struct.pack(
        ">HHIIBBHHH",
        *(packet["sport"], packet["dport"], packet.get("seq", 0), packet.get("ack", 0)),
        *((20 + len(options)) << 2, flags, packet.get("win", 64240), 0, 0),
    )
    return head + options + _carried(packet)


def _udp(packet: Packet) -> bytes:
    data = _carried(packet)
    return struct.pack(">HHHH", packet["sport"], packet["dport"], len(data) + 8, 0) + data


def _icmp(packet: Packet) -> bytes:
    head = struct.pack(">BBH", packet["type"], packet["code"], 0)
    if "inner" in packet:
        mtu = packet.get("mtu", 0)
        return head + struct.pack(">I", mtu) + bytes.fromhex(packet["inner"])
    ends = struct.pack(">HH", packet.get("icmp_id", 0), packet.get("icmp_seq", 0))
    return head + ends + _carried(packet)


def _sctp(packet: Packet) -> bytes:
    tag, chunk = packet.get("itag", 0x1111), packet["chunk"]
    values = {
        "INIT": struct.pack(">IIHHI", tag, 65535, 1, 1, 1),
        "INIT_ACK": struct.pack(">IIHHI", tag, 65535, 1, 1, 1) + b"\0\7\0\10\xc0\x0c\x1e\0",
        "COOKIE_ECHO": b"cook",
        "DATA": struct.pack(">IHHI", 1, 0, 0, 0) + payload(packet.get("data", 4)),
    }
    value = values.get(chunk, b"")
    kind = next(number for number, name in CHUNKS.items() if name == chunk)
    flags = 3 if chunk == "DATA" else 0
    head = struct.pack(">HHII", packet["sport"], packet["dport"], packet["vtag"], 0)
    return head + struct.pack(">BBH", kind, flags, len(value) + 4) + value + bytes(-len(value) % 4)


def _plain(packet: Packet) -> bytes:
    return _carried(packet)


_TRANSPORTS = {
    **{"tcp": _tcp, "udp": _udp, "udplite": _udp, "icmp": _icmp, "icmpv6": _icmp, "sctp": _sctp}
}


def parse(data: bytes) -> Packet:
    """The header fields in the words of the recordings' ``exit``."""
    if data[0] >> 4 == 4:
        return _ipv4(data)
    first, _, number, ttl = struct.unpack_from(">IHBB", data)
    found: Packet = {
        "src": socket.inet_ntop(socket.AF_INET6, data[8:24]),
        "dst": socket.inet_ntop(socket.AF_INET6, data[24:40]),
        **{"ttl": ttl, "tos": first >> 20 & 0xFF, "len": len(data)},
    }
    return found | _transport(number, data[40:], 6)


def _ipv4(data: bytes) -> Packet:
    size = (data[0] & 15) * 4
    tos, length, _, offset, ttl, number = struct.unpack_from(">xBHHHBB", data)
    found: Packet = {
        "src": socket.inet_ntop(socket.AF_INET, data[12:16]),
        "dst": socket.inet_ntop(socket.AF_INET, data[16:20]),
        **{"ttl": ttl, "tos": tos, "len": length},
    }
    if offset & 0x4000:
        found["df"] = True
    return found | _transport(number, data[size:length], 4)


def _transport(number: int, body: bytes, family: int) -> Packet:
    proto = _NAMES.get(number, number)
    if proto == "tcp" and len(body) >= 20:
        return {"proto": proto} | _tcp_fields(body)
    if proto in ("udp", "udplite") and len(body) >= 8:
        sport, dport = struct.unpack_from(">HH", body)
        return {"proto": proto, "sport": sport, "dport": dport, "data": len(body) - 8}
    if proto in ("icmp", "icmpv6") and len(body) >= 8:
        return {"proto": proto} | _icmp_fields(body, family)
    if proto == "sctp" and len(body) >= 16:
        sport, dport, tag = struct.unpack_from(">HHI", body)
        chunk = CHUNKS.get(body[12], str(body[12]))
        return {"proto": proto, "sport": sport, "dport": dport, "vtag": tag, "chunk": chunk}
    return {"proto": proto, "data": len(body)}


def _tcp_fields(body: bytes) -> Packet:
    sport, dport, seq, ack, size, bits, window = struct.unpack_from(">HHIIBBH", body)
    names = ",".join(name for n, name in enumerate(FLAGS) if bits >> n & 1) or "NONE"
    found: Packet = {"sport": sport, "dport": dport, "seq": seq, "ack": ack, "win": window}
    found["flags"] = names
    at, end = 20, (size >> 4) * 4
    while at < end and body[at]:
        if body[at] == 1:
            at += 1
            continue
        if body[at] == 2:
            found["mss"] = struct.unpack_from(">H", body, at + 2)[0]
        at += max(body[at + 1], 2)
    return found | {"data": len(body) - end}


def _icmp_fields(body: bytes, family: int) -> Packet:
    kind, code, first, second = struct.unpack_from(">BBxxHH", body)
    found: Packet = {"type": kind, "code": code}
    if kind in ERRORS[family]:
        found["inner"] = _quoted(body[8:])
        too_big = (kind, code) == ((3, 4) if family == 4 else (2, 0))
        mtu = first << 16 | second
        return found | ({"mtu": mtu} if too_big and mtu else {})
    if kind in _QUERIES[family]:
        found |= {"icmp_id": first, "icmp_seq": second}
    return found | {"data": len(body) - 8}


def _quoted(data: bytes) -> Packet:
    """What an ICMP error tells about the packet that it quotes."""
    if len(data) < 20:
        return {}
    four = data[0] >> 4 == 4
    start, family, at, size = (
        ((data[0] & 15) * 4, socket.AF_INET, 12, 4) if four else (40, socket.AF_INET6, 8, 16)
    )
    number, ttl = (data[9], data[8]) if four else (data[6], data[7])
    found: Packet = {
        "src": socket.inet_ntop(family, data[at : at + size]),
        "dst": socket.inet_ntop(family, data[at + size : at + 2 * size]),
        "proto": _NAMES.get(number, number),
    }
    body = data[start:]
    if number in (6, 17, 132, 136) and len(body) >= 4:
        found["sport"], found["dport"] = struct.unpack_from(">HH", body)
    if number in (1, 58) and len(body) >= 8:
        kind, code, ident = struct.unpack_from(">BBxxH", body)
        found |= {"icmp_id": ident, "type": kind, "code": code}
    return found | {"ttl": ttl}
