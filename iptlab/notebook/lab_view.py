"""HTML for a lab: what was typed at it, what became of a packet, and how it is wired."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from iptlab.console.lab import Lab
from iptlab.console.map import Place
from iptlab.console.shell import Ran, Transcript
from iptlab.console.tally import Tally
from iptlab.html import Html, element, join, table
from iptlab.notebook.lab_picture import picture
from iptlab.simulate.network import Attempt, Leg, Trip
from iptlab.view import journey_html

_SCREEN = "font-family: monospace; line-height: 1.3; overflow: auto; max-height: 40em; "
# a long listing scrolls in its own frame, and its columns stay columns
_COLUMNS = "white-space: pre"
# but a long command, and what is wider than any listing, such as a line of a log, are folded
_FOLDED = "white-space: pre-wrap; word-break: normal"
_LONG_COMMAND, _WIDEST_LISTING = 90, 128


def transcript_html(transcript: Transcript) -> Html:
    """What a terminal shows: each line bold behind its prompt, its output below."""
    shown = [_ran_html(one, transcript.prompt) for one in transcript.ran]
    if transcript.unread is not None:
        shown.append(Html(join((transcript.verdict,))))
    style = _FOLDED if any(_is_wide(one, transcript.prompt) for one in transcript.ran) else _COLUMNS
    parts = [element("pre", *shown, style=_SCREEN + style)] if shown else []
    if transcript.verdict and transcript.unread is None:
        parts.append(element("p", element("em", transcript.verdict)))
    return element("div", *parts)


def _is_wide(ran: Ran, prompt: str) -> bool:
    typed = [len(line) for line in ran.shown(prompt).splitlines()]
    printed = [len(line) for line in ran.printed().splitlines()]
    return max(typed, default=0) > _LONG_COMMAND or max(printed, default=0) > _WIDEST_LISTING


def _ran_html(ran: Ran, prompt: str) -> Html:
    return join((element("strong", ran.shown(prompt)), f"\n{ran.printed()}"))


# --- attempts ---


def tally_html(tally: Tally) -> Html:
    """How many each server got, as a table."""
    return table(tally.title, tally.HEAD, tally.rows(), numbers_from=1)


def attempt_html(attempt: Attempt) -> Html:
    """An attempt as a table of its packets, each with its way, and the rules that they met."""
    # a packet that is sent again and fares as before is one row
    trips = [(next(same), 1 + sum(1 for _ in same)) for _, same in groupby(attempt.trips, key=str)]
    rows = [row for trip, times in trips for row in _trip_rows(trip, times=times)]
    by = f" to {attempt.listener or attempt.server}" if attempt.server else ""
    end = element("p", element("strong", f"{attempt.result}{by}"))
    looked = [leg for trip, _ in trips for leg in _legs_of_interest(trip, attempt)]
    return element(
        "div",
        table("", ("packet", "its way", "how it ended"), rows),
        end,
        *map(_leg_html, looked),
    )


def _trip_rows(trip: Trip, sign: str = "", *, times: int = 1) -> Iterator[tuple[str, ...]]:
    """A row for a packet that was sent so many times, then those of what it caused."""
    way = [" → ".join(leg.machine for leg in trip.legs)]
    way += [f"{leg.machine} {line}" for leg in trip.legs for line in leg.notes()]
    again = f", {times} times" if times > 1 else ""
    yield f"{sign}{trip.sent}{again}", join(element("div", one) for one in way), _end(trip)
    for caused in trip.caused:
        yield from _trip_rows(caused, "↳ ")


def _end(trip: Trip) -> str:
    """Where a packet arrived; or in bold why it did not."""
    last = trip.last
    if trip.arrived:
        return f"arrives on {last.machine}"
    return element("strong", trip.lost or f"{last.journey.conclusion}, on {last.machine}")


def _legs_of_interest(trip: Trip, attempt: Attempt) -> Iterator[Leg]:
    """All of the first packet's way; of later packets where they ended without arriving."""
    if trip is attempt.trips[0]:
        yield from trip.legs
    elif not trip.arrived:
        yield trip.last
    for caused in trip.caused:
        yield from _legs_of_interest(caused, attempt)


def _leg_html(leg: Leg) -> Html:
    said = f"on {leg.machine}: the rules that {leg.journey.packet} met"
    return element("details", element("summary", said), journey_html(leg.journey))


# --- labs ---


def lab_html(lab: Lab) -> Html:
    """The picture of a lab, and a table that says the same."""
    map_ = lab.map
    rows = [row for place in map_.places for row in _place_rows(place)]
    head = ("host", "interface", "addresses", "listens")
    links = element("p", "links: ", "; ".join(map(str, map_.wires)))
    return element("div", picture(map_), table("", head, rows), links)


def _place_rows(place: Place) -> Iterator[tuple[str, ...]]:
    """A row for each interface; the host and who listens there stand in the first."""
    host, listens = element("strong", place.name), ", ".join(place.services)
    for card in place.cards:
        yield host, card.name, ", ".join(map(str, card.addresses)), listens
        host, listens = Html(), ""
