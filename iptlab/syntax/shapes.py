"""The shapes of a dump's lines: of lines that differ in nothing but names, one is read for all.

A machine's dump has many lines and few shapes. ``-A INPUT -s 10.0.0.7/32 -j DROP`` and
``-A INPUT -s 10.0.0.8/32 -j DROP`` are of one shape: what may be said against one of them
may be said against the other. So once one has been read in full, checking another means
finding its words in a tree. The tree's paths are the lines that were read and found right;
most words must come again exactly, but where only a word's spelling matters, as with an
address, any word that is spelled so will do (``_SPELLINGS``). What a checked line means is
read when somebody asks for its chain.

Lines come in turns, too. So what followed a shape before is tried first: a line is held
against that one shape as a whole, and only if it is of another are its words looked up. Nor
are they if nothing is the line's own but its chain, a quoted text and the chain it jumps to:
what is around these tells the shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import getitem

from iptlab.netfilter.rules import Rule
from iptlab.netfilter.values import quoted
from iptlab.packet import Family
from iptlab.syntax.clauses import Clauses, plainly_quoted


class _Spelling:
    """How a word may be spelled: how it starts, and how each kind of it goes on.

    ``match`` finds a word that is spelled so; the group that matches is its kind.
    """

    def __init__(self, start: str = "", **kinds: str) -> None:
        self.start = start
        self.kinds = kinds
        ends = "|".join(f"(?P<{kind}>{end})" for kind, end in kinds.items())
        self.match = re.compile(f"{start}(?:{ends})", re.ASCII).fullmatch

    def of(self, kind: str | None) -> str:
        """The pattern of one kind."""
        return f"{self.start}(?:{self.kinds[kind or '']})"


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_ADDRESS = rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}"
_PORT = r"(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3}|0)"
# bits that the mask cuts off are not saved; kinds but the last surely have none
_NETWORK = _Spelling(
    f"{_ADDRESS}/",
    host="32",
    zeros=r"(?<=\.0/)24|(?<=\.0\.0/)16|(?<=\.0\.0\.0/)8",
    masked=r"[12]\d|3[01]|[1-9]",
)
_ONE_PORT = _Spelling(port=_PORT)
_PORTS = _Spelling(ports=rf"{_PORT}(?:,{_PORT}){{0,14}}")
_NEW_ADDRESS = _Spelling(_ADDRESS, address="", ported=f":{_PORT}")
_INTERFACE = _Spelling(interface=r"\w(?:[\w.-]{0,14}|[\w.-]{0,13}\+)")
_COMMENT = _Spelling(bare=r"\w[\w-]*")
_NOTHING = _Spelling(none="(?!)")

# How a word may be spelled, by what -m or -j named last and the word before it. No check of
# the tool or the kernel looks at more of such a word than its kind; an option of which one
# does, such as a range of ports, must not be here.
_SPELLINGS = {
    ("", "-i"): _INTERFACE,
    ("", "-o"): _INTERFACE,
    ("tcp", "--sport"): _ONE_PORT,
    ("tcp", "--dport"): _ONE_PORT,
    ("udp", "--sport"): _ONE_PORT,
    ("udp", "--dport"): _ONE_PORT,
    ("multiport", "--sports"): _PORTS,
    ("multiport", "--dports"): _PORTS,
    ("comment", "--comment"): _COMMENT,
}
_OF_FAMILY = {
    Family.IPV4: {
        ("", "-s"): _NETWORK,
        ("", "-d"): _NETWORK,
        ("DNAT", "--to-destination"): _NEW_ADDRESS,
        ("SNAT", "--to-source"): _NEW_ADDRESS,
    },
    Family.IPV6: {},
}
# no real word looks so: a quoted text, and the name of some user chain
_QUOTED = '"'
USER_CHAIN = " "
_NAME = r'[^ "\\]+'
_TEXT = r'"[^ "\\]*(?: (?!-[mj] )[^ "\\]*)*"'  # one that ``plainly_quoted`` takes


def plain_words(line: str) -> list[str] | None:
    """The words of an -A line, with a mere quotation mark in place of a quoted text.

    None if it takes a closer look to tell what its words are.

    >>> plain_words('-A INPUT -m comment --comment "my own" -j DROP')
    ['-A', 'INPUT', '-m', 'comment', '--comment', '"', '-j', 'DROP']
    """
    if len(line) >= _LONG or not line.startswith("-A ") or "  " in line:
        return None
    if _QUOTED not in line:
        return line.split(" ")
    parts = plainly_quoted(line)
    return f'{parts[0]}"{parts[2]}'.split(" ") if parts else None


_LONG = 256  # a line shorter than this breaks none of the tool's limits on words


_Fits = Callable[[str], "re.Match[str] | None"]
_NEVER: _Fits = _NOTHING.match


@dataclass(eq=False, slots=True)
class Shape:
    """What all lines that end at one place of the tree have in common.

    ``example`` is the rule of the first of them; ``builtin`` is whether their chain is a
    built-in one; ``target`` is the word that is their target, empty if they have none or jump
    to a user chain. ``saved`` is whether iptables-save prints such lines as they stand, but
    for the text of a comment. ``pattern`` is how such a line looks as a whole, with groups for
    the chain and the callee; ``fits`` compares a line with it, once that pays. ``follower`` is
    what came after such a line last, and ``guessed`` is how often this shape came again so.
    """

    clauses: Clauses
    example: Rule
    builtin: bool
    target: str
    saved: bool
    pattern: str
    fits: _Fits = _NEVER
    follower: Shape | None = None
    guessed: int = 0

    def rule(self, line: str, callee: str) -> Rule:
        """What a line of this shape means; ``callee`` is the chain it jumps to."""
        known = self.clauses.rule(line, (callee,))
        assert known is not None, line
        return known[1]

    def saved_words(self, line: str) -> str | None:
        """The rule as iptables-save prints it, if that is how the line has it."""
        _, *text = line.split(_QUOTED)
        if not self.saved or (text and not _is_saved(text[0])):
            return None
        return line.split(" ", 2)[2]


def _is_saved(text: str) -> bool:
    """Whether iptables-save prints a quoted comment as it stands."""
    return quoted(text) == f'"{text}"' and len(text.encode()) <= _LONGEST_COMMENT


_LONGEST_COMMENT = 255


class _Node(dict[str, "_Node"]):
    """What may come next: words, each with what may follow it, and one spelling by kinds."""

    __slots__ = ("kinds", "shape", "spelling")

    def __init__(self) -> None:
        super().__init__()
        self.spelling: _Fits = _NEVER
        self.kinds: dict[str | None, _Node] = {}
        self.shape: Shape | None = None

    def __missing__(self, word: str) -> _Node:
        found = self.spelling(word)
        if found is None:
            raise KeyError(word)
        return self.kinds[found.lastgroup]


class Shapes:
    """The tree of the lines that one table took; what another table takes may differ."""

    def __init__(self, family: Family) -> None:
        self.clauses = Clauses(family)
        self._spellings = _SPELLINGS | _OF_FAMILY[family]
        self._root = _Node()
        self._room = _MOST
        self._frames: dict[tuple[str, str], Shape] = {}
        self._last: Shape | None = None

    def guess(self, line: str) -> tuple[Shape, str, str] | None:
        """The line's shape, chain and callee, if these can be told without its words."""
        if len(line) >= _LONG:
            return None
        turn = self._last.follower if self._last else None
        found = turn.fits(line) if turn else None
        if turn and found:
            self._last = turn
            return turn, found[1], found[2]
        framed = _framed(line)
        shape = self._frames.get(framed[0]) if framed else None
        if framed is None or shape is None:
            return None
        self._take(shape)
        return shape, framed[1], framed[2]

    def find(self, words: Sequence[str]) -> Shape | None:
        """The shape of a line with these words, if there was one like it."""
        try:
            shape = reduce(getitem, words, self._root).shape
        except KeyError:
            return None
        if shape:
            self._take(shape)
        return shape

    def _take(self, shape: Shape) -> None:
        """Remember whose turn it was."""
        if last := self._last:
            if last.follower is shape:
                shape.guessed += 1
                if shape.guessed == _OFTEN:
                    shape.fits = re.compile(shape.pattern, re.ASCII).fullmatch
            last.follower = shape
        self._last = shape

    def learn(self, words: Sequence[str], line: str, rule: Rule) -> None:
        """Remember the shape of a line that was read in full, and means this rule."""
        if not self._room:
            return
        self._room -= 1
        node, named, before = self._root, "", ""
        saved = line.split(" ", 2)[2:] == [str(rule)]
        patterns, spelled = [], False
        for word in words:
            spelling = self._spellings.get((named, before), _NOTHING)
            if found := spelling.match(word):
                node.spelling = spelling.match
                node = node.kinds.setdefault(found.lastgroup, _Node())
                saved &= found.lastgroup != "masked"
                spelled = True
                patterns.append(spelling.of(found.lastgroup))
            elif word == _QUOTED and spelling is not _COMMENT:
                return  # what a text says matters to all others
            else:
                node = node.setdefault(word, _Node())
                patterns.append(_LOOKS.get(word) or re.escape(word))
            named, before = word if before in ("-m", "-j") else named, word
        if node.shape is None:
            jumps = [*words[-2:]] == ["-j", USER_CHAIN]
            target = words[words.index("-j") + 1] if "-j" in words and not jumps else ""
            patterns[1] = f"({patterns[1]})"
            patterns[-1] = f"({patterns[-1]})" if jumps else f"{patterns[-1]}()"
            builtin, pattern = words[1] != USER_CHAIN, " ".join(patterns)
            node.shape = Shape(self.clauses, rule, builtin, target, saved, pattern)
            framed = _framed(line)
            if framed and jumps and not builtin and not spelled:
                self._frames[framed[0]] = node.shape


def _framed(line: str) -> tuple[tuple[str, str], str, str] | None:
    """What is around a line's chain, quoted text and callee; the chain; the callee.

    None if the line has not all of them. Lines that call chains by chance are so.
    """
    parts = plainly_quoted(line) if _QUOTED in line and line.startswith("-A ") else None
    if parts is None or not parts[2]:
        return None
    chain, _, start = parts[0][3:].partition(" ")
    end, _, callee = parts[2].rpartition(" ")
    return ((start, end), chain, callee) if callee else None


_LOOKS = {_QUOTED: _TEXT, USER_CHAIN: _NAME}
_OFTEN = 30  # a guess that was right so often is worth its pattern
_MOST = 1000  # more shapes than this, and the lines are better read one by one
