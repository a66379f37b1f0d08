"""What targets make of what is known of a packet, where it goes on with the next rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from iptlab.errors import CannotCompare
from iptlab.grading.asking import (
    Change,
    ChangeMark,
    ChangeTos,
    ChangeTtl,
    LimitSegment,
    MarkConnection,
    Note,
    PutIntoClass,
    Untrack,
)
from iptlab.grading.common import Common
from iptlab.grading.original import TRACKED
from iptlab.grading.outcomes import ONES, State
from iptlab.grading.passage import Branch, Limits
from iptlab.grading.sample import packet_of
from iptlab.grading.scope import Logs
from iptlab.netfilter.actions import Continue, SetConnmark
from iptlab.netfilter.context import Connection, Context, CtState, Tuple
from iptlab.packet import Family
from iptlab.targets.connmark import Connmark

# kernel: net/netfilter/xt_TCPMSS.c (tcpmss_mangle_packet)
_HEADERS = {Family.IPV4: 40, Family.IPV6: 60}


def changed(common: Common, change: Change, state: State) -> Iterator[Branch]:
    """What is known afterwards; of several branches the last one counts that a packet is in."""
    beside = state.beside
    match change:
        case ChangeMark(clear, xor):
            mark = state.xor & ~clear ^ xor
            yield Branch((), state._replace(clear=state.clear | clear, xor=mark))
        case Untrack() if state.tracked:
            # once tracking has seen a packet it is too late
            yield Branch((), state)
        case Untrack():
            alone = beside._replace(connmark=common.ground.begin().beside.connmark)
            yield Branch((), state._replace(ctstate=CtState.UNTRACKED, beside=alone))
        case ChangeTos(bits):
            yield Branch((), state._replace(beside=beside._replace(tos=beside.tos.then(bits))))
        case ChangeTtl(hops):
            yield Branch((), state._replace(beside=beside._replace(ttl=beside.ttl.then(hops))))
        case MarkConnection(target):
            yield from _marked(common, target, state)
        case LimitSegment(size):
            yield from _limited(common, size, state)
        case Note(prefix):
            counts = common.ground.scope.logs is Logs.PREFIXES
            yield Branch((), state._replace(logged=state.logged | {prefix if counts else ""}))
        case PutIntoClass(name):
            yield Branch((), state._replace(beside=beside._replace(traffic_class=name)))
        case other:
            assert_never(other)


# --- marks of connections ---


def _marked(common: Common, target: Connmark, state: State) -> Iterator[Branch]:
    """The packet's mark and its connection's, each looked at value by value if it is free."""
    limits: Limits = ()
    if state.ctstate is None:
        yield Branch((), state)
        limits = ((common.space.level["ctstate"], common.space.mask(TRACKED, "ctstate")),)
    elif state.ctstate in (CtState.INVALID, CtState.UNTRACKED):
        yield Branch((), state)
        return
    marks = _values(common, "mark", state)
    of_connections = _values(common, "connmark", state)
    if target.shift and len(marks) * len(of_connections) > 1:
        raise CannotCompare(f"`{target}'", "marks that are shifted must be known here")
    for at_mark, mark in marks:
        for at_connmark, connmark in of_connections:
            new, kept = _after(target, int(mark), int(connmark))
            beside = state.beside._replace(connmark=kept)
            known = state._replace(clear=ONES, xor=new, beside=beside)
            yield Branch((*limits, *at_mark, *at_connmark), known)


def _values(common: Common, axis: str, state: State) -> list[tuple[Limits, int | str]]:
    """The values that a field may have now, each with the packets that have it."""
    known = state.known(axis)
    if known is not None:
        return [((), known)]
    level = common.space.level[axis]
    return [
        (((level, 1 << at),), state.applied(axis, thing))
        for at, thing in enumerate(common.space.atoms[level])
    ]


def _after(target: Connmark, mark: int, connmark: int) -> tuple[int, int]:
    """The marks of a packet and of its connection once the target has seen them."""
    packet = packet_of({"mark": mark}, Family.IPV4)
    ends = Tuple(packet.src, packet.dst)
    connection = Connection(packet.protocol, ends, ends, mark=connmark)
    action = target.act(packet, Context(connection=connection))
    assert isinstance(action, Continue)
    for effect in action.effects:
        assert isinstance(effect, SetConnmark)
        connmark = effect.applied(connmark)
    return action.packet.mark, connmark


# --- segments ---


def _limited(common: Common, size: int | None, state: State) -> Iterator[Branch]:
    """The size of segments limited; on a host the path is known."""
    ways, beside = common.ground.ways, state.beside
    if size is None and ways is None:
        yield Branch((), state._replace(beside=beside._replace(path=True)))
        return
    if size is not None or ways is None:
        yield Branch((), _no_larger(state, size or 0))
        return
    mtu = {name: one.mtu - _HEADERS[common.space.family] for name, one in ways.host.by_name.items()}
    out = mtu[state.out_interface or "lo"]
    if state.in_interface is not None:
        yield Branch((), _no_larger(state, min(out, mtu[state.in_interface or "lo"])))
        return
    level = common.space.level["in_interface"]
    for name in ways.entrances:
        limit = (level, common.space.atom("in_interface", name))
        yield Branch((limit,), _no_larger(state, min(out, mtu[name])))


def _no_larger(state: State, size: int) -> State:
    beside = state.beside
    least = size if beside.mss is None else min(size, beside.mss)
    return state._replace(beside=beside._replace(mss=least))
