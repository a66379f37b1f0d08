"""One rule as it is found in the wild: read whole, in the spelling of its time, or in parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from iptlab.errors import RuleSyntaxError
from iptlab.matches.unmodelled import ForeignMatch, HiddenMatch, Kept, UnreadMatch
from iptlab.netfilter.extension import TARGETS, Target
from iptlab.netfilter.header import Header
from iptlab.netfilter.rules import Rule
from iptlab.packet import Family
from iptlab.syntax.edit import Edit
from iptlab.syntax.foreign import Module, module_of
from iptlab.syntax.grammar import JUMPS, LOAD_MATCH, Place
from iptlab.syntax.old_spelling import modern
from iptlab.syntax.rule import read_command
from iptlab.syntax.tokens import Token, restore_words
from iptlab.targets.unmodelled import AbsentChain, ForeignTarget, HiddenTarget, UnreadTarget


def found_rules(words: list[Token], place: Place, family: Family, edit: Edit) -> Iterator[Rule]:
    """The rules of an ``-A`` line, each printed as the line is written."""
    words = _without_number(words)
    rest = _as_written(place.text, words[2].column - 1) if len(words) > 2 else ""
    readers = [_RuleReader(words, place, family, edit)]
    if (plain := [*_plain(place.text)]) != [place.text]:
        places = [Place(place.line, text) for text in plain]
        start = words[0].column - 1
        readers = [_RuleReader(_again(each.text, start), each, family, edit) for each in places]
    whole = (reader.whole() for reader in readers)
    rules = next(filter(None, whole), ()) or readers[0].in_parts()
    for rule in rules:
        same = len(rules) > 1 or str(rule) == rest
        yield rule if same else replace(rule, written=rest)


def _without_number(words: list[Token]) -> list[Token]:
    """The words of ``-I CHAIN NUMBER`` without the number, all others as they are."""
    numbered = words[0].text in ("-I", "--insert") and len(words) > 2 and words[2].text.isdigit()
    return [*words[:2], *words[3:]] if numbered else words


def _again(text: str, start: int) -> list[Token]:
    """The words of a line from ``start`` on, each with its column in the line."""
    return _without_number(restore_words(" " * start + text[start:]))


def _plain(text: str) -> Iterator[str]:
    """The line as it was meant, or the ways it may have been: a terminal's edge hides a blank."""
    plain = _SINGLE_QUOTED.sub(r'"\1"', text.translate(_TYPOGRAPHY))
    plain = _TEMPLATE.sub(r"\1\2\3", plain)
    for joint in ("", " ") if _EDGE.search(plain) else ("",):
        yield _EDGE.sub(joint, plain)


def _as_written(text: str, at: int) -> str:
    """The words from there on, and the blanks before them but one."""
    before = text[:at]
    return " " * (len(before) - len(before.rstrip(" ")) - 1) + text[at:].strip()


# what word processors make of quotes and of two dashes
_TYPOGRAPHY = {ord("\u201c"): '"', ord("\u201d"): '"', ord("\u201e"): '"', ord("\u2013"): "--"}
_TYPOGRAPHY |= {ord("\u2014"): "--"}
# as a shell reads it, where iptables-restore knows double quotes only
_SINGLE_QUOTED = re.compile(r"(?<=[ =])'([^'\"]*)'(?= |$)")
# what a program is to fill in: {{ port }}
_TEMPLATE = re.compile(r"(\{\{)\s+(\S+)\s+(\}\})")
# blanks behind the last column of a terminal, as copying from its window leaves them
_EDGE = re.compile(r"(?<=^.{80}) {40,}(?=\S)")


class _RuleReader:
    """Reads a rule as today's tool does, else as an old one did, else part by part."""

    def __init__(self, words: list[Token], place: Place, family: Family, edit: Edit) -> None:
        self.words = words
        self.place = place
        self.family = family
        self.edit = edit

    def whole(self) -> tuple[Rule, ...]:
        """The rules of the line as today's tool or an old one reads it; none if neither does."""
        for spelled in (self.words, modern(self.words)):
            try:
                return self._read(spelled)
            except RuleSyntaxError:
                continue
        return ()

    def _is_added(self, part: list[Token], error: RuleSyntaxError) -> bool:
        """Whether the error is about words too many, behind what can be read."""
        if part[0].text in _JUMPS and not self._leads_somewhere(part[1:]):
            return False
        return error.cause.startswith(("Bad argument", "unknown option"))

    def _leads_somewhere(self, behind: list[Token]) -> bool:
        """Whether what stands behind a jump is a target or a chain; nothing may stand there."""
        return bool(behind) and behind[0].text in (*TARGETS, *self.edit.chains)

    def _read(self, words: list[Token]) -> tuple[Rule, ...]:
        try:
            edit = self.edit
            return read_command(list(words), self.place, self.family, edit.chains, edit.name).rules
        except RuleSyntaxError as error:
            if "nat" in error.cause and words[-1].text == "DROP":  # older tools took it
                return read_command(list(words), self.place, self.family, edit.chains).rules
            raise

    def in_parts(self) -> tuple[Rule, ...]:
        """The rules of the parts that can be read, beside those that cannot; at least one."""
        words = modern(self.words)
        parts = [each for part in _parts(words[2:]) for each in self._cut(part)]
        while True:
            kept = [word for part in parts if part.is_read for word in part.words]
            try:
                rules = self._read([*words[:2], *kept])
                break
            except RuleSyntaxError as error:
                if not self._blame(parts, error):
                    text = self.place.text[words[1].end - 1 :].strip()
                    return (Rule(matches=(UnreadMatch(text, error.cause),)),)
        unread = [part for part in parts if not part.is_read]
        targets = [part for part in unread if part.words[0].text in _JUMPS]
        matches = [self._match(part) for part in unread if part not in targets]
        target = self._target(targets[0]) if targets else None
        return tuple(
            replace(rule, matches=(*rule.matches, *matches), target=target or rule.target)
            for rule in rules
        )

    def _cut(self, words: list[Token]) -> Iterator[_Part]:
        """The part, cut behind the words of a foreign module."""
        part = _Part(words)
        found = module_of(words)
        if _UNPRINTED(self._text(part)):
            yield _Part(words, "its options were not printed")
        elif found is None or (words[0].text in _JUMPS and words[1].text in self.edit.chains):
            yield part
        else:
            module, count = found
            yield _Part(words[:count], module=module)
            if words[count:]:
                yield _Part(words[count:])

    def _match(self, part: _Part) -> Kept:
        text = self._text(part)
        if part.module:
            return ForeignMatch(text, part.module.name, part.module.origin)
        hidden = _hides_value(part) or _UNPRINTED(text)
        return HiddenMatch(text) if hidden else UnreadMatch(text, part.cause)

    def _target(self, part: _Part) -> Target:
        """What cannot be read behind -j: a name alone may be that of a chain of another part."""
        if part.module:
            return ForeignTarget(self._text(part), part.module.name, part.module.origin)
        if len(part.words) == 2 and _NAME(part.words[1].text):
            return AbsentChain(part.words[1].text, goto=part.words[0].text in ("-g", "--goto"))
        text = self._text(part)
        named = part.words[1].text if part.words[1:] else ""
        hides = _hides_value(part) and (named in TARGETS or _VARIABLE(named))
        if hides or _UNPRINTED(text):
            return HiddenTarget(text)
        return UnreadTarget(text, part.cause)

    def _blame(self, parts: list[_Part], error: RuleSyntaxError) -> bool:
        """Mark the part that the error is about; the answer is whether there is one."""
        at = _guilty(parts, error)
        if at is None:
            return False
        part = parts[at]
        odd = _from(part.words, error) if self._is_added(part.words, error) else 0
        if odd:  # the words before it can be read
            parts[at : at + 1] = [
                _Part(part.words[:odd]),
                _Part(part.words[odd:], error.cause, tail=True),
            ]
            return True
        part.cause = error.cause
        if parts[at + 1 : at + 2] and parts[at + 1].tail:
            part.words += parts.pop(at + 1).words
        return True

    def _text(self, part: _Part) -> str:
        return self.place.text[part.words[0].column - 1 : part.words[-1].end - 1]


@dataclass
class _Part:
    """A part of a rule; ``cause`` is why it cannot be read, ``module`` whose it is if foreign.

    A ``tail`` are words too many behind the part before it.
    """

    words: list[Token]
    cause: str = ""
    tail: bool = False
    module: Module | None = None

    @property
    def is_read(self) -> bool:
        """Whether it is read as the tool reads it, so far."""
        return not self.cause and self.module is None


def _hides_value(part: _Part) -> bool:
    """Whether its last value is a name of a host or user, or was made unreadable.

    A variable that stands for whole words of a rule hides them too.
    """
    *_, name, value = ("", *(word.text for word in part.words))
    if any(_VARIABLE(word.text) for word in part.words[:2]):
        return True
    if name in _NAMES:
        return bool(_NAMED(value) or _MASKED(value))
    return name[:2] == "--" and _MASKED(value) is not None


# what iptables-save prints for an extension that is newer than itself
_UNPRINTED = re.compile(r".*\[(?:unsupported revision|\d+ bytes of unknown \w+ data)\]$").match
# options whose value may be a name that only the machine of the text knows
_NAMES = {"-s", "--source", "--src", "-d", "--destination", "--dst"} | {
    f"--{whose}-owner" for whose in ("uid", "gid")
}
# x.x.x.x, 10.*.*.*, <my ip>, [SERVER], $WAN_IP, ${WAN}, {{ wan }}, %(wan)s
_BLANK = r"<[^<>]+>|\[[A-Za-z][^\[\]]*\]|\$\{?\w+\}?|\{\{?[^{}]+\}?\}|%\(?\w+\)?s?"
_VARIABLE = re.compile(r"\$(?:\w+|\{\w+\})").fullmatch
_NUMBER = r"0[xX][\da-fA-F]+"
_MASKED = re.compile(
    rf"(?!{_NUMBER}(?:/{_NUMBER})?$)(?=.*[xX*?#<\[$%{{])(?:[\dxX*?#.:/-]|[a-f]+[\dxX:]|{_BLANK})+"
).fullmatch
_NAMED = re.compile(r"(?=[^/]*[A-Za-z])[\w.-]+(?:/[\d.]+)?(?:,[\w.-]+(?:/[\d.]+)?)*").fullmatch


def _from(part: list[Token], error: RuleSyntaxError) -> int:
    """Which word of the part the error is about."""
    return next((n for n, word in enumerate(part) if word.column == error.column), 0)


_JUMPS = {name for short, longs in JUMPS.items() for name in (short, *longs)}
_LOADS = {name for short, longs in LOAD_MATCH.items() for name in (short, *longs)}
_HEADER = {name for _, declared in Header.options() for name in declared.names}
_NAME = re.compile(r"[\w.+:-]{1,28}").fullmatch


def _parts(words: list[Token]) -> Iterator[list[Token]]:
    """The words cut before every ``-m``, ``-j``, header option and option of an implicit match."""
    part: list[Token] = []
    header = False
    for word, following in zip_longest(words, words[1:]):
        ahead = following if word.text == "!" and following else word
        dashes = ahead.text.startswith("--") and header
        begins = not ahead.quoted and (dashes or ahead.text in _JUMPS | _LOADS | _HEADER)
        if begins and part and part[-1].text != "!":
            yield part
            part = []
        part.append(word)
        if begins:
            header = ahead.text in _HEADER
    if part:
        yield part


def _guilty(parts: list[_Part], error: RuleSyntaxError) -> int | None:
    """Which part the error points at, or the last one if it points at the end."""
    kept = [at for at, part in enumerate(parts) if part.is_read]
    for at in kept:
        words = parts[at].words
        if words[0].column <= error.column < words[-1].end:
            return at
    behind = kept and error.column >= parts[kept[-1]].words[0].column
    return kept[-1] if behind else None
