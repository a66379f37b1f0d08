"""What became of packets that crossed machines: trips, and attempts to reach something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

from iptlab.packet import Packet
from iptlab.shown import Shown
from iptlab.simulate.journey import Fate, Journey, Kind


class Leg(NamedTuple):
    """A packet's journey on one machine of its trip."""

    machine: str
    journey: Journey

    def rewrites(self) -> Iterator[str]:
        """What NAT changed of the packet: ``PREROUTING: dst: 10.0.0.1 becomes 10.0.0.2``."""
        for station in self.journey.stations:
            if station.kind is Kind.NAT and station.at is not None:
                yield f"{station.at.hook}: {station.changed()}"

    def notes(self) -> Iterator[str]:
        """What NAT changed, what LOG wrote, and the rule that stopped the packet."""
        yield from self.rewrites()
        yield from (f"log: {line}" for line in self.journey.log)
        if self.journey.stopped_by is not None and self.journey.by is not None:
            yield f"-A {self.journey.by.chain} {self.journey.stopped_by}"

    def __str__(self) -> str:
        return f"on {self.machine}: {self.journey.conclusion}"


@dataclass(frozen=True)
class Trip(Shown):
    """One packet's way over all machines; ``caused`` are the trips of answers such as errors.

    ``lost`` says why it left a machine and reached no other.
    """

    legs: tuple[Leg, ...]
    lost: str = ""
    caused: tuple[Trip, ...] = ()

    @property
    def last(self) -> Leg:
        """Where it ended."""
        return self.legs[-1]

    @property
    def arrived(self) -> bool:
        """Whether a process got it."""
        return self.last.journey.fate is Fate.DELIVERED and not self.lost

    def lines(self) -> Iterator[str]:
        """A line for each machine, then what it caused."""
        yield self.legs[0].journey.situation
        for leg in self.legs:
            yield f"  {leg}"
            yield from (f"    {line}" for line in leg.notes())
        if self.lost:
            yield f"  lost: {self.lost}"
        for trip in self.caused:
            yield "  because of it:"
            yield from (f"    {line}" for line in trip.lines())

    @property
    def sent(self) -> Packet:
        """The packet as it set out, without what it carries, which is long."""
        return replace(self.legs[0].journey.packet, payload=None)

    @property
    def smooth(self) -> bool:
        """Whether it arrived and caused nothing else."""
        return self.arrived and not self.caused

    def __str__(self) -> str:
        return "\n".join(self.lines())


class Result(StrEnum):
    """What a program sees of an attempt to reach something."""

    CONNECTED = "connected"
    REFUSED = "connection refused"
    TIMED_OUT = "timed out"
    NO_ROUTE = "no route to host"
    UNREACHABLE = "network is unreachable"
    PROHIBITED = "operation not permitted"


@dataclass(frozen=True)
class Attempt(Shown):
    """An attempt to reach something: every packet of it in order, and what came of it.

    ``server`` is the machine that answered, ``listener`` the process there, ``seen`` the first
    packet as that process saw it, ``answer`` the first one that came back for it. ``heard`` is
    the text that was answered, ``error`` the name of the error's number where ``result`` alone
    does not say it.
    """

    packet: Packet
    trips: tuple[Trip, ...]
    result: Result
    server: str = ""
    listener: str = ""
    seen: Packet | None = None
    answer: Packet | None = None
    heard: str = ""
    error: str = ""
    probability: Fraction = Fraction(1)

    def __str__(self) -> str:
        """The first packet's way and its answer's, and later ones that did not get through."""
        lines: list[str] = []
        for number, (told, same) in enumerate(groupby(self.trips, key=str)):
            trip, *again = same
            if number > 1 and trip.smooth:
                lines.append(f"then: {trip.sent}, which arrives on {trip.last.machine}")
            else:
                lines.append(told)
            lines += [f"  sent {len(again) + 1} times, always like this"] * bool(again)
        by = f" to {self.listener or self.server}" if self.server else ""
        return "\n".join([*lines, f"{self.result}{by}"])
