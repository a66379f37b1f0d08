"""What a rule may ask besides the packet's headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from operator import attrgetter
from typing import Protocol, TypeVar, cast

from iptlab.netfilter.hooks import Hook
from iptlab.packet import Address, Family, Packet
from iptlab.shown import Shown

T = TypeVar("T")


class CtState(StrEnum):
    """The state of a packet's connection, as ``--ctstate`` names it, in iptables' print order.

    Man page: iptables-extensions(8), conntrack
    """

    INVALID = "INVALID"
    NEW = "NEW"
    RELATED = "RELATED"
    ESTABLISHED = "ESTABLISHED"
    UNTRACKED = "UNTRACKED"
    SNAT = "SNAT"
    DNAT = "DNAT"


@dataclass(frozen=True, slots=True)
class CannotTell:
    """The answer when the question is outside the model, with the reason in plain English."""

    reason: str

    def __str__(self) -> str:
        return f"cannot tell, because {self.reason}"

    def __bool__(self) -> bool:
        """Never a yes: code that forgets the third answer must not match."""
        return False


Answer = bool | CannotTell


@dataclass(frozen=True, slots=True)
class Tuple:
    """One direction of a connection: its two ends, as connection tracking keys it.

    For ICMP ``sport`` is the message's id and ``dport`` its type and code as one number
    (256 * type + code), as in the kernel.
    """

    src: Address
    dst: Address
    sport: int = 0
    dport: int = 0


@dataclass(frozen=True, slots=True)
class Connection(Shown):
    """What connection tracking remembers of the packet's flow.

    ``status`` holds words of EXPECTED, SEEN_REPLY, ASSURED, CONFIRMED, SRC_NAT and DST_NAT;
    ``reply_direction`` is whether this packet goes against the original direction;
    ``expires`` are seconds; ``packets`` and ``bytes`` count this packet too, in the original
    and in the reply direction; ``zones`` are those in which either direction is looked up.

    Kernel: include/net/netfilter/nf_conntrack.h (struct nf_conn)
    """

    protocol: int
    original: Tuple
    reply: Tuple
    status: frozenset[str] = frozenset()
    mark: int = 0
    reply_direction: bool = False
    expires: int = 0
    packets: tuple[int, int] = (0, 0)
    bytes: tuple[int, int] = (0, 0)
    helper: str = ""
    state: str = ""
    zones: tuple[int, int] = (0, 0)

    def __str__(self) -> str:
        """The entry as ``conntrack -L`` prints it, but for the last word, ``use=``."""
        name, keys = _LISTED.get(self.protocol, ("unknown", ""))
        orig, back = self.zones
        words = [
            f"{name:<8} {self.protocol} {self.expires}",
            self.state,
            _listed(self.original, keys),
            f"zone-orig={orig}" if orig and orig != back else "",
            "" if "SEEN_REPLY" in self.status else "[UNREPLIED]",
            _listed(self.reply, keys),
            f"zone-reply={back}" if back and orig != back else "",
            "[ASSURED]" if "ASSURED" in self.status else "",
            f"mark={self.mark}",
            f"zone={orig}" if orig and orig == back else "",
        ]
        return " ".join(filter(None, words))


# how conntrack names protocols and what they are keyed by beside addresses; others are unknown
_PORTS = "sport={0.sport} dport={0.dport}"
_MESSAGE = "type={1} code={2} id={0.sport}"
_LISTED = {
    **{6: ("tcp", _PORTS), 17: ("udp", _PORTS), 136: ("udplite", _PORTS)},
    **{132: ("sctp", _PORTS), 33: ("dccp", _PORTS)},
    **{1: ("icmp", _MESSAGE), 58: ("icmpv6", _MESSAGE)},
    47: ("gre", "srckey={0.sport:#x} dstkey={0.dport:#x}"),
}


def _listed(ends: Tuple, keys: str) -> str:
    """One direction in conntrack's words."""
    found = keys.format(ends, *divmod(ends.dport, 256))
    return f"src={ends.src} dst={ends.dst} {found}".rstrip()


@dataclass(frozen=True, slots=True)
class Owner(Shown):
    """The process that sent a local packet; the kernel's own socket has no ids."""

    uid: int | None
    gid: int | None
    has_socket: bool = True

    def __str__(self) -> str:
        """The ids as ``id -u`` and ``id -g`` tell them, in the words of ``id``."""
        ids = [f"{name}={one}" for name, one in (("uid", self.uid), ("gid", self.gid))]
        return " ".join(ids) if self.has_socket else "no socket"


@dataclass(frozen=True, slots=True)
class Memory:
    """What matches such as limit and recent have seen so far; every change makes a new value."""

    facts: Mapping[tuple[object, ...], object] = field(default_factory=dict)

    def recall(self, key: tuple[object, ...], unknown: T) -> T:
        """What was stored under ``key``, or ``unknown``."""
        return cast("T", self.facts.get(key, unknown))

    def store(self, key: tuple[object, ...], fact: object) -> Memory:
        """The memory with one fact added or replaced."""
        return Memory({**self.facts, key: fact})


class SetChange(Protocol):
    """What SET does to a set; ``iptlab.netfilter.actions.ChangeSet`` is one."""

    @property
    def directions(self) -> tuple[str, ...]:
        """Whether each part of the element is the packet's ``src`` or ``dst``."""

    @property
    def add(self) -> bool:
        """Whether the element goes in or out."""

    @property
    def exist(self) -> bool:
        """Whether an element that is there already gets a new timeout."""

    @property
    def timeout(self) -> int | None:
        """How many seconds the element stays; None is the set's own default."""


class PacketSet(Protocol):
    """A named ipset, as rules ask it; directions say ``src`` or ``dst`` for each dimension."""

    @property
    def family(self) -> Family | None:
        """The family of its addresses; None if it fits both."""

    @property
    def has_counters(self) -> bool:
        """Whether every element counts its packets and bytes."""

    def holds(
        self, packet: Packet, context: Context, directions: tuple[str, ...], *, holes: bool = False
    ) -> Answer:
        """Whether the packet is in the set; with ``holes``, whether it is in a hole of it."""

    def changed(self, packet: Packet, context: Context, change: SetChange) -> PacketSet:
        """The set after SET has put the packet's element in, or taken it out."""

    def sought(self, packet: Packet, context: Context, directions: tuple[str, ...]) -> str:
        """What of the packet is looked up, as an element would be written."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where the packet is, and what the kernel knows about it besides its headers.

    An interface that the packet does not have at this hook is the empty name, as in the
    kernel. None means that nobody said: a rule that asks answers "cannot tell".
    ``address_types`` answers which addrtype words (LOCAL, BROADCAST, ...) fit an address
    as seen from an interface (empty: any). ``way_back`` answers the kind of route that a packet
    would take from here, and its interface, for somebody behind an interface. ``sets`` are the
    named ipsets. ``choose`` decides whether something of that probability happens now. ``memory``
    is what matches remember of earlier packets, ``zones`` are those in which its connection is
    looked up (original and reply direction; None until a rule says so), ``mtu`` is the largest
    packet in bytes that its way takes, ``standing`` tells of a protocol, a zone and original ends
    how that connection stands (None: nobody knows it), and ``rule`` names the rule that asks
    (table, chain, number): some rules keep a memory of their own.
    """

    hook: Hook = Hook.INPUT
    in_interface: str = ""
    out_interface: str = ""
    ctstate: CtState = CtState.NEW
    connection: Connection | None = None
    link: str | None = None
    mac: str | None = None
    owner: Owner | None = None
    now: datetime | None = None
    address_types: Callable[[Address, str], frozenset[str]] | None = None
    way_back: Callable[[Packet, str], tuple[str, str]] | None = None
    sets: Mapping[str, PacketSet] | None = None
    choose: Callable[[Fraction], bool] | None = None
    memory: Memory = Memory()
    zones: tuple[int, int] | None = None
    mtu: int | None = None
    standing: Callable[[int, int, Tuple], str | None] | None = None
    rule: tuple[object, ...] = ()

    def choosing(self, choose: Callable[[Fraction], bool]) -> Context:
        """The same with another ``choose``, in half the time of ``replace``."""
        before, after = _AROUND_CHOOSE
        return Context(*(*before(self), choose, *after(self)))

    @property
    def seconds(self) -> float:
        """The time as a number of seconds; without a clock, time stands still."""
        return self.now.timestamp() if self.now else 0.0

    @property
    def settled(self) -> bool:
        """Whether CT and NOTRACK come too late: only the first of them counts.

        Kernel: net/netfilter/xt_CT.c (xt_ct_target, notrack_tg)
        """
        return self.zones is not None or self.ctstate is CtState.UNTRACKED

    @property
    def tracked(self) -> Connection | CannotTell | None:
        """The packet's connection; None if it has none, CannotTell if nobody described it."""
        if self.ctstate in (CtState.INVALID, CtState.UNTRACKED):
            return None
        return self.connection or CannotTell("nobody described the packet's connection")


_NAMES = [field.name for field in fields(Context)]
_AROUND_CHOOSE = (
    attrgetter(*_NAMES[: _NAMES.index("choose")]),
    attrgetter(*_NAMES[_NAMES.index("choose") + 1 :]),
)
