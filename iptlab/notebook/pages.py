"""Every public value as a page of its own: what steps steps there, the rest can be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iptlab.html import Html, document, element
from iptlab.netfilter.rules import Chain, Table
from iptlab.notebook.widgets.base import Widget, style
from iptlab.notebook.widgets.packet_flow import PacketFlow
from iptlab.notebook.widgets.rule_table import RuleTable
from iptlab.ruleset import Ruleset
from iptlab.shown import Shown
from iptlab.simulate.journey import Journey
from iptlab.simulate.trace import HookVisit
from iptlab.simulate.trips import Attempt, Trip

_WIDTH = "main { margin: 1.5em auto; max-width: 72em; padding: 0 1em }"


def page(value: Shown) -> str:
    """The page of a value: its widget if it has one, else what a notebook shows of it."""
    for kind in type(value).__mro__:
        if kind in WIDGETS:
            return WIDGETS[kind](value).to_html()
    title = str(value).partition("\n")[0] or type(value).__name__
    return document(
        title,
        f"{style('page')}\n{_WIDTH}",
        element("main", Html(value._repr_html_()), class_="iptlab"),
    )


WIDGETS: dict[type[Shown], Callable[[Any], Widget]] = {
    **dict.fromkeys((Chain, Table, Ruleset), RuleTable),
    **dict.fromkeys((Journey, HookVisit, Attempt, Trip), PacketFlow),
}
