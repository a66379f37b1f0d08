"""``ss``: who listens on a machine, and which of its connections stand.

Source: iproute2 6.1, misc/ss.c
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from getopt import GetoptError, gnu_getopt
from typing import NamedTuple

from iptlab.console.command import Output, Session, register_command
from iptlab.console.complaint import NotModelledError, complaining
from iptlab.names import service_name
from iptlab.packet import Address, Family, Protocol
from iptlab.simulate.links import Listener

_SHORT = "lntuapH46e"
_LONG = ["listening", "numeric", "tcp", "udp", "all", "processes", "no-header", "ipv4", "ipv6"]
_BACKLOG = 4096
_NAMES = {Protocol.TCP: "tcp", Protocol.UDP: "udp"}
# header and alignment of each column, and what stands before it (ss.c, columns)
_COLUMNS = (
    ("Netid", "<", ""),
    ("State", "<", " "),
    ("Recv-Q", "<", " "),
    ("Send-Q", "<", " "),
    ("Local Address:", ">", " "),
    ("Port", "<", ""),
    ("Peer Address:", ">", " "),
    ("Port", "<", ""),
    ("Process", "<", ""),
)


class Socket(NamedTuple):
    """A line of the list."""

    protocol: int
    state: str
    local: tuple[str, str]
    peer: tuple[str, str]
    backlog: int = 0
    process: str = ""

    def cells(self) -> tuple[str, ...]:
        """The texts of its columns."""
        ends = (f"{self.local[0]}:", self.local[1], f"{self.peer[0]}:", self.peer[1])
        name = _NAMES[Protocol(self.protocol)]
        return name, self.state, "0", str(self.backlog), *ends, self.process


@register_command("ss")
@complaining
def ss(session: Session, words: Sequence[str]) -> Output:
    """List sockets: listening with -l, standing connections without it, both with -a.

    Simplified: a connection stands as long as connection tracking says so; processes have the
    names of their listeners and made-up numbers.
    """
    try:
        given, left = gnu_getopt(list(words[1:]), _SHORT, _LONG)
    except GetoptError as error:
        known = "Known: -l -n -t -u -a -p -H -4 -6."
        raise NotModelledError("ss", f"the option {error.opt}", known) from None
    if left:
        raise NotModelledError("ss", "a filter", "Write: ss -lnt | grep :80.")
    letters = {"no-header": "H", "ipv4": "4", "ipv6": "6"}
    options = {letters.get(name.lstrip("-"), name.lstrip("-")[0]) for name, _ in given}
    sockets = sorted(_sockets(session, options), key=lambda one: one.protocol, reverse=True)
    return Output("".join(_table(sockets, options)))


def _sockets(session: Session, options: set[str]) -> Iterator[Socket]:
    wanted = {p for p, letter in ((Protocol.TCP, "t"), (Protocol.UDP, "u")) if letter in options}
    wanted = wanted or {Protocol.TCP, Protocol.UDP}
    if options & {"l", "a"}:
        here = [one for one in session.network.listeners if one.machine == session.host]
        for number, one in enumerate(here):
            if one.protocol in wanted and _in_family(one.address, options):
                yield _listening(one, number, options)
    if "l" not in options and Protocol.TCP in wanted:
        yield from _standing(session, options)


def _in_family(address: Address | None, options: set[str]) -> bool:
    asked = options & {"4", "6"}
    return address is None or not asked or str(address.version) in asked


def _listening(one: Listener, number: int, options: set[str]) -> Socket:
    tcp = one.protocol == Protocol.TCP
    port = _port(one.port, one.protocol, options)
    anybody = ("*", "*") if one.address is None else (_anybody(one.address), "*")
    process = f'users:(("{one.name or one.machine}",pid={500 + number},fd=3))'
    return Socket(
        one.protocol,
        "LISTEN" if tcp else "UNCONN",
        (_shown(one.address), port),
        anybody,
        _BACKLOG if tcp else 0,
        process if "p" in options else "",
    )


def _anybody(address: Address) -> str:
    return "0.0.0.0" if address.version == 4 else "[::]"


def _shown(address: Address | None) -> str:
    if address is None:
        return "*"
    return f"[{address}]" if Family(address.version) is Family.IPV6 else str(address)


def _port(number: int, protocol: int, options: set[str]) -> str:
    named = None if "n" in options else service_name(number, _NAMES[Protocol(protocol)])
    return named or str(number)


def _standing(session: Session, options: set[str]) -> Iterator[Socket]:
    """The TCP connections that tracking knows as established and that end here."""
    host = session.machine.host
    for one in session.machine.connections():
        if one.protocol != Protocol.TCP or one.state != "ESTABLISHED":
            continue
        begun, answered = one.original, one.reply
        ends = [(begun.src, begun.sport, begun.dst, begun.dport)] * host.owns(begun.src)
        if host.owns(answered.src):
            ends.append((answered.src, answered.sport, answered.dst, answered.dport))
        for local, port, peer, far in ends:
            if _in_family(local, options):
                places = (_port(n, Protocol.TCP, options) for n in (port, far))
                mine, theirs = zip((_shown(local), _shown(peer)), places, strict=True)
                yield Socket(Protocol.TCP, "ESTAB", mine, theirs)


def _table(sockets: Sequence[Socket], options: set[str]) -> Iterator[str]:
    """The lines, every column as wide as its widest text."""
    one_kind = len(options & {"t", "u"}) == 1
    first = 1 if one_kind else 0
    columns = _COLUMNS[first:]
    rows = [one.cells()[first:] for one in sockets]
    heads = tuple(name for name, _, _ in columns)
    shown = rows if "H" in options else [heads, *rows]
    widths = [max(len(row[n]) for row in [heads, *rows]) for n in range(len(columns))]
    for row in shown:
        cells = zip(row, columns, widths, strict=True)
        line = "".join(f"{before}{cell:{side}{width}}" for cell, (_, side, before), width in cells)
        yield f"{line.removeprefix(' ')}\n"
