r"""Regular expressions as grep has them, basic and extended; time grows with the text alone.

A pattern becomes an automaton, which is run over a line once: no pattern makes it slow, and of
the matches that begin at one place the longest counts, as POSIX wants it.

>>> Pattern("dpt:[0-9]*").spans("tcp dpt:22 dpt:443")
[(4, 10), (11, 18)]

Source: POSIX, Base Definitions, 9 (Regular Expressions); grep(1) for \w, \<, \| and \+
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

from iptlab.errors import IptlabError

K = TypeVar("K")
V = TypeVar("V")

# a pattern's size, how deep its groups go, and how many sets of states are kept at once
_MOST_STATES = 4000
_DEEPEST = 50
_MOST_KEPT = 5000
_CLASSES: dict[str, Callable[[str], bool]] = {
    "alpha": str.isalpha,
    "digit": lambda c: "0" <= c <= "9",
    "alnum": str.isalnum,
    "upper": str.isupper,
    "lower": str.islower,
    "space": str.isspace,
    "blank": lambda c: c in " \t",
    "punct": lambda c: c.isascii() and c.isprintable() and not c.isalnum() and c != " ",
    "xdigit": lambda c: c in "0123456789abcdefABCDEF",
    "print": str.isprintable,
    "graph": lambda c: c.isprintable() and c != " ",
    "cntrl": lambda c: not c.isprintable(),
}


class PatternError(IptlabError):
    """A regular expression that grep refuses, in its words."""


@dataclass(frozen=True)
class Chars:
    """A set of characters: ranges of them and classes by name."""

    ranges: tuple[tuple[str, str], ...] = ()
    classes: tuple[str, ...] = ()
    negated: bool = False

    def holds(self, char: str, *, any_case: bool) -> bool:
        """Whether a character is one of them."""
        forms = (char, char.lower(), char.upper()) if any_case else (char,)
        return any(map(self._has, forms)) != self.negated

    def _has(self, char: str) -> bool:
        return any(low <= char <= high for low, high in self.ranges) or any(
            _CLASSES[name](char) for name in self.classes
        )


_ANY = Chars(negated=True)
_WORD = Chars((("_", "_"),), ("alnum",))
_SPACE = Chars(classes=("space",))


@dataclass(frozen=True)
class _At:
    """A place between two characters: ``which`` of ^ $ < > b B, or W and w for grep -w."""

    which: str


@dataclass(frozen=True)
class _Repeat:
    what: _Node
    least: int
    most: int | None


@dataclass(frozen=True)
class _Row:
    parts: tuple[_Node, ...]


@dataclass(frozen=True)
class _Choice:
    ways: tuple[_Node, ...]


_Node = Chars | _At | _Repeat | _Row | _Choice


# --- from text to a tree ---

# what stands behind a backslash in both kinds of expression
_ESCAPES: dict[str, Chars | _At] = {
    "w": _WORD,
    "W": replace(_WORD, negated=True),
    "s": _SPACE,
    "S": replace(_SPACE, negated=True),
    **{sign: _At(sign) for sign in "<>bB"},
}


@dataclass
class _Reader:
    r"""Reads an expression from left to right; in a basic one \( is what ( is in the other."""

    text: str
    extended: bool
    at: int = 0
    depth: int = 0

    def whole(self) -> _Node:
        tree = self.choice()
        if self.at < len(self.text):
            raise PatternError("Unmatched ) or \\)")
        return tree

    def _sees(self, sign: str) -> bool:
        """Whether that sign of the grammar comes next; it is taken then."""
        written = sign if self.extended else f"\\{sign}"
        if not self.text.startswith(written, self.at):
            return False
        self.at += len(written)
        return True

    def _ends(self) -> bool:
        here = self.at
        ends = here >= len(self.text) or self._sees("|") or (self.depth > 0 and self._sees(")"))
        self.at = here
        return ends

    def choice(self) -> _Node:
        ways = [self.row()]
        while self._sees("|"):
            ways.append(self.row())
        return _Choice(tuple(ways)) if len(ways) > 1 else ways[0]

    def row(self) -> _Node:
        parts: list[_Node] = []
        while not self._ends():
            if self.extended and not self.depth and self.text[self.at] == ")":
                raise PatternError("Unmatched ) or \\)")
            part = self.atom(first=not parts)
            while (bounds := self.repetition(after=part)) is not None:
                part = _Repeat(part, *bounds)
            parts.append(part)
        return _Row(tuple(parts))

    def atom(self, *, first: bool) -> _Node:
        if self._sees("("):
            return self.group()
        char = self.text[self.at]
        self.at += 1
        match char:
            case "[":
                return self.bracket()
            case ".":
                return _ANY
            case "*" | "+" | "?" if self.extended and first:
                # it repeats nothing
                return _Row(())
            case "^" if self.extended or first:
                return _At("^")
            case "$" if self.extended or self._ends():
                return _At("$")
            case "\\":
                return self.escaped()
        return Chars(((char, char),))

    def group(self) -> _Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise PatternError("Regular expression too big")
        inside = self.choice()
        if not self._sees(")"):
            raise PatternError("Unmatched ( or \\(")
        self.depth -= 1
        return inside

    def escaped(self) -> _Node:
        if self.at >= len(self.text):
            raise PatternError("Trailing backslash")
        char = self.text[self.at]
        self.at += 1
        if char.isdigit():
            raise PatternError("back-references such as \\1 are not read here")
        return _ESCAPES.get(char) or Chars(((char, char),))

    def repetition(self, *, after: _Node) -> tuple[int, int | None] | None:
        """How often what stands before is repeated; None if nothing says so."""
        leading = isinstance(after, _At) and not self.extended
        if self.text.startswith("*", self.at) and not leading:
            self.at += 1
            return 0, None
        if self._sees("+"):
            return 1, None
        if self._sees("?"):
            return 0, 1
        here = self.at
        if not self._sees("{"):
            return None
        bounds = self.interval()
        if bounds is None and self.extended:
            self.at = here
        elif bounds is None:
            raise PatternError("Invalid content of \\{\\}")
        return bounds

    def interval(self) -> tuple[int, int | None] | None:
        """What {2}, {2,} or {2,5} says, whose brace has been read."""
        end = self.text.find("}" if self.extended else "\\}", self.at)
        low, comma, high = self.text[self.at : max(end, self.at)].partition(",")
        if end < 0 or not all(one.isdecimal() or (comma and not one) for one in (low, high or low)):
            return None
        least = int(low or 0)
        most = (int(high) if high else None) if comma else least
        if least > 255 or (most or 0) > 255 or (most is not None and most < least):
            raise PatternError("Invalid content of \\{\\}")
        self.at = end + (1 if self.extended else 2)
        return least, most

    def bracket(self) -> Chars:
        """What stands in [ ], whose first bracket has been read."""
        negated = self.text.startswith("^", self.at)
        self.at += negated
        ranges: list[tuple[str, str]] = []
        classes: list[str] = []
        begin = self.at
        while self.at == begin or not self.text.startswith("]", self.at):
            if self.at >= len(self.text):
                raise PatternError("Unmatched [, [^, [:, [., or [=")
            if self.text.startswith("[:", self.at):
                classes.append(self.class_name())
                continue
            low = high = self.text[self.at]
            self.at += 1
            rest = self.text[self.at : self.at + 2]
            if len(rest) == 2 and rest[0] == "-" and rest[1] != "]":
                high = rest[1]
                self.at += 2
            if high < low:
                raise PatternError("Invalid range end")
            ranges.append((low, high))
        self.at += 1
        return Chars(tuple(ranges), tuple(classes), negated)

    def class_name(self) -> str:
        end = self.text.find(":]", self.at)
        name = self.text[self.at + 2 : end]
        if end < 0 or name not in _CLASSES:
            raise PatternError("Invalid character class name")
        self.at = end + 2
        return name


# --- from the tree to an automaton ---


class _Move(NamedTuple):
    """From a state over a character, or over a place between two, to the next state."""

    over: Chars | _At | None
    to: int


@dataclass
class Pattern:
    """A pattern that can be looked for in lines; ``word`` and ``line`` are grep's -w and -x."""

    text: str
    extended: bool = False
    any_case: bool = False
    word: bool = False
    line: bool = False
    moves: list[list[_Move]] = field(default_factory=list, repr=False)
    _closed: dict[tuple[frozenset[int], str, str], frozenset[int]] = field(
        default_factory=dict, repr=False
    )
    _stepped: dict[tuple[frozenset[int], str], frozenset[int]] = field(
        default_factory=dict, repr=False
    )

    def __post_init__(self) -> None:
        """Build the automaton, from its end to its beginning."""
        ways = (_Reader(line, self.extended).whole() for line in self.text.split("\n"))
        tree: _Node = _Choice(tuple(ways))
        if self.line or self.word:
            before, after = ("^", "$") if self.line else ("W", "w")
            tree = _Row((_At(before), tree, _At(after)))
        self.end = self._state()
        self.start = self._build(tree, self.end)

    def _state(self, *moves: _Move) -> int:
        if len(self.moves) >= _MOST_STATES:
            raise PatternError("Regular expression too big")
        self.moves.append(list(moves))
        return len(self.moves) - 1

    def _build(self, node: _Node, after: int) -> int:
        """The state from which the node leads to the state after it."""
        match node:
            case Chars() | _At():
                return self._state(_Move(node, after))
            case _Row(parts):
                for part in reversed(parts):
                    after = self._build(part, after)
                return after
            case _Choice(ways):
                return self._state(*(_Move(None, self._build(way, after)) for way in ways))
            case _Repeat(what, least, most):
                return self._repeat(what, least, most, after)

    def _repeat(self, what: _Node, least: int, most: int | None, after: int) -> int:
        if most is None:
            around = self._state(_Move(None, after))
            self.moves[around].append(_Move(None, self._build(what, around)))
            after = around
        else:
            end = after
            for _ in range(most - least):
                after = self._state(_Move(None, self._build(what, after)), _Move(None, end))
        for _ in range(least):
            after = self._build(what, after)
        return after

    # --- looking for it ---

    def found(self, line: str) -> bool:
        """Whether the line has a match in it."""
        states: frozenset[int] = frozenset()
        start = frozenset((self.start,))
        kinds = _kinds(line)
        for place, char in enumerate([*line, ""]):
            closed = self._closure(states | start, kinds[place], kinds[place + 1])
            if self.end in closed:
                return True
            states = self._step(closed, char) if char else states
        return False

    def spans(self, line: str) -> list[tuple[int, int]]:
        """Where the matches are that are not empty, each the longest from its beginning."""
        kinds = _kinds(line)
        found = []
        at = 0
        while at < len(line):
            end = self._longest(line, kinds, at)
            if end > at:
                found.append((at, end))
            at = max(end, at + 1)
        return found

    def _longest(self, line: str, kinds: str, at: int) -> int:
        """Where the longest match ends that begins there; -1 without one."""
        states, end = frozenset((self.start,)), -1
        for place in range(at, len(line) + 1):
            closed = self._closure(states, kinds[place], kinds[place + 1])
            end = place if self.end in closed else end
            states = self._step(closed, line[place]) if place < len(line) else frozenset()
            if not states:
                break
        return end

    def _closure(self, states: frozenset[int], before: str, after: str) -> frozenset[int]:
        """The states that are reached without a character, at a place between two."""
        key = states, before, after
        if key not in self._closed:
            reached, waiting = set(states), list(states)
            while waiting:
                for move in self.moves[waiting.pop()]:
                    free = move.over is None or (
                        isinstance(move.over, _At) and _HOLDS[move.over.which](before, after)
                    )
                    if free and move.to not in reached:
                        reached.add(move.to)
                        waiting.append(move.to)
            _kept(self._closed)[key] = frozenset(reached)
        return self._closed[key]

    def _step(self, states: frozenset[int], char: str) -> frozenset[int]:
        """The states that are reached over a character."""
        key = states, char
        if key not in self._stepped:
            _kept(self._stepped)[key] = frozenset(
                move.to
                for state in states
                for move in self.moves[state]
                if isinstance(move.over, Chars) and move.over.holds(char, any_case=self.any_case)
            )
        return self._stepped[key]


def _kinds(line: str) -> str:
    """Each character's kind: a word's (w) or another one (o); around them the edges (e)."""
    kinds = ("w" if char.isalnum() or char == "_" else "o" for char in line)
    return f"e{''.join(kinds)}e"


# whether a place is between characters of such kinds
_HOLDS: dict[str, Callable[[str, str], bool]] = {
    "^": lambda before, after: before == "e",
    "$": lambda before, after: after == "e",
    "<": lambda before, after: before != "w" and after == "w",
    ">": lambda before, after: before == "w" and after != "w",
    "b": lambda before, after: (before == "w") != (after == "w"),
    "B": lambda before, after: (before == "w") == (after == "w"),
    "W": lambda before, after: before != "w",
    "w": lambda before, after: after != "w",
}


def _kept(cache: dict[K, V]) -> dict[K, V]:
    """The cache, emptied if it is full."""
    if len(cache) >= _MOST_KEPT:
        cache.clear()
    return cache


def quoted(text: str) -> str:
    """A basic expression that fits this text alone."""
    return "".join(f"\\{char}" if char in "\\.[*^$" else char for char in text)
