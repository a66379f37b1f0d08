"""A flow's entry in the connection table, packet by packet."""

from __future__ import annotations

from typing import Any

from traitlets import Dict, Int, TraitError, Unicode, validate

from iptlab.html import Html, element, table
from iptlab.notebook.widgets.base import ROOM, Widget, script, size, style
from iptlab.notebook.widgets.conntrack_moments import Flow, Moment, moments


class ConntrackTimeline(Widget):
    """What connection tracking knows of a flow after each packet: state, timeout, both tuples.

    ``flow`` is an attempt, a trip, journeys one after another, or a lab with all that was tried
    in it. ``machine`` is where one looks: first of all at one that translates addresses.
    ``step`` is the packet, from 0.
    """

    _esm = script("conntrack_timeline")
    _css = style("conntrack_timeline")
    title = Unicode().tag(sync=True)
    packets: Dict[str, Any] = Dict().tag(sync=True)
    left_out = Int().tag(sync=True)
    machine = Unicode().tag(sync=True)
    step = Int(0).tag(sync=True)

    def __init__(self, flow: Flow, machine: str = "") -> None:
        """A flow, and the machine where it is looked at."""
        found = moments(flow)
        machine = machine or _most_telling(found)
        packets = _sent(found, machine)
        super().__init__(
            title="Connection tracking, packet by packet",
            packets=packets,
            left_out=sum(map(len, found.values())) - sum(map(len, packets.values())),
            machine=machine,
        )

    @validate("machine")
    def _known(self, proposal: Any) -> str:
        name = str(proposal["value"])
        if name not in self.packets and self.packets:
            raise TraitError(f"no packet came to {name!r}; they came to {', '.join(self.packets)}")
        return name

    @validate("step")
    def _there(self, proposal: Any) -> int:
        return max(0, min(int(proposal["value"]), len(self.packets.get(self.machine, ())) - 1))

    def static(self) -> Html:
        here = self.packets.get(self.machine, [])
        head = ("no.", "packet", "ctstate", "entry", "timeout", "conntrack -L")
        rows = [(str(at), *_cells(one)) for at, one in enumerate(here, start=1)]
        return element("div", table(f"{self.title}{self._where}", head, rows))

    @property
    def _where(self) -> str:
        return f", on {self.machine}" if self.machine else ""

    def __str__(self) -> str:
        """Each packet, what rules saw of it, and the entry as ``conntrack -L`` prints it."""
        lines = [f"{self.title}{self._where}"]
        for at, one in enumerate(self.packets.get(self.machine, []), start=1):
            lines.append(f"{at:>3} {one['packet']}  ctstate {one['ctstate']}")
            lines.append(f"    {one['line'] if one['kept'] else _said(one)}")
        return "\n".join(lines)


def _sent(found: dict[str, list[Moment]], first: str) -> dict[str, list[dict[str, Any]]]:
    """The packets that there is room for, those of one machine before all others."""
    room = ROOM
    sent: dict[str, list[dict[str, Any]]] = {}
    for name in sorted(found, key=lambda name: name != first):
        sent[name] = []
        for one in found[name]:
            room -= size(drawn := one.drawn())
            if room < 0:
                break
            sent[name].append(drawn)
    return {name: sent[name] for name in found}


def _cells(one: dict[str, Any]) -> tuple[str, ...]:
    """A row of the static twin."""
    packet = f"{'←' if one['reply'] else '→'} {one['packet']}"
    entry = one["line"] if one["kept"] else ""
    return packet, one["ctstate"], _said(one), one["timeout"], entry


def _said(one: dict[str, Any]) -> str:
    """The entry's state, or why there is none."""
    if one["kept"]:
        return " ".join(filter(None, (one["state"], one["flags"])))
    return "no entry: its first packet did not get through" if one["line"] else "no entry"


def _most_telling(found: dict[str, list[Moment]]) -> str:
    """Where a packet was stopped, else where one was translated, else where most came."""
    telling = (
        lambda one: not one.journey.accepted,
        lambda one: bool(one.translations),
    )
    for tells in telling:
        for name, some in found.items():
            if any(map(tells, some)):
                return name
    return max(found, key=lambda name: len(found[name]), default="")
