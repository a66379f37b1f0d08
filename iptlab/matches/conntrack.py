"""``-m conntrack``: what connection tracking knows of the packet."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar

from iptlab.errors import BadValueError
from iptlab.names import service_port
from iptlab.netfilter.context import Answer, CannotTell, Connection, Context, CtState
from iptlab.netfilter.extension import Ask, Condition, Match, option, register_match
from iptlab.netfilter.fields import Either, Field, of_connection
from iptlab.netfilter.networks import prefix_length, read_host, written
from iptlab.netfilter.ports import PortRange, instead_of_port
from iptlab.netfilter.values import Given, ProtocolNumber, StateSet, Value, read_range
from iptlab.packet import Address, Family, Packet


class CtProtocol(ProtocolNumber):
    """A protocol by name or number; here 0 stands for itself and is printed as a number."""

    is_everything = False

    @classmethod
    def parse(cls, text: str, family: Family) -> CtProtocol:
        """A name of /etc/protocols as it stands there, or a number up to 255."""
        return cls(ProtocolNumber.parse_exactly(text, family).number)

    def __contains__(self, item: object) -> bool:
        return isinstance(item, ProtocolNumber) and item.number == self.number

    def __str__(self) -> str:
        return str(self.number)

    def words(self) -> str:
        return ProtocolNumber(self.number).words() if self.number else "0"


@dataclass(frozen=True, slots=True)
class HostMask(Value):
    """One end of a connection: an address kept as it was written, and its mask.

    iptables prints a mask with holes as none at all.

    >>> str(HostMask.parse("10.1.2.3/16", Family.IPV4))
    '10.1.2.3/16'
    """

    address: Address
    mask: int

    @classmethod
    def parse(cls, text: str, family: Family) -> HostMask:
        """An address as the C library reads it, alone or with a prefix length or a mask."""
        host, slash, length = text.partition("/")
        mask = _mask(length, family) if slash else (1 << family.bits) - 1
        return cls(read_host(host, family), mask)

    def __contains__(self, item: object) -> bool:
        return isinstance(item, IPv4Address | IPv6Address) and not (
            (int(item) ^ int(self.address)) & self.mask
        )

    def __str__(self) -> str:
        length = prefix_length(self.mask, Family(self.address.version))
        bare = length in (None, self.address.max_prefixlen)
        return written(self.address) + ("" if bare else f"/{length}")

    def words(self) -> str:
        return str(self)


def _mask(text: str, family: Family) -> int:
    if text.isdecimal() and int(text) <= family.bits:
        ones = (1 << family.bits) - 1
        return ones ^ (ones >> int(text))
    try:
        return int(read_host(text, family))
    except BadValueError:
        raise BadValueError(
            f"bad value for option, neither a valid network mask nor valid CIDR (0-{family.bits}).",
            f"Write a prefix length from 0 to {family.bits} after the slash.",
        ) from None


class CtPorts(PortRange):
    """One port or a range of them, as the C library reads it.

    Every number is cut to 16 bits, and a range that is upside down holds nothing.
    """

    is_everything: ClassVar[bool] = False

    @classmethod
    def parse(cls, text: str, family: Family) -> CtPorts:
        """``80``, ``ssh``, ``1024:2048``, ``:1023`` or ``1024:``."""
        first, colon, last = text.partition(":")
        if ":" in last:
            raise BadValueError(
                "Too many components for option (max: 2)", "Write one range: 1024:2048."
            )
        low = _port(first)
        return cls(low, (_port(last) if last else 65535) if colon else low)


def _port(text: str) -> int:
    if not text or (text.isascii() and text.isdecimal()):
        return int(text or "0") & 0xFFFF
    port = service_port(text)
    if port is None:
        raise BadValueError(f'Port "{text}" does not resolve to anything.', instead_of_port(text))
    return port


class Status(StrEnum):
    """What a connection has been through, in iptables' print order.

    Kernel: include/uapi/linux/netfilter/nf_conntrack_common.h (enum ip_conntrack_status)
    """

    EXPECTED = "EXPECTED"
    SEEN_REPLY = "SEEN_REPLY"
    ASSURED = "ASSURED"
    CONFIRMED = "CONFIRMED"


@dataclass(frozen=True, slots=True)
class StatusSet(Value):
    """Some of the four statuses; NONE is no status at all and so never holds."""

    statuses: frozenset[Status]

    @classmethod
    def parse(cls, text: str, family: Family) -> StatusSet:
        """Names, or their beginnings, joined by commas in any order and case."""
        statuses = set()
        for name in text.split(","):
            known = [s for s in ("NONE", *Status) if name and s.startswith(name.upper())]
            if not known:
                raise BadValueError(
                    f'Bad ctstatus "{name}"', f"The statuses are NONE, {', '.join(Status)}."
                )
            statuses |= {Status(known[0])} if known[0] != "NONE" else set()
        return cls(frozenset(statuses))

    def __contains__(self, item: object) -> bool:
        return item in self.statuses

    def covers(self, other: Value) -> bool:
        return isinstance(other, StatusSet) and other.statuses <= self.statuses

    def __str__(self) -> str:
        return ",".join(status for status in Status if status in self.statuses) or "NONE"

    def words(self) -> str:
        return " or ".join(str(self).replace("NONE", "none at all").split(","))


@dataclass(frozen=True, slots=True)
class SecondsLeft(Value):
    """A number of seconds, or all from ``low`` to ``high``."""

    low: int
    high: int

    @classmethod
    def parse(cls, text: str, family: Family) -> SecondsLeft:
        """``10``, ``10:20``, ``:20`` or ``10:``."""
        numbers = read_range(text, 0xFFFFFFFF)
        return cls(numbers[0], numbers[-1])

    def __contains__(self, item: object) -> bool:
        return isinstance(item, int) and self.low <= item <= self.high

    def covers(self, other: Value) -> bool:
        return isinstance(other, SecondsLeft) and self.low <= other.low <= other.high <= self.high

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}:{self.high}"

    def words(self) -> str:
        if self.high == 0xFFFFFFFF:
            return f"at least {self.low}"
        return str(self).replace(":", " to ")


@dataclass(frozen=True, slots=True)
class Direction(Value):
    """ORIGINAL: as the connection's first packet went; REPLY: against it."""

    word: str

    @classmethod
    def parse(cls, text: str, family: Family) -> Direction:
        """ORIGINAL or REPLY, in any case."""
        if text.upper() not in ("ORIGINAL", "REPLY"):
            raise BadValueError(
                f'conntrack: Bad value for "--ctdir" option: "{text}"',
                "A direction is ORIGINAL or REPLY.",
            )
        return cls(text.upper())

    def __contains__(self, item: object) -> bool:
        return item == self.word

    def __str__(self) -> str:
        return self.word


# --- what the options read ---

_TRANSLATED = {CtState.SNAT: "SRC_NAT", CtState.DNAT: "DST_NAT"}


def _states(packet: Packet, context: Context) -> Either:
    """The packet's state, and whether its connection's source or destination is translated."""
    known = context.tracked
    status = known.status if isinstance(known, Connection) else frozenset()
    virtual = (state for state, word in _TRANSLATED.items() if word in status)
    return Either((context.ctstate, *virtual))


CTSTATE = Field(
    "ctstate",
    _states,
    "belongs to a connection in state {}",
    "does not belong to a connection in state {}",
)


def _end(name: str, read: Callable[[Connection], object], is_: str) -> Field:
    return of_connection(
        name, read, f"belongs to a connection {is_}", f"does not belong to a connection {is_}"
    )


CTPROTO = _end("ctproto", lambda c: ProtocolNumber(c.protocol), "of protocol {}")
ORIGSRC = _end("ctorigsrc", lambda c: c.original.src, "that {} began")
ORIGDST = _end("ctorigdst", lambda c: c.original.dst, "that was begun to {}")
REPLSRC = _end("ctreplsrc", lambda c: c.reply.src, "that {} answers")
REPLDST = _end("ctrepldst", lambda c: c.reply.dst, "that is answered to {}")
ORIGSRCPORT = _end("ctorigsrcport", lambda c: c.original.sport, "begun from port {}")
ORIGDSTPORT = _end("ctorigdstport", lambda c: c.original.dport, "begun to port {}")
REPLSRCPORT = _end("ctreplsrcport", lambda c: c.reply.sport, "answered from port {}")
REPLDSTPORT = _end("ctrepldstport", lambda c: c.reply.dport, "answered to port {}")
CTSTATUS = _end("ctstatus", lambda c: Either(sorted(c.status)), "with status {}")
CTEXPIRE = _end("ctexpire", lambda c: c.expires, "that is forgotten in {} seconds")
CTDIR = of_connection(
    "ctdir",
    lambda c: "REPLY" if c.reply_direction else "ORIGINAL",
    "goes in the {} direction of its connection",
    "does not go in the {} direction of its connection",
)


@register_match("conntrack")
@dataclass(frozen=True)
class Conntrack(Match):
    """``-m conntrack [!] --ctstate STATE,STATE`` and eleven options more.

    A packet without a connection (INVALID, UNTRACKED) is judged by ``--ctstate`` alone:
    the other options then say no if they stand alone, and nothing beside ``--ctstate``.

    Kernel: net/netfilter/xt_conntrack.c (conntrack_mt)
    """

    ctstate: Given[StateSet] | None = option("--ctstate", StateSet, negatable=True, reads=CTSTATE)
    ctproto: Given[CtProtocol] | None = option(
        "--ctproto", CtProtocol, negatable=True, reads=CTPROTO
    )
    ctorigsrc: Given[HostMask] | None = option(
        "--ctorigsrc", HostMask, negatable=True, reads=ORIGSRC
    )
    ctorigdst: Given[HostMask] | None = option(
        "--ctorigdst", HostMask, negatable=True, reads=ORIGDST
    )
    ctreplsrc: Given[HostMask] | None = option(
        "--ctreplsrc", HostMask, negatable=True, reads=REPLSRC
    )
    ctrepldst: Given[HostMask] | None = option(
        "--ctrepldst", HostMask, negatable=True, reads=REPLDST
    )
    ctorigsrcport: Given[CtPorts] | None = option(
        "--ctorigsrcport", CtPorts, negatable=True, reads=ORIGSRCPORT
    )
    ctorigdstport: Given[CtPorts] | None = option(
        "--ctorigdstport", CtPorts, negatable=True, reads=ORIGDSTPORT
    )
    ctreplsrcport: Given[CtPorts] | None = option(
        "--ctreplsrcport", CtPorts, negatable=True, reads=REPLSRCPORT
    )
    ctrepldstport: Given[CtPorts] | None = option(
        "--ctrepldstport", CtPorts, negatable=True, reads=REPLDSTPORT
    )
    ctstatus: Given[StatusSet] | None = option(
        "--ctstatus", StatusSet, negatable=True, reads=CTSTATUS
    )
    ctexpire: Given[SecondsLeft] | None = option(
        "--ctexpire", SecondsLeft, negatable=True, reads=CTEXPIRE
    )
    ctdir: Direction | None = option("--ctdir", Direction, reads=CTDIR)

    def __post_init__(self) -> None:
        """Refuse a match that asks nothing."""
        if not any(self.given()):
            raise BadValueError(
                "conntrack: At least one option is required",
                "Write what to ask: --ctstate ESTABLISHED,RELATED for example.",
            )

    def asks(self, known: Container[Condition] = ()) -> tuple[Ask, ...]:
        return tuple(partial(self._answer, it.field, it.ask) for it in self.conditions())

    def why_not(self, packet: Packet, context: Context) -> str:
        for condition, ask in zip(self.conditions(), self.asks(), strict=True):
            answer = ask(packet, context)
            if answer is not True:
                doubt = isinstance(answer, CannotTell)
                return str(answer) if doubt else condition.why_not(packet, context)
        return ""

    def _answer(self, field: Field, ask: Ask, packet: Packet, context: Context) -> Answer:
        if self.ctstate is None:
            return ask(packet, context)
        if field is not CTSTATE:
            return context.tracked is None or ask(packet, context)
        states = self.ctstate.value.states
        depends = context.ctstate not in states and states & _TRANSLATED.keys()
        if depends and isinstance(context.tracked, CannotTell):
            return CannotTell("nobody said whether the packet's connection is translated")
        return ask(packet, context)

    def listed(self, *, numeric: bool) -> str:
        words = []
        for declared, given in self.given():
            said = str(given.value)
            if not numeric and said in ("0.0.0.0/0", "::/0"):
                said = "anywhere"
            words.append(f"{'! ' * given.negated}{declared.name[2:]} {said}")
        return " ".join(words)
