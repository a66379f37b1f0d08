"""Counting who answers: many connections to one address, beside what chance should do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import NamedTuple

from iptlab.simulate.network import Attempt, Network, Result

_REQUEST = "GET / HTTP/1.1\r\n\r\n"


class Target(NamedTuple):
    """Who asks whom: a machine, and an address with a TCP port."""

    machine: str
    address: str
    port: int


@dataclass(frozen=True)
class Share:
    """One who answers, or what is seen instead: how likely, and how often it was so."""

    who: str
    likely: Fraction
    counted: int


@dataclass(frozen=True)
class Tally:
    """How many requests each server got, beside what was to be expected.

    Chance is asked once for each connection, so all requests of one go to the same server.
    ``expected`` are the shares of a first connection: with affinity later ones are not free.
    """

    title: str
    connections: int
    requests: int
    shares: tuple[Share, ...]

    HEAD = ("who answered", "share", "expected", "counted", "off by")

    def expected(self, share: Share) -> Fraction:
        """The mean, if this were done again and again."""
        return self.connections * self.requests * share.likely

    def spread(self, share: Share) -> float:
        """The standard deviation: two times of three a count is no further from the mean."""
        return self.requests * sqrt(self.connections * share.likely * (1 - share.likely))

    def rows(self) -> Iterator[tuple[str, ...]]:
        """A row for each who answered, the likeliest first."""
        for one in self.shares:
            off = round(one.counted - self.expected(one))
            yield (
                one.who,
                str(one.likely.limit_denominator(10_000)),
                f"{float(self.expected(one)):.1f} ± {self.spread(one):.1f}",
                str(one.counted),
                f"{off:+d}",
            )

    def __str__(self) -> str:
        rows = [self.HEAD, *self.rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([self.title, *lines])


def tally(network: Network, target: Target, connections: int, requests: int) -> Tally:
    """Open so many connections, one a second, each for so many requests, and count."""
    asked, address, port = target
    likely = _likely(network, target)
    counted: Counter[str] = Counter()
    for _ in range(connections):
        attempt = network.connect(asked, address, port)
        if requests > 1 and attempt.result is Result.CONNECTED:
            attempt = network.talk(asked, attempt, _REQUEST, times=requests)
        counted[_who(attempt)] += requests
        # routers send no more errors than a few at once
        network.wait(1)
    shares = [Share(who, likely.get(who, Fraction(0)), counted[who]) for who in likely | counted]
    many = f"{connections} connections" + f", {requests} requests on each" * (requests > 1)
    title = f"{many}, from {asked.rpartition('/')[2]} to {address}:{port}"
    shares.sort(key=lambda one: (-one.likely, one.who))
    return Tally(title, connections, requests, tuple(shares))


def _likely(network: Network, target: Target) -> dict[str, Fraction]:
    """Who may answer the next connection, and how likely."""
    asked, address, port = target
    found: dict[str, Fraction] = {}
    for one in network.outcomes(lambda n, choose: n.connect(asked, address, port, choose=choose)):
        found[_who(one)] = found.get(_who(one), Fraction(0)) + one.probability
    return found


def _who(attempt: Attempt) -> str:
    return attempt.server if attempt.result is Result.CONNECTED else str(attempt.result)
