"""A journey as stops: the places in the chart that a packet came to, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.context import CtState
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.rules import Chain
from iptlab.notebook.widgets.flow_chart import AGAIN, FORWARDING, IN, OUT, PROCESS, ROUTING, row
from iptlab.notebook.widgets.flow_frames import Frame, frames
from iptlab.simulate.journey import Fate, Journey, Kind, Pass, Station
from iptlab.simulate.trace import HookVisit, TableVisit


@dataclass(frozen=True)
class Stop:
    """A place in the chart and what happens there; ``word`` sums it up, ``at`` has interfaces.

    ``visit`` is the walk through a table, if that is what the place is.
    """

    node: str
    at: str
    word: str
    frames: tuple[Frame, ...]
    visit: TableVisit | None = None

    @property
    def chains(self) -> dict[str, Chain]:
        """The chains of the table that the packet came through, by name."""
        records = self.visit.records if self.visit else ()
        return {record.chain.name: record.chain for record in records}


def stops(journey: Journey) -> Iterator[Stop]:
    """Every place that a packet came to, also the hooks where no table had rules."""
    stop = _begin(journey)
    yield stop
    tracked, packet = False, journey.packet
    for at, node, group in _places(journey):
        if not group:
            said, last = "no table has rules here: the packet passes", stop.frames[-1]
            frame = Frame(str(at), said, packet, packet, last.ctstate, last.connection)
            stop = Stop(node, str(at), "", (frame,))
            yield stop
            continue
        shown: list[Frame] = []
        for station in group:
            tracked = tracked or station.kind is Kind.CONNTRACK or _is_known(station)
            if station.at is None:
                # between two hooks nobody asks for the connection, but it is still there
                station = replace(station, connection=stop.frames[-1].connection)
            shown += frames(station, tracked=tracked)
        packet = shown[-1].packet
        visit = next((one.visit for one in group if one.visit), None)
        stop = Stop(node, str(at or ""), _word(group), tuple(shown), visit)
        yield stop
    yield _end(journey, stop)


def lines(stopped: Iterable[Stop]) -> Iterator[str]:
    """The stops as text: hooks at the margin, what happens in them below."""
    at = ""
    for stop in stopped:
        if stop.at and stop.at != at:
            yield stop.at
        at = stop.at
        pad = "  " if at else ""
        for frame in stop.frames:
            deeper = "  " * len(frame.trail)
            place = "" if frame.place == at else f"{frame.place}: "
            yield f"{pad}{deeper}{place}{frame.said}"


def _is_known(station: Station) -> bool:
    """Whether connection tracking has told something: before it looks, all is INVALID."""
    return station.ctstate not in (None, CtState.INVALID)


def visited(visit: HookVisit) -> Iterator[Stop]:
    """The same for a walk through the tables of one hook."""
    context, packet = visit.context, visit.packet
    at = Pass(context.hook, context.in_interface, context.out_interface)
    frame = Frame(str(at), visit.situation, packet, packet, context.ctstate, context.connection)
    yield Stop(str(context.hook), str(at), "", (frame,))
    for table in visit.tables:
        known = table.context.connection
        station = Station(
            Kind.TABLE,
            f"{table.table} {table.chain}",
            at,
            packet,
            table.packet,
            table.context.ctstate,
            context.connection,
            known,
            table,
        )
        shown = tuple(frames(station, tracked=True))
        yield Stop(row(context.hook, table.table), str(at), _word([station]), shown, table)
        packet = table.packet
    last = Frame("verdict", visit.conclusion, packet, packet, context.ctstate, context.connection)
    node = row(context.hook, visit.deciding.table) if visit.tables else str(context.hook)
    yield Stop(node, str(at), _ended(str(visit.verdict), through=visit.accepted), (last,))


# --- where and in which order ---


def _places(journey: Journey) -> Iterator[tuple[Pass | None, str, list[Station]]]:
    """Stations by their place in the chart, and the hooks on the way that have none."""
    waiting = list(journey.path)
    named = zip(_nodes(journey), journey.stations, strict=True)
    for (at, node), group in groupby(named, lambda one: (one[1].at, one[0])):
        for here in _bare(waiting, at):
            yield here, str(here.hook), []
        yield at, node, [station for _, station in group]
    yield from ((here, str(here.hook), []) for here in waiting)


def _bare(waiting: list[Pass], at: Pass | None) -> list[Pass]:
    """The hooks that lie before what comes now; they and the present one wait no longer."""
    if at is None:
        # between two hooks: a packet is routed behind these two, before the other three
        behind = (Hook.PREROUTING, Hook.POSTROUTING)
        upto = next((n for n, one in enumerate(waiting) if one.hook not in behind), len(waiting))
        bare, waiting[:] = waiting[:upto], waiting[upto:]
        return bare
    upto = next((n for n, one in enumerate(waiting) if one is at), -1)
    bare, waiting[:] = waiting[: max(upto, 0)], waiting[upto + 1 :]
    return bare


def _nodes(journey: Journey) -> Iterator[str]:
    """The place in the chart of each station."""
    node = PROCESS
    for number, station in enumerate(journey.stations):
        match station:
            case Station(kind=Kind.FORWARDING):
                node = FORWARDING
            case Station(kind=Kind.ROUTING, at=None):
                # only what is sent from here is routed before all else
                node = AGAIN if not number and not journey.entry else ROUTING
            case Station(kind=Kind.ROUTING):
                pass  # once more, because of what the table just did
            case Station(kind=Kind.TABLE, visit=TableVisit() as visit, at=Pass() as at):
                node = row(at.hook, visit.table)
            case Station(kind=kind, at=Pass() as at):
                node = row(at.hook, kind)
        yield node


# --- the beginning and the end ---


def _begin(journey: Journey) -> Stop:
    node, at = (IN, journey.entry) if journey.entry else (PROCESS, "")
    said = f"comes in through {at}" if at else "a process of this machine sends it"
    frame = Frame("start", said, journey.packet, journey.packet)
    return Stop(node, "", at or "sends", (frame,))


def _end(journey: Journey, last: Stop) -> Stop:
    """How it ended, and where in the chart."""
    packet, frame = last.frames[-1].packet, last.frames[-1]
    node = {Fate.DELIVERED: PROCESS, Fate.FORWARDED: OUT, Fate.SENT: OUT}.get(journey.fate)
    word = _ended(journey.fate, through=journey.accepted)
    told = replace(frame, place="end", said=journey.conclusion, before=packet, chain="", trail=())
    return Stop(node or last.node, "", word, (replace(told, first=0, last=0, answer=""),))


def _ended(word: str, *, through: bool) -> str:
    """The fate in a word; the sign says the same without colour."""
    return f"{'✓' if through else '✕'} {word}"


def _word(stations: Sequence[Station]) -> str:
    """What happened at a place, in a word that fits into the chart."""
    last = stations[-1]
    visit = next((station.visit for station in stations if station.visit), None)
    match last.kind:
        case Kind.CONNTRACK:
            return str(last.ctstate)
        case Kind.CONFIRM:
            return "kept"
        case Kind.FORWARDING:
            return f"ttl {last.packet.ttl}"
    if visit is None:
        return "rewritten" if last.kind is Kind.NAT else ""
    if visit.verdict is not Verdict.ACCEPT:
        told = visit.verdict if isinstance(visit.verdict, Verdict) else Fate.UNKNOWN
        return _ended(str(told), through=False)
    if visit.translate:
        *_, step = visit.matched()
        return step.rule.target.name if step.rule.target else ""
    changed = {name: new for station in stations for name, _, new in station.changes()}
    if "mark" in changed:
        return f"mark {last.packet.mark:#x}"
    return f"new {next(iter(changed))}" if changed else str(visit.verdict)
