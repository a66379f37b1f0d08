"""The shapes of a dump's lines: of lines that differ in nothing but names, one is read for all.

A machine's dump has many lines and few shapes. ``-A INPUT -s 10.0.0.7/32 -j DROP`` and
``-A INPUT -s 10.0.0.8/32 -j DROP`` are of one shape: what may be said against one of them
may be said against the other. So once one has been read in full, checking another means
finding its words in a tree. The tree's paths are the lines that were read and found right;
most words must come again exactly, but where only a word's spelling matters, as with an
address, any word that is spelled so will do (``_SPELLINGS``). What a checked line means is
read when somebody asks for its chain.

Of the paths that are taken often a regular expression is made, which finds a line's shape
in a quarter of the time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import getitem

from iptlab.netfilter.rules import Rule
from iptlab.netfilter.values import quoted
from iptlab.packet import Family
from iptlab.syntax.clauses import TEXT, plainly_quoted
from iptlab.syntax.template import HEADER, QUOTED, Hole, Template, marked_words


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
_ADDRESS = rf"(?:{_OCTET}\.){{3}}+{_OCTET}"
_GROUP, _ANY_GROUP = "[1-9a-f][0-9a-f]{0,3}", "[0-9a-f]{1,4}"
_COLONS = r"(?!(?:[^: /\]]*:){{{}}})"  # there are fewer than that
# the address as it is saved, where :: is two groups or more; then as it may be written too
_ADDRESS_6 = (
    rf"(?:{_COLONS.format(7)}(?:{_GROUP}:)+(?:(?::{_GROUP})+|:)|{_GROUP}(?::{_GROUP}){{7}})"
)
_LOOSE_6 = (
    rf"(?:{_COLONS.format(8)}(?:{_ANY_GROUP}:)+(?:(?::{_ANY_GROUP})+|:)"
    rf"|{_ANY_GROUP}(?::{_ANY_GROUP}){{7}})"
)
_PORT = r"(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]|0)"
# bits that the mask cuts off are not saved; these kinds surely have none
_NETWORK = _Spelling(
    _ADDRESS,
    host="/32",
    zeros=r"/(?:(?<=\.0/)24|(?<=\.0\.0/)16|(?<=\.0\.0\.0/)8)",
    other=r"(?:/(?:[12]\d|3[01]|[1-9]))?",
)
_NETWORK_6 = _Spelling(
    host=f"{_ADDRESS_6}/128",
    zeros=f"(?:{_GROUP}:){{1,4}}:/64",
    other=f"{_LOOSE_6}(?:/(?:12[0-8]|1[01][0-9]|[1-9][0-9]?))?",
)
_ONE_PORT = _Spelling(port=_PORT)
_PORTS = _Spelling(ports=rf"{_PORT}(?:,{_PORT}){{0,14}}")
_NEW_ADDRESS = _Spelling(_ADDRESS, address="", ported=f":{_PORT}")
_NEW_ADDRESS_6 = _Spelling(address=_ADDRESS_6, ported=rf"\[{_ADDRESS_6}\]:{_PORT}")
_INTERFACE = _Spelling(interface=r"\w(?:[\w.-]{0,14}|[\w.-]{0,13}\+)")
_COMMENT = _Spelling(bare=r"\w[\w-]*", other=r"\w[\w-]*[./:@][\w./:@-]*")
_CHANCE = _Spelling(other=r"0\.\d{1,11}")
_LIST = _Spelling(name=r"\w[\w-]{0,60}")
_NOTHING = _Spelling(none="(?!)")
_OTHER = "other"  # the kinds that iptables-save may print in another way

# How a word may be spelled, by what -m or -j named last (the header's options stand anywhere)
# and the word before it. No check of the tool or the kernel looks at more of such a word than
# its kind, and no other option's field depends on it; an option of which that is not so, such
# as a range of ports, must not be here.
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
    ("statistic", "--probability"): _CHANCE,
    ("recent", "--name"): _LIST,
}
_OF_FAMILY = {
    Family.IPV4: {
        **_SPELLINGS,
        ("", "-s"): _NETWORK,
        ("", "-d"): _NETWORK,
        ("DNAT", "--to-destination"): _NEW_ADDRESS,
        ("SNAT", "--to-source"): _NEW_ADDRESS,
    },
    Family.IPV6: {
        **_SPELLINGS,
        ("", "-s"): _NETWORK_6,
        ("", "-d"): _NETWORK_6,
        ("DNAT", "--to-destination"): _NEW_ADDRESS_6,
        ("SNAT", "--to-source"): _NEW_ADDRESS_6,
    },
}
# no real word looks so: the name of some user chain
USER_CHAIN = " "
_NAME = r' ([^ "\\]+)'


def plain_words(line: str) -> list[str] | None:
    """The words of an -A line, with a mere quotation mark in place of a quoted text.

    None if it takes a closer look to tell what its words are.

    >>> plain_words('-A INPUT -m comment --comment "my own" -j DROP')
    ['-A', 'INPUT', '-m', 'comment', '--comment', '"', '-j', 'DROP']
    """
    if len(line) >= LONG or not line.startswith("-A ") or "  " in line:
        return None
    return marked_words(line) if QUOTED not in line or plainly_quoted(line) else None


LONG = 256  # a line shorter than this breaks none of the tool's limits on words


@dataclass(eq=False)
class Shape:
    """What all lines that end at one place of the tree have in common.

    ``first`` is the first of them and ``example`` its rule; they differ in the ``holes``.
    ``target`` is the word that is their target, empty if they have none or jump to a user
    chain. Where words are ``loose``, iptables-save may print them in another way. ``seen`` is
    how often such a line was looked up in the tree; ``often`` is whether a pattern is made
    of it.
    """

    family: Family
    first: str
    holes: Sequence[Hole]
    example: Rule
    target: str
    loose: bool
    seen: int = 0
    often: bool = False

    @cached_property
    def saved(self) -> bool:
        """Whether iptables-save prints such lines as they stand, but for quoted texts."""
        return not self.loose and self.first.split(" ", 2)[2:] == [str(self.example)]

    @cached_property
    def template(self) -> Template:
        """Its rules but for what differs."""
        return Template(self.example, self.first, self.holes, self.family)

    def rule(self, line: str, callee: str) -> Rule:
        """What a line of this shape means; ``callee`` is the chain it jumps to."""
        return self.template.fill(line, callee)

    def saved_words(self, line: str) -> str | None:
        """The rule as iptables-save prints it, if that is how the line has it."""
        if self.saved and all(map(_is_saved, line.split(QUOTED)[1::2])):
            return line.split(" ", 2)[2]
        return None


def _is_saved(text: str) -> bool:
    """Whether iptables-save prints a quoted comment as it stands."""
    return quoted(text) == f'"{text}"' and len(text.encode()) <= _LONGEST_COMMENT


_LONGEST_COMMENT = 255


class _Node(dict[str, "_Node"]):
    """What may come next: words, each with what may follow it, and one spelling by kinds."""

    __slots__ = ("kinds", "shape", "spelling")

    def __init__(self) -> None:
        super().__init__()
        self.spelling = _NOTHING
        self.kinds: dict[str | None, _Node] = {}
        self.shape: Shape | None = None

    def __missing__(self, word: str) -> _Node:
        found = self.spelling.match(word)
        if found is None:
            raise KeyError(word)
        return self.kinds[found.lastgroup]

    def pattern(self, least: float, shapes: list[Shape]) -> str:
        """What may follow here, of the shapes seen so often; these are added to ``shapes``.

        The pattern's groups are for them, in that order: around a callee, or empty.
        """
        ways = []
        if self.shape and (self.shape.often or self.shape.seen >= least):
            self.shape.often = True
            shapes.append(self.shape)
            ways.append("()")
        spelled = [(self.spelling.of(kind), child) for kind, child in self.kinds.items()]
        for word, child in (*((_looks(word), child) for word, child in self.items()), *spelled):
            if follows := child.pattern(least, shapes):
                ways.append(_NAME if word == USER_CHAIN else f" {word}{follows}")
        return ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})" if ways else ""


def _looks(word: str) -> str:
    """The pattern of a word that must come again as it is."""
    return TEXT if word == QUOTED else word if word == USER_CHAIN else re.escape(word)


class Shapes:
    """The tree of the lines that chains of one kind took; what other chains take may differ.

    ``fits`` compares a line, from behind the chain's name, with the shapes ``often``; the
    number of the last group that matches is the shape's, and what it matches is the callee.
    """

    def __init__(self, family: Family) -> None:
        self.family = family
        self.often: list[Shape] = []
        self.fits = _NEVER
        self._root = _Node()
        self._room = _MOST
        self._found = 0
        self._next = self._patience = _PATIENCE

    def find(self, words: Sequence[str]) -> Shape | None:
        """The shape of a rule with these words, if there was one like it."""
        try:
            shape = reduce(getitem, words, self._root).shape
        except KeyError:
            return None
        if shape:
            shape.seen += 1
            self._found += 1
            if self._found >= self._next:
                self._expect()
        return shape

    def _expect(self) -> None:
        """Make a pattern of the shapes that come often; the longer it is, the later the next."""
        often: list[Shape] = []
        pattern = self._root.pattern(max(_OFTEN, self._found / _SHARE), often)
        if len(often) > len(self.often):
            self.often, self.fits = often, re.compile(pattern, re.ASCII).fullmatch
            self._patience = _PATIENCE
        else:
            self._patience *= 2
        self._next = self._found + self._patience * (1 + len(often))

    def learn(self, words: Sequence[str], line: str, rule: Rule) -> None:
        """Remember the shape of a line that was read in full, and means this rule."""
        if not self._room or words.count("-j") > 1:
            return
        self._room -= 1
        spellings = _OF_FAMILY[self.family]
        node, named, before = self._root, "", ""
        holes: list[Hole] = []
        part, loose = HEADER, False
        for at, word in enumerate(words[2:], start=2):
            part += before in ("-m", "-j", "-g")
            own = spellings.get((named, before))
            spelling = own or spellings.get(("", before)) or _NOTHING
            hole = Hole(at, part if own else HEADER)
            if found := spelling.match(word):
                node.spelling = spelling
                node = node.kinds.setdefault(found.lastgroup, _Node())
                loose |= found.lastgroup == _OTHER
                holes.append(hole)
            elif word == QUOTED and spelling is not _COMMENT:
                return  # what a text says matters to all others
            else:
                node = node.setdefault(word, _Node())
                holes += [hole] * (word == QUOTED)
            named, before = word if before in ("-m", "-j") else named, word
        if node.shape is None:
            jumps = words[-1:] == [USER_CHAIN]
            target = words[words.index("-j") + 1] if "-j" in words and not jumps else ""
            node.shape = Shape(self.family, line, holes, rule, target, loose)


_NEVER = re.compile("(?!)").fullmatch
_MOST = 1000  # more shapes than this, and the lines are better read one by one
# a shape may come often again that was looked up so often, and each time of so many
_OFTEN, _SHARE = 3, 64
_PATIENCE = 16  # so many lookups are worth adding a shape to a pattern
