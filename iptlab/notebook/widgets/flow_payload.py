"""What the packet flow's script gets: first what it shows at once, then what it asks for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from iptlab.netfilter.hooks import Backend
from iptlab.netfilter.rules import Chain
from iptlab.notebook.widgets.flow_chart import HEIGHT, WIDTH, Chart, chart
from iptlab.notebook.widgets.flow_legs import Leg, answers, body, head

# what is sent at once: so many bytes, and of a chain so many rules and those near what matters
_BYTES, _ROWS, _NEAR = 60_000, 30, 2
# so many rules are sent when somebody asks for more of them
_MORE = 200


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
