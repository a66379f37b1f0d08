"""PacketFlow: a packet's way through a machine, to be stepped through rule by rule."""

from __future__ import annotations

from typing import Any

from traitlets import Bool, Dict, Int, TraitError, Unicode

from iptlab.html import Html, element, image
from iptlab.notebook.lab_view import attempt_html
from iptlab.notebook.widgets.base import Widget, script, style
from iptlab.notebook.widgets.flow_legs import Leg, Subject, legs
from iptlab.notebook.widgets.flow_payload import answer, payload
from iptlab.notebook.widgets.flow_picture import picture
from iptlab.notebook.widgets.flow_stops import lines
from iptlab.simulate.journey import Journey
from iptlab.simulate.network import Attempt, Trip
from iptlab.simulate.trace import HookVisit
from iptlab.view import way_html

# what a page of its own may hold
_PAGE = 10_000_000
_SCRIPTS = ("flow_chart", "flow_panels", "flow_places", "flow_guess", "packet_flow")


class PacketFlow(Widget):
    """The five hooks with a packet's way lit: step, play, look into tables, or predict first.

    Takes a ``Journey``, what ``iptlab.trace`` returns, or an attempt or trip over several
    machines of a lab. ``leg`` is the machine looked at, ``step`` what happens there, both from
    0; ``selected`` is the place in the chart whose chains are open, empty for the packet's own.
    With ``predict`` the next place is hidden until the learner has guessed it.
    """

    _esm = script(*_SCRIPTS)
    _css = style("packet_flow")
    flow = Dict().tag(sync=True)
    leg = Int(0, min=0).tag(sync=True)
    step = Int(0, min=0).tag(sync=True)
    selected = Unicode("").tag(sync=True)
    predict = Bool(False).tag(sync=True)

    def __init__(self, subject: Subject, *, predict: bool = False) -> None:
        if not isinstance(subject, Journey | HookVisit | Attempt | Trip):
            raise TraitError(
                f"PacketFlow shows what machine.journey(...), iptlab.trace(...) or "
                f"lab.connect(...) returns, not {type(subject).__name__}"
            )
        self.subject = subject
        self.legs = tuple(legs(subject))
        super().__init__(flow=payload(self.legs), predict=predict)
        self.on_msg(self._asked)

    def _asked(self, _: Widget, question: dict[str, Any], buffers: object) -> None:
        """Send what the script has not got yet."""
        self.send(answer(self.legs, question))

    def alone(self) -> dict[str, Any]:
        return self.shown() | {"flow": payload(self.legs, _PAGE)}

    def static(self) -> Html:
        first = self.legs[0].packet
        shown = [one for one in self.legs if one.packet == first]
        return element("div", *map(_picture, shown), _words(self.subject))

    def __str__(self) -> str:
        """The way as text, with the hooks where no table has rules."""
        told = []
        for leg in self.legs:
            told += [f"{f'on {leg.machine}: ' if leg.machine else ''}{leg.packet}"]
            told += [f"  {line}" for line in lines(leg.stops)]
        return "\n".join(told)


def _words(subject: Subject) -> Html:
    match subject:
        case Journey() | HookVisit():
            return way_html(subject)
        case Trip():
            return element("pre", str(subject))
        case Attempt():
            return attempt_html(subject)


def _picture(leg: Leg) -> Html:
    way = [(stop.node, stop.word) for stop in leg.stops]
    where = " -> ".join(dict.fromkeys(filter(None, (stop.at for stop in leg.stops))))
    said = f"on {leg.machine}: {where}" if leg.machine else where
    return element("figure", image(picture(leg.chart, way), said), element("figcaption", said))
