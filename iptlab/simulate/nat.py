"""Address translation: what a flow's first packet settles, and how all others are rewritten.

Kernel: net/netfilter/nf_nat_core.c, nf_nat_proto.c
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from iptlab.jhash import choice, jhash
from iptlab.netfilter.actions import Translate
from iptlab.netfilter.context import Tuple
from iptlab.netfilter.hooks import Hook
from iptlab.packet import Address, Packet, Protocol
from iptlab.simulate.conntrack import PORTED, ConntrackTable, Flow, NatSide, inverse, tuple_of
from iptlab.simulate.tcp import Tcp, makes_way

SIDE: dict[Hook, NatSide] = {
    Hook.PREROUTING: NatSide.DST,
    Hook.OUTPUT: NatSide.DST,
    Hook.INPUT: NatSide.SRC,
    Hook.POSTROUTING: NatSide.SRC,
}
# kernel: NF_NAT_HARDER_THRESH
_LAST_ATTEMPTS = 16


@dataclass(frozen=True, slots=True)
class Range:
    """What a new address and port may be (struct nf_nat_range2); None leaves them as they are."""

    addresses: tuple[Address, Address] | None = None
    ports: tuple[int, int] | None = None
    base: int | None = None
    random: bool = False
    persistent: bool = False

    @classmethod
    def of(cls, wanted: Translate, addresses: tuple[Address, Address] | None) -> Range:
        """The range of a target, with the addresses that it means here."""
        anyhow = wanted.random or wanted.random_fully
        return cls(addresses, wanted.ports, wanted.base, anyhow, wanted.persistent)

    def has_address(self, address: Address) -> bool:
        """Whether the address is one to choose from."""
        if self.addresses is None:
            return True
        first, last = self.addresses
        return int(first) <= int(address) <= int(last)

    def has_port(self, port: int) -> bool:
        """Whether the port is one to choose from."""
        return self.ports is None or self.ports[0] <= port <= self.ports[1]


@dataclass(frozen=True, slots=True)
class Binding:
    """How a side of a flow was settled, in words; ``drawn`` if the kernel drew a port by lot."""

    changed: bool
    drawn: bool = False


def bind(
    table: ConntrackTable, flow: Flow, side: NatSide, wanted: Range, draw: Callable[[], int]
) -> Binding:
    """Settle one side of a flow (nf_nat_setup_info); ``draw`` gives a number up to 65535.

    The choice is made once, for the first packet. If nothing is free, the flow keeps a tuple
    that is taken, and its packet is dropped when it is to be confirmed.
    """
    now = inverse(flow.reply, flow.protocol)
    new, drawn = _Choice(table, flow, side, wanted, draw).unique(now)
    if new != now:
        flow.reply = inverse(new, flow.protocol)
        flow.add(side)
    flow.settled |= {side}
    return Binding(new != now, drawn)


def keep(table: ConntrackTable, flow: Flow, side: NatSide, draw: Callable[[], int]) -> Binding:
    """Settle a side for which no rule asked anything (nf_nat_alloc_null_binding).

    Even then a source port changes if an answer could not be told from another flow's.
    """
    address = flow.reply.dst if side is NatSide.SRC else flow.reply.src
    return bind(table, flow, side, Range((address, address)), draw)


@dataclass
class _Choice:
    """The search for a tuple that nobody else has (get_unique_tuple)."""

    table: ConntrackTable
    flow: Flow
    side: NatSide
    wanted: Range
    draw: Callable[[], int]

    def unique(self, now: Tuple) -> tuple[Tuple, bool]:
        """The new tuple, and whether chance had a part in it."""
        wanted = self.wanted
        if self.side is NatSide.SRC and not wanted.random:
            if wanted.has_address(now.src) and self._port_fits(now.sport):
                if not self._taken(now) or self._is_mirrored(now):
                    return now, False
            elif (same := self._as_before(now)) and not self._taken(same):
                return same, False
        best = self._with_address(now)
        if not wanted.random:
            port = best.sport if self.side is NatSide.SRC else best.dport
            if wanted.ports is None:
                if not self._taken(best):
                    return best, False
            elif wanted.base is None and self._port_fits(port):
                single = wanted.ports[0] == wanted.ports[1]
                if single or not self._taken(best):
                    return best, False
        return self._with_port(best)

    def _port_fits(self, port: int) -> bool:
        """Whether the port, or an ICMP message's id, is one of those wanted."""
        return self.wanted.has_port(port)

    def _taken(self, new: Tuple) -> Flow | None:
        """The flow whose packets an answer would look like (nf_nat_used_tuple)."""
        return self.table.taken(inverse(new, self.flow.protocol), self.flow)

    def _is_mirrored(self, new: Tuple) -> bool:
        """Whether a tuple is taken by this flow seen from the other end, in another zone.

        Then no other port is looked for, and the packet will be dropped.

        Kernel: nf_nat_used_tuple_new
        """
        other, flow = self._taken(new), self.flow
        if other is None or other.status & set(NatSide):
            return False
        return (other.original, other.reply) == (flow.reply, flow.original)

    def _as_before(self, now: Tuple) -> Tuple | None:
        """The source that the same address and port were given before (find_appropriate_src)."""
        for other in self.table.same_source(self.flow):
            before = inverse(other.reply, self.flow.protocol)
            if self.wanted.has_address(before.src) and self._port_fits(before.sport):
                return replace(now, src=before.src, sport=before.sport)
        return None

    def _with_address(self, now: Tuple) -> Tuple:
        """An address of the range, the same for the same two ends (find_best_ips_proto)."""
        if self.wanted.addresses is None:
            return now
        first, last = self.wanted.addresses
        address = first if first == last else self._hashed(now, first, last)
        if self.side is NatSide.SRC:
            return replace(now, src=address)
        return replace(now, dst=address)

    def _hashed(self, now: Tuple, first: Address, last: Address) -> Address:
        words = [_little(int.from_bytes(one)) for one in _words(now.src)]
        toward = [_little(int.from_bytes(one)) for one in _words(now.dst)]
        count = 1 if first.version == 4 else 4
        persistent = self.wanted.persistent
        start = 0 if persistent else toward[count - 1] ^ self.flow.zone.original
        chance = jhash([*words, *[0] * (4 - len(words))], start)
        source = self.side is NatSide.SRC
        bounds = zip(_words(first), _words(last), strict=True)
        chosen, free = b"", False
        for at, (low, high) in enumerate(bounds):
            least = 0 if free else int.from_bytes(low)
            span = 0xFFFFFFFF if free else int.from_bytes(high) - least + 1 & 0xFFFFFFFF
            word = least + choice(chance, span) & 0xFFFFFFFF
            chosen += word.to_bytes(4)
            free = free or word != int.from_bytes(high)
            # a new destination has taken the place of the old one, word by word
            chance ^= 0 if persistent else toward[at] if source else _little(word)
        return IPv4Address(chosen) if first.version == 4 else IPv6Address(chosen)

    def _with_port(self, best: Tuple) -> tuple[Tuple, bool]:
        """A free port (nf_nat_l4proto_unique_tuple); the first free one, or one by lot."""
        icmp = self.flow.protocol in (Protocol.ICMP, Protocol.ICMPV6)
        source = self.side is NatSide.SRC or icmp
        if not icmp and self.flow.protocol not in PORTED:
            return best, False
        port = best.sport if source else best.dport
        if self.wanted.ports is None and self.side is NatSide.DST and not icmp:
            return best, False
        low, high = self.wanted.ports or ((0, 65535) if icmp else _port_class(port))
        low, high = min(low, high), max(low, high)
        size, drawn = high - low + 1, False
        if self.wanted.base is not None:
            offset = port - self.wanted.base & 0xFFFF
        elif self.wanted.random or self.side is NatSide.SRC:
            offset, drawn = self.draw(), size > 1
        else:
            offset = 0
        for tried, left in self._attempts(offset, size):
            new = low + tried % size
            found = replace(best, sport=new) if source else replace(best, dport=new)
            if self._is_free(found, left):
                return found, drawn
        return found, drawn

    def _is_free(self, new: Tuple, left: int) -> bool:
        """Whether nobody has a tuple, or, in the last attempts, whoever had it is over and goes.

        Kernel: nf_nat_used_tuple_harder
        """
        other = self._taken(new)
        if other is None or left > _LAST_ATTEMPTS:
            return other is None
        mine, old = self.flow.progress, other.progress
        answers = other.reply == inverse(new, other.protocol) and NatSide.SRC in other.status
        if not (answers and isinstance(mine, Tcp) and isinstance(old, Tcp)):
            return False
        if over := makes_way(old, mine):
            self.table.remove(other)
        return over

    def _attempts(self, offset: int, size: int) -> Iterator[tuple[int, int]]:
        """Offsets to try and how many are left, in ever shorter rows that begin elsewhere."""
        row = min(size, 128)
        while True:
            yield from ((offset + n, row - n) for n in range(row))
            if row >= size or row < 16:
                return
            row //= 2
            offset = self.draw()


def _little(word: int) -> int:
    """A word in network order as the processor reads it."""
    return int.from_bytes(word.to_bytes(4), "little")


def _words(address: Address) -> list[bytes]:
    packed = address.packed
    return [packed[at : at + 4] for at in range(0, len(packed), 4)]


def _port_class(port: int) -> tuple[int, int]:
    """From where a new source port is taken: privileged ports stay privileged."""
    if port < 512:
        return 1, 511
    return (600, 1023) if port < 1024 else (1024, 65535)


# --- rewriting ---


def rewrite(packet: Packet, flow: Flow, side: NatSide, *, reply: bool) -> Packet | None:
    """The packet as it goes on from a NAT hook of that side (nf_nat_packet); None: dropped.

    In the reply direction what was the destination is the source, and is put back.
    """
    if (side.other if reply else side) not in flow.status:
        return packet
    if side is NatSide.DST and packet.protocol == _GRE and _gre_version(packet) > 1:
        return None
    target = inverse(flow.original if reply else flow.reply, flow.protocol)
    return _aimed(packet, target, side)


def rewrite_error(packet: Packet, flow: Flow, side: NatSide, *, reply: bool) -> Packet | None:
    """An ICMP error made to look like the answer to what was sent; None: it is dropped.

    The packet that it quotes is put back too (nf_nat_icmp_reply_translation).
    """
    translated = {NatSide.SRC, NatSide.DST} & flow.status
    redirect = packet.icmp is not None and packet.icmp.type == _REDIRECT
    if redirect and (translated or len(flow.settled) < len(NatSide)):
        return None
    if (side.other if reply else side) not in flow.status:
        return packet
    other_way = flow.original if reply else flow.reply
    target = inverse(other_way, flow.protocol)
    quoted = _aimed(packet.quoted, other_way, side.other) if packet.quoted else None
    if side is NatSide.SRC:
        return replace(packet, src=target.src, quoted=quoted)
    return replace(packet, dst=target.dst, quoted=quoted)


_REDIRECT = 5
_GRE = 47


def _gre_version(packet: Packet) -> int:
    """The version in a GRE header, RFC 2784; 0 if nobody said."""
    return packet.payload[1] & 7 if packet.payload and len(packet.payload) > 1 else 0


def _aimed(packet: Packet, target: Tuple, side: NatSide) -> Packet:
    """The packet with one end as in ``target``."""
    source = side is NatSide.SRC
    moved: dict[str, Address] = {"src": target.src} if source else {"dst": target.dst}
    if packet.icmp is not None:
        identified = tuple_of(packet) is not None
        return replace(packet, **moved, **({"echo_id": target.sport} if identified else {}))  # type: ignore[arg-type]
    if packet.sport is None:
        return replace(packet, **moved)  # type: ignore[arg-type]
    ports = {"sport": target.sport} if source else {"dport": target.dport}
    return replace(packet, **moved, **ports)  # type: ignore[arg-type]
