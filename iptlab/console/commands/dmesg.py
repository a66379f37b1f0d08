"""``dmesg``: what the kernel wrote, which here is what LOG and TRACE said of packets.

Man page: dmesg(1)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from iptlab.console.command import Output, Session, register_command
from iptlab.simulate.journey import Journey
from iptlab.simulate.trips import Trip


@register_command("dmesg")
def dmesg(session: Session, words: Sequence[str]) -> Output:
    """The lines about packets that commands have sent, oldest first.

    Simplified: without times, as ``dmesg -t`` prints them, and the kernel's other lines.
    """
    for word in words[1:]:
        if word not in ("-t", "--notime"):
            told = f"dmesg: `{word}' is not modelled here; write dmesg, and | tail to see the last"
            return Output(stderr=f"{told}\n", status=1)
    trips = (trip for attempt in session.attempts for trip in attempt.trips)
    return Output("".join(f"{line}\n" for line in _lines(session.host, trips)))


def _lines(host: str, trips: Iterable[Trip]) -> Iterator[str]:
    for trip in trips:
        for leg in trip.legs:
            if leg.machine == host:
                yield from _written(leg.journey)
        yield from _lines(host, trip.caused)


def _written(journey: Journey) -> Iterator[str]:
    yield from journey.traced
    yield from journey.log
