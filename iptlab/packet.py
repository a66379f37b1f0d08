"""A packet's headers as one frozen value, and its one-line text form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum, IntFlag
from ipaddress import IPv4Address, IPv6Address, ip_address
from operator import attrgetter, le
from typing import NamedTuple, Self
from urllib.parse import quote_from_bytes, unquote_to_bytes

from iptlab.errors import PacketError
from iptlab.names import (
    ICMP_TYPES,
    ICMPV6_TYPES,
    SCTP_CHUNK_FLAGS,
    SCTP_CHUNKS,
    protocol_names,
    protocol_numbers,
    service_port,
)
from iptlab.shown import Shown

Address = IPv4Address | IPv6Address


class Family(IntEnum):
    """IPv4 rules (``iptables``) or IPv6 rules (``ip6tables``)."""

    IPV4 = 4
    IPV6 = 6

    @property
    def bits(self) -> int:
        """How many bits an address has."""
        return 32 if self is Family.IPV4 else 128


class Protocol(IntEnum):
    """The protocols whose headers iptlab knows by field; any other number is allowed too.

    Source: IANA protocol numbers, /etc/protocols
    """

    ICMP = 1
    TCP = 6
    UDP = 17
    DCCP = 33
    ICMPV6 = 58
    ESP = 50
    AH = 51
    SCTP = 132
    UDPLITE = 136

    @property
    def has_ports(self) -> bool:
        """Whether the protocol's header carries a source and a destination port."""
        return self in _WITH_PORTS


# the largest number that fits into each field; the first four may be missing
_LIMITS: dict[str, int] = {
    **dict.fromkeys(("sport", "dport", "mss"), 65535),
    "spi": 0xFFFFFFFF,
    **dict.fromkeys(("protocol", "ttl", "tos"), 255),
    **dict.fromkeys(("length", "id", "window", "echo_id", "echo_seq", "mtu"), 65535),
    **dict.fromkeys(("mark", "seq", "ack", "vtag", "init_tag"), 0xFFFFFFFF),
    "fragment": 8191,
    "flow_label": 0xFFFFF,
}
_CALLED = {"sport": "source port", "dport": "destination port", "flow_label": "flow label"}
_ALWAYS_GIVEN: Callable[[Packet], tuple[int, ...]] = attrgetter(*list(_LIMITS)[4:])
_MOST = tuple(_LIMITS.values())[4:]

_WITH_PORTS = {Protocol.TCP, Protocol.UDP, Protocol.DCCP, Protocol.SCTP, Protocol.UDPLITE}


class TcpFlags(IntFlag):
    """The TCP flags, in the order iptables prints them; ALL are the six of ``--tcp-flags``.

    ECE and CWR speak of congestion; only ``-m ecn`` and the log ask for them.
    """

    NONE = 0
    FIN = 1
    SYN = 2
    RST = 4
    PSH = 8
    ACK = 16
    URG = 32
    ECE = 64
    CWR = 128
    ALL = 63

    @classmethod
    def parse(cls, text: str) -> Self:
        """Flags from comma-separated names; KeyError for an unknown one."""
        flags = cls.NONE
        for name in text.split(","):
            flags |= cls[name.upper()]
        return flags

    def __str__(self) -> str:
        """Names joined by commas, ``NONE`` for no flag at all."""
        return ",".join(name for name, bit in _FLAG_BITS if self & bit) or "NONE"


# what Linux offers as a receive window at first, with Ethernet's packet size
USUAL_WINDOW = 64240

_FLAG_BITS = tuple((flag.name or "", flag) for flag in TcpFlags if flag)


@dataclass(frozen=True, slots=True)
class IcmpType:
    """An ICMP or ICMPv6 message: its type and code."""

    type: int
    code: int = 0

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """``echo-request``, ``8`` or ``3/1``; PacketError for anything else."""
        table = ICMP_TYPES if family is Family.IPV4 else ICMPV6_TYPES
        if text in table and text != "any":
            number, code = table[text]
            return cls(number, code or 0)
        if match := re.fullmatch(r"(\d+)(?:/(\d+))?", text):
            number, code = int(match[1]), int(match[2] or 0)
            if max(number, code) <= 255:
                return cls(number, code)
        raise PacketError(
            f"`{text}' is no {'ICMP' if family is Family.IPV4 else 'ICMPv6'} type; "
            f"write a name such as echo-request or numbers such as 3/1"
        )

    def is_error(self, family: Family) -> bool:
        """Whether it reports trouble with another packet, and quotes that packet.

        Kernel: include/net/icmp.h (icmp_is_err), net/ipv6/icmp.c (types below 128)
        """
        return self.type < 128 if family is Family.IPV6 else self.type in (3, 4, 5, 11, 12)

    def __str__(self) -> str:
        return f"type {self.type}, code {self.code}"

    def named(self, family: Family) -> str:
        """The type's name if it has one, else ``TYPE/CODE``."""
        table = ICMP_TYPES if family is Family.IPV4 else ICMPV6_TYPES
        exact = (self.type, self.code)
        loose = (self.type, None)
        for name, key in table.items():
            if key == exact or (key == loose and self.code == 0):
                return name
        return f"{self.type}/{self.code}"


@dataclass(frozen=True, slots=True)
class Packet(Shown):
    """One IP packet, as far as rules can see it.

    ``length`` is the size in bytes from the IP header on; ``mark`` is the kernel's nfmark,
    which travels with the packet but is never sent. ``mss`` is the TCP option of a SYN,
    ``spi`` the number of an IPsec packet's security association, ``chunks`` are SCTP's
    (``INIT``, ``DATA:BE``), ``vtag`` is SCTP's verification tag and ``init_tag`` the one that an
    INIT asks the other side to use. ``fragment`` is a later fragment's offset in units of
    8 bytes, and ``payload`` what follows the headers; None means that nobody said.
    ``quoted`` is the packet that an ICMP error is about, ``mtu`` the size that it asks for.
    ``echo_id`` and ``echo_seq`` tell an ICMP question and its answer from others.
    ``intact`` is whether the checksums are right, ``df`` that no router may cut the packet.

    >>> Packet.parse("tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN").dport
    22
    """

    src: Address
    dst: Address
    protocol: int = Protocol.TCP
    sport: int | None = None
    dport: int | None = None
    flags: TcpFlags = TcpFlags.NONE
    icmp: IcmpType | None = None
    mark: int = 0
    ttl: int = 64
    tos: int = 0
    length: int = field(default=0)
    mss: int | None = None
    spi: int | None = None
    chunks: tuple[str, ...] = ()
    fragment: int = 0
    payload: bytes | None = None
    id: int = 0
    df: bool = False
    flow_label: int = 0
    seq: int = 0
    ack: int = 0
    window: int = USUAL_WINDOW
    echo_id: int = 0
    echo_seq: int = 0
    vtag: int = 0
    init_tag: int = 0
    mtu: int = 0
    intact: bool = True
    quoted: Packet | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be one packet; fill in the shortest length its headers allow."""
        if self.src.version != self.dst.version:
            raise PacketError(
                f"{self.src} and {self.dst} are of different families; "
                "one packet is either IPv4 or IPv6"
            )
        numbers = _ALWAYS_GIVEN(self)
        fits = min(numbers) >= 0 and all(map(le, numbers, _MOST))
        ports_fit = 0 <= (self.sport or 0) <= 65535 and 0 <= (self.dport or 0) <= 65535
        if not (fits and ports_fit and self.mss is self.spi is None):
            self._refuse_number()
        if self.quoted and not (self.icmp and self.icmp.is_error(self.family)):
            raise PacketError("only an ICMP error quotes the packet that it is about")
        for name, owners in _OWNERS.items():
            if self.protocol not in owners and getattr(self, name) not in (None, ()):
                raise PacketError(
                    f"{name} belongs to {' and '.join(_name(owner) for owner in owners)}, "
                    f"not to {_name(self.protocol)}"
                )
        for chunk in self.chunks:
            name, _, flags = chunk.partition(":")
            if name not in SCTP_CHUNKS or set(flags) - set(SCTP_CHUNK_FLAGS.get(name, "")):
                raise PacketError(f"`{chunk}' is no SCTP chunk; write for example INIT or DATA:BE")
        shortest = self._shortest
        if not self.length:
            object.__setattr__(self, "length", shortest)
        elif self.length < shortest:
            raise PacketError(
                f"length {self.length} is shorter than the packet's headers, {shortest} bytes"
            )

    def _refuse_number(self) -> None:
        """Name the first field whose number does not fit, if there is one."""
        for name, most in _LIMITS.items():
            value = getattr(self, name)
            if value is not None and not 0 <= value <= most:
                shown = _CALLED.get(name, name)
                raise PacketError(f"{shown} {value} is out of range; it goes from 0 to {most}")

    @property
    def _shortest(self) -> int:
        """The bytes that its headers, options and payload need at least."""
        ip = 20 if self.family is Family.IPV4 else 40
        above = 0 if self.fragment else _HEADERS.get(self.protocol, 0)
        mss = 4 if self.mss is not None else 0
        return ip + above + mss + len(self.payload or b"") + self._quoted_size

    @property
    def data(self) -> int:
        """How many bytes a TCP segment carries; unless its payload is known, all that is left."""
        if self.payload is not None:
            return len(self.payload)
        return self.length - self._shortest

    @property
    def _quoted_size(self) -> int:
        """The bytes of a quoted packet: its IP header and 8 more are the least."""
        if self.quoted is None:
            return 0
        least = (20 if self.family is Family.IPV4 else 40) + 8
        return min(self.quoted.length, least)

    @property
    def family(self) -> Family:
        """The family of its addresses."""
        return Family.IPV4 if self.src.version == 4 else Family.IPV6

    def marked(self, mark: int) -> Packet:
        """The packet with another mark, in a fraction of the time of ``replace``."""
        if not 0 <= mark <= _LIMITS["mark"]:
            return replace(self, mark=mark)  # which says what is wrong
        twin = object.__new__(Packet)
        for name, value in zip(_FIELDS, _ALL_FIELDS(self), strict=True):
            object.__setattr__(twin, name, value)
        object.__setattr__(twin, "mark", mark)
        return twin

    def reply(self) -> Packet:
        """The packet with both ends swapped, as the other side would answer."""
        return replace(self, src=self.dst, dst=self.src, sport=self.dport, dport=self.sport)

    @classmethod
    def parse(cls, text: str) -> Packet:
        """The packet that a line such as ``udp 10.0.0.9:53 -> 10.0.0.1:53 ttl=3`` describes."""
        return _parse(text)

    def __str__(self) -> str:
        """The one-line text form; ``Packet.parse`` reads it back (an empty payload as unsaid)."""
        words = [_name(self.protocol), _end(self.src, self.sport), "->", _end(self.dst, self.dport)]
        if self.protocol == Protocol.TCP and not self.fragment:
            words.append(str(self.flags))
        if self.icmp:
            words.append(self.icmp.named(self.family))
        usual: dict[str, object] = {"length": self._shortest}
        for name, extra in _EXTRAS.items():
            value = getattr(self, name)
            if value not in (usual.get(name, extra.empty), b""):
                words.append(f"{name}={extra.show(value)}")
        words += ["df"] * self.df + ["damaged"] * (not self.intact)
        words += ["quotes", str(self.quoted)] if self.quoted else []
        return " ".join(words)

    def headers(self) -> Iterator[tuple[str, str]]:
        """Its fields by name, as text; left out is what it does not have or what is as usual."""
        yield "protocol", _name(self.protocol)
        for name in ("src", "sport", "dst", "dport"):
            if (value := getattr(self, name)) is not None:
                yield name, str(value)
        if self.protocol == Protocol.TCP and not self.fragment:
            yield "flags", str(self.flags)
        if self.icmp:
            yield "icmp", self.icmp.named(self.family)
        for name, extra in _EXTRAS.items():
            value = getattr(self, name)
            if name in _TELLING or value not in (extra.empty, b""):
                yield name, extra.show(value)
        for name in ("df", "intact", "quoted"):
            if (value := getattr(self, name)) not in (name == "intact", None):
                yield name, str(value)


_FIELDS = tuple(field.name for field in fields(Packet))
_ALL_FIELDS: Callable[[Packet], tuple[object, ...]] = attrgetter(*_FIELDS)


class _Extra(NamedTuple):
    """How a field is written and read as ``name=value``; ``empty`` is what is not written."""

    show: Callable[..., str]
    read: Callable[[str], object]
    empty: object = 0


def _number(text: str) -> int:
    return int(text, 0)


_EXTRAS = {
    "mark": _Extra(hex, _number),
    "ttl": _Extra(str, _number, 64),
    "tos": _Extra(hex, _number),
    "length": _Extra(str, _number),
    "mss": _Extra(str, _number, None),
    "spi": _Extra(hex, _number, None),
    "chunks": _Extra(",".join, lambda text: tuple(text.split(",")), ()),
    "fragment": _Extra(str, _number),
    "payload": _Extra(quote_from_bytes, unquote_to_bytes, None),
    "id": _Extra(str, _number),
    "flow_label": _Extra(str, _number),
    "seq": _Extra(str, _number),
    "ack": _Extra(str, _number),
    "window": _Extra(str, _number, USUAL_WINDOW),
    "echo_id": _Extra(str, _number),
    "echo_seq": _Extra(str, _number),
    "vtag": _Extra(hex, _number),
    "init_tag": _Extra(hex, _number),
    "mtu": _Extra(str, _number),
}
# these are worth telling even where they are as usual
_TELLING = ("mark", "ttl", "length")
# words that say something by standing there
_FLAGS: dict[str, dict[str, object]] = {"df": {"df": True}, "damaged": {"intact": False}}

# fields that only some protocols have
_OWNERS: dict[str, tuple[int, ...]] = {
    "mss": (Protocol.TCP,),
    "spi": (Protocol.ESP, Protocol.AH),
    "chunks": (Protocol.SCTP,),
}

# header lengths in bytes, RFC 791, 8200, 9293, 768, 792, 4443, 9260, 3828, 4303, 4302
_HEADERS: dict[int, int] = {
    Protocol.TCP: 20,
    Protocol.UDP: 8,
    Protocol.ICMP: 8,
    Protocol.ICMPV6: 8,
    Protocol.SCTP: 12,
    Protocol.UDPLITE: 8,
    Protocol.DCCP: 12,
    Protocol.ESP: 8,
    Protocol.AH: 12,
}


def _name(protocol: int) -> str:
    return protocol_names().get(protocol, str(protocol)).replace("ipv6-icmp", "icmpv6")


def _end(address: Address, port: int | None) -> str:
    if port is None:
        return str(address)
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


# from one end to the other, with blanks around or without
ARROW = re.compile(r"\s*(?:->|→)\s*")
_SHAPE = "write for example: tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN"


def _parse(text: str) -> Packet:
    text, quotes, quoted = text.partition(" quotes ")
    words = ARROW.sub(" -> ", text, count=1).split()
    if words[:1] == ["ctstate"]:
        raise PacketError(
            "the machine finds out itself which state a packet has: "
            f"leave `{' '.join(words[:2])}' out"
        )
    if len(words) < 4 or words[2] != "->":
        raise PacketError(f"`{text.strip()}' is not a packet; {_SHAPE}")
    protocol = _protocol(words[0])
    family = Family.IPV6 if words[1].count(":") > 1 else Family.IPV4
    fields: dict[str, object] = {}
    for word in words[4:]:
        extra = _read_extra(word, protocol, family)
        if flags := extra.get("flags"):  # parted by commas, or by blanks
            extra["flags"] = flags | fields.pop("flags", TcpFlags.NONE)  # type: ignore[operator]
        if twice := fields.keys() & extra.keys():
            raise PacketError(f"`{word}': the packet has its {twice.pop()} already; leave one out")
        fields |= extra
    whole = not fields.get("fragment")
    ported = whole and protocol in _WITH_PORTS
    src, sport = _read_end(words[1], protocol, ported=ported)
    dst, dport = _read_end(words[3], protocol, ported=ported)
    if whole and protocol == Protocol.TCP:
        fields.setdefault("flags", TcpFlags.SYN)
    if whole and protocol in (Protocol.ICMP, Protocol.ICMPV6):
        fields.setdefault("icmp", IcmpType(8 if protocol == Protocol.ICMP else 128))
    if quotes:
        fields["quoted"] = _parse(quoted)
    return Packet(src, dst, protocol, sport, dport, **fields)  # type: ignore[arg-type]


def _protocol(word: str) -> int:
    number = protocol_numbers().get(word.lower(), int(word) if word.isdecimal() else -1)
    if not 0 < number <= 255:
        raise PacketError(f"`{word}' is no protocol; write tcp, udp, icmp or a number up to 255")
    return number


def _read_end(word: str, protocol: int, *, ported: bool) -> tuple[Address, int | None]:
    """An address and, if the packet has ports, the port behind the last colon."""
    host, port = word, ""
    if match := re.fullmatch(r"\[(.+)\](?::(\w[\w-]*))?", word):
        host, port = match[1], match[2] or ""
    elif word.count(":") == 1:
        host, _, port = word.partition(":")
    try:
        address = ip_address(host)
    except ValueError:
        raise PacketError(f"`{host}' is no IP address; {_SHAPE}") from None
    if ported != bool(port):
        needs = "needs a port" if ported else "has no ports here"
        raise PacketError(f"`{word}': {_name(protocol)} {needs}; {_SHAPE}")
    return address, _port(port) if ported else None


def _port(word: str) -> int:
    port = int(word) if word.isdecimal() else service_port(word)
    if port is None or port > 65535:
        raise PacketError(f"`{word}' is no port; a port is a number from 0 to 65535")
    return port


def _read_extra(word: str, protocol: int, family: Family) -> dict[str, object]:
    """One word after the two ends: flags, an ICMP type, or name=value."""
    name, equals, value = word.partition("=")
    if equals and name in _EXTRAS:
        try:
            return {name: _EXTRAS[name].read(value)}
        except ValueError:
            raise PacketError(f"`{word}': {name} is a number") from None
    if word in _FLAGS:
        return _FLAGS[word]
    if protocol == Protocol.TCP:
        try:
            return {"flags": TcpFlags.parse(word)}
        except KeyError:
            names = ", ".join(name for name, _ in _FLAG_BITS)
            raise PacketError(f"`{word}' is no TCP flag; the flags are {names}, NONE") from None
    if protocol in (Protocol.ICMP, Protocol.ICMPV6):
        return {"icmp": IcmpType.parse(word, family)}
    raise PacketError(
        f"`{word}' is unknown; after the addresses come {', '.join(_EXTRAS)} as name=value, "
        f"or {' or '.join(_FLAGS)}"
    )
