"""``grep``: the lines that a pattern fits.

Man page: grep(1); GNU grep 3.8

Simplified: no folders and no back-references.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from iptlab.console.command import Output, Session, register_command
from iptlab.console.commands.text import contents
from iptlab.console.regex import Pattern, PatternError, quoted
from iptlab.syntax.program import Switch, UsageError, read_switches

_SWITCHES = (
    *(Switch("E", "extended-regexp"), Switch("F", "fixed-strings"), Switch("i", "ignore-case")),
    *(Switch("v", "invert-match"), Switch("w", "word-regexp"), Switch("x", "line-regexp")),
    *(Switch("c", "count"), Switch("n", "line-number"), Switch("o", "only-matching")),
    *(Switch("q", "quiet"), Switch("h", "no-filename"), Switch("l", "files-with-matches")),
    *(Switch("m", "max-count", "a word"), Switch("e", "regexp", "words")),
    *(Switch("A", "after-context", "a word"), Switch("B", "before-context", "a word")),
    Switch("C", "context", "a word"),
)
_USAGE = "Usage: grep [OPTION]... PATTERNS [FILE]..."
# a longer line is not looked through for the places of matches
_LONGEST = 20_000


@register_command("grep", "egrep", "fgrep")
def grep(session: Session, words: Sequence[str]) -> Output:
    """The lines that fit: status 1 if there are none, 2 for a command that cannot be read."""
    try:
        given, rest = read_switches(words[1:], _SWITCHES)
        given |= {"egrep": {"E": ""}, "fgrep": {"F": ""}}.get(words[0], {})
        if "e" not in given and not rest:
            raise UsageError(_USAGE)
        pattern = _pattern(given, given["e"] if "e" in given else rest.pop(0))
        around = _around(given)
        most = _count(given["m"], "max count") if "m" in given else 1 << 62
    except (UsageError, PatternError) as error:
        return Output("", f"grep: {error}\n" if str(error) != _USAGE else f"{_USAGE}\n", 2)
    texts, complaints = contents(session, "grep", rest)
    search = _Search(pattern, given, around, several=len(rest) > 1)
    any_ = False
    for name, text in zip(rest or ["-"], texts, strict=False):
        lines = text.split("\n")[: -1 if text.endswith("\n") or not text else None]
        hits = [n for n, line in enumerate(lines) if pattern.found(line) != ("v" in given)][:most]
        any_ = any_ or bool(hits)
        search.show(name, lines, hits)
    status = 2 if complaints else int(not any_)
    return Output("" if "q" in given else "".join(search.shown), complaints, status)


def _pattern(given: Mapping[str, str], text: str) -> Pattern:
    """The pattern of the command; with -F the text stands for itself."""
    extended = "E" in given and "F" not in given
    text = quoted(text) if "F" in given else text
    return Pattern(text, extended, "i" in given, "w" in given, "x" in given)


def _around(given: Mapping[str, str]) -> tuple[int, int]:
    """How many lines before and after one that fits are shown."""
    both = given.get("C", "0")
    before, after = (given.get(letter, both) for letter in ("B", "A"))
    return _count(before, "context length"), _count(after, "context length")


def _count(text: str, what: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise UsageError(f"{text}: invalid {what} argument")
    return int(text)


@dataclass
class _Search:
    """One call of the program: what was asked for, and what it has shown by now."""

    pattern: Pattern
    given: Mapping[str, str]
    around: tuple[int, int]
    several: bool
    shown: list[str] = field(default_factory=list)

    def show(self, name: str, lines: list[str], hits: list[int]) -> None:
        """What a file leads to: its name, a number, or the lines that fit."""
        label = name if self.several and "h" not in self.given else ""
        if "l" in self.given:
            self.shown += [f"{name}\n"] * bool(hits)
        elif "c" in self.given:
            self.shown.append(f"{label}{':' * bool(label)}{len(hits)}\n")
        elif "o" in self.given:
            self.shown += self._parts(label, lines, hits)
        else:
            self.shown += ["--\n"] * bool(any(self.around) and self.shown and hits)
            self.shown += self._lines(label, lines, hits)

    def _before(self, label: str, number: int, sign: str) -> str:
        """What stands before a line: its file and its number, each with a sign behind it."""
        name = f"{label}{sign}" if label else ""
        return f"{name}{number + 1}{sign}" if "n" in self.given else name

    def _parts(self, label: str, lines: list[str], hits: list[int]) -> Iterator[str]:
        """What fits of the lines that fit (``-o``)."""
        for hit in hits if "v" not in self.given else ():
            line = lines[hit]
            if len(line) > _LONGEST:
                raise UsageError(f"line {hit + 1} is too long for -o")
            for begin, end in self.pattern.spans(line):
                yield f"{self._before(label, hit, ':')}{line[begin:end]}\n"

    def _lines(self, label: str, lines: list[str], hits: list[int]) -> Iterator[str]:
        """The lines that fit and those around them; -- stands where some are left out."""
        before, after = self.around
        fits, last = set(hits), -1
        for hit in hits:
            low = max(hit - before, last + 1)
            if any(self.around) and last >= 0 and low > last + 1:
                yield "--\n"
            for number in range(low, min(hit + after + 1, len(lines))):
                sign = ":" if number in fits else "-"
                yield f"{self._before(label, number, sign)}{lines[number]}\n"
                last = number
