"""Scripts of iptables commands, read as a shell would read them; no shell ever runs.

Only what such scripts need: words, quotes, comments, ``;``, ``&&`` and continued lines.

Source: POSIX, Shell Command Language, 2.2 (quoting) and 2.3 (token recognition)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from iptlab.errors import IptlabError, RuleError, RuleSyntaxError
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Table
from iptlab.packet import Family
from iptlab.syntax.command import command_line, read_words, table_name
from iptlab.syntax.edit import Edit
from iptlab.syntax.grammar import FINAL, Place
from iptlab.syntax.program import Program
from iptlab.syntax.tokens import Token, restore_words


class Word(NamedTuple):
    """One word of a script; line and column count from 1."""

    text: str
    line: int
    column: int
    source: str


@dataclass(frozen=True)
class ScriptCommand:
    """One command of a script: its words, and the script's lines for messages."""

    words: tuple[Word, ...]
    lines: tuple[str, ...]

    @property
    def argv(self) -> tuple[str, ...]:
        """The words as a process gets them."""
        return tuple(word.text for word in self.words)

    def error(self, at: int, cause: str, cure: str) -> RuleSyntaxError:
        """A refusal of one of its words."""
        word = self.words[at]
        return _refused(self.lines, word.line, word.column, word.source, cause, cure)


def read_script(text: str, family: Family = Family.IPV4) -> Mapping[TableName, Table]:
    r"""The tables that a fresh machine has after the commands of a script.

    The script may use both ``iptables`` and ``ip6tables``; all of it is checked, and the
    tables of ``family`` are the answer. A line that begins with ``-``, as ``iptables -S``
    prints them, is a command of that family without its program, in iptables-save's
    quoting. The first command that would fail raises RuleSyntaxError or RulesetError.

    >>> script = "iptables -P INPUT DROP\nsudo iptables -A INPUT -i lo -j ACCEPT"
    >>> tables = read_script(script)
    >>> print(tables["filter"].chains["INPUT"].rules[0])
    -i lo -j ACCEPT
    """
    machines = {each: _Machine(each) for each in Family}
    for command in split_script(text):
        ours, arguments = _program(command, family)
        machines[ours].do(command, arguments)
    if not machines[family].commands:
        for other, machine in machines.items():
            for command, _ in machine.commands.values():
                raise command.error(
                    0,
                    f"every command here is for IPv{other}, and IPv{family} rules are asked for",
                    f"Read the script with family={other}, or write commands for IPv{family}.",
                )
    return {each: machine.tables() for each, machine in machines.items()}[family]


# --- from text to commands ---

# the pieces of a script; a word is a run of bare, escaped and quoted ones
_PIECE = re.compile(
    r"""
    (?P<blank>[ \t]+)
  | (?P<continued>\\\n)
  | (?P<end>\n|;|&&)
  | (?P<comment>(?<![^\s;&])\#[^\n]*)
  | (?P<bare>[^\s\\'"`$&|;<>()]+)
  | (?P<escaped>\\[^\r\n])
  | '(?P<single>[^'\n]*)'
  | "(?P<double>(?:[^"\\\n$`]|\\[^\r])*)"
  | (?P<refused>.|\r)
    """,
    re.VERBOSE | re.DOTALL,
)
# inside double quotes a backslash escapes only these
_ESCAPED = re.compile(r"\\(?:([$`\"\\])|\n)")
_SIGN_IN_QUOTE = re.compile(r'"(?:[^"\\\n$`]|\\.)*([$`])')
_REFUSED = {
    "$": ("variables are not read here", "Write the value itself, or '$' for the sign."),
    "`": ("commands in backquotes are not run here", "Write what the command would print."),
    ">": ("output cannot be sent to a file here", "Leave the > and the file out."),
    "<": ("input cannot come from a file here", "Write the text of the file itself."),
    "|": ("pipes and || are not read here", "Write one command on each line."),
    "&": ("commands do not run in the background here", "Use && or a new line instead of &."),
    "(": ("subshells and functions are not read here", "Write the commands one after another."),
    ")": ("subshells and functions are not read here", "Write the commands one after another."),
    "'": ("a quote opens here and is not closed", "Close it with ' before the line ends."),
    '"': ("a quote opens here and is not closed", 'Close it with " before the line ends.'),
    "\\": ("a backslash ends the script", "Take it out, or write the line that goes on."),
    "\r": (
        "the line ends in a carriage return (CR LF, as Windows writes it)",
        "Convert the file: tr -d '\\r' < FILE.",
    ),
}


def split_script(text: str) -> Iterator[ScriptCommand]:
    """The commands of a script, one by one; RuleSyntaxError for what is not read here."""
    return _Splitter(text).commands()


class _Splitter:
    """Goes through a script once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = tuple(text.split("\n"))
        self.at = 0
        self.line = 1
        self.line_start = 0
        self.words: list[Word] = []
        self.word: Word | None = None

    def commands(self) -> Iterator[ScriptCommand]:
        while self.at < len(self.text):
            if not self.words and not self.word and self.text[self.at] == "-":
                self._option_line()
                yield from self._finished()
                continue
            found = _PIECE.match(self.text, self.at)
            assert found is not None
            assert found.lastgroup is not None
            kind, piece = found.lastgroup, found[found.lastgroup]
            if kind == "refused":
                self._refuse(piece)
            if kind in ("bare", "escaped", "single", "double"):
                self._lengthen(_plain(kind, piece), found[0])
            elif kind != "continued":
                self._end_word()
            self._advance(found.end())
            if kind == "end":
                yield from self._finished()
        self._end_word()
        yield from self._finished()

    def _option_line(self) -> None:
        """A whole line as ``iptables -S`` prints it."""
        line = self.lines[self.line - 1]
        if line.endswith("\r"):
            self.at = self.line_start + len(line) - 1
            self._refuse("\r")
        start = self.at - self.line_start
        for token in restore_words(" " * start + line[start:]):
            source = line[token.column - 1 : token.end - 1]
            self.words.append(Word(token.text, self.line, token.column, source))
        self._advance(self.line_start + len(line))

    def _lengthen(self, text: str, source: str) -> None:
        """Begin a word, or go on with the one that is open."""
        if self.word is None:
            self.word = Word("", self.line, self.at - self.line_start + 1, "")
        self.word = self.word._replace(text=self.word.text + text, source=self.word.source + source)

    def _end_word(self) -> None:
        if self.word:
            self.words.append(self.word)
            self.word = None

    def _advance(self, to: int) -> None:
        lines = self.text.count("\n", self.at, to)
        if lines:
            self.line += lines
            self.line_start = self.text.rfind("\n", self.at, to) + 1
        self.at = to

    def _finished(self) -> Iterator[ScriptCommand]:
        if self.words:
            yield ScriptCommand(tuple(self.words), self.lines)
            self.words = []

    def _refuse(self, piece: str) -> None:
        cause, cure = _REFUSED[piece]
        if piece == '"' and (sign := _SIGN_IN_QUOTE.match(self.text, self.at)):
            self.at, piece = sign.start(1), sign[1]
            cause, cure = _REFUSED[piece]
        column = self.at - self.line_start + 1
        raise _refused(self.lines, self.line, column, piece, cause, cure)


def _plain(kind: str, piece: str) -> str:
    """A piece of a word without its quoting."""
    if kind == "escaped":
        return piece[1:]
    return _ESCAPED.sub(lambda found: found[1] or "", piece) if kind == "double" else piece


def _refused(
    lines: tuple[str, ...], line: int, column: int, word: str, cause: str, cure: str
) -> RuleSyntaxError:
    return RuleSyntaxError(
        cause, line=line, column=column, word=word, text=lines[line - 1], cure=cure
    )


# --- from commands to tables ---


def _program(command: ScriptCommand, family: Family) -> tuple[Family, int]:
    """The family that a command is for, and where its arguments begin."""
    at = int(command.words[0].text == "sudo" and len(command.words) > 1)
    word = command.words[at].text
    if word.startswith("-") and at == 0:
        return family, 0
    try:
        program = Program.named(word)
    except IptlabError:
        cause = f"`{word}' is not a command that is read here"
        cure = "A script here is made of iptables and ip6tables commands only."
        raise command.error(at, cause, cure) from None
    if program.kind:
        cause = f"{program.name} is not read in a script"
        cure = "Use iptables commands, or read the rules as a dump, *TABLE to COMMIT."
        raise command.error(at, cause, cure)
    return program.family, at + 1


# operations before which the kernel must have seen what came earlier: they take rules or
# counters away again
_TAKING_AWAY = ("-D", "-R", "-F", "-Z", "-P")


class _Machine:
    """The tables of one family while a script is being read.

    A table stays open over as many commands as can be, and the kernel's checks are made
    when it is closed; a refused rule is still told by its own place.
    """

    def __init__(self, family: Family) -> None:
        self.family = family
        self.closed: dict[TableName, Table] = {}
        self.edits: dict[TableName, Edit] = {}
        self.commands: dict[Place, tuple[ScriptCommand, int]] = {}

    def do(self, command: ScriptCommand, arguments: int) -> None:
        """Do one command, or raise what is wrong with it at its place in the script."""
        line, tokens = command_line(command.argv[arguments:])
        place = Place(command.words[0].line, line.text)
        self.commands[place] = command, arguments
        try:
            self._do(tokens, place)
        except RuleError as error:
            raise self._located(error) from None

    def _do(self, tokens: list[Token], place: Place) -> None:
        asked = read_words(tokens, place, self.family, lambda name: self._edit(name).chains)
        if asked.operation in FINAL:
            return
        if asked.operation in ("-4", "-6"):
            tool = "iptables" if asked.operation == "-4" else "ip6tables"
            cause = f"{asked.operation} belongs to {tool}"
            raise place.error(tokens[0], cause, f"Write {tool} -A ..., without {asked.operation}.")
        name = table_name(asked, place)
        if asked.operation in _TAKING_AWAY:
            self._close(name)
        self._edit(name).apply(asked, place)

    def tables(self) -> dict[TableName, Table]:
        """The tables after the last command, as the kernel lists them: newest first."""
        for name in tuple(self.edits):
            try:
                self._close(name)
            except RuleError as error:
                raise self._located(error) from None
        return {name: self.closed[name] for name in reversed(self.closed)}

    def _edit(self, name: TableName) -> Edit:
        if name not in self.edits:
            table = self.closed.setdefault(name, Table.empty(name))
            self.edits[name] = Edit(table, self.family)
        return self.edits[name]

    def _close(self, name: TableName) -> None:
        if name in self.edits:
            self.closed[name] = self.edits[name].commit()
            del self.edits[name]

    def _located(self, error: RuleError) -> RuleError:
        """The error with the place in the script instead of the one in its command."""
        command, arguments = self.commands[Place(error.line, error.text)]
        _, tokens = command_line(command.argv[arguments:])
        at = len([token for token in tokens if token.column <= error.column]) - 1
        if at < 0:
            word, within = command.words[0], 0
        else:
            word = command.words[arguments + at]
            within = error.column - tokens[at].column
        told = dict(vars(error)) | {
            "line": word.line,
            "column": word.column + (within if word.source == word.text else 0),
            "text": command.lines[word.line - 1],
        }
        return type(error)(**told)
