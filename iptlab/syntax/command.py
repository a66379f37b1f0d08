"""The commands of iptables on a simulated machine: what they print, and what they change.

``run`` does what ``iptables``, ``iptables-save`` and ``iptables-restore`` do, without any
process or kernel. Release 1.8.9, legacy.

Source: iptables/iptables.c, iptables-save.c, iptables-restore.c; libxtables/xtables.c
(basic_exit_err)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from iptlab.errors import IptlabError, RuleError, RulesetError
from iptlab.netfilter.context import PacketSet
from iptlab.netfilter.extension import INVALID
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Table
from iptlab.packet import Family
from iptlab.syntax.edit import Edit
from iptlab.syntax.grammar import Command, LateSyntaxError, Place
from iptlab.syntax.program import VERSION, Program, Switch, UsageError, read_switches
from iptlab.syntax.refusal import BAD_POLICY, refusal
from iptlab.syntax.restore import Restoration, RestoreError, RestoreOptions, check_sets
from iptlab.syntax.rule import read_command
from iptlab.syntax.save import Dump, write_dump
from iptlab.syntax.tokens import Token

Tables = Mapping[TableName, Table]
Sets = Mapping[str, PacketSet] | None


@dataclass(frozen=True)
class Outcome:
    """What a command leaves behind: the tables, what it printed, and its exit status."""

    tables: Tables
    stdout: str = ""
    stderr: str = ""
    status: int = 0


class Around(NamedTuple):
    """What a machine has beside its tables: see ``run``."""

    stdin: str
    sets: Sets
    files: Mapping[str, str]
    hosts: Mapping[str, str]
    date: str


class NoTableError(RulesetError):
    """A table that the kernel does not have."""

    status = 3


def run(
    tables: Tables,
    argv: Sequence[str],
    family: Family = Family.IPV4,
    stdin: str = "",
    *,
    sets: Sets = None,
    files: Mapping[str, str] | None = None,
    hosts: Mapping[str, str] | None = None,
    date: str = "DATE",
) -> Outcome:
    r"""Run one command line on a machine's tables; an empty mapping is a fresh machine.

    ``argv`` begins with the program: ``iptables``, ``iptables-save``, ``iptables-restore``
    or the ip6tables ones, with or without a path. A command that fails changes nothing
    but, as in the kernel, may leave an empty table that it had opened. ``sets`` are the
    machine's ipsets by name; None: nobody said which there are. ``files`` are those that
    iptables-restore may read, ``hosts`` the names that ``-L`` shows instead of addresses,
    ``date`` is what iptables-save writes.

    Simplified: the tools for nf_tables say what the legacy ones say; ``-vv``
    prints no more than ``-v``, and ``-h`` one line of usage.

    >>> run({}, ["iptables", "-X", "web"]).stderr
    'iptables: No chain/target/match by that name.\n'
    """
    program = Program.named(argv[0] if argv else "")
    if program.family is not family:
        raise IptlabError(f"{argv[0]} is for IPv{program.family}, these tables are IPv{family}")
    around = Around(stdin, sets, files or {}, hosts or {}, date)
    match program.kind:
        case "save":
            return _save(program, tables, argv[1:], around)
        case "restore":
            return _restore(program, tables, argv[1:], around)
        case _:
            return _iptables(program, tables, argv[1:], around)


# --- iptables ---


def _iptables(program: Program, tables: Tables, words: Sequence[str], around: Around) -> Outcome:
    output: list[str] = []
    place, tokens = command_line(words)
    opened: dict[TableName, Table] = {}
    try:
        command = read_words(
            tokens, place, program.family, lambda name: _opened(tables, name).chains
        )
        if command.operation in ("-V", "-h"):
            return Outcome(tables, _about(program, command.operation))
        if command.operation == _other_family(program.family):
            return Outcome(tables, "", f"{program.advice}\n", 2)
        name = table_name(command, place)
        opened = {name: _opened(tables, name)}
        check_sets(command.rules, around.sets, program.family, place)
        edit = Edit(opened[name], program.family, output, around.hosts)
        edit.apply(command, place)
        opened = {name: edit.commit()}
    except RuleError as error:
        if isinstance(error, LateSyntaxError):
            opened = {name: _opened(tables, name) for name in _named_tables(words)}
        if error.status == 2:
            complaint = [*error.warnings, program.complaint(error), program.advice]
            return Outcome(_with(tables, opened), _text(output), _text(complaint), 2)
        return Outcome(_with(tables, opened), _text(output), _failure(program, error), error.status)
    return Outcome(_with(tables, opened), _text(output), _text(command.warnings))


def read_words(
    tokens: list[Token],
    place: Place,
    family: Family,
    chains_of: Callable[[TableName], Container[str]],
) -> Command:
    """The command that these words are, read beside the chains of the table they name."""
    names = _named_tables([token.text for token in tokens])
    chains = chains_of(names[0]) if names else _Anything()
    command = read_command(list(tokens), place, family, chains, *names)
    if not command.operation:
        raise place.error(None, "no command specified", "Say what to do: -A, -D, -L or another.")
    return command


class _Anything:
    """The chains of a table that does not exist: any name will do until that is said."""

    def __contains__(self, name: object) -> bool:
        return True


def _named_tables(words: Sequence[str]) -> list[TableName]:
    """The table that -t names last, or filter; nothing if it does not exist."""
    for at in range(len(words) - 1, -1, -1):
        found = _TABLE(words[at])
        value = next(filter(None, found.groups()), "") if found else ""
        if found and (value or at + 1 < len(words)):
            name = TableName.named(value or words[at + 1])
            return [name] if name else []
    return [TableName.FILTER]


_TABLE = re.compile(r"-[nvxfw46]*t(.*)|--table(?:=(.*))?", re.DOTALL).fullmatch


def table_name(command: Command, place: Place) -> TableName:
    """The table that a command is about; NoTableError if there is none of that name."""
    word = dict(command.switches).get("-t", ("filter",))[0]
    name = TableName.named(word)
    if name is None:
        why = "Table does not exist (do you need to insmod?)"
        if len(word.encode()) > _LONGEST_TABLE:
            why = "Module is wrong version"
        error = refusal(
            place,
            word,
            f"there is no table `{word}'",
            f"The tables are {', '.join(sorted(TableName))}.",
            f"can't initialize iptables table `{word}': {why}",
        )
        raise NoTableError(**vars(error))
    return name


_LONGEST_TABLE = 31


def _other_family(family: Family) -> str:
    return "-6" if family is Family.IPV4 else "-4"


def _about(program: Program, operation: str) -> str:
    version = f"{program.name} {VERSION}\n"
    if operation == "-V":
        return version
    return version + f"\nUsage: {program.name} -[ADILRSCFZNXPE] ..., see {program.name}(8)\n"


def _failure(program: Program, error: RuleError) -> str:
    if isinstance(error, NoTableError):
        upgrade = "Perhaps iptables or your kernel needs to be upgraded."
        return _text([f"{program.name} {VERSION}: {error.tool}", upgrade])
    look = " Run `dmesg' for more information." * (error.tool in (INVALID, BAD_POLICY))
    return f"{program.name}: {error.tool}.{look}\n"


def command_line(words: Sequence[str]) -> tuple[Place, list[Token]]:
    """Words as one line that can be shown, and as tokens with their columns in it."""
    tokens: list[Token] = []
    column = 1
    shown = [word if _PLAIN(word) else _in_quotes(word) for word in words]
    for word, text in zip(words, shown, strict=True):
        tokens.append(Token(word, column, column + len(text)))
        column += len(text) + 1
    return Place(0, " ".join(shown)), tokens


_PLAIN = re.compile(r'[^\s"]+').fullmatch


def _in_quotes(word: str) -> str:
    return '"' + re.sub(r'([\\"])', r"\\\1", word) + '"'


def _opened(tables: Tables, name: TableName) -> Table:
    """A table as the kernel has it: it makes one that nobody has asked for yet."""
    return tables.get(name) or Table.empty(name)


def _with(tables: Tables, changed: Tables) -> Tables:
    """The tables with some changed; the kernel lists new ones first."""
    new = {name: table for name, table in reversed(tuple(changed.items())) if name not in tables}
    return {**new, **tables, **changed}


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


# --- iptables-save and iptables-restore ---


_SAVE_SWITCHES = (
    Switch("c", "counters"),
    Switch("V", "version"),
    Switch("d", "dump"),
    Switch("t", "table", "a word"),
    Switch("M", "modprobe", "a word"),
)
_RESTORE_SWITCHES = (
    Switch("b", "binary"),
    Switch("c", "counters"),
    Switch("v", "verbose"),
    Switch("V", "version"),
    Switch("t", "test"),
    Switch("h", "help"),
    Switch("n", "noflush"),
    Switch("M", "modprobe", "a word"),
    Switch("T", "table", "a word"),
    Switch("w", "wait", "perhaps a word"),
    Switch("W", "wait-interval", "a word"),
)


def _save(program: Program, tables: Tables, words: Sequence[str], around: Around) -> Outcome:
    try:
        given, rest = read_switches(words, _SAVE_SWITCHES)
    except UsageError as error:
        look = f"Look at manual page `{program.name}.8' for more information."
        return Outcome(tables, "", _text([f"{program.file}: {error}", look]), 1)
    if "V" in given:
        return Outcome(tables, f"{program.name} {VERSION}\n")
    if rest:
        return Outcome(tables, "", "Unknown arguments found on commandline\n", 1)
    wanted: Tables = tables
    if "t" in given:
        name = TableName.named(given["t"])
        if name is None:
            why = "Cannot initialize: Table does not exist (do you need to insmod?)"
            return Outcome(tables, "", f"{program.name} {VERSION}: {why}\n", 1)
        wanted = {name: _opened(tables, name)}
    before = f"# Generated by {program.name} v1.8.9 on {around.date}"
    remarks = dict.fromkeys(wanted, (before, f"# Completed on {around.date}"))
    text = write_dump(Dump(wanted, remarks=remarks), counters="c" in given)
    return Outcome(_with(tables, wanted), text)


def _restore(program: Program, tables: Tables, words: Sequence[str], around: Around) -> Outcome:
    try:
        given, rest = read_switches(words, _RESTORE_SWITCHES)
    except UsageError as error:
        advice = f"Try `{program.name} -h' for more information."
        return Outcome(tables, "", _text([f"{program.file}: {error}", advice]), 1)
    if "V" in given:
        return Outcome(tables, f"{program.name} {VERSION}\n")
    if "h" in given:
        usage = f"Usage: {program.name} [-cvVtnh] [-T table], see its man page"
        return Outcome(tables, "", _text([usage]))
    text = around.stdin
    if len(rest) == 1 and rest[0] in around.files:
        text = around.files[rest[0]]
    elif rest:
        why = f"Can't open {rest[0]}: No such file or directory"
        unknown = "Unknown arguments found on commandline"
        return Outcome(tables, "", _text([unknown if len(rest) > 1 else why]), 1)
    options = RestoreOptions(
        flush="n" not in given,
        counters="c" in given,
        test="t" in given,
        verbose="v" in given,
        only=given.get("T", ""),
        sets=around.sets,
    )
    restoration = Restoration(tables, program.family, options)
    errors: list[str] = []
    status = 0
    try:
        # COMMIT must be a whole line: without its line feed it is read as a rule
        restoration.read(f"{text} " if text.endswith("\nCOMMIT") else text)
    except RuleError as error:
        status = error.status
        if status == 2:
            where = f"Error occurred at line: {error.line}"
            errors = [program.complaint(error), where, program.advice]
        else:
            named = f"{program.name} {VERSION}" if isinstance(error, RestoreError) else program.name
            errors = [f"{named}: {error.tool}"]
    changed = {n: table for n, table in restoration.tables.items() if table is not tables.get(n)}
    stderr = _text([*restoration.warnings, *errors])
    return Outcome(_with(tables, changed), _text(restoration.output), stderr, status)
