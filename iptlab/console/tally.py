"""Counting who answers: many connections to one address, beside what chance should do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from iptlab.shown import Shown, columns
from iptlab.simulate.network import Attempt, Network, Result
from iptlab.simulate.shares import Share, shares, summed

_REQUEST = "GET / HTTP/1.1\r\n\r\n"


class Target(NamedTuple):
    """Who asks whom: a machine, and an address with a TCP port."""

    machine: str
    address: str
    port: int


@dataclass(frozen=True)
class Tally(Shown):
    """How many requests each server got, beside what was to be expected.

    Chance is asked once for each connection, so all requests of one go to the same server.
    Expected are the shares of a first connection: with affinity later ones are not free.
    """

    title: str
    shares: tuple[Share, ...]

    HEAD = ("who answered", "share", "expected", "counted", "off by")

    def rows(self) -> Iterator[tuple[str, ...]]:
        """A row for each who answered, the likeliest first."""
        for one in self.shares:
            yield (
                one.who,
                one.fraction or f"{one.percent} %",
                f"{one.expected:.1f} ± {one.spread:.1f}",
                str(one.counted),
                f"{round(one.counted - one.expected):+d}",
            )

    def __str__(self) -> str:
        return f"{self.title}\n{columns(self.HEAD, [*self.rows()])}"


def tally(network: Network, target: Target, connections: int, requests: int) -> Tally:
    """Open so many connections, one a second, each for so many requests, and count."""
    asked, address, port = target
    first = network.outcomes(lambda n, choose: n.connect(asked, address, port, choose=choose))
    likely = summed((_who(one), one.probability) for one in first)
    counted: Counter[str] = Counter()
    for _ in range(connections):
        attempt = network.connect(asked, address, port)
        if requests > 1 and attempt.result is Result.CONNECTED:
            attempt = network.talk(asked, attempt, _REQUEST, times=requests)
        counted[_who(attempt)] += requests
        # routers send no more errors than a few at once
        network.wait(1)
    many = f"{connections} connections" + f", {requests} requests on each" * (requests > 1)
    title = f"{many}, from {asked.rpartition('/')[2]} to {address}:{port}"
    return Tally(title, shares(likely, counted, connections, requests))


def _who(attempt: Attempt) -> str:
    return attempt.server if attempt.result is Result.CONNECTED else str(attempt.result)
