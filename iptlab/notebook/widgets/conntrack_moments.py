"""What connection tracking knew when each packet of a flow came by a machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from iptlab.console.lab import Lab
from iptlab.errors import IptlabError
from iptlab.netfilter.context import Connection
from iptlab.packet import Packet
from iptlab.simulate.conntrack import PORTED
from iptlab.simulate.journey import Journey
from iptlab.simulate.trips import Attempt, Trip

Flow = Attempt | Trip | Journey | Lab | Iterable[Journey | Attempt]


@dataclass(frozen=True)
class Moment:
    """One packet at one machine, and the entry that it found or made there."""

    journey: Journey

    @property
    def ctstate(self) -> str:
        """The state that rules saw; empty if it came to no tracking."""
        found = [one.ctstate for one in self.journey.stations if one.ctstate is not None]
        return str(found[-1]) if found else ""

    @property
    def entry(self) -> Connection | None:
        """The entry as the packet left it."""
        found = [one.connection for one in self.journey.stations if one.connection is not None]
        return found[-1] if found else None

    @property
    def kept(self) -> bool:
        """Whether the table has that entry: its first packet got through."""
        return self.entry is not None and "CONFIRMED" in self.entry.status

    @property
    def translations(self) -> tuple[str, ...]:
        """What NAT does to the flow's packets, in words."""
        return tuple(_translations(self.entry)) if self.entry else ()

    def drawn(self) -> dict[str, Any]:
        """All that is shown of it, as the script reads it."""
        entry = self.entry
        return {
            "packet": _short(self.journey.packet),
            "exit": _short(self.journey.exit) if self.journey.exit else "",
            "fate": "" if self.journey.accepted else self.journey.conclusion,
            "reply": bool(entry and entry.reply_direction),
            "ctstate": self.ctstate,
            "kept": self.kept,
            "state": _state(entry),
            "timeout": _lasting(entry.expires) if entry and self.kept else "",
            "flags": _flags(entry) if entry else "",
            "mark": entry.mark if entry else 0,
            "line": str(entry or ""),
            "flow": str(entry.original) if entry else "",
            "nat": list(self.translations),
        }


def moments(flow: Flow) -> dict[str, list[Moment]]:
    """By machine, the packets that came there; a journey alone was on a machine without name."""
    found: dict[str, list[Moment]] = {}
    for machine, journey in _journeys(flow):
        found.setdefault(machine, []).append(Moment(journey))
    return found


def _journeys(flow: object) -> Iterator[tuple[str, Journey]]:
    match flow:
        case Journey():
            yield "", flow
        case Trip():
            yield from flow.legs
            for caused in flow.caused:
                yield from _journeys(caused)
        case Attempt():
            for trip in flow.trips:
                yield from _journeys(trip)
        case Lab():
            yield from _journeys(flow.attempts)
        case Iterable() if not isinstance(flow, str):
            for one in flow:
                yield from _journeys(one)
        case other:
            raise IptlabError(
                f"{type(other).__name__} has no packets in it; give an Attempt, journeys or a Lab"
            )


def _short(packet: Packet) -> str:
    """A packet without sizes and numbers: ``tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN``."""
    return " ".join(takewhile(lambda word: "=" not in word, str(packet).split()))


def _state(entry: Connection | None) -> str:
    """The state that the protocol has, or whether both sides have spoken."""
    if entry is None:
        return ""
    return entry.state or ("replied" if "SEEN_REPLY" in entry.status else "unreplied")


def _flags(entry: Connection) -> str:
    """The words in brackets of ``conntrack -L``."""
    words = [] if "SEEN_REPLY" in entry.status else ["[UNREPLIED]"]
    return " ".join(words + ["[ASSURED]"] * ("ASSURED" in entry.status))


def _translations(entry: Connection) -> Iterator[str]:
    """What NAT does to all packets of the flow: its two directions are no mirror images then."""
    there, back = entry.original, entry.reply
    for name, old, new in (
        ("source", (there.src, there.sport), (back.dst, back.dport)),
        ("destination", (there.dst, there.dport), (back.src, back.sport)),
    ):
        # for ICMP these numbers are no ports, and NAT rarely touches them
        ports = entry.protocol in PORTED and old[1] != new[1]
        if old[0] != new[0] or ports:
            was, becomes = (f"{one[0]}:{one[1]}" if ports else str(one[0]) for one in (old, new))
            yield f"{name} {was} becomes {becomes}, and back again in answers"


_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"))


def _lasting(seconds: int) -> str:
    """A time as conntrack counts it, and in larger units if it fits.

    >>> _lasting(432000)
    '432,000 s (5 days)'
    """
    for size, name in _UNITS:
        count, rest = divmod(seconds, size)
        if count > 1 and not rest:
            return f"{seconds:,} s ({count} {name}s)"
    return f"{seconds:,} s"
