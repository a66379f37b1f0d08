"""Every public value as a page of its own: what steps steps there, the rest can be read."""

from __future__ import annotations

from iptlab.html import Html, document, element
from iptlab.kubernetes.cluster import Cluster
from iptlab.netfilter.rules import Chain, Table
from iptlab.notebook.widgets.base import Widget, style
from iptlab.notebook.widgets.packet_flow import PacketFlow
from iptlab.notebook.widgets.rule_table import RuleTable
from iptlab.notebook.widgets.service_map import ServiceMap
from iptlab.ruleset import Ruleset
from iptlab.shown import Shown
from iptlab.simulate.journey import Journey
from iptlab.simulate.trace import HookVisit
from iptlab.simulate.trips import Attempt, Trip

_WIDTH = "main { margin: 1.5em auto; max-width: 72em; padding: 0 1em }"


def page(value: Shown) -> str:
    """The page of a value: its widget if it has one, else what a notebook shows of it."""
    if (widget := _widget(value)) is not None:
        return widget.to_html()
    title = str(value).partition("\n")[0] or type(value).__name__
    main = element("main", Html(value._repr_html_()), class_="iptlab")
    return document(title, f"{style('page')}\n{_WIDTH}", main)


def _widget(value: Shown) -> Widget | None:
    """What steps, is searched or is clicked of a value."""
    match value:
        case Chain() | Table() | Ruleset():
            return RuleTable(value)
        case Journey() | HookVisit() | Trip() | Attempt():
            return PacketFlow(value)
        case Cluster() if value.place.manifests.services:
            return ServiceMap(value)
        case _:
            return None
