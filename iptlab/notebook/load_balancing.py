"""Who answers many connections: what is expected beside what is drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import count, islice
from random import Random
from typing import TYPE_CHECKING

from iptlab.console.lab import Lab
from iptlab.errors import IptlabError
from iptlab.html import Html, element, table
from iptlab.kernel.boxes import host_for, placed
from iptlab.kubernetes.cluster import Backend, Cluster
from iptlab.notebook import chart
from iptlab.packet import Packet
from iptlab.ruleset import Ruleset
from iptlab.shown import Shown, columns
from iptlab.simulate.chance import Chooser
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.shares import shares, summed

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

MOST = 20_000
# bars that a chart has room for; the table has all
_MOST_BARS = 40
_USAGE = (
    'write LoadBalancing(lab, "shell", "default/web:http") for a cluster, or '
    'LoadBalancing(rules, "tcp 10.0.0.9:4000 -> 10.96.0.80:80") for rules or a host'
)


_HEAD = ("who answers", "chance", "in %", "expected", "usually", "drawn", "drawn in %")


class LoadBalancing(Shown):
    """Many connections to one Service, drawn from a seed, beside what is expected.

    Of a Lab or a Cluster it needs who connects and to what; of rules or a Host the packet, which
    comes again and again from other ports. Each connection goes through the simulator; nothing
    of what is given changes. The same ``seed`` draws the same.

    What is expected is what chance gives a connection now. Rules that remember (session
    affinity, ``--mode nth``) make later ones differ from it, and the drawn ones show how.
    """

    def __init__(
        self,
        source: Lab | Cluster | Ruleset | Host,
        *asked: str,
        connections: int = 300,
        seed: int = 0,
    ) -> None:
        if not 1 <= connections <= MOST:
            raise IptlabError(f"{connections} connections? Write a number from 1 to {MOST:,}")
        self.asked, self.connections, self.seed = asked, connections, seed
        expected, draws = _both(source, asked, _chooser(seed))
        self.shares = shares(expected, Counter(islice(draws, connections)), connections)

    @property
    def title(self) -> str:
        """What was drawn."""
        plural = "s" if self.connections > 1 else ""
        asked = f"{' to '.join(self.asked)}, seed {self.seed}"
        return f"{self.connections:,} connection{plural}: {asked}"

    def __str__(self) -> str:
        return f"{self.title}\n{columns(_HEAD, self._rows())}"

    def __repr__(self) -> str:
        return f"<{self.title}>"

    def to_frame(self) -> DataFrame:
        """The shares as a pandas data frame; chances are exact fractions."""
        import pandas as pd

        rows = [(one.who, one.chance, one.expected, one.counted) for one in self.shares]
        return pd.DataFrame(rows, columns=["who", "chance", "expected", "counted"])

    def _rows(self) -> list[list[str]]:
        """A row of the table for each who answers."""
        return [
            [
                one.who,
                one.fraction,
                one.percent,
                f"{one.expected:,.1f}",
                "{:,.0f} to {:,.0f}".format(*one.usual),
                f"{one.counted:,}",
                f"{100 * one.counted / one.tries:.2f}",
            ]
            for one in self.shares
        ]

    # --- the picture ---

    def figure(self) -> Figure:
        """The histogram as a matplotlib figure."""
        some = self.shares[:_MOST_BARS]
        figure, (axes,) = chart.axes(1, 8.4, 1.2 + 0.36 * len(some))
        places = range(len(some))
        drawn = [one.counted for one in some]
        bars = axes.barh(
            places, drawn, 0.62, color=chart.PALE, edgecolor=chart.FIRST, label="drawn"
        )
        axes.bar_label(bars, fmt="{:,.0f}", label_type="center", color=chart.INK)
        expected = [one.expected for one in some]
        low = [one.expected - one.usual[0] for one in some]
        high = [one.usual[1] - one.expected for one in some]
        axes.errorbar(
            expected,
            places,
            xerr=(low, high),
            fmt="D",
            color=chart.SECOND,
            markersize=5,
            capsize=4,
            label="expected, and where 19 of 20 draws end",
        )
        axes.set_yticks(places, [one.who for one in some])
        axes.invert_yaxis()
        axes.margins(x=0.1)
        axes.set_xlim(left=0)
        axes.set_xlabel(f"of {self.connections:,} connections")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
        return figure

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Text and HTML."""
        return {"text/plain": str(self), "text/html": self.html()}

    def html(self) -> Html:
        """The picture, and the numbers as a table below it."""
        rows = table(self.title, _HEAD, self._rows(), numbers_from=1)
        return element("div", chart.picture(self.figure, self._said()), rows)

    def _said(self) -> str:
        """What the bars show, for who cannot see them."""
        bars = "; ".join(
            f"{one.who} {one.counted:,}, expected {one.expected:,.1f}"
            for one in self.shares[:_MOST_BARS]
        )
        return f"bars of how many connections each got. {bars}"


# --- where chances and draws come from ---

_Both = tuple[dict[str, Fraction], Iterator[str]]


def _chooser(seed: int) -> Chooser:
    """A chooser that draws from a seed."""
    random = Random(seed)
    return lambda chance: random.random() < chance


def _both(source: object, asked: tuple[str, ...], choose: Chooser) -> _Both:
    """The exact chances by name, and draws without end."""
    match source, asked:
        case Lab(), (client, to):
            return _of_cluster(source.cluster, client, to, choose)
        case Cluster(), (client, to):
            return _of_cluster(source, client, to, choose)
        case Ruleset(), (packet,):
            return _of_host(host_for([_arriving(packet)]).with_rules(source), packet, choose)
        case Host(), (packet,):
            return _of_host(source, packet, choose)
    raise IptlabError(_USAGE)


def _of_cluster(cluster: Cluster, client: str, to: str, choose: Chooser) -> _Both:
    found = ((_called(one), one.probability) for one in cluster.backends(client, to))
    return summed(found), map(_called, cluster.draws(client, to, choose))


def _called(backend: Backend) -> str:
    return f"{backend.pod} {backend.place}" if backend.pod else str(backend.result)


def _of_host(host: Host, asked: str, choose: Chooser) -> _Both:
    interface, packet = placed(_arriving(asked))
    if packet.sport is None:
        raise IptlabError(
            "every connection comes from a port of its own: write a tcp or udp packet"
        )
    machine = Machine(host)
    found = ((_end(one), one.probability) for one in machine.journeys(f"in {interface} {packet}"))
    return summed(found), _drawn(machine, interface, packet, choose)


def _drawn(machine: Machine, interface: str, packet: Packet, choose: Chooser) -> Iterator[str]:
    """Where the packet ends from one port after another."""
    for number in count(packet.sport or 0):
        # ports below 1024 are for services
        port = number if number < 1 << 16 else 1024 + number % 64_000
        yield _end(machine.receive(interface, replace(packet, sport=port), choose=choose))


def _end(journey: Journey) -> str:
    """Where a packet went: the place that it has for a destination in the end."""
    if not journey.accepted or journey.exit is None:
        return str(journey.fate)
    last = journey.exit
    return f"[{last.dst}]:{last.dport}" if last.dst.version == 6 else f"{last.dst}:{last.dport}"


def _arriving(packet: str) -> str:
    """The packet with an interface to arrive by."""
    return packet if packet.lstrip().startswith("in ") else f"in eth1 {packet}"
