"""Netlink as far as the box needs it: packets that probes report, and connections.

Kernel: include/uapi/linux/netfilter/nfnetlink_log.h, nfnetlink_conntrack.h
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

_NETFILTER = 12
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ERROR, _DONE = 2, 3
_SOL_NETLINK, _ADD_MEMBERSHIP, _NEW_CONNECTIONS, _NFT_TRACES = 270, 1, 1, 9
_ORIGINAL, _ZONE = 1, 18
_CTNETLINK, _ULOG, _NFTABLES = 1, 4, 10
_NFT_GETRULE, _NFT_TRACE = 7, 17
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_NFGEN = struct.Struct(">BBH")  # family, version, group or id

Attributes = dict[int, bytes]

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}

HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
CONNECTION_STATUS = {
    0x1: "EXPECTED",
    0x2: "SEEN_REPLY",
    0x4: "ASSURED",
    0x10: "SRC_NAT",
    0x20: "DST_NAT",
}
# include/uapi/linux/netfilter/nf_conntrack_tcp.h and nf_conntrack_sctp.h
TCP_STATES = [
    "NONE",
    "SYN_SENT",
    "SYN_RECV",
    "ESTABLISHED",
    "FIN_WAIT",
    "CLOSE_WAIT",
    "LAST_ACK",
    "TIME_WAIT",
    "CLOSE",
    "SYN_SENT2",
]
SCTP_STATES = [
    "NONE",
    "CLOSED",
    "COOKIE_WAIT",
    "COOKIE_ECHOED",
    "ESTABLISHED",
    "SHUTDOWN_SENT",
    "SHUTDOWN_RECD",
    "SHUTDOWN_ACK_SENT",
    "HEARTBEAT_SENT",
]
_PROTOCOLS = {
    **{1: "icmp", 6: "tcp", 17: "udp", 47: "gre"},
    **{58: "icmpv6", 132: "sctp", 136: "udplite"},
}


class Sighting(NamedTuple):
    """One packet at one place of the kernel, as a probe or TRACE reports it."""

    group: int
    prefix: str
    hook: str
    in_interface: str | None
    out_interface: str | None
    mark: int
    packet: str
    owner: int = 0  # with nft's traces: which packet took the step


def attributes(data: bytes) -> Attributes:
    """The attributes in ``data`` by their type, without the flag bits."""
    found, at = {}, 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        found[kind & 0x3FFF] = data[at + 4 : at + length]
        at += (length + 3) & ~3 or 4
    return found


def attribute(kind: int, data: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    return struct.pack("=HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and contents of every message in what one read gave."""
    at = 0
    while at + 16 <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        yield kind, data[at + 16 : at + length]
        at += (length + 3) & ~3


class Netfilter(socket.socket):
    """A netlink socket to netfilter in the network namespace where it was made."""

    def __init__(self) -> None:
        super().__init__(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)

    def ask(self, kind: int, flags: int, body: bytes) -> None:
        """Send one request."""
        header = _HEADER.pack(16 + len(body), kind, _REQUEST | flags, 1, 0)
        self.send(header + body)


class Listener(Netfilter):
    """Hears what NFLOG reports to the given groups, each packet at once and whole.

    It also hears what nft traces, which comes in the same order.
    """

    def __init__(self, groups: tuple[int, ...]) -> None:
        super().__init__()
        self.bind((0, 0))
        self.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, _NFT_TRACES)
        copy_whole_packets = attribute(2, struct.pack(">IBB", 0xFFFF, 2, 0))
        at_once = attribute(5, struct.pack(">I", 1))
        for group in groups:
            for command in (attribute(1, b"\1"), copy_whole_packets, at_once):
                body = _NFGEN.pack(socket.AF_UNSPEC, 0, group) + command
                self.ask(_ULOG << 8 | 1, _ACK, body)
                self._acknowledged()
        self.setblocking(False)

    def _acknowledged(self) -> None:
        for kind, body in messages(self.recv(65536)):
            code = struct.unpack_from("=i", body)[0]
            if kind == _ERROR and code:
                raise OSError(-code, "nfnetlink_log refuses to report packets")

    def heard(self) -> Iterator[Sighting]:
        """What was reported since the last call."""
        while True:
            try:
                data = self.recv(1 << 18)
            except BlockingIOError:
                return
            for kind, body in messages(data):
                if kind == _ULOG << 8:
                    yield _sighting(body)
                elif kind == _NFTABLES << 8 | _NFT_TRACE:
                    yield _trace(body)


def _sighting(body: bytes) -> Sighting:
    parts = attributes(body[4:])
    return Sighting(
        group=_NFGEN.unpack_from(body)[2],
        prefix=parts.get(10, b"").rstrip(b"\0").decode(errors="replace"),
        hook=HOOKS[parts[1][2]],
        in_interface=_interface(parts.get(4)),
        out_interface=_interface(parts.get(5)),
        mark=_number(parts.get(2)),
        packet=parts.get(9, b"").hex(),
    )


def _trace(body: bytes) -> Sighting:
    """One step of nft as TRACE would word it, with the rule's handle as its number.

    The end of a chain is a step like a rule, but without a handle.
    """
    parts = attributes(body[4:])
    table, chain = (parts[kind].rstrip(b"\0").decode() for kind in (1, 2))
    kind = ("", "policy", "return", "rule")[_number(parts[4])]
    words = f"{table}:{chain}:{kind}:{_number(parts.get(3))}"
    return Sighting(0, f"TRACE: {words}", "", None, None, 0, "", _number(parts[6]))


def rule_handles(family: int) -> dict[tuple[str, str], list[int]]:
    """The handles of nft's rules, in order, by table and chain."""
    found: dict[tuple[str, str], list[int]] = {}
    with Netfilter() as asker:
        body = _NFGEN.pack(_FAMILIES[family], 0, 0)
        asker.ask(_NFTABLES << 8 | _NFT_GETRULE, _DUMP, body)
        while True:
            for kind, rule in messages(asker.recv(1 << 18)):
                if kind in (_DONE, _ERROR):
                    return found
                parts = attributes(rule[4:])
                table, chain = (parts[kind].rstrip(b"\0").decode() for kind in (1, 2))
                found.setdefault((table, chain), []).append(_number(parts[3]))


def _number(data: bytes | None) -> int:
    return int.from_bytes(data or b"", "big")


def _interface(index: bytes | None) -> str | None:
    return socket.if_indextoname(_number(index)) if index else None


class Connections:
    """The table of connections, without a walk through all of the machine's.

    The kernel keeps one table for all namespaces, and to list it takes more time than all
    the rest. So this listens for new entries, and later asks for each by its addresses.
    """

    def __init__(self, family: int) -> None:
        self._family = _FAMILIES[family]
        self._news, self._questions = Netfilter(), Netfilter()
        self._news.bind((0, 0))  # without an address of its own it would hear nothing
        self._news.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, _NEW_CONNECTIONS)
        self._news.setblocking(False)
        self._known: dict[bytes, None] = {}

    def _learn(self) -> None:
        while True:
            try:
                data = self._news.recv(1 << 16)
            except BlockingIOError:
                return
            for _, body in messages(data):
                parts = attributes(body[4:])
                if body[0] == self._family:
                    zone = attribute(_ZONE, parts[_ZONE]) if _ZONE in parts else b""
                    self._known[attribute(0x8000 | _ORIGINAL, parts[_ORIGINAL]) + zone] = None

    def entries(self) -> list[dict[str, Any]]:
        """All connections, sorted, in the words of the recordings."""
        self._learn()
        found = []
        for name in list(self._known):
            self._questions.ask(_CTNETLINK << 8 | 1, 0, _NFGEN.pack(self._family, 0, 0) + name)
            kind, body = next(messages(self._questions.recv(1 << 14)))
            if kind == _ERROR:  # it is no more
                del self._known[name]
            else:
                found.append(_connection(attributes(body[4:])))
        return sorted(found, key=lambda entry: json.dumps(entry, sort_keys=True))


def _connection(parts: Attributes) -> dict[str, Any]:
    number, original = _tuple(parts[1])
    entry: dict[str, Any] = {
        "proto": _PROTOCOLS.get(number, str(number)),
        "orig": original,
        "reply": _tuple(parts[2])[1],
        "status": [word for bit, word in CONNECTION_STATUS.items() if _number(parts[3]) & bit],
    }
    if 4 in parts:
        inner = attributes(parts[4])
        for kind, names in ((1, TCP_STATES), (3, SCTP_STATES)):
            if kind in inner:
                entry["state"] = names[_number(attributes(inner[kind])[1])]
    # a zone of both directions stands by itself, one of the original direction in its tuple
    zone = _number(parts.get(_ZONE)) or _number(attributes(parts[_ORIGINAL]).get(3))
    for name, value in (("mark", _number(parts.get(8))), ("zone", zone)):
        if value:
            entry[name] = value
    return entry


def _tuple(data: bytes) -> tuple[int, dict[str, Any]]:
    """Protocol number and one direction of a connection."""
    parts = attributes(data)
    addresses, protocol = attributes(parts[1]), attributes(parts[2])
    family, first = (socket.AF_INET, 1) if 1 in addresses else (socket.AF_INET6, 3)
    found: dict[str, Any] = {
        "src": socket.inet_ntop(family, addresses[first]),
        "dst": socket.inet_ntop(family, addresses[first + 1]),
    }
    names = {2: "sport", 3: "dport", 4: "id", 5: "type", 6: "code", 7: "id", 8: "type", 9: "code"}
    number = protocol[1][0]
    if number in _PROTOCOLS:
        found |= {name: _number(protocol[kind]) for kind, name in names.items() if kind in protocol}
    return number, found
