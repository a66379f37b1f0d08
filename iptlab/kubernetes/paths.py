"""The ways from a Service's addresses to its endpoints: points, and an edge for every jump."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Rule


class Kind(StrEnum):
    """What a point on the way is."""

    DOOR = "way in"
    CHAIN = "chain"
    END = "endpoint"
    STOP = "refusal"


@dataclass(frozen=True)
class Numbered:
    """A rule and its place."""

    table: TableName
    chain: str
    number: int
    rule: Rule

    @property
    def place(self) -> str:
        """Where it stands: ``nat KUBE-SERVICES 2``."""
        return f"{self.table} {self.chain} {self.number}"

    @property
    def text(self) -> str:
        """The rule as iptables-save prints it."""
        return f"-A {self.chain} {self.rule}"


@dataclass(frozen=True)
class Point:
    """A way in, a chain, an endpoint or a refusal; ``note`` says more than its title.

    ``rules`` are those of the chain, or of an endpoint's chain.
    """

    id: str
    kind: Kind
    title: str
    note: str = ""
    rules: tuple[Numbered, ...] = ()


@dataclass(frozen=True)
class Edge:
    """A jump from one point to another, with the rule behind it.

    ``share`` is how much of what comes to the first point goes this way; None if that hangs on
    who comes, and ``when`` says on what. ``drawn`` and ``left`` are the chance that the rule
    draws, and what the rules above it leave to it. ``again`` is the rule by which a client comes
    back to an endpoint that it had before.
    """

    start: str
    end: str
    rule: Numbered
    share: Fraction | None = None
    drawn: Fraction = Fraction(1)
    left: Fraction = Fraction(1)
    when: str = ""
    again: Numbered | None = None

    @property
    def rules(self) -> tuple[Numbered, ...]:
        """All rules behind the edge, in their order."""
        return (self.again, self.rule) if self.again else (self.rule,)


@dataclass(frozen=True)
class Way:
    """One way from a way in to where it ends: its edges, and the share of all of it."""

    edges: tuple[Edge, ...]

    @property
    def share(self) -> Fraction:
        """How likely it is to be taken by who may take it."""
        share = Fraction(1)
        for edge in self.edges:
            share *= edge.share if edge.share is not None else 1
        return share

    @property
    def when(self) -> str:
        """Who may take it; empty for everybody."""
        return ", ".join(edge.when for edge in self.edges if edge.when)


@dataclass(frozen=True)
class Paths:
    """A Service's ways, from its addresses to its endpoints."""

    service: str
    points: Mapping[str, Point]
    edges: tuple[Edge, ...]

    def of_kind(self, kind: Kind) -> list[Point]:
        """The points of a kind, in the order of the rules."""
        return [point for point in self.points.values() if point.kind is kind]

    @cached_property
    def _after(self) -> Mapping[str, list[Edge]]:
        found: dict[str, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.start, []).append(edge)
        return found

    def after(self, point: str) -> list[Edge]:
        """The edges that lead on from a point."""
        return self._after.get(point, [])

    def ways(self, start: str, before: tuple[Edge, ...] = ()) -> Iterator[Way]:
        """Every way from a point to its ends."""
        for edge in self.after(start):
            if self.points[edge.end].kind in (Kind.END, Kind.STOP):
                yield Way((*before, edge))
            else:
                yield from self.ways(edge.end, (*before, edge))
