"""``dig``, ``host`` and ``getent``: what a name stands for, and which server says so.

Simplified: a name server knows the names of the whole network, and whoever listens on UDP port
53 is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from iptlab.console.command import Output, Session, register_command
from iptlab.console.complaint import ComplaintError, NotModelledError, complaining
from iptlab.console.reach import DNS_TIMEOUT, UnresolvedError, ask, name_of, resolve, servers
from iptlab.packet import Address
from iptlab.simulate.network import Attempt, Result

_TYPES = {"A": 4, "AAAA": 6, "PTR": 0}
_TTL = 300
_TRIES, _HOST_TRIES = 3, 2
# bytes of a DNS message: its header, a question besides its name, EDNS, a record besides its data
_HEADER, _QUESTION, _EDNS, _RECORD = 12, 4, 11, 12
_PLAIN = frozenset(("cmd", "comments", "stats", "question", "answer", "recurse", "edns", "all"))


@dataclass
class Query:
    """A command line of dig as understood."""

    words: tuple[str, ...]
    name: str = ""
    kind: str = "A"
    server: str = ""
    server_first: bool = False
    reverse: str = ""
    shown: dict[str, bool] = field(default_factory=dict)
    time: float = DNS_TIMEOUT
    tries: int = _TRIES

    @classmethod
    def parse(cls, words: Sequence[str]) -> Query:
        """The words after ``dig``."""
        query = cls(tuple(words))
        left = list(words)
        while left:
            word = left.pop(0)
            if word.startswith("@"):
                query.server, query.server_first = word[1:], not query.name
            elif word.startswith("+"):
                query._flag(word[1:])
            elif word in ("-4", "-6"):
                pass
            elif word == "-x" and left:
                query.reverse, query.kind = left.pop(0), "PTR"
                query.name = _reversed(query.reverse)
            elif word == "-t" and left:
                query.kind = _kind(left.pop(0))
            elif word.startswith("-"):
                raise NotModelledError("dig", f"the option {word}", "Known: -x, -t, +short.")
            elif word.upper() in ("IN", *_TYPES) or (query.name and word.isupper()):
                query.kind = _kind(word) if word.upper() != "IN" else query.kind
            else:
                query.name = word.rstrip(".")
        if not query.name:
            raise NotModelledError("dig", "asking without a name", "Write: dig NAME @SERVER.")
        return query

    def _flag(self, word: str) -> None:
        name, _, value = word.partition("=")
        on = not name.startswith("no")
        name = name.removeprefix("no")
        if name in ("time", "timeout", "tries", "retry") and value.isdecimal():
            if name in ("time", "timeout"):
                self.time = max(1, int(value))
            else:
                self.tries = max(1, int(value) + (name == "retry"))
        elif name == "all":
            self.shown = dict.fromkeys(_PLAIN, on)
        elif name == "short" or name in _PLAIN:
            self.shown[name] = on
        else:
            raise NotModelledError("dig", f"+{word}", "Known: +short, +noall, +answer, +time=.")

    def shows(self, part: str) -> bool:
        """Whether a part of the answer is printed."""
        if self.shown.get("short"):
            return False
        return self.shown.get(part, True)


def _kind(word: str) -> str:
    if word.upper() not in _TYPES:
        raise NotModelledError("dig", f"the type {word}", "Known: A, AAAA, PTR.")
    return word.upper()


def _reversed(text: str) -> str:
    try:
        return ip_address(text).reverse_pointer
    except ValueError:
        raise ComplaintError(f"dig: Invalid IP address {text}", 1) from None


# --- asking ---


def _answers(session: Session, name: str, kind: str) -> tuple[tuple[str, ...], bool]:
    """What a name server says, and whether it knows the name at all."""
    if kind == "PTR":
        found = [n for n, own in session.names.items() for a in own if _reversed(a) == name]
        return tuple(f"{one}." for one in found), bool(found)
    known = session.names.get(name, ())
    fitting = tuple(one for one in known if ip_address(one).version == _TYPES[kind])
    return fitting, bool(known)


def _reach(session: Session, named: Sequence[str], seconds: float) -> Iterator[tuple[str, Attempt]]:
    """Ask one server after the other."""
    for server in named:
        yield server, ask(session, server, seconds)


def _failed(server: str, attempt: Attempt) -> str:
    why = {
        Result.REFUSED: "connection refused",
        Result.NO_ROUTE: "host unreachable",
        Result.UNREACHABLE: "network unreachable",
        Result.PROHIBITED: "connection refused",
    }
    said = why.get(attempt.result, "timed out")
    return f";; communications error to {server}#53: {said}"


def _servers(session: Session, written: str) -> tuple[str, ...]:
    """The addresses of the servers to ask: the one that was named, else the usual ones."""
    if not written:
        return servers(session) or ("127.0.0.1",)
    try:
        return (str(resolve(session, written)[0]),)
    except UnresolvedError as error:
        said = f"couldn't get address for '{written}': {error}"
        raise ComplaintError(f"dig: {said}", 10) from None


@register_command("dig")
@complaining
def dig(session: Session, words: Sequence[str]) -> Output:
    """Ask a name server, in a real packet, and show its answer."""
    query = Query.parse(words[1:])
    lines: list[str] = []
    banner = [
        "",
        f"; <<>> DiG 9.18.49-1~deb12u3-Debian <<>> {' '.join(query.words)}",
        *(["; (1 server found)"] if query.server_first else []),
        ";; global options: +cmd",
    ]
    banner = banner if query.shows("cmd") else []
    for server, attempt in _reach(
        session, _servers(session, query.server) * query.tries, query.time
    ):
        if attempt.result is Result.CONNECTED:
            lines += [*banner, *_answered(session, query, server, attempt)]
            return Output("".join(f"{line}\n" for line in lines))
        lines.append(_failed(server, attempt))
    lines += [*banner, ";; no servers could be reached"]
    return Output("".join(f"{line}\n" for line in lines), status=9)


def _answered(session: Session, query: Query, server: str, attempt: Attempt) -> Iterator[str]:
    found, known = _answers(session, query.name, query.kind)
    if query.shown.get("short"):
        yield from found
        return
    name = f"{query.name}."
    if query.shows("comments"):
        status = "NOERROR" if known else "NXDOMAIN"
        yield ";; Got answer:"
        yield f";; ->>HEADER<<- opcode: QUERY, status: {status}, id: {attempt.packet.sport}"
        counts = f"QUERY: 1, ANSWER: {len(found)}, AUTHORITY: 0, ADDITIONAL: 1"
        yield f";; flags: qr rd ra; {counts}"
        yield from ("", ";; OPT PSEUDOSECTION:", "; EDNS: version: 0, flags:; udp: 1232")
    if query.shows("question"):
        yield from ([";; QUESTION SECTION:"] if query.shows("comments") else [])
        yield f"{_column(f';{name}', 32)}IN\t{query.kind}"
        yield ""
    if query.shows("answer") and found:
        yield from ([";; ANSWER SECTION:"] if query.shows("comments") else [])
        yield from (f"{_column(name, 24)}{_TTL}\tIN\t{query.kind}\t{one}" for one in found)
        yield from ([""] if query.shows("stats") else [])
    if query.shows("stats"):
        yield ";; Query time: 0 msec"
        yield f";; SERVER: {server}#53({server}) (UDP)"
        yield f";; WHEN: {session.network.now:%a %b %d %H:%M:%S} UTC {session.network.now:%Y}"
        yield f";; MSG SIZE  rcvd: {_size(query, found)}"
        yield ""


def _column(text: str, width: int) -> str:
    """The text and tabs to a column; at least one of them, or a blank."""
    tabs = -(-(width - len(text)) // 8)
    return text + ("\t" * tabs if tabs > 0 else " ")


def _size(query: Query, found: Sequence[str]) -> int:
    """The bytes of the answer on the wire."""
    data = {"A": 4, "AAAA": 16}
    records = sum(_RECORD + data.get(query.kind, len(one) + 1) for one in found)
    return _HEADER + len(query.name) + 2 + _QUESTION + records + _EDNS


@register_command("host")
@complaining
def host(session: Session, words: Sequence[str]) -> Output:
    """Ask for the addresses of a name, or for the name of an address."""
    given = list(words[1:])
    if not given or given[0].startswith("-"):
        raise NotModelledError("host", "more than a name and a server", "Write: host NAME.")
    named = _servers(session, given[1] if len(given) > 1 else "")
    lines = []
    if len(given) > 1:
        lines += ["Using domain server:", f"Name: {given[1]}"]
        lines += [f"Address: {named[0]}#53", "Aliases: ", ""]
    for server, attempt in _reach(session, named * _HOST_TRIES, DNS_TIMEOUT):
        if attempt.result is Result.CONNECTED:
            said, status = _said(session, given[0].rstrip("."))
            return Output("".join(f"{line}\n" for line in (*lines, *said)), status=status)
        lines.append(_failed(server, attempt))
    lines.append(";; no servers could be reached")
    return Output("".join(f"{line}\n" for line in lines), status=1)


def _said(session: Session, name: str) -> tuple[list[str], int]:
    try:
        pointer = ip_address(name).reverse_pointer
    except ValueError:
        pointer = ""
    if pointer:
        found, _ = _answers(session, pointer, "PTR")
        lines = [f"{pointer} domain name pointer {one}" for one in found]
    else:
        lines = [f"{name} has address {one}" for one in _answers(session, name, "A")[0]]
        lines += [f"{name} has IPv6 address {one}" for one in _answers(session, name, "AAAA")[0]]
    return (lines, 0) if lines else ([f"Host {pointer or name} not found: 3(NXDOMAIN)"], 1)


@register_command("getent")
@complaining
def getent(session: Session, words: Sequence[str]) -> Output:
    """Look names up as programs do: in ``/etc/hosts``, then with a name server."""
    given = list(words[1:])
    if len(given) < 2:
        said = "Try `getent --help' or `getent --usage' for more information.\n"
        raise ComplaintError("getent: wrong number of arguments", 1, stdout=said)
    if given[0] not in ("hosts", "ahosts", "ahostsv4", "ahostsv6"):
        instead = "Known: hosts, ahosts, ahostsv4, ahostsv6."
        raise NotModelledError("getent", f"the database {given[0]}", instead)
    family = {"ahostsv4": 4, "ahostsv6": 6}.get(given[0])
    lines: list[str] = []
    for name in given[1:]:
        try:
            found = resolve(session, name, family)
        except UnresolvedError:
            return Output("".join(lines), status=2)
        lines += _hosts(session, name, found) if given[0] == "hosts" else _ahosts(name, found)
    return Output("".join(lines))


def _hosts(session: Session, name: str, found: Sequence[Address]) -> Iterator[str]:
    version = max(one.version for one in found)
    shown = name_of(session, found[0]) if name == str(found[0]) else name
    yield from (f"{one!s:<15} {shown}\n" for one in found if one.version == version)


def _ahosts(name: str, found: Sequence[Address]) -> Iterator[str]:
    for number, one in enumerate(found):
        for kind in ("STREAM", "DGRAM ", "RAW   "):
            last = f" {name}" if kind == "STREAM" and not number else " "
            yield f"{one!s:<15} {kind}{last}\n"
