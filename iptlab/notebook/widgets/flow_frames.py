"""What happens to a packet at a station, cut into frames: the rules that it meets, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

from iptlab.netfilter.context import Connection
from iptlab.packet import Packet
from iptlab.simulate.journey import Station
from iptlab.simulate.trace import Event, Step

# of so many rules in a row that say no the first ones are told singly, and the last one
_RUN, _FIRST = 12, 3


@dataclass(frozen=True)
class Frame:
    """What is looked at in one step.

    ``first`` and ``last`` are the rules of ``chain`` that are asked, ``answer`` is what they
    say: yes, no, cannot tell, or left for the end of the chain. ``trail`` are the rules that
    jumped here. ``packet`` and what is known of its connection are as they are after.
    """

    place: str
    said: str
    before: Packet
    packet: Packet
    ctstate: str = ""
    connection: Connection | None = None
    chain: str = ""
    first: int = 0
    last: int = 0
    answer: str = ""
    trail: tuple[str, ...] = ()


def frames(station: Station, *, tracked: bool) -> Iterator[Frame]:
    """The frames of one station; without a walk it is one."""
    if station.visit is None:
        said = "; ".join(filter(None, (station.note, station.changed())))
        state = str(station.ctstate or "") if tracked else ""
        packet, known = station.packet, station.connection
        yield Frame(station.name, said, station.before, packet, state, known)
        return
    trail: list[str] = []
    moments = list(_moments(station))
    for run in _runs(moments):
        first, last = run[0], run[-1]
        del trail[first.event.depth :]
        yield _frame(run, tuple(trail), last.state if tracked else "")
        if isinstance(first.event, Step):
            trail.append(f"{first.event.chain} {first.event.number}")


class _Moment(NamedTuple):
    """An event of a walk, and what the packet and all known of it are after it."""

    event: Event
    before: Packet
    packet: Packet
    connection: Connection | None
    state: str


def _moments(station: Station) -> list[_Moment]:
    """The events with what came of each, which is what the next rule saw."""
    visit = station.visit
    assert visit is not None
    packet, known, state = visit.packet, station.connection, visit.context.ctstate
    found = []
    for event in reversed(visit.events):
        before = event.packet if isinstance(event, Step) else packet
        found.append(_Moment(event, before, packet, known, str(state)))
        if isinstance(event, Step):
            packet, known, state = before, event.context.connection, event.context.ctstate
    return found[::-1]


def _runs(moments: Sequence[_Moment]) -> Iterator[Sequence[_Moment]]:
    """The moments one by one, but the middle of a long row of refusals at once."""
    for dull, same in groupby(moments, _refused):
        run = list(same)
        if dull is None or len(run) <= _RUN:
            yield from ([one] for one in run)
        else:
            yield from ([one] for one in run[:_FIRST])
            yield run[_FIRST:-1]
            yield [run[-1]]


def _refused(moment: _Moment) -> tuple[str, int] | None:
    """The chain and depth of a rule that said no; None for all else."""
    match moment.event:
        case Step(answer=False, chain=chain, depth=depth):
            return chain, depth
    return None


def _frame(run: Sequence[_Moment], trail: tuple[str, ...], state: str) -> Frame:
    """A moment, or a run of refusals, as a frame."""
    event, last = run[0].event, run[-1]
    table = event.table
    frame = Frame("", "", run[0].before, last.packet, state, last.connection, event.chain)
    if not isinstance(event, Step):
        place = f"{table} {event.chain}"
        return replace(frame, place=place, said=event.outcome, answer="left", trail=trail)
    number = event.number + len(run) - 1
    if len(run) > 1:
        place = f"{table} {event.chain} {event.number} to {number}"
        said = f"no: none of these {len(run):,} rules matches"
    else:
        place, said = f"{table} {event.chain} {event.number}", event.outcome
    answer = "cannot tell"
    if isinstance(event.answer, bool):
        answer = "yes" if event.answer else "no"
    asked = replace(frame, first=event.number, last=number, answer=answer)
    return replace(asked, place=place, said=said, trail=trail)
