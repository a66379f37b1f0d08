"""What the lines of one shape mean: they differ in a few words only, and so do their rules.

The rule of such a line is that of the first one, with other values in the places of the
words in which the two differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from iptlab.netfilter.extension import Extension, Match, Target
from iptlab.netfilter.header import Header
from iptlab.netfilter.rules import Jump, Rule
from iptlab.netfilter.values import Given
from iptlab.packet import Family

QUOTED = '"'  # stands for a quoted text; no real word looks so
HEADER = 0
E = TypeVar("E", bound=Extension)


def marked_words(line: str) -> list[str]:
    """The words of a line, with a mere quotation mark in place of each quoted text."""
    return QUOTED.join(line.split(QUOTED)[::2]).split(" ")


class Hole(NamedTuple):
    """A word in which lines of one shape differ, as its place among them: an option's value.

    ``part`` is what the option belongs to: the ``HEADER``, a match by its number, or the
    target, whose number comes next.
    """

    word: int
    part: int


class Template:
    """A rule, and what in it the words of another line of its shape replace."""

    def __init__(self, rule: Rule, line: str, holes: Iterable[Hole], family: Family) -> None:
        """Find what the holes among the words of the rule's line stand for."""
        words = marked_words(line)
        self.quoted = [at for at, word in enumerate(words) if word == QUOTED]
        places: dict[int, list[int]] = {}
        for hole in holes:
            places.setdefault(hole.part, []).append(hole.word)

        def part(of: E, number: int) -> _Part[E]:
            at = places.get(number, ())
            return _Part(of, at, [words[place - 1] for place in at], family)

        matches = list(enumerate(rule.matches, start=1))
        self.header: _Part[Header] = part(rule.header, HEADER)
        self.matches: list[_Part[Match]] = [part(match, number) for number, match in matches]
        self.target: _Part[Target] | None = None
        if rule.target:
            self.target = part(rule.target, len(matches) + 1)
        self.goto = isinstance(rule.target, Jump) and rule.target.goto
        self.jumps: dict[str, Jump] = {}

    def fill(self, line: str, callee: str) -> Rule:
        """The rule of another line; ``callee`` is the chain that it jumps to, if it does."""
        words = self._words(line)
        header = self.header.read(words)
        matches = tuple([part.read(words) for part in self.matches])
        if callee:
            return Rule(header, matches, self.jumps.get(callee) or self._jump(callee))
        return Rule(header, matches, self.target.read(words) if self.target else None)

    def _words(self, line: str) -> list[str]:
        """The line's words; a quoted text is one of them."""
        if not self.quoted:
            return line.split(" ")
        words = marked_words(line)
        for at, text in zip(self.quoted, line.split(QUOTED)[1::2], strict=True):
            words[at] = text
        return words

    def _jump(self, callee: str) -> Jump:
        jump = self.jumps[callee] = Jump(callee, self.goto)
        return jump


class _Part(Generic[E]):
    """A part of the rule, and how other words in its holes make another one of it."""

    def __init__(
        self, part: E, places: Sequence[int], names: Sequence[str], family: Family
    ) -> None:
        """``names`` are the options before the ``places`` of holes, none for some parts."""
        self.part = part
        self.several = len(places) > 1
        self.find = itemgetter(*places) if places else None
        options = {declared.name: (name, declared) for name, declared in part.options()}
        self.options = [options[name] for name in names]
        self.values = {each.name: getattr(part, each.name) for each in fields(part)}  # type: ignore[arg-type]
        self.family = family
        self.made: dict[Any, E] = {}

    def read(self, words: Sequence[str]) -> E:
        """What the words of a line make of it."""
        if self.find is None:
            return self.part
        found = self.find(words)
        return self.made.get(found) or self._make(found)

    def _make(self, found: Any) -> E:
        values = dict(self.values)
        texts = found if self.several else (found,)
        for (name, declared), text in zip(self.options, texts, strict=True):
            value = declared.value.parse(text, self.family)
            values[name] = Given(value, values[name].negated) if declared.negatable else value
        made = self.made[found] = type(self.part)(**values)
        return made
