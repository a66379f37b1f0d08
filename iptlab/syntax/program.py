"""The programs as such: their names, how they read switches, how they word a refusal.

Source: libxtables/xtables.c (basic_exit_err); man page getopt_long(3); release 1.8.9, legacy
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from iptlab.errors import IptlabError, RuleError
from iptlab.packet import Family

VERSION = "v1.8.9 (legacy)"
_PROGRAM = re.compile(r"(?:.*/)?(ip6?tables)(?:-legacy|-nft)?(?:-(save|restore))?").fullmatch


class Program(NamedTuple):
    """One of the tools: ``kind`` is save, restore or nothing."""

    family: Family
    kind: str = ""

    @classmethod
    def named(cls, word: str) -> Program:
        """The tool that a command line's first word calls."""
        found = _PROGRAM(word)
        if found is None:
            raise IptlabError(
                f"`{word}' is not iptables: the tools here are iptables, iptables-save, "
                "iptables-restore, and ip6tables with the same endings"
            )
        return cls(Family.IPV6 if found[1] == "ip6tables" else Family.IPV4, found[2] or "")

    @property
    def name(self) -> str:
        """What it calls itself."""
        family = "ip6tables" if self.family is Family.IPV6 else "iptables"
        return f"{family}-{self.kind}" if self.kind else family

    @property
    def file(self) -> str:
        """The file behind that name, which getopt's own messages show."""
        return self.name.replace("tables", "tables-legacy")

    def complaint(self, error: RuleError) -> str:
        """The tool's message about a line that it cannot read."""
        if error.tool.startswith("Bad argument `"):
            return error.tool
        return f"{self.name} {VERSION}: {error.tool}" + "\n" * bool(_ENDS_ITSELF(error.tool))

    @property
    def advice(self) -> str:
        """What follows every refusal of a line."""
        return f"Try `{self.name} -h' or '{self.name} --help' for more information."


# messages that bring a line feed of their own (libxtables/xtoptions.c)
_ENDS_ITSELF = re.compile(
    r"\S+: (option|bad( \w+)? value for option|trailing garbage after value for option|"
    r'Argument to|Too many components for option|could not map name .* for option) "--.*|'
    r'Argument must have .*|log level ".*" unknown|Port ".*" does not .*|getaddrinfo: .*',
    re.DOTALL,
).fullmatch


# --- switches of iptables-save and iptables-restore ---


class Switch(NamedTuple):
    """A switch of a command; ``takes``: a word, words, perhaps a word, or nothing.

    One that takes words may be given several times; they come on lines of their own.
    """

    short: str
    long: str
    takes: str = "nothing"


_WORDS = ("a word", "words")


class UsageError(IptlabError):
    """A switch that getopt(3) refuses."""


def read_switches(
    words: Sequence[str], known: tuple[Switch, ...]
) -> tuple[dict[str, str], list[str]]:
    """The switches by their short names, and the words that are none.

    Man page: getopt_long(3)
    """
    given: dict[str, str] = {}
    rest: list[str] = []
    waiting = list(reversed(words))
    while waiting:
        word = waiting.pop()
        if word == "--":
            return given, rest + waiting[::-1]
        if word.startswith("--"):
            _long_switch(word[2:], known, waiting, given)
        elif word.startswith("-") and word != "-":
            _short_switch(word[1], word[2:], known, waiting, given)
        else:
            rest.append(word)
    return given, rest


def _long_switch(
    text: str, known: tuple[Switch, ...], waiting: list[str], given: dict[str, str]
) -> None:
    name, equals, value = text.partition("=")
    found = [s for s in known if s.long == name] or [s for s in known if s.long.startswith(name)]
    if not found:
        raise UsageError(f"unrecognized option '--{text}'")
    if len(found) > 1:
        options = " ".join(f"'--{switch.long}'" for switch in found)
        raise UsageError(f"option '--{name}' is ambiguous; possibilities: {options}")
    switch = found[0]
    if equals and switch.takes == "nothing":
        raise UsageError(f"option '--{switch.long}' doesn't allow an argument")
    if switch.takes in _WORDS and not equals:
        if not waiting:
            raise UsageError(f"option '--{switch.long}' requires an argument")
        value = waiting.pop()
    _give(given, switch, value or _perhaps(switch, waiting))


def _short_switch(
    letter: str, glued: str, known: tuple[Switch, ...], waiting: list[str], given: dict[str, str]
) -> None:
    switch = next((s for s in known if s.short == letter), None)
    if switch is None:
        raise UsageError(f"invalid option -- '{letter}'")
    if switch.takes not in _WORDS:
        given[letter] = _perhaps(switch, waiting) if not glued else ""
        waiting += [f"-{glued}"] * bool(glued)
    elif glued or waiting:
        _give(given, switch, glued or waiting.pop())
    else:
        raise UsageError(f"option requires an argument -- '{letter}'")


def _give(given: dict[str, str], switch: Switch, value: str) -> None:
    """Note a switch's word; the last one counts, or of words all do."""
    before = f"{given[switch.short]}\n" if switch.takes == "words" and switch.short in given else ""
    given[switch.short] = before + value


def _perhaps(switch: Switch, waiting: list[str]) -> str:
    """The word behind a switch that may have one."""
    if switch.takes == "perhaps a word" and waiting and not waiting[-1].startswith("-"):
        return waiting.pop()
    return ""
