"""The flags of kubectl's commands, read and refused as kubectl does it.

Source: spf13/pflag/flag.go, kubernetes/staging/src/k8s.io/kubectl/pkg/cmd
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from iptlab.kubernetes.kubectl.request import UsageError


class Takes(StrEnum):
    """What stands behind a flag."""

    VALUE = "a value"
    SWITCH = "nothing, or true or false after ="
    MAYBE = "nothing, or a value after ="


@dataclass(frozen=True)
class Flag:
    """A flag: its name, its letter, what stands behind it and means nothing being there."""

    name: str
    letter: str = ""
    takes: Takes = Takes.VALUE
    alone: str = "true"
    repeats: bool = False


def value(name: str, letter: str = "", *, repeats: bool = False) -> Flag:
    """A flag with a value; one that repeats collects them, one a line."""
    return Flag(name, letter, repeats=repeats)


def switch(name: str, letter: str = "") -> Flag:
    """A flag that is on or off."""
    return Flag(name, letter, Takes.SWITCH)


DRY_RUN = Flag("dry-run", takes=Takes.MAYBE, alone="unchanged")
NAMESPACE, OUTPUT = value("namespace", "n"), value("output", "o")
FILENAME, SELECTOR = value("filename", "f", repeats=True), value("selector", "l")
EVERYWHERE = (NAMESPACE, switch("help", "h"))


@dataclass(frozen=True)
class Parsed:
    """The words and flags of a command; ``after`` is what stands behind ``--``."""

    words: tuple[str, ...]
    flags: Mapping[str, str]
    after: tuple[str, ...]


def parse(command: str, words: Sequence[str], known: Sequence[Flag]) -> Parsed:
    """Tell flags from other words; UsageError for flags that the command does not have."""
    return _Parser(command, known).parse(words)


class _Parser:
    def __init__(self, command: str, known: Sequence[Flag]) -> None:
        self.command = command
        self.by_name = {one.name: one for one in known}
        self.by_letter = {one.letter: one for one in known if one.letter}
        self.flags: dict[str, str] = {}

    def parse(self, words: Sequence[str]) -> Parsed:
        plain = []
        waiting = list(words)
        while waiting:
            word = waiting.pop(0)
            if word == "--":
                break
            if word.startswith("--"):
                self._long(word, waiting)
            elif word.startswith("-") and word != "-":
                self._short(word, waiting)
            else:
                plain.append(word)
        return Parsed(tuple(plain), self.flags, tuple(waiting))

    def _long(self, word: str, waiting: list[str]) -> None:
        name, equals, text = word[2:].partition("=")
        flag = self.by_name.get(name)
        if flag is None:
            raise self._refuse(f"unknown flag: --{name}")
        if not equals and flag.takes is Takes.VALUE:
            if not waiting:
                raise self._refuse(f"flag needs an argument: --{name}")
            text = waiting.pop(0)
        self._set(flag, text if equals or flag.takes is Takes.VALUE else flag.alone)

    def _short(self, word: str, waiting: list[str]) -> None:
        """Letters in one word: switches, and at the end one with a value."""
        letters = word[1:]
        while letters:
            flag = self.by_letter.get(letters[0])
            if flag is None:
                raise self._refuse(f"unknown shorthand flag: '{letters[0]}' in {word}")
            letters = letters[1:]
            if flag.takes is not Takes.VALUE and not letters.startswith("="):
                self._set(flag, flag.alone)
                continue
            if not letters and not waiting:
                raise self._refuse(f"flag needs an argument: '{flag.letter}' in {word}")
            self._set(flag, letters.removeprefix("=") if letters else waiting.pop(0))
            return

    def _set(self, flag: Flag, text: str) -> None:
        if flag.takes is Takes.SWITCH and text not in ("true", "false"):
            cause = f'strconv.ParseBool: parsing "{text}": invalid syntax'
            raise self._refuse(f'invalid argument "{text}" for "--{flag.name}" flag: {cause}')
        if flag.repeats and flag.name in self.flags:
            text = f"{self.flags[flag.name]}\n{text}"
        self.flags[flag.name] = text

    def _refuse(self, message: str) -> UsageError:
        return UsageError(f"{message}\nSee 'kubectl {self.command} --help' for usage.")
