"""What many Services cost, as curves with their numbers beside them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iptlab.errors import IptlabError
from iptlab.html import Html, element, table
from iptlab.kubernetes.costs import Cost, cost
from iptlab.notebook import chart
from iptlab.shown import Shown, columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

_NOTE = (
    "iptables-save: bytes that it prints. One change: bytes that kube-proxy hands to "
    "iptables-restore when one endpoint goes away. First packet: rules that it passes on its way "
    "to the last Service. Later packet: rules that each further one of its connection passes."
)


@dataclass(frozen=True)
class _Curve:
    """A column of the table, and the chart that it is drawn in."""

    name: str
    attribute: str
    chart: str


_CURVES = (
    _Curve("rules", "rules", "rules on a node"),
    _Curve("iptables-save", "save", "bytes of text"),
    _Curve("one change", "change", "bytes of text"),
    _Curve("first packet", "first", "rules that a packet passes"),
    _Curve("later packet", "later", "rules that a packet passes"),
)
# drawn only: the table has no number that differs from run to run
_TIMES = (
    _Curve("all rules", "full_sync", "time to write them, here"),
    _Curve("one change", "partial_sync", "time to write them, here"),
)


class Costs(Shown):
    """The cost of Services on one node: rules, text, and rules that packets pass.

    All numbers are counted, and the same on every machine, but those of ``timings``, of which
    there are curves too.
    """

    def __init__(
        self, services: Sequence[int] = (10, 100, 1_000, 10_000), *, endpoints: int = 3
    ) -> None:
        if not services:
            raise IptlabError("Costs needs numbers of Services; write Costs([10, 100, 1000])")
        self.endpoints = endpoints
        self.rows: tuple[Cost, ...] = tuple(
            cost(count, endpoints, clock=time.process_time) for count in sorted({*services})
        )

    @property
    def title(self) -> str:
        """What is counted."""
        plural = "s" if self.endpoints > 1 else ""
        return f"What Services with {self.endpoints} endpoint{plural} each cost a node"

    def __str__(self) -> str:
        return f"{self.title}\n{columns(self._head(), self._numbers(), 0)}\n{_NOTE}"

    def __repr__(self) -> str:
        return f"<{self.title}: up to {self.rows[-1].services:,}>"

    def _head(self) -> list[str]:
        return ["Services", *(curve.name for curve in _CURVES)]

    def _numbers(self) -> list[list[str]]:
        names = ["services", *(curve.attribute for curve in _CURVES)]
        return [[f"{getattr(one, name):,}" for name in names] for one in self.rows]

    @property
    def timings(self) -> str:
        """Seconds that this library took to write the rules: they differ from run to run."""
        rows = [
            [f"{one.services:,}", f"{one.full_sync:.3f} s", f"{one.partial_sync:.4f} s"]
            for one in self.rows
        ]
        said = "Processor time of this library on this machine; the real kube-proxy has its own."
        return f"{said}\n{columns(['Services', 'all rules', 'one change'], rows, 0)}"

    def to_frame(self) -> DataFrame:
        """The counted numbers as a pandas data frame, a row for each number of Services."""
        import pandas as pd

        names = ["services", *(curve.attribute for curve in _CURVES)]
        return pd.DataFrame([{name: getattr(one, name) for name in names} for one in self.rows])

    # --- the picture ---

    def figure(self) -> Figure:
        """The curves as a matplotlib figure."""
        figure, axes = chart.axes(4, 11.6, 2.9)
        curves = (*_CURVES, *_TIMES)
        titles = list(dict.fromkeys(curve.chart for curve in curves))
        for one, title in zip(axes, titles, strict=True):
            one.set_title(title, loc="left", fontsize=11)
            one.set_xlabel("Services")
            some = [curve for curve in curves if curve.chart == title]
            for number, curve in enumerate(some):
                points = [(each.services, getattr(each, curve.attribute)) for each in self.rows]
                chart.curve(one, points, curve.name, second=number == 1)
            one.margins(0.12, 0.2)
            one.grid(visible=True, which="major", linewidth=0.6)
            chart.round_numbers(one.xaxis)
            chart.round_numbers(one.yaxis, unit="s" if title == _TIMES[0].chart else "")
        return figure

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Text and HTML."""
        return {"text/plain": str(self), "text/html": self.html()}

    def html(self) -> Html:
        """The picture, and the numbers as a table below it."""
        numbers = table(self.title, self._head(), self._numbers(), numbers_from=0)
        return element(
            "div", chart.picture(self.figure, self._said()), numbers, element("p", _NOTE)
        )

    def _said(self) -> str:
        """What the curves look like, for who cannot see them."""
        return (
            "four panels with logarithmic axes against the number of Services. Rules, text and "
            "the rules that a first packet passes grow in proportion to it; those that a later "
            "packet passes stay the same. The table below has the numbers. The fourth panel is "
            "the time that this machine took to write all rules, and to write one change, which "
            "is far less."
        )
