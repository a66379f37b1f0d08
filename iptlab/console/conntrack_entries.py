"""Entries of the connection table: how ``conntrack`` prints them, and which ones it is asked for.

Source: conntrack-tools 1.4.7, conntrack.c and the protocols in extensions/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from iptlab.console.complaint import ComplaintError, NotModelledError
from iptlab.names import protocol_names
from iptlab.netfilter.context import Connection, Tuple
from iptlab.packet import Address, Protocol
from iptlab.simulate.conntrack import PORTED
from iptlab.simulate.tcp import TcpState

TOOL = "conntrack v1.4.7 (conntrack-tools)"
_HELP = "Try `conntrack -h' or 'conntrack --help' for more information."
_ICMP = (Protocol.ICMP, Protocol.ICMPV6)
# extensions/libct_proto_*.c
_PROTOCOLS = {
    **{"tcp": 6, "udp": 17, "udplite": 136, "sctp": 132, "dccp": 33, "gre": 47},
    **{"icmp": 1, "icmpv6": 58, "ipv6-icmp": 58},
}
_NAMES = {number: name for name, number in reversed(_PROTOCOLS.items())} | {58: "icmpv6"}
_NAT = ("SRC_NAT", "DST_NAT")
_STATUSES = {"ASSURED", "SEEN_REPLY", "UNSET", "FIXED_TIMEOUT", "CONFIRMED", "UNREPLIED"} | {*_NAT}

Test = Callable[[Connection], bool]


def wrong(text: str) -> ComplaintError:
    """A command line that the tool does not take."""
    return ComplaintError(f"{TOOL}: {text}\n{_HELP}", 2)


# --- how an entry is printed ---


@dataclass(frozen=True)
class Format:
    """What ``-o`` asks for: the family before an entry, its number behind it."""

    extended: bool = False
    id: bool = False

    @classmethod
    def parse(cls, text: str) -> Format:
        """The words of ``-o``; those about time change nothing, as nobody keeps it."""
        words = set(text.split(","))
        if "xml" in words:
            raise NotModelledError("conntrack", "-o xml", "Write -o extended.")
        if unknown := words - {"extended", "id", "timestamp", "ktimestamp", "labels", "save"}:
            raise wrong(f"Bad parameter `{min(unknown)}'")
        return cls("extended" in words, "id" in words)

    def line(self, number: int, one: Connection) -> str:
        """An entry as the tool prints it.

        Source: libnetfilter_conntrack, src/conntrack/snprintf_default.c
        """
        family = one.original.src.version
        words = [f"ipv{family:<5} {2 if family == 4 else 10}"] if self.extended else []
        words.append(f"{_NAMES.get(one.protocol, 'unknown'):<8} {one.protocol} {one.expires}")
        words += [one.state] if one.state else []
        words += _ends(one.protocol, one.original)
        words += [] if "SEEN_REPLY" in one.status else ["[UNREPLIED]"]
        words += _ends(one.protocol, one.reply)
        words += ["[ASSURED]"] if "ASSURED" in one.status else []
        words.append(f"mark={one.mark}")
        words += [f"zone={zone}"] if (zone := one.zones[0]) else []
        words.append("use=1")
        words += [f"id={number}"] if self.id else []
        return " ".join(words)


PLAIN = Format()


def _ends(protocol: int, one: Tuple) -> Iterator[str]:
    yield f"src={one.src}"
    yield f"dst={one.dst}"
    if protocol in PORTED:
        yield f"sport={one.sport}"
        yield f"dport={one.dport}"
    elif protocol in _ICMP:
        yield f"type={one.dport // 256}"
        yield f"code={one.dport % 256}"
        yield f"id={one.sport}"


# --- which entries are meant ---


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise wrong(f"Invalid IP address `{text.partition('/')[0]}'") from None


def _address(direction: str, end: str) -> Callable[[str], Test]:
    def read(text: str) -> Test:
        wanted = _network(text)

        def test(one: Connection) -> bool:
            address: Address = getattr(getattr(one, direction), end)
            return address.version == wanted.version and address in wanted

        return test

    return read


def _port(direction: str, end: str) -> Callable[[str], Test]:
    def read(text: str) -> Test:
        number = _number(text)
        return lambda one: getattr(getattr(one, direction), end) == number

    return read


def _number(text: str) -> int:
    """A number as strtoul(3) reads it: 0 for a word that is none."""
    try:
        return int(text, 0)
    except ValueError:
        return int(text) if text.isdecimal() else 0


def _protocol(text: str) -> Test:
    known = _PROTOCOLS | {str(number): number for number in protocol_names()}
    if text.lower() not in known:
        raise wrong(f"`{text}' unsupported protocol")
    number = known[text.lower()]
    return lambda one: one.protocol == number


def _family(text: str) -> Test:
    versions = {"ipv4": 4, "inet": 4, "ipv6": 6, "inet6": 6}
    if text not in versions:
        raise wrong(f"`{text}' unsupported protocol")
    return lambda one: one.original.src.version == versions[text]


def _mark(text: str) -> Test:
    value, _, mask = text.partition("/")
    bits = _number(mask) if mask else 0xFFFFFFFF
    wanted = _number(value)
    return lambda one: one.mark & bits == wanted


def _zone(text: str) -> Test:
    number = _number(text)
    return lambda one: number in one.zones


def _status(text: str) -> Test:
    wanted = set(text.upper().split(","))
    if unknown := wanted - _STATUSES:
        raise wrong(f"Bad parameter `{min(unknown)}'")
    unreplied = {"UNREPLIED"} <= wanted
    wanted -= {"UNREPLIED", "UNSET"}

    def test(one: Connection) -> bool:
        return wanted <= one.status and not (unreplied and "SEEN_REPLY" in one.status)

    return test


def _state(text: str) -> Test:
    if text not in set(TcpState):
        raise wrong(f"unknown TCP state `{text}'")
    return lambda one: one.state == text


def _icmp_type(text: str) -> Test:
    number = _number(text)
    return lambda one: one.original.dport // 256 == number


def _translated(*sides: str) -> Callable[[str], Test]:
    """Entries of which NAT changed a side, if an address is given to that one."""

    def read(text: str) -> Test:
        wanted = _network(text) if text else None

        def test(one: Connection) -> bool:
            became = {"SRC_NAT": one.reply.dst, "DST_NAT": one.reply.src}
            changed = [became[side] for side in sides if side in one.status]
            return any(
                wanted is None or (new.version == wanted.version and new in wanted)
                for new in changed
            )

        return test

    return read


FILTERS: dict[str, Callable[[str], Test]] = {
    **dict.fromkeys(("-s", "--src", "--orig-src"), _address("original", "src")),
    **dict.fromkeys(("-d", "--dst", "--orig-dst"), _address("original", "dst")),
    **dict.fromkeys(("-r", "--reply-src"), _address("reply", "src")),
    **dict.fromkeys(("-q", "--reply-dst"), _address("reply", "dst")),
    **dict.fromkeys(("-p", "--protonum", "--proto"), _protocol),
    **dict.fromkeys(("-f", "--family"), _family),
    **dict.fromkeys(("-m", "--mark"), _mark),
    **dict.fromkeys(("-w", "--zone"), _zone),
    **dict.fromkeys(("-u", "--status"), _status),
}
# those of a protocol, which has to be named first
_OF_PROTOCOL: dict[str, Callable[[str], Test]] = {
    **dict.fromkeys(("--sport", "--orig-port-src"), _port("original", "sport")),
    **dict.fromkeys(("--dport", "--orig-port-dst"), _port("original", "dport")),
    "--reply-port-src": _port("reply", "sport"),
    "--reply-port-dst": _port("reply", "dport"),
}
_OF_TCP: dict[str, Callable[[str], Test]] = {**_OF_PROTOCOL, "--state": _state}
_OF_ICMP: dict[str, Callable[[str], Test]] = {"--icmp-type": _icmp_type}


def more(protocol: str) -> dict[str, Callable[[str], Test]]:
    """The options that a protocol brings."""
    number = _PROTOCOLS.get(protocol, _number(protocol))
    if number in _ICMP:
        return _OF_ICMP
    if number == Protocol.TCP:
        return _OF_TCP
    return _OF_PROTOCOL if number in PORTED else {}


NATTED = {
    **dict.fromkeys(("-n", "--src-nat"), _translated("SRC_NAT")),
    **dict.fromkeys(("-g", "--dst-nat"), _translated("DST_NAT")),
    **dict.fromkeys(("-j", "--any-nat"), _translated(*_NAT)),
}
