"""PacketFlow: a packet's way through a machine, to be stepped through rule by rule."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from traitlets import Bool, Dict, Int, TraitError, Unicode

from iptlab.html import Html, element, image
from iptlab.netfilter.hooks import Backend
from iptlab.netfilter.rules import Chain
from iptlab.notebook.lab_view import attempt_html
from iptlab.notebook.widgets.base import Widget, script, style
from iptlab.notebook.widgets.flow_chart import HEIGHT, WIDTH, Chart, chart
from iptlab.notebook.widgets.flow_legs import Leg, Subject, answers, body, head, legs
from iptlab.notebook.widgets.flow_picture import picture
from iptlab.notebook.widgets.flow_stops import lines
from iptlab.simulate.journey import Journey
from iptlab.simulate.network import Attempt, Trip
from iptlab.simulate.trace import HookVisit
from iptlab.view import journey_html, visit_html

# what is sent at once; all else is asked for when somebody wants to see it
_BYTES, _ROWS, _NEAR = 60_000, 30, 2
_MORE = 200
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
        case Journey():
            return journey_html(subject)
        case HookVisit():
            return visit_html(subject)
        case Trip():
            return element("pre", str(subject))
        case Attempt():
            return attempt_html(subject)


def _picture(leg: Leg) -> Html:
    way = [(stop.node, stop.word) for stop in leg.stops]
    where = " -> ".join(dict.fromkeys(filter(None, (stop.at for stop in leg.stops))))
    said = f"on {leg.machine}: {where}" if leg.machine else where
    return element("figure", image(picture(leg.chart, way), said), element("figcaption", said))


# --- what the script gets ---


def payload(legs: Iterable[Leg], most: int = _BYTES) -> dict[str, Any]:
    """The charts, the legs, and the chains that they came through, as far as there is room."""
    sent: list[dict[str, Any]] = []
    charts: dict[str, Any] = {}
    chains: dict[str, Any] = {}
    room = most
    for leg in legs:
        name = _backend(leg)
        charts.setdefault(name, _chart(leg.chart))
        one = head(leg) | {"chart": name}
        if room > 0:
            one |= body(leg)
            for key, rows in _chains(leg).items():
                chains[key] = _merged(chains.get(key), rows)
            room = most - len(json.dumps([*sent, one, chains], ensure_ascii=False))
        sent.append(one)
    return {"charts": charts, "chains": chains, "legs": sent}


def answer(legs: tuple[Leg, ...], question: dict[str, Any]) -> dict[str, Any]:
    """What the script asked for: a leg, more rows of a chain, or all chains of a table."""
    number = question["leg"]
    leg = legs[number]
    match question["ask"]:
        case "leg":
            return {"leg": number, "body": body(leg), "chains": _chains(leg)}
        case "rows":
            table, name, first = question["table"], question["chain"], question["first"]
            chain = leg.chain(table, name)
            if chain is None:
                return {"chains": {}}
            more = range(first, first + _MORE)
            said = answers(leg, stop := question["stop"], name, more)
            about = _about(chain, table) | {"rows": _rows(chain, more)}
            found = {"chains": {_key(leg, table, name): about}}
            return found | {"leg": number, "stop": stop, "answers": said}
    table = question["table"]
    known = next((one for name, one in leg.tables.items() if name == table), None)
    chains = {
        _key(leg, table, one.name): _about(one, table) | {"rows": _rows(one, range(1, _ROWS + 1))}
        for one in (known.ordered() if known else ())
    }
    return {"chains": chains, "all": f"{leg.machine} {table}"}


def _backend(leg: Leg) -> str:
    return next(str(one) for one in Backend if chart(one) is leg.chart)


def _chart(drawn: Chart) -> dict[str, Any]:
    nodes = {
        node.name: {
            **{"kind": node.kind, "label": node.label, "hook": node.hook},
            **{"x": node.x, "y": node.y, "width": node.width, "height": node.height},
            "onward": drawn.onward(node.name) if node.kind != "note" else [],
        }
        for node in drawn.nodes
    }
    edges = {edge.name: {"d": edge.d, "head": edge.head} for edge in drawn.edges}
    return {"width": WIDTH, "height": HEIGHT, "nodes": nodes, "edges": edges}


# --- chains ---


def _key(leg: Leg, table: str, chain: str) -> str:
    return f"{leg.machine} {table} {chain}"


def _chains(leg: Leg) -> dict[str, Any]:
    """The chains of a leg, with the rules that its frames speak of and those beside them."""
    spoken: dict[str, set[int]] = {}
    found: dict[str, tuple[Chain, str]] = {}
    for stop in leg.stops:
        for name, chain in stop.chains.items():
            table = str(stop.visit.table) if stop.visit else ""
            key = _key(leg, table, name)
            found[key] = chain, table
            near = spoken.setdefault(key, set(range(1, _ROWS + 1)))
            for frame in stop.frames:
                if frame.chain == name and frame.first == frame.last:
                    near |= set(range(frame.first - _NEAR, frame.first + _NEAR + 1))
    return {
        key: _about(chain, table) | {"rows": _rows(chain, spoken[key])}
        for key, (chain, table) in found.items()
    }


def _about(chain: Chain, table: str) -> dict[str, Any]:
    policy = str(chain.policy) if chain.policy else ""
    return {"table": table, "name": chain.name, "policy": policy, "rules": len(chain.rules)}


def _rows(chain: Chain, numbers: Iterable[int]) -> list[list[Any]]:
    """Rules by their numbers: number, rule, and what it says in English."""
    return [
        [number, str(rule := chain.rules[number - 1]), rule.explain()]
        for number in sorted(numbers)
        if 1 <= number <= len(chain.rules)
    ]


def _merged(old: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """A chain with the rows of both."""
    rows = {row[0]: row for one in (old, new) if one for row in one["rows"]}
    return new | {"rows": [rows[number] for number in sorted(rows)]}
