"""Connection tracking: which packets belong together, and what is remembered of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from iptlab.netfilter.context import Connection, CtState, Tuple
from iptlab.netfilter.hooks import Hook
from iptlab.packet import Packet, Protocol
from iptlab.simulate import sctp, tcp
from iptlab.simulate.tcp import Heard

# Which ICMP message answers which; those alone can begin a connection.
# kernel: net/netfilter/nf_conntrack_proto_icmp.c, nf_conntrack_proto_icmpv6.c (invmap)
_ANSWERS: dict[int, dict[int, int]] = {
    Protocol.ICMP: {8: 0, 13: 14, 15: 16, 17: 18},
    Protocol.ICMPV6: {128: 129, 139: 140},
}
_INVERSE = {
    protocol: pairs | {answer: question for question, answer in pairs.items()}
    for protocol, pairs in _ANSWERS.items()
}
# ICMPv6 messages between neighbours, which are not tracked (noct_valid_new)
_UNTRACKED_ICMPV6 = frozenset((130, 131, 132, 133, 134, 135, 136, 143))
# protocols whose checksums are looked at (their files in net/netfilter: nf_conntrack_proto_*.c)
_CHECKED = frozenset(
    (
        *(Protocol.TCP, Protocol.UDP, Protocol.UDPLITE, Protocol.SCTP),
        *(Protocol.ICMP, Protocol.ICMPV6),
    )
)
# protocols whose packets are told apart by ports
PORTED = frozenset((Protocol.TCP, Protocol.UDP, Protocol.SCTP, Protocol.UDPLITE))

# seconds that an entry lives, for protocols without states: before and after an answer.
# kernel: nf_conntrack_proto_udp.c, _icmp.c, _icmpv6.c, _gre.c, _generic.c
_TIMEOUTS: dict[int, tuple[int, int]] = {
    Protocol.UDP: (30, 120),
    Protocol.UDPLITE: (30, 120),
    Protocol.ICMP: (30, 30),
    Protocol.ICMPV6: (30, 30),
    47: (30, 180),
}
_GENERIC = (600, 600)
# a UDP flow that is still alive after so many seconds is a stream
_STREAM_AFTER = 2.0


def tuple_of(packet: Packet) -> Tuple | None:
    """The packet's ends as tracking keys them; None for ICMP messages that have no answer."""
    if packet.icmp is not None:
        if packet.icmp.type not in _INVERSE[packet.protocol]:
            return None
        kind = packet.icmp.type * 256 + packet.icmp.code
        return Tuple(packet.src, packet.dst, packet.echo_id, kind)
    if packet.protocol in PORTED:
        return Tuple(packet.src, packet.dst, packet.sport or 0, packet.dport or 0)
    return Tuple(packet.src, packet.dst)


def inverse(one: Tuple, protocol: int) -> Tuple:
    """The tuple of an answer (nf_ct_invert_tuple)."""
    if protocol not in _INVERSE:
        return Tuple(one.dst, one.src, one.dport, one.sport)
    kind, code = divmod(one.dport, 256)
    return Tuple(one.dst, one.src, one.sport, _INVERSE[protocol][kind] * 256 + code)


class Zone(NamedTuple):
    """The zone a packet is looked up in, for the original and the reply direction."""

    original: int = 0
    reply: int = 0


class Key(NamedTuple):
    """One direction of a flow; its zone is the one that counts for that direction."""

    zone: int
    protocol: int
    ends: Tuple
    reply: bool


class NatSide(StrEnum):
    """Which end of a flow a NAT hook may rewrite; HOOK2MANIP in the kernel."""

    SRC = "SRC_NAT"
    DST = "DST_NAT"

    @property
    def other(self) -> NatSide:
        """The opposite end."""
        return NatSide.DST if self is NatSide.SRC else NatSide.SRC


class Flow:
    """One entry of the table, which lives as long as packets of it come (struct nf_conn)."""

    __slots__ = (
        *("protocol", "zone", "original", "reply", "status", "mark", "progress"),
        *("deadline", "settled", "began", "number", "packets", "bytes", "masqueraded"),
    )

    def __init__(self, protocol: int, zone: Zone, original: Tuple, reply: Tuple) -> None:
        self.protocol = protocol
        self.zone = zone
        self.original = original
        self.reply = reply
        self.status: frozenset[str] = frozenset()
        self.mark = 0
        self.progress: tcp.Tcp | sctp.Sctp | None = None
        self.deadline = 0.0
        self.settled: frozenset[NatSide] = frozenset()
        self.began = 0.0
        self.number = 0
        self.packets = (0, 0)
        self.bytes = (0, 0)
        self.masqueraded = ""  # the interface whose address it got

    @property
    def confirmed(self) -> bool:
        """Whether its first packet got through, so that the table holds it."""
        return self.number > 0

    def both_keys(self) -> tuple[Key, Key]:
        """Under what it is found, in both directions."""
        return (
            Key(self.zone.original, self.protocol, self.original, False),
            Key(self.zone.reply, self.protocol, self.reply, True),
        )

    def add(self, *words: str) -> None:
        """Put words into its status."""
        self.status |= frozenset(words)

    def count(self, packet: Packet, *, reply: bool) -> None:
        """Count a packet in one direction."""
        ahead, back = self.packets
        self.packets = (ahead, back + 1) if reply else (ahead + 1, back)
        ahead, back = self.bytes
        size = packet.length
        self.bytes = (ahead, back + size) if reply else (ahead + size, back)

    def seen(self, *, reply: bool, now: float) -> Connection:
        """What rules can ask about it when they see a packet in that direction."""
        return Connection(
            protocol=self.protocol,
            original=self.original,
            reply=self.reply,
            status=self.status | {"CONFIRMED"} if self.confirmed else self.status,
            mark=self.mark,
            reply_direction=reply,
            expires=max(0, int(self.deadline - now)) if self.confirmed else 0,
            packets=self.packets,
            bytes=self.bytes,
            state=str(self.progress.state) if self.progress else "",
            zones=self.zone,
        )

    def copy(self) -> Flow:
        """A flow of its own with the same contents."""
        twin = Flow.__new__(Flow)
        for name in Flow.__slots__:
            setattr(twin, name, getattr(self, name))
        return twin


@dataclass(frozen=True, slots=True)
class Tracked:
    """What tracking says of one packet: the state that rules see, and the flow behind it."""

    ctstate: CtState
    flow: Flow | None = None
    reply: bool = False
    why: str = ""

    @property
    def known(self) -> bool:
        """Whether the packet keeps what was found when it comes by again, looped."""
        return self.ctstate is not CtState.INVALID


INVALID = Tracked(CtState.INVALID)
UNTRACKED = Tracked(CtState.UNTRACKED)


@dataclass(frozen=True, slots=True)
class Settings:
    """The switches of connection tracking.

    Kernel: Documentation/networking/nf_conntrack-sysctl.rst
    """

    loose: bool = True
    liberal: bool = False
    checksum: bool = True


class ConntrackTable:
    """All flows of a machine; the one thing here that changes as packets come.

    Kernel: net/netfilter/nf_conntrack_core.c
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._flows: dict[int, Flow] = {}
        self._keys: dict[Key, Flow] = {}
        self._sources: dict[Key, dict[int, Flow]] = {}
        self._last = 0

    def __iter__(self) -> Iterator[Flow]:
        """The confirmed flows, oldest first."""
        return iter(self._flows.values())

    def __len__(self) -> int:
        return len(self._flows)

    def copy(self) -> ConntrackTable:
        """A table of its own with the same flows."""
        twin = ConntrackTable(self.settings)
        twin._last = self._last
        for flow in self._flows.values():
            twin._enter(flow.copy())
        return twin

    # --- the table itself ---

    def find(self, protocol: int, ends: Tuple, zone: Zone, now: float) -> tuple[Flow, bool] | None:
        """The flow with that tuple, and whether it is that of the reply direction.

        In each direction the zone must be that of the same direction (nf_ct_zone_equal). What a
        machine sends from one end to the same end is its own answer.
        """
        for reply, number in ((True, zone.reply), (False, zone.original)):
            flow = self._keys.get(Key(number, protocol, ends, reply))
            if flow and flow.deadline <= now:
                self.remove(flow)
            elif flow:
                return flow, reply
        return None

    def taken(self, ends: Tuple, besides: Flow) -> Flow | None:
        """Another flow that has that tuple, None if it is free (nf_conntrack_tuple_taken)."""
        mine = besides.both_keys()[0]
        found = self._sharing(besides, ends, besides.zone.reply)
        return next((flow for flow in found if flow.both_keys()[0] != mine), None)

    def _sharing(self, one: Flow, ends: Tuple, number: int) -> Iterator[Flow]:
        """The flows with that tuple in that zone, if it is the zone of their direction too."""
        for reply, zone in enumerate(one.zone):
            flow = self._keys.get(Key(number, one.protocol, ends, bool(reply)))
            if flow and zone == number:
                yield flow

    def same_source(self, flow: Flow) -> Iterator[Flow]:
        """Flows from the same address and port, the newest first (find_appropriate_src)."""
        return reversed(self._sources.get(_source_key(flow), {}).values())

    def confirm(self, flow: Flow, now: float) -> bool:
        """Keep a flow whose first packet got through; False if its tuples are taken by now."""
        for number, ends in zip(flow.zone, (flow.original, flow.reply), strict=True):
            for other in list(self._sharing(flow, ends, number)):
                if other.deadline > now:
                    return False
                self.remove(other)
        self._last += 1
        flow.number = self._last
        self._enter(flow)
        return True

    def _enter(self, flow: Flow) -> None:
        self._flows[flow.number] = flow
        self._keys |= dict.fromkeys(flow.both_keys(), flow)
        self._sources.setdefault(_source_key(flow), {})[flow.number] = flow

    def remove(self, flow: Flow) -> None:
        """Forget a flow."""
        if self._flows.pop(flow.number, None) is None:
            return
        for key in flow.both_keys():
            del self._keys[key]
        del self._sources[_source_key(flow)][flow.number]

    def expire(self, now: float) -> None:
        """Forget the flows whose time is over."""
        for flow in [flow for flow in self if flow.deadline <= now]:
            self.remove(flow)

    # --- packets ---

    def track(self, packet: Packet, hook: Hook, zone: Zone, now: float) -> Tracked:
        """Look a packet up; a new flow is not in the table until it is confirmed.

        Kernel: nf_conntrack_in, resolve_normal_ct
        """
        neighbours = packet.icmp is not None and packet.icmp.type in _UNTRACKED_ICMPV6
        if neighbours and packet.protocol == Protocol.ICMPV6:
            return UNTRACKED
        if self._damaged(packet, hook):
            return replace(INVALID, why="its checksum is wrong")
        if packet.icmp and packet.icmp.is_error(packet.family):
            return self._error(packet, zone, now)
        ends = tuple_of(packet)
        if ends is None:
            return replace(INVALID, why="such an ICMP message asks and answers nothing")
        found = self.find(packet.protocol, ends, zone, now)
        if found is None:
            return self._begin(packet, ends, zone, now)
        return self._follow(packet, *found, hook, now)

    def standing(self, protocol: int, zone: int, ends: Tuple, now: float) -> str | None:
        """The state of a connection, empty if its protocol has none; None if there is none."""
        found = self.find(protocol, ends, Zone(zone, zone), now)
        if found is None:
            return None
        progress = found[0].progress
        return str(progress.state) if progress else ""

    def _damaged(self, packet: Packet, hook: Hook) -> bool:
        """Only what comes from outside is checked.

        The kernel sums UDP-Lite with the number of UDP, so there even right sums are wrong.

        Kernel: net/netfilter/nf_conntrack_proto_udp.c (udplite_error)
        """
        here = hook is Hook.PREROUTING and self.settings.checksum
        if not here or packet.protocol not in _CHECKED:
            return False
        return not packet.intact or packet.protocol == Protocol.UDPLITE

    def _error(self, packet: Packet, zone: Zone, now: float) -> Tracked:
        """An ICMP error belongs to the flow of the packet that it quotes.

        Kernel: net/netfilter/nf_conntrack_proto_icmp.c (nf_conntrack_inet_error)
        """
        quoted = packet.quoted
        ends = tuple_of(quoted) if quoted else None
        if quoted is None or ends is None:
            return replace(INVALID, why="it is an error about nothing that is tracked")
        answer = inverse(ends, quoted.protocol)
        found = self.find(quoted.protocol, answer, zone, now)
        if found is None:
            return replace(INVALID, why="it is an error about a connection that is not known")
        flow, reply = found
        if (flow.reply if reply else flow.original).dst != packet.dst:
            return replace(INVALID, why="it is an error sent to another machine than the sender")
        return Tracked(CtState.RELATED, flow, reply)

    def _begin(self, packet: Packet, ends: Tuple, zone: Zone, now: float) -> Tracked:
        """A flow of its own for a packet that belongs to none (init_conntrack)."""
        answer = inverse(ends, packet.protocol)
        flow = Flow(packet.protocol, zone, ends, answer)
        flow.began = now
        return self._follow(packet, flow, False, Hook.OUTPUT, now)

    def _follow(self, packet: Packet, flow: Flow, reply: bool, hook: Hook, now: float) -> Tracked:
        answered = "SEEN_REPLY" in flow.status
        match packet.protocol:
            case Protocol.TCP:
                refused = self._tcp(packet, flow, reply, now)
            case Protocol.SCTP:
                refused = self._sctp(packet, flow, reply, now)
            case _:
                refused = self._plain(packet, flow, reply, now)
        if refused is _AGAIN:
            return self.track(packet, hook, flow.zone, now)
        if refused is None:
            flow.count(packet, reply=reply)
        elif refused is not _TOLERATED:
            return replace(INVALID, why=refused)
        if reply:
            flow.add("SEEN_REPLY")
        state = CtState.ESTABLISHED if reply or answered else CtState.NEW
        return Tracked(state, flow, reply)

    def _tcp(self, packet: Packet, flow: Flow, reply: bool, now: float) -> str | None:
        if tcp.is_malformed(packet):
            return f"no TCP sends a packet with the flags {packet.flags}"
        known = flow.progress if flow.confirmed else tcp.begin(packet, loose=self.settings.loose)
        if known is None:
            return f"a connection does not begin with {packet.flags}"
        assert isinstance(known, tcp.Tcp)
        if self.settings.liberal:
            first, second = (replace(side, liberal=True) for side in known.sides)
            known = replace(known, sides=(first, second))
        answered, assured = "SEEN_REPLY" in flow.status, "ASSURED" in flow.status
        heard = tcp.follow(known, packet, reply=reply, seen_reply=answered, assured=assured)
        flow.progress = heard.tcp
        match heard.heard:
            case Heard.INVALID:
                return heard.why
            case Heard.REOPENED:
                self.remove(flow)
                return _AGAIN
            case Heard.KILLED:
                self.remove(flow)
            case Heard.IGNORED:
                return _TOLERATED
        if heard.assured:
            flow.add("ASSURED")
        if heard.timeout is not None:
            flow.deadline = now + heard.timeout
        return None

    def _sctp(self, packet: Packet, flow: Flow, reply: bool, now: float) -> str | None:
        known = flow.progress if flow.confirmed else sctp.begin(packet)
        if known is None:
            return f"an association does not begin with {' '.join(packet.chunks) or 'this'}"
        assert isinstance(known, sctp.Sctp)
        after = sctp.follow(known, packet, reply=reply)
        if not after.belongs:
            return f"{' '.join(packet.chunks)} is out of place in state {known.state}"
        flow.progress = after.sctp
        if after.tolerated:
            return _TOLERATED
        if after.assured:
            flow.add("ASSURED")
        flow.deadline = now + sctp.TIMEOUTS.get(after.sctp.state, 10)
        return None

    def _plain(self, packet: Packet, flow: Flow, reply: bool, now: float) -> str | None:
        if packet.icmp and not flow.confirmed and packet.icmp.type not in _ANSWERS[packet.protocol]:
            return "it answers a question that nobody asked"
        short, long = _TIMEOUTS.get(flow.protocol, _GENERIC)
        answered = "SEEN_REPLY" in flow.status
        stream = flow.protocol in (_GRE, Protocol.UDPLITE)
        if flow.protocol == Protocol.UDP:
            stream = now - flow.began > _STREAM_AFTER
            long = long if stream else short
        if answered and stream:
            flow.add("ASSURED")
        flow.deadline = now + (long if answered else short)
        return None


_GRE = 47
_AGAIN = "look again"
_TOLERATED = "it belongs, but does not count"


def _source_key(flow: Flow) -> Key:
    source = Tuple(flow.original.src, flow.original.src, flow.original.sport)
    return Key(flow.zone.original, flow.protocol, source, False)


def attached(cause: Tracked) -> Tracked:
    """The tracking of a packet that this machine sends because of another one.

    It belongs to the same flow, in the other direction, whether or not that flow was confirmed.
    What is sent because of an untracked packet is tracked by itself.

    Kernel: nf_conntrack_core.c (nf_conntrack_attach)
    """
    if cause.flow is None:
        return INVALID
    return Tracked(CtState.RELATED, cause.flow, not cause.reply)
