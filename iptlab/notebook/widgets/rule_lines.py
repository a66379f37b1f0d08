"""The lines of a rule table: chains' headings and rules, found and made when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Chain, Jump, Rule
from iptlab.notebook.widgets.chains import Section, comment_of
from iptlab.simulate.journey import Place

Drawn = dict[str, Any]


class Line(NamedTuple):
    """A line of the table: a rule, or with number 0 the heading of a chain."""

    table: str
    chain: Chain
    number: int = 0

    @property
    def rule(self) -> Rule:
        """The rule."""
        return self.chain.rules[self.number - 1]

    @property
    def text(self) -> str:
        """The rule as ``iptables -S`` prints it, or the chain's name."""
        return f"-A {self.chain.name} {self.rule}".rstrip() if self.number else self.chain.name


@dataclass(frozen=True)
class Lines:
    """All lines of some chains, and how often a packet hit each."""

    sections: Sequence[Section]
    hits: Mapping[Place, int] = field(default_factory=dict)

    @cached_property
    def all(self) -> tuple[Line, ...]:
        """Headings and rules, in the order in which iptables prints them."""
        return tuple(
            Line(table, chain, number)
            for table, chain in self.sections
            for number in range(len(chain.rules) + 1)
        )

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        return tuple(f"{line.table} {line.text}".lower() for line in self.all)

    def hit(self, line: Line) -> int:
        """How often a packet matched the rule, or ended by the chain's policy."""
        if not line.table:
            return 0
        return self.hits.get(Place(TableName(line.table), line.chain.name, line.number), 0)

    def found(self, words: str = "", *, only: bool = False) -> tuple[Line, ...]:
        """The lines with all these words in them, with ``only`` those that a packet hit.

        A chain in which anything is found has its heading.
        """
        wanted = words.lower().split()
        if not wanted and not only:
            return self.all
        kept: list[Line] = []
        for line, text in zip(self.all, self._texts, strict=True):
            if (only and not self.hit(line)) or not all(word in text for word in wanted):
                continue
            if line.number and not (kept and kept[-1].chain is line.chain):
                kept.append(Line(line.table, line.chain))
            kept.append(line)
        return tuple(kept)

    def start(self, chain: str) -> int:
        """At which line a chain begins, called ``nat PREROUTING``; 0 if it is not there."""
        places = enumerate(self.all)
        return next((n for n, one in places if f"{one.table} {one.chain.name}" == chain), 0)

    # --- what the script draws ---

    def drawn(self, lines: Sequence[Line]) -> list[Drawn]:
        """The lines as the script reads them."""
        return [self._rule(one) if one.number else self._heading(one) for one in lines]

    def _heading(self, line: Line) -> Drawn:
        chain = line.chain
        return {
            "table": line.table,
            "chain": chain.name,
            "number": 0,
            "policy": str(chain.policy or ""),
            "rules": len(chain.rules),
            "packets": chain.counters.packets,
            "bytes": chain.counters.bytes,
            "hits": self.hit(line),
            "text": line.text,
        }

    def _rule(self, line: Line) -> Drawn:
        rule, target = line.rule, line.rule.target
        tests = [str(one) for one in rule.tests() if one.name != "comment" and str(one)]
        jump = target if isinstance(target, Jump) else None
        return {
            "table": line.table,
            "chain": line.chain.name,
            "number": line.number,
            "packets": rule.counters.packets,
            "bytes": rule.counters.bytes,
            "tests": str(rule) if rule.written else " ".join(tests),
            "comment": "" if rule.written else comment_of(rule),
            "target": "" if rule.written else str(target or "").removeprefix("-j "),
            "to": jump.chain if jump else "",
            "goto": bool(jump and jump.goto),
            "hits": self.hit(line),
            "text": line.text,
            "says": rule.explain(),
        }
