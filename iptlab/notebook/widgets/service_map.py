"""A Service from its addresses to its endpoints, with the rule behind every edge."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from traitlets import List, Unicode

from iptlab.console.lab import Lab
from iptlab.errors import IptlabError
from iptlab.html import Html, element, table
from iptlab.kubernetes.cluster import Cluster
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.paths import Edge, Kind, Numbered, Paths, Point
from iptlab.kubernetes.provenance import Provenance
from iptlab.kubernetes.read_paths import read_paths
from iptlab.notebook.widgets.base import Widget, script, style
from iptlab.notebook.widgets.service_layout import Line, layout, percent
from iptlab.notebook.widgets.service_picture import picture
from iptlab.ruleset import Ruleset
from iptlab.simulate.chance import fraction

if TYPE_CHECKING:
    from pandas import DataFrame

Source = Lab | Cluster | Proxy | Ruleset
# what is sent when a notebook is opened; the rest of the Services has to be asked for by name
_MOST_BYTES = 200_000
_MOST_RULES = 40
_MOST_ROWS = 60
# still pictures, each above the others
_MOST_PICTURES = 4

# --- what is shown ---


def map_of(source: Source, service: str = "", node: str = "") -> tuple[Paths, ...]:
    """The ways of a node's Services, or of the one named ``namespace/name``."""
    rules, owners = _rules(source, node)
    found = read_paths(rules, owners)
    if not service:
        return found
    some = tuple(one for one in found if service in (one.service, one.service.split("/")[-1]))
    if not some:
        names = ", ".join(one.service for one in found[:12]) + ", …" * (len(found) > 12)
        raise IptlabError(f"there is no Service `{service}' in these rules; there are {names}")
    return some


def _rules(source: Source, node: str) -> tuple[Ruleset, Mapping[str, str]]:
    """The rules of a node, and whose the addresses are, where that is known."""
    match source:
        case Lab():
            return _rules(source.cluster, node)
        case Cluster():
            owners = {str(address): name for address, name in source.place.owners.items()}
            return source.rules(node or source.nodes[0]), owners
        case Proxy():
            return _written(source), {}
        case Ruleset():
            return source, {}
    raise IptlabError("ServiceMap shows a Lab, a Cluster, a Proxy or the rules of a node")


def _written(proxy: Proxy) -> Ruleset:
    """The rules that a proxy has written so far."""
    found = Provenance.of(proxy)
    text = ""
    for name in ("filter", "nat"):
        # a chain that has no rules is only known from who jumps there
        chains = {chain for of, chain in (*found.by_chain, *found.users) if of == name}
        declared = [f":{one} - [0:0]" for one in sorted(chains) if one.startswith("KUBE-")]
        lines = [rule.text for rule in found.rules if rule.table == name]
        text += "\n".join([f"*{name}", *declared, *lines, "COMMIT\n"])
    return Ruleset.parse(text, proxy.family)


def payload(paths: Paths) -> dict[str, Any]:
    """A Service as the browser draws it."""
    drawn = layout(paths)
    return {
        "name": paths.service,
        "width": round(drawn.width),
        "height": round(drawn.height),
        "hidden": drawn.hidden,
        "boxes": [
            {
                "id": box.point.id,
                "kind": str(box.point.kind),
                "title": box.point.title,
                "note": box.point.note,
                "at": [round(box.x), round(box.y), round(box.width), round(box.height)],
                "about": _about_point(box.point, paths),
            }
            for box in drawn.boxes
        ],
        "lines": [
            {
                "id": f"{line.edges[0].start} -> {line.edges[0].end}",
                "curve": line.curve,
                "at": [round(line.x), round(line.y)],
                "said": line.said,
                "about": _about_line(line, paths),
            }
            for line in drawn.lines
        ],
    }


def _about_point(point: Point, paths: Paths) -> dict[str, Any]:
    """What a click on a point tells."""
    rules = point.rules
    if point.kind is Kind.DOOR:
        rules = tuple(rule for edge in paths.after(point.id) for rule in edge.rules)
    said = {
        Kind.DOOR: "What catches packets that come to this address and port.",
        Kind.CHAIN: f"The chain's {len(rules)} rules, asked from the first on.",
        Kind.END: "What happens to a packet that comes here.",
        Kind.STOP: "What refuses the packets.",
    }[point.kind]
    title = " ".join(filter(None, (point.title, f"({point.note})" * bool(point.note))))
    return _about(f"{point.kind} {title}", said, rules)


def _about_line(line: Line, paths: Paths) -> dict[str, Any]:
    start, end = (paths.points[name] for name in (line.edges[0].start, line.edges[0].end))
    rules = tuple(rule for edge in line.edges for rule in edge.rules)
    return _about(f"{start.title} → {end.title}", " ".join(map(told, line.edges)), rules)


def _about(heading: str, said: str, rules: tuple[Numbered, ...]) -> dict[str, Any]:
    shown = [(one.place, one.text, one.rule.explain()) for one in rules[:_MOST_RULES]]
    return {
        "heading": heading,
        "said": said,
        "rules": shown,
        "more": max(0, len(rules) - _MOST_RULES),
    }


def told(edge: Edge) -> str:
    """How an edge's share comes about, in a sentence."""
    if edge.when:
        return f"Taken by a packet that {edge.when}."
    if edge.share is None or edge.share == 1:
        return "Taken by every packet that comes here."
    share = " = ".join(filter(None, (fraction(edge.share), percent(edge.share))))
    left, drawn = fraction(edge.left) or percent(edge.left), fraction(edge.drawn)
    if edge.drawn == 1:
        whole = f"The last rule takes all that is left: {share}."
    elif edge.left == 1:
        whole = f"The rule draws {share} of all connections."
    else:
        whole = f"The rule draws {drawn or percent(edge.drawn)} of the {left} left to it: {share}."
    sticky = " A client that it served lately comes back by the first of the two rules."
    return whole + sticky * bool(edge.again)


def rows(paths: Paths) -> Iterator[tuple[str, ...]]:
    """The ways as a table: from where, who, what share, to whom, by which rules."""
    for door in paths.of_kind(Kind.DOOR):
        for way in paths.ways(door.id):
            end = paths.points[way.edges[-1].end]
            share = " = ".join(filter(None, (fraction(way.share), percent(way.share))))
            yield (
                paths.service,
                " ".join(filter(None, (door.title, f"({door.note})" * bool(door.note)))),
                f"if it {way.when}" if way.when else "everybody",
                share if end.kind is Kind.END else "",
                " ".join(filter(None, (end.title, end.note))),
                ", ".join(rule.place for edge in way.edges for rule in edge.rules),
            )


# --- the widget ---

_HEAD = ("Service", "address and port", "for whom", "share", "endpoint", "rules")


class ServiceMap(Widget):
    """Services of a node from their addresses to their endpoints, with the rules between.

    ``ServiceMap(lab, "default/web", node="node2")``: a lab, a cluster, a kube-proxy or the rules
    of a node; without a Service all, as far as there is room.
    """

    _esm = script("service_map")
    _css = style("service_map")
    services: List[Any] = List().tag(sync=True)
    service = Unicode().tag(sync=True)
    selected = Unicode().tag(sync=True)
    note = Unicode().tag(sync=True)

    def __init__(self, source: Source, service: str = "", *, node: str = "") -> None:
        self.maps = map_of(source, service, node)
        shown: list[dict[str, Any]] = []
        room = _MOST_BYTES
        for one in self.maps:
            drawn = payload(one)
            room -= len(json.dumps(drawn))
            if shown and room < 0:
                break
            shown.append(drawn)
        left = len(self.maps) - len(shown)
        more = f"{left} more Services have no room here: name one, as in"
        note = f'{more} ServiceMap(lab, "{self.maps[-1].service}").' if left else ""
        super().__init__(services=shown, service=shown[0]["name"], note=note)

    def _rows(self) -> list[tuple[str, ...]]:
        return [row for one in self.maps[: len(self.services)] for row in rows(one)]

    def to_frame(self) -> DataFrame:
        """Every way as a row of a pandas data frame."""
        import pandas as pd

        return pd.DataFrame([row for one in self.maps for row in rows(one)], columns=_HEAD)

    def __str__(self) -> str:
        lines: list[list[str]] = []
        for service, *row in self._rows():
            if not lines or lines[-1][0] != service:
                lines.append([service])
            address, who, share, end, by = row
            lines.append([service, f"  {address}, {who}: {share or 'all'} to {end}, by {by}"])
        return "\n".join([line[-1] for line in lines] + [self.note] * bool(self.note))

    def static(self) -> Html:
        # no line breaks inside a share
        found = [(*row[:3], row[3].replace(" ", "\u00a0"), *row[4:]) for row in self._rows()]
        pictures = [picture(one) for one in self.maps[:_MOST_PICTURES]]
        caption = "Services, and where packets to them end"
        if len(found) > _MOST_ROWS:
            caption += f" ({len(found) - _MOST_ROWS} more ways are not listed)"
        words = element("p", self.note) if self.note else ""
        return element("div", *pictures, table(caption, _HEAD, found[:_MOST_ROWS]), words)
