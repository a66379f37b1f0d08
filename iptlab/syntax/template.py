"""What the lines of one shape mean: they differ in a few words only, and so do their rules.

The rule of such a line is that of the first one, with other values in the places of the
words in which the two differ.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from inspect import getattr_static
from itertools import pairwise
from operator import itemgetter
from typing import Any, Generic, TypeVar

from iptlab.netfilter.extension import Extension, Match, Target
from iptlab.netfilter.header import Header
from iptlab.netfilter.rules import Jump, Rule
from iptlab.netfilter.values import Given
from iptlab.packet import Family

QUOTED = '"'  # stands for a quoted text; no real word looks so
_SEAMS = ("-m", "-j", "-g")
E = TypeVar("E", bound=Extension)


class Template:
    """A rule, and what in it the words of another line of its shape replace."""

    def __init__(
        self, rule: Rule, words: Sequence[str], holes: Collection[int], family: Family
    ) -> None:
        """Find what the words of the rule's line, without the chain's name, spell of it.

        Lines may differ in the words at ``holes``. Raises LookupError if more than such a
        word decides on what stands in its place.
        """
        cuts = [-1, *(at for at, word in enumerate(words) if word in _SEAMS), len(words)]
        clauses = [
            (words[cut + 1 : end], [at - cut - 1 for at in holes if cut < at < end])
            for cut, end in pairwise(cuts)
        ]

        def part(of: E, number: int) -> _Part[E]:
            return _Part(of, *clauses[number], family)

        self.header: _Part[Header] = part(rule.header, 0)
        self.matches: list[_Part[Match]] = [part(m, n) for n, m in enumerate(rule.matches, start=1)]
        self.target: _Part[Target] | None = part(rule.target, -1) if rule.target else None
        self.goto = isinstance(rule.target, Jump) and rule.target.goto
        self.jumps: dict[str, Jump] = {}

    def fill(self, line: str, callee: str) -> Rule:
        """The rule of another line; ``callee`` is the chain that it jumps to, if it does.

        What follows a clause, the target behind the last match, changes no word's place in it.
        """
        clauses = line.split(" -m ")
        header = self.header.read(clauses[0][3:].partition(" ")[2])
        matches = tuple([part.read(clauses[n]) for n, part in enumerate(self.matches, start=1)])
        if callee:
            return Rule(header, matches, self.jumps.get(callee) or self._jump(callee))
        if self.target:
            return Rule(header, matches, self.target.read(clauses[-1].partition(" -j ")[2]))
        return Rule(header, matches)

    def _jump(self, callee: str) -> Jump:
        jump = self.jumps[callee] = Jump(callee, self.goto)
        return jump


class _Part(Generic[E]):
    """A part of the rule, and how other words in its holes make another one of it."""

    def __init__(
        self, part: E, words: Sequence[str], holes: Collection[int], family: Family
    ) -> None:
        self.part = part
        self.holes = len(holes)
        if not holes:
            return
        if getattr_static(part, "settled") is not getattr_static(Extension, "settled"):
            raise LookupError(f"{part.name} looks at its options together")
        options = {declared.name: (name, declared) for name, declared in part.options()}
        self.options = [options[words[at - 1]] for at in holes]
        self.values = {each.name: getattr(part, each.name) for each in fields(part)}  # type: ignore[arg-type]
        self.family = family
        self.seam = " "
        if QUOTED in words:
            if [words[at] for at in holes] != [QUOTED]:
                raise LookupError("one text and no other word can differ")
            self.seam, holes = QUOTED, [1]
        self.find = itemgetter(*holes)
        self.made: dict[Any, E] = {}

    def read(self, clause: str) -> E:
        """What such words spell."""
        if not self.holes:
            return self.part
        found = self.find(clause.split(self.seam))
        return self.made.get(found) or self._make(found)

    def _make(self, found: Any) -> E:
        values = dict(self.values)
        for (name, declared), word in zip(
            self.options, (found,) if self.holes == 1 else found, strict=True
        ):
            value = declared.value.parse(word, self.family)
            values[name] = Given(value, values[name].negated) if declared.negatable else value
        made = self.made[found] = type(self.part)(**values)
        return made
