"""The shapes of a dump's lines: of lines that differ in nothing but names, one is read for all.

A machine's dump has many lines and few shapes. ``-A INPUT -s 10.0.0.7/32 -j DROP`` and
``-A INPUT -s 10.0.0.8/32 -j DROP`` are of one shape: what may be said against one of them
may be said against the other. So once one has been read in full, checking another means
finding its words in a tree. The tree's paths are the lines that were read and found right;
most words must come again exactly, but where only a word's spelling matters, as with an
address, any word that is spelled so will do (``_SPELLINGS``). What a checked line means is
read when somebody asks for its chain.
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

_Spelling = Callable[[str], "re.Match[str] | None"]


def _spelled(pattern: str) -> _Spelling:
    """A test of a word's spelling; the group that matches is its kind."""
    return re.compile(pattern, re.ASCII).fullmatch


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_ADDRESS = rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}"
_PORT = r"(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3}|0)"
# bits that the mask cuts off are not saved; kinds but the last surely have none
_NETWORK = _spelled(
    rf"{_ADDRESS}/(?:(?P<host>32)"
    r"|(?P<zeros>(?<=\.0/)24|(?<=\.0\.0/)16|(?<=\.0\.0\.0/)8)"
    r"|(?P<masked>[12]\d|3[01]|[1-9]))"
)
_ONE_PORT = _spelled(rf"(?P<port>{_PORT})")
_PORTS = _spelled(rf"(?P<ports>{_PORT}(?:,{_PORT}){{0,14}})")
_NEW_ADDRESS = _spelled(rf"(?P<address>{_ADDRESS})|(?P<ported>{_ADDRESS}:{_PORT})")
_INTERFACE = _spelled(r"(?=.{1,15}\Z)(?P<interface>\w[\w.-]*\+?)")
_COMMENT = _spelled(r"(?P<bare>\w[\w-]*)")

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


def plain_words(line: str) -> list[str] | None:
    """The words of an -A line, with a mere quotation mark in place of a quoted text.

    None if it takes a closer look to tell what its words are.

    >>> plain_words('-A INPUT -m comment --comment "my own" -j DROP')
    ['-A', 'INPUT', '-m', 'comment', '--comment', '"', '-j', 'DROP']
    """
    if len(line) >= _LONG or not line.startswith("-A "):
        return None
    if _QUOTED not in line:
        return line.split(" ")
    parts = plainly_quoted(line)
    return f'{parts[0]}"{parts[2]}'.split(" ") if parts else None


_LONG = 256  # a line shorter than this breaks none of the tool's limits on words


@dataclass(frozen=True, eq=False, slots=True)
class Shape:
    """What all lines that end at one place of the tree have in common.

    ``example`` is the rule of the first of them; ``target_at`` is the number of the word that
    is their target, 0 if they have none or jump to a user chain. ``saved`` is whether
    iptables-save prints such lines as they stand, but for the text of a comment.
    """

    clauses: Clauses
    example: Rule
    target_at: int
    saved: bool

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
        self.spelling: _Spelling = _NEVER
        self.kinds: dict[str | None, _Node] = {}
        self.shape: Shape | None = None

    def __missing__(self, word: str) -> _Node:
        found = self.spelling(word)
        if found is None:
            raise KeyError(word)
        return self.kinds[found.lastgroup]


_NEVER = _spelled("(?!)")


class Shapes:
    """The tree of the lines that one table took; what another table takes may differ."""

    def __init__(self, family: Family) -> None:
        self.clauses = Clauses(family)
        self._spellings = _SPELLINGS | _OF_FAMILY[family]
        self._root = _Node()
        self._room = _MOST

    def find(self, words: Sequence[str]) -> Shape | None:
        """The shape of a line with these words, if there was one like it."""
        try:
            return reduce(getitem, words, self._root).shape
        except KeyError:
            return None

    def learn(self, words: Sequence[str], line: str, rule: Rule) -> None:
        """Remember the shape of a line that was read in full, and means this rule."""
        if not self._room:
            return
        self._room -= 1
        node, named, before = self._root, "", ""
        saved = line.split(" ", 2)[2:] == [str(rule)]
        for word in words:
            spelling = self._spellings.get((named, before), _NEVER)
            if found := spelling(word):
                node.spelling = spelling
                node = node.kinds.setdefault(found.lastgroup, _Node())
                saved &= found.lastgroup != "masked"
            elif word == _QUOTED and spelling is not _COMMENT:
                return  # what a text says matters to all others
            else:
                node = node.setdefault(word, _Node())
            named, before = word if before in ("-m", "-j") else named, word
        if node.shape is None:
            target_at = words.index("-j") + 1 if "-j" in words and before != USER_CHAIN else 0
            node.shape = Shape(self.clauses, rule, target_at, saved)


_MOST = 1000  # more shapes than this, and the lines are better read one by one
