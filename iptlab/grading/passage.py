"""What routing and address translation make of what is known of a packet.

Where the answer depends on the packet's own fields it comes in several branches.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from iptlab.errors import CannotCompare
from iptlab.grading.axes import MOST_SINGLE
from iptlab.grading.common import Care, Common
from iptlab.grading.outcomes import DRAWN, ONES, SLOT, Hops, State, View, drawn
from iptlab.grading.supposing import addresses
from iptlab.grading.ways import Piece, Way, Ways
from iptlab.netfilter.actions import Side, Translate, Whose
from iptlab.netfilter.context import CtState
from iptlab.netfilter.networks import Network
from iptlab.packet import Family

Limits = tuple[tuple[int, int], ...]


class Branch(NamedTuple):
    """What is known from here on of packets within limits; None is that they are dropped.

    Of several branches the last one counts that a packet is in.
    """

    limits: Limits
    state: State | None


_LOOPBACK = {Family.IPV4: 0x7F000001, Family.IPV6: 1}
_ONE_LESS = Hops(-1, 0, 254)


class Passage:
    """One host, as the packets of a comparison pass through it."""

    def __init__(self, common: Common, ways: Ways, view: View) -> None:
        self.common = common
        self.space = common.space
        self.ways = ways
        self.view = view
        self._by_pieces: dict[int, dict[Way | None, int]] = {}

    # --- routing ---

    def sent(self, state: State) -> Iterator[Branch]:
        """The route of a packet that this machine sends."""
        yield from self._by_way((), state, self.ways.outbound(self._mark(state)))

    def routed(self, state: State) -> Iterator[Branch]:
        """The routing decision for a packet that came in."""
        mark = self._mark(state)
        if state.in_interface is not None:
            yield from self._by_way((), state, self.ways.inbound(state.in_interface, mark))
            return
        groups: dict[tuple[Piece, ...], int] = {}
        level = self.space.level["in_interface"]
        for name in self.ways.entrances:
            pieces = self.ways.inbound(name, mark)
            groups[pieces] = groups.get(pieces, 0) | self.space.atom("in_interface", name)
        for pieces, mask in groups.items():
            yield from self._by_way(((level, mask),), state, pieces)

    def hopped(self, state: State) -> Iterator[Branch]:
        """A forwarded packet has one hop less to live, and none goes on with none left.

        Kernel: net/ipv4/ip_forward.c (ip_forward), net/ipv6/ip6_output.c (ip6_forward)
        """
        level, ttl = self.space.level.get("ttl"), state.beside.ttl
        if level is None and state.beside.known("ttl") is None:
            yield Branch((), state)
            return
        onward = state._replace(beside=state.beside._replace(ttl=ttl.then(_ONE_LESS)))
        yield Branch((), onward)
        if level is None:
            return
        lives = enumerate(self.space.atoms[level])
        if over := sum(1 << at for at, left in lives if ttl.applied(int(left)) <= 1):
            yield Branch(((level, over),), None)

    def reroutes(self, state: State) -> bool:
        """Whether a rule in OUTPUT may have changed what the route depends on."""
        return state.dst is not None or not state.way or bool(self.ways.routing.rules)

    def rerouted(self, state: State) -> Iterator[Branch]:
        """Another look at the route, if a rule in OUTPUT may have changed it.

        Chains of OUTPUT go on asking about the interface that was chosen first.

        Kernel: net/ipv4/netfilter.c (ip_route_me_harder), net/ipv4/route.c (__mkroute_output)
        """
        level = self.space.level[self.view.at("src")]
        for limits, known in self._by_way((), state, self.ways.outbound(self._mark(state))):
            yield Branch(limits, known and known._replace(out_interface=state.out_interface))
            if known is None or known.way is None or state.dst is None:
                continue
            confined = self.ways.confined(known.way.interface)
            if mask := sum(self.space.between("src", *run) for run in confined):
                yield Branch((*limits, (level, mask)), None)

    def _by_way(self, limits: Limits, state: State, pieces: tuple[Piece, ...]) -> Iterator[Branch]:
        """A case for each way that destinations go."""
        if state.dst is not None:
            at = bisect_right(pieces, state.dst, key=lambda piece: piece.first) - 1
            yield Branch(limits, _going(state, pieces[at].way))
            return
        level = self.space.level[self.view.at("dst")]
        for way, mask in self._masks(pieces).items():
            yield Branch((*limits, (level, mask)), _going(state, way))

    def _masks(self, pieces: tuple[Piece, ...]) -> Mapping[Way | None, int]:
        """Which destinations go each way; ``pieces`` are kept by the host's ways."""
        masks = self._by_pieces.get(id(pieces))
        if masks is None:
            masks = self._by_pieces[id(pieces)] = {}
            for first, last, way in pieces:
                masks[way] = masks.get(way, 0) | self.space.between("dst", first, last)
        return masks

    def _mark(self, state: State) -> int:
        """The packet's mark, if routing depends on it."""
        if state.clear == ONES or not self.ways.routing.rules:
            return state.xor
        raise CannotCompare("`ip rule ... fwmark'", "say which mark packets begin with")

    # --- address translation ---

    def translated(self, wanted: Translate, state: State, care: Care) -> Iterator[Branch]:
        """A new source or destination for the packets in ``care``."""
        match wanted.addresses:
            case Whose.INCOMING if state.in_interface is None:
                level = self.space.level["in_interface"]
                for name in self.ways.entrances:
                    limit = (level, self.space.atom("in_interface", name))
                    own = self.ways.first_address(name)
                    for limits, known in self._aimed(wanted, own, state, care):
                        yield Branch((limit, *limits), known)
            case Whose.INCOMING:
                yield from self._aimed(wanted, _LOOPBACK[self.space.family], state, care)
            case Whose.OUTGOING:
                assert state.way
                yield from self._aimed(wanted, state.way.address, state, care)
            case (first, _):
                yield from self._aimed(wanted, int(first), state, care)
            case Network() as network:
                yield from self._mapped(wanted, network, state, care)
            case None:
                yield from self._written(wanted, {}, state, care)

    def kept(self, wanted: Translate, state: State) -> Limits | None:
        """The packets whose source stays, being one of those wanted; None if there are none."""
        if wanted.side is not Side.SOURCE or wanted.random or wanted.random_fully:
            return None
        limits: Limits = ()
        choices = {"src": addresses(wanted), "sport": range(0x10000)}
        if wanted.ports:
            choices["sport"] = range(wanted.ports[0], wanted.ports[1] + 1)
        for axis, fitting in choices.items():
            own = _own(state, axis)
            if own is not None and own not in fitting:
                return None
            if own is None and axis in self.space.level and len(fitting) < 0x10000:
                mask = self.space.between(axis, fitting[0], fitting[-1])
                limits += ((self.space.level[axis], mask),)
        return limits

    def _mapped(
        self, wanted: Translate, network: Network, state: State, care: Care
    ) -> Iterator[Branch]:
        """An address whose network changes: each of the packets' own ones by itself."""
        end = "src" if wanted.side is Side.SOURCE else "dst"
        own, level = _own(state, end), self.space.level[end]
        for place, number in self._singly(f"`{wanted.note}'", end, care) if own is None else ():
            new = {end: number & ~network.mask | network.address}
            for limits, known in self._written(wanted, new, state, care):
                if both := _within(limits, level, 1 << place):
                    yield Branch(both, known)
        if own is not None:
            new = {end: own & ~network.mask | network.address}
            yield from self._written(wanted, new, state, care)

    def _singly(self, what: str, axis: str, care: Care) -> list[tuple[int, int]]:
        """The values that packets in ``care`` have in a field, each with its atom."""
        space, mask = self.space, care[self.space.level[axis]]
        places = [at for at in range(mask.bit_length()) if mask >> at & 1]
        if any(space.first_of(axis, at) != space.last_of(axis, at) for at in places):
            reason = f"what a packet gets depends on its own one, of more than {MOST_SINGLE}"
            raise CannotCompare(what, reason)
        return [(at, int(space.first_of(axis, at))) for at in places]

    def _aimed(
        self, wanted: Translate, address: int | None, state: State, care: Care
    ) -> Iterator[Branch]:
        """The same once the address is known; without one the packet is dropped."""
        if address is None:
            yield Branch((), None)
        else:
            end = "src" if wanted.side is Side.SOURCE else "dst"
            yield from self._written(wanted, {end: address}, state, care)

    def _written(
        self, wanted: Translate, new: dict[str, int], state: State, care: Care
    ) -> Iterator[Branch]:
        """The same with the port, if there is a new one."""
        for limits, port in self._ports(wanted, state, care):
            for more, known in self._moved(wanted, {**new, **port}, state, care):
                merged: Limits | None = more
                for level, mask in limits:
                    merged = None if merged is None else _within(merged, level, mask)
                if merged is not None:
                    yield Branch(merged, known)

    def _ports(
        self, wanted: Translate, state: State, care: Care
    ) -> Iterator[tuple[Limits, dict[str, int]]]:
        """Which packets get which port; the last one counts.

        Kernel: net/netfilter/nf_nat_core.c (get_unique_tuple, nf_nat_l4proto_unique_tuple)
        """
        source = wanted.side is Side.SOURCE
        axis = "sport" if source else "dport"
        anyhow = wanted.random or wanted.random_fully
        if wanted.ports is None:
            yield (), {}
            if source and anyhow:
                yield self.space.having("sport"), {axis: DRAWN}
            return
        first, last = wanted.ports
        own, level = _own(state, axis), self.space.level[axis]
        if wanted.base is not None:
            single = [(0, own)] if own is not None else self._singly(f"`{wanted.note}'", axis, care)
            for place, port in single:
                new = first + (port - wanted.base & 0xFFFF) % (last - first + 1)
                yield ((level, 1 << place),) if own is None else (), {axis: new}
            return
        by_lot = first < last and (source or anyhow)
        yield (), {axis: drawn(first, last) if by_lot else first}
        if first < last and not anyhow:
            if own is None:
                yield ((level, self.space.between(axis, first, last)),), {}
            elif first <= own <= last:
                yield (), {}

    def _moved(
        self, wanted: Translate, new: dict[str, int], state: State, care: Care
    ) -> Iterator[Branch]:
        """The packet with its new values; whether it had them is asked where rules want to know."""
        moved = state._replace(**new)  # type: ignore[arg-type]
        if self.common.precise:
            word = CtState.SNAT if wanted.side is Side.SOURCE else CtState.DNAT
            moved = moved._replace(translated=state.translated | {word})
        yield Branch((), moved)
        if self.common.precise and (limits := self._same(new, state, care)) is not None:
            yield Branch(limits, state)

    def _same(self, new: dict[str, int], state: State, care: Care) -> Limits | None:
        """The packets that have the new values already; None if there are none."""
        limits = []
        for axis, thing in new.items():
            own = state[SLOT[axis]]
            if thing < 0:  # drawn by lot
                return None
            if own is None:
                level, mask = self.space.level[axis], self.space.atom(axis, thing)
                if not care[level] & mask:
                    return None
                limits.append((level, mask))
            elif own != thing:
                return None
        return tuple(limits)


def _own(state: State, axis: str) -> int | None:
    """What was written into a field; None if nothing was."""
    own = state[SLOT[axis]]
    assert own is None or isinstance(own, int)
    return own


def _within(limits: Limits, level: int, mask: int) -> Limits | None:
    """The limits with one more; None if nothing is left within them."""
    known = dict(limits)
    known[level] = known.get(level, mask) & mask
    return tuple(known.items()) if known[level] else None


def _going(state: State, way: Way | None) -> State | None:
    """The state once the way is known; packets for this machine have no interface to leave by."""
    return None if way is None else state._replace(way=way, out_interface=way.interface)
