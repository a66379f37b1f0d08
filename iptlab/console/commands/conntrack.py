"""``conntrack``: what connection tracking remembers, listed, counted and forgotten.

Source: conntrack-tools 1.4.7, conntrack.c and the protocols in extensions/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from iptlab.console.command import Output, Session, register_command
from iptlab.console.complaint import ComplaintError, NotModelledError, complaining
from iptlab.names import protocol_names
from iptlab.netfilter.context import Connection, Tuple
from iptlab.packet import Address, Protocol
from iptlab.simulate.conntrack import PORTED
from iptlab.simulate.tcp import TcpState

_TOOL = "conntrack v1.4.7 (conntrack-tools)"
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

_LISTED, _DELETED, _EMPTIED, _COUNTED = "-L", "-D", "-F", "-C"
_COMMANDS = {
    **{"-L": _LISTED, "--dump": _LISTED, "-D": _DELETED, "--delete": _DELETED},
    **{"-F": _EMPTIED, "--flush": _EMPTIED, "-C": _COUNTED, "--count": _COUNTED},
}
# what it could do besides, and what to do instead
_ELSE = {
    **dict.fromkeys(("-E", "--event"), "It would wait for events; list the table with -L."),
    **dict.fromkeys(("-G", "--get"), "List with filters: -L -s ADDRESS -d ADDRESS."),
    **dict.fromkeys(("-I", "--create"), "Entries begin with packets: ping, curl, nc."),
    **dict.fromkeys(("-U", "--update"), "Marks are set by rules: -j CONNMARK."),
    **dict.fromkeys(("-S", "--stats"), "Count the entries with -C."),
}
_USAGE = """Command line interface for the connection tracking system. Version 1.4.7
Usage: conntrack [commands] [options]

Commands here:
  -L [table] [options]		List conntrack or expectation table
  -D [table] parameters		Delete conntrack or expectation
  -F [table]			Flush table
  -C [table]			Show counter

Options here:
  -s, --src, --orig-src ip		Source address from original direction
  -d, --dst, --orig-dst ip		Destination address from original direction
  -r, --reply-src ip		Source addres from reply direction
  -q, --reply-dst ip		Destination address from reply direction
  -p, --protonum proto		Layer 4 Protocol, eg. 'tcp'
  -f, --family proto		Layer 3 Protocol, eg. 'ipv6'
  -u, --status status		Set status, eg. ASSURED
  -w, --zone value		Set conntrack zone
  -m, --mark mark			Set mark
  -n, --src-nat ip			source NAT ip
  -g, --dst-nat ip			destination NAT ip
  -j, --any-nat ip			source or destination NAT ip
  -o, --output type[,...]		Output format, eg. extended,id
  --sport, --dport, --reply-port-src, --reply-port-dst port	with -p
  --state state		TCP state, eg. ESTABLISHED

"""

Test = Callable[[Connection], bool]


def _wrong(text: str) -> ComplaintError:
    """A command line that the tool does not take."""
    return ComplaintError(f"{_TOOL}: {text}\n{_HELP}", 2)


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
            raise _wrong(f"Bad parameter `{min(unknown)}'")
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
        raise _wrong(f"Invalid IP address `{text.partition('/')[0]}'") from None


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
        raise _wrong(f"`{text}' unsupported protocol")
    number = known[text.lower()]
    return lambda one: one.protocol == number


def _family(text: str) -> Test:
    versions = {"ipv4": 4, "inet": 4, "ipv6": 6, "inet6": 6}
    if text not in versions:
        raise _wrong(f"`{text}' unsupported protocol")
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
        raise _wrong(f"Bad parameter `{min(unknown)}'")
    unreplied = {"UNREPLIED"} <= wanted
    wanted -= {"UNREPLIED", "UNSET"}

    def test(one: Connection) -> bool:
        return wanted <= one.status and not (unreplied and "SEEN_REPLY" in one.status)

    return test


def _state(text: str) -> Test:
    if text not in set(TcpState):
        raise _wrong(f"unknown TCP state `{text}'")
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


_FILTERS: dict[str, Callable[[str], Test]] = {
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


def _more(protocol: str) -> dict[str, Callable[[str], Test]]:
    """The options that a protocol brings."""
    number = _PROTOCOLS.get(protocol, _number(protocol))
    if number in _ICMP:
        return _OF_ICMP
    if number == Protocol.TCP:
        return _OF_TCP
    return _OF_PROTOCOL if number in PORTED else {}


_NATTED = {
    **dict.fromkeys(("-n", "--src-nat"), _translated("SRC_NAT")),
    **dict.fromkeys(("-g", "--dst-nat"), _translated("DST_NAT")),
    **dict.fromkeys(("-j", "--any-nat"), _translated(*_NAT)),
}


# conntrack.c (optflags)
_LONG = {
    **{"-s": "src", "-d": "dst", "-r": "reply-src", "-q": "reply-dst", "-p": "protonum"},
    **{"-u": "status", "-m": "mark", "-f": "family", "-n": "src-nat", "-g": "dst-nat"},
    **{"-j": "any-nat", "-w": "zone"},
}


@dataclass(frozen=True)
class Request:
    """A command line as understood: what to do, with which entries, printed how.

    ``first`` is the long name of the first option that chooses entries.
    """

    command: str
    table: str = "conntrack"
    tests: tuple[Test, ...] = ()
    format: Format = Format()
    first: str = ""

    @classmethod
    def parse(cls, words: Sequence[str]) -> Request:
        """The words after ``conntrack``."""
        left = _split(words)
        commands: list[str] = []
        table, tests, shown = "conntrack", [], Format()
        known = dict(_FILTERS)
        named = [left[n + 1] for n, word in enumerate(left[:-1]) if word in ("-p", "--protonum")]
        known |= _more(named[0].lower()) if named else {}
        while left:
            word = left.pop(0)
            if word in _ELSE:
                raise NotModelledError("conntrack", word, _ELSE[word])
            if word in _COMMANDS:
                commands.append(_COMMANDS[word])
                if left and not left[0].startswith("-"):
                    table = _table(left.pop(0))
            elif word in _NATTED:
                given = left.pop(0) if left and not left[0].startswith("-") else ""
                tests.append(_NATTED[word](given))
            elif word in known or word in ("-o", "--output"):
                if not left:
                    raise _wrong(f"option `{word}' requires an argument")
                if word in known:
                    tests.append(known[word](left.pop(0)))
                else:
                    shown = Format.parse(left.pop(0))
            else:
                raise _wrong(f"unknown option `{word}'")
        if len(commands) != 1:
            raise _wrong("Invalid commands combination")
        first = next((_LONG[word] for word in _split(words) if word in _LONG), "")
        return cls(commands[0], table, tuple(tests), shown, first)

    def means(self, one: Connection) -> bool:
        """Whether it is about an entry."""
        return all(test(one) for test in self.tests)


def _split(words: Sequence[str]) -> list[str]:
    """``--dport=80`` and ``-ptcp`` as two words each."""
    parts: list[str] = []
    for word in words:
        if word.startswith("--"):
            parts += word.split("=", 1)
        elif word.startswith("-") and len(word) > 2:
            parts += [word[:2], word[2:]]
        else:
            parts.append(word)
    return parts


def _table(word: str) -> str:
    if word in ("dying", "unconfirmed"):
        raise NotModelledError("conntrack", f"the table {word}")
    if word not in ("conntrack", "expect"):
        raise _wrong(f"unknown type `{word}'")
    return word


# --- the command ---


@register_command("conntrack")
@complaining
def conntrack(session: Session, words: Sequence[str]) -> Output:
    """List the table (-L), count (-C), forget entries (-D) or all of them (-F).

    Simplified: the oldest entry comes first; a kernel's order is that of its hash table. An
    entry's id is its place in the list.
    """
    if len(words) == 1 or words[1] in ("-h", "--help"):
        return Output(_USAGE)
    if words[1] in ("-V", "--version"):
        return Output(f"{_TOOL}\n")
    request = Request.parse(words[1:])
    if request.table == "expect":
        return _expectations(request)
    entries = session.machine.connections()
    match request.command:
        case "-C":
            return Output(f"{len(entries)}\n")
        case "-F":
            if request.first:
                raise _wrong(f"Illegal option `--{request.first}' with this command")
            session.machine.forget(entries)
            said = "connection tracking table has been emptied."
            return Output(stderr=f"{_TOOL}: {said}\n")
    chosen = [(n, one) for n, one in enumerate(entries, start=1) if request.means(one)]
    lines = "".join(f"{request.format.line(n, one)}\n" for n, one in chosen)
    deleted = request.command == _DELETED
    if deleted:
        session.machine.forget([one for _, one in chosen])
    verb = "deleted" if deleted else "shown"
    said = f"{_TOOL}: {len(chosen)} flow entries have been {verb}.\n"
    return Output(lines, said, 1 if deleted and not chosen else 0)


def _expectations(request: Request) -> Output:
    """Nothing expects anything: there are no helpers here."""
    if request.command == _COUNTED:
        return Output("0\n")
    verb = {"-L": "shown", "-D": "deleted"}.get(request.command)
    if verb is None:
        return Output(stderr=f"{_TOOL}: expectation table has been emptied.\n")
    return Output(stderr=f"{_TOOL}: 0 expectations have been {verb}.\n")
