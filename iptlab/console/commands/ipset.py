"""``ipset``: named sets of addresses, ports and interfaces, on the machine's own sets.

Man page: ipset(8); release 7.17, whose messages these are

Simplified: a set's size in memory is an estimate, and elements stay in the order in which they
were added. ``-r`` and XML are not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple
from zlib import crc32

from iptlab.console.command import Output, Session, register_command
from iptlab.console.files import read_file, write_file
from iptlab.console.set_listing import listing, references
from iptlab.errors import BadValueError, FileError, IptlabError, RuleSyntaxError
from iptlab.netfilter.ipset import IpSet
from iptlab.simulate.machine import Machine
from iptlab.syntax.command import command_line
from iptlab.syntax.ipset import change_sets, write_sets
from iptlab.syntax.ipset_words import keys_of
from iptlab.syntax.tokens import Token, restore_words

_VERSION = "v7.17"
# every command by its names, in the order in which an abbreviation is looked up
_NAMES = {
    "create": ("-N", "n"),
    "add": ("-A",),
    "del": ("-D",),
    "test": ("-T",),
    "destroy": ("-X", "x"),
    "list": ("-L",),
    "save": ("-S",),
    "restore": ("-R",),
    "flush": ("-F",),
    "rename": ("-E", "e"),
    "swap": ("-W", "w"),
    "help": ("-h", "-H", "--help"),
    "version": ("-v", "-V", "--version"),
    "quit": (),
}
# how many words each command needs behind it
_NEEDS = {"create": 2, "add": 2, "del": 2, "test": 2, "rename": 2, "swap": 2}
_AT_MOST = {"destroy": 1, "list": 1, "save": 1, "flush": 1, "rename": 2, "swap": 2, "restore": 0}
# options by every name, and whether a word follows
_OPTIONS = {
    **dict.fromkeys(("-!", "-exist", "--exist"), ("exist", False)),
    **dict.fromkeys(("-q", "-quiet", "--quiet"), ("quiet", False)),
    **dict.fromkeys(("-n", "-name", "--name"), ("name", False)),
    **dict.fromkeys(("-t", "-terse", "--terse"), ("terse", False)),
    **dict.fromkeys(("-s", "-sorted", "--sorted"), ("sorted", False)),
    **dict.fromkeys(("-o", "-output", "--output"), ("output", True)),
    **dict.fromkeys(("-f", "-file", "--file"), ("file", True)),
}
# complaints about the command line itself, which end with status 2 and advice
_PARAMETER = ("No command specified", "Missing ", "Unknown argument", "Mandatory option")
# how restore ends, without a word, if its file is not there
_NO_INPUT = 255
_MISSING = "The set with the given name does not exist"
_IN_USE = "Set cannot be destroyed: it is in use by a kernel component"
_USAGE = f"""ipset {_VERSION}

Usage: ipset [options] COMMAND

Commands: {", ".join(_NAMES)}; see ipset(8)
"""


class _Refused(IptlabError):
    """What ipset refuses, in its words."""

    @property
    def status(self) -> int:
        return 2 if str(self).startswith(_PARAMETER) else 1


@register_command("ipset")
def ipset(session: Session, words: Sequence[str]) -> Output:
    """Run it as the real one runs; what changed before an error stays changed."""
    run = _Run(session.machine)
    given: dict[str, str] = {}
    try:
        rest, given = _options(words[1:])
        run.do(rest, given, _input(session, given))
    except _Refused as error:
        advice = "Try `ipset help' for more information.\n" if error.status == 2 else ""
        run.say(f"ipset {_VERSION}: {error}\n{advice}", error.status)
    finally:
        run.finish()
    quiet = "quiet" in given and run.status == 1
    if "file" in given and run.printed:
        write_file(session, given["file"], run.printed)
        run.printed = ""
    return Output(run.printed, "" if quiet else run.complaint, run.status)


def _input(session: Session, given: Mapping[str, str]) -> str | None:
    """What restore reads: the input, or the file of -f; None if there is no such file."""
    try:
        return read_file(session, given["file"]) if "file" in given else session.stdin
    except FileError:
        return None


def _options(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The words that are no options, and the options; -N and its like are commands."""
    rest: list[str] = []
    given: dict[str, str] = {}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word not in _OPTIONS:
            rest.append(word)
            continue
        name, has_value = _OPTIONS[word]
        if has_value and not waiting:
            raise _Refused(f"Missing mandatory argument to option {word}")
        given[name] = waiting.pop(0) if has_value else ""
    return rest, given


def _command(word: str) -> str:
    """The whole name of a command that may be abbreviated."""
    for name, others in _NAMES.items():
        if word in others or (word == name):
            return name
    fitting = (name for name in _NAMES if word and name.startswith(word))
    if (found := next(fitting, None)) is None:
        raise _Refused(f"No command specified: unknown argument {word}")
    return found


class _Typed(NamedTuple):
    """A command's words with their places, and the line that they stand in."""

    tokens: list[Token]
    line: str
    number: int = 0


@dataclass
class _Run:
    """One call of the program on a machine's sets."""

    machine: Machine
    printed: str = ""
    complaint: str = ""
    status: int = 0

    def __post_init__(self) -> None:
        """Take the sets as they are now."""
        now = self.machine.now.timestamp()
        there = self.machine.sets.items()
        self.sets = {name: one.seen(now) for name, one in there if isinstance(one, IpSet)}
        self.changed = False

    def say(self, complaint: str, status: int) -> None:
        self.complaint += complaint
        self.status = status

    def finish(self) -> None:
        """Give the machine the sets that there are now."""
        if self.changed:
            now = self.machine.now.timestamp()
            self.machine.load_sets({name: one.started(now) for name, one in self.sets.items()})

    def do(self, words: list[str], given: Mapping[str, str], text: str | None) -> None:
        if given.get("output", "plain") not in ("plain", "save"):
            raise _Refused(f"Syntax error: unknown output mode '{given['output']}'")
        if not words:
            raise _Refused("No command specified.")
        command = _command(words[0])
        if command == "restore":
            self._check(command, words)
            if text is None:
                self.status = _NO_INPUT
                return
            self._restore(text, given)
            return
        place, tokens = command_line(words)
        self._one(command, _Typed(tokens, place.text), given)

    def _restore(self, text: str, given: Mapping[str, str]) -> None:
        """Every line as a command of its own; the first that fails ends it."""
        for number, line in enumerate(text.splitlines(), start=1):
            tokens = restore_words(line)
            if not tokens or tokens[0].text.startswith("#") or tokens[0].text == "COMMIT":
                continue
            command = _command(tokens[0].text)
            if command == "quit":
                return
            own = {_OPTIONS[one.text][0]: "" for one in tokens if one.text in _OPTIONS}
            try:
                self._one(command, _Typed(tokens, line, number), {**given, **own})
            except _Refused as error:
                if error.status == 2:
                    raise
                raise _Refused(f"Error in line {number}: {error}") from None

    def _one(self, command: str, typed: _Typed, given: Mapping[str, str]) -> None:
        tokens = [one for one in typed.tokens if one.text not in _OPTIONS]
        words = [one.text for one in tokens]
        self._check(command, words)
        match command:
            case "create" | "add" | "del":
                self._change(command, typed._replace(tokens=tokens), given)
            case "test":
                self._test(words[1], words[2], words[3:])
            case "destroy" | "flush":
                self._empty(command, words[1:])
            case "rename" | "swap":
                self._rename(command, words[1], words[2])
            case "list" | "save":
                self._list(command, words[1:], given)
            case "help":
                self.printed += _USAGE
            case "version":
                self.printed += f"ipset {_VERSION}, protocol version: 7\n"

    def _check(self, command: str, words: list[str]) -> None:
        """Refuse too few or too many words."""
        if len(words) - 1 < _NEEDS.get(command, 0):
            which = "second mandatory" if len(words) > 1 else "mandatory"
            raise _Refused(f"Missing {which} argument to command {command}")
        if len(words) - 1 > _AT_MOST.get(command, len(words)):
            raise _Refused(f"Unknown argument {words[_AT_MOST[command] + 1]}")

    def _set(self, name: str, missing: str = _MISSING) -> IpSet:
        if name not in self.sets:
            raise _Refused(missing)
        return self.sets[name]

    # --- commands ---

    def _change(self, command: str, typed: _Typed, given: Mapping[str, str]) -> None:
        tokens = [typed.tokens[0]._replace(text=command), *typed.tokens[1:]]
        tokens += [Token("-exist", 1, 1)] * ("exist" in given)
        try:
            change_sets(self.sets, tokens, typed.number, typed.line)
        except RuleSyntaxError as error:
            raise _Refused(error.cause) from None
        self.changed = True
        name = tokens[1].text
        one = self.sets[name]
        if command == "create" and one.kind.startswith("hash:"):
            # the kernel draws it by lot
            seed = {"initval": f"{crc32(name.encode()):#010x}"}
            self.sets[name] = replace(one, options={**seed, **one.options})

    def _test(self, name: str, entry: str, rest: list[str]) -> None:
        one = self._set(name)
        if unknown := [word for word in rest if word != "nomatch"]:
            raise _Refused(f"Unknown argument: `{unknown[0]}'")
        try:
            keys = list(islice(keys_of(one, entry), 2))
        except BadValueError as error:
            raise _Refused(error.cause) from None
        shown = ",".join(map(str, keys[0])) if len(keys) == 1 else entry
        found = one.element(keys[0]) if len(keys) == 1 else None
        if found is not None and found.nomatch == bool(rest):
            self.say(f"Warning: {shown} is in set {name}.\n", 0)
        else:
            self.say(f"{shown} is NOT in set {name}.\n", 1)

    def _empty(self, command: str, names: list[str]) -> None:
        chosen = [self._set(name).name for name in names] or list(self.sets)
        if command == "flush":
            for name in chosen:
                self.sets[name] = replace(self.sets[name], elements={})
        elif any(self._references()[name] for name in chosen):
            raise _Refused(_IN_USE)
        else:
            self.sets = {name: one for name, one in self.sets.items() if name not in chosen}
        self.changed = True

    def _rename(self, command: str, old: str, new: str) -> None:
        if len(new.encode()) > 31:
            raise _Refused(f"Syntax error: setname '{new}' is longer than 31 characters")
        one = self._set(old)
        if command == "swap":
            other = self._set(new, "Sets cannot be swapped: the second set does not exist")
            if (one.dimensions, one.family) != (other.dimensions, other.family):
                raise _Refused("The sets cannot be swapped: their type does not match")
            self.sets |= {old: replace(other, name=old), new: replace(one, name=new)}
        else:
            if self._references()[old]:
                raise _Refused("Set cannot be renamed: it is in use by another system")
            if new in self.sets:
                raise _Refused("Set cannot be renamed: a set with the new name already exists")
            self.sets = {
                new if name == old else name: replace(each, name=new) if name == old else each
                for name, each in self.sets.items()
            }
        self.changed = True

    def _list(self, command: str, names: list[str], given: Mapping[str, str]) -> None:
        chosen = {name: self._set(name) for name in names} or self.sets
        ordered = sorted(chosen.values(), key=lambda one: one.kind == "list:set")
        if "name" in given:
            self.printed += "".join(f"{one.name}\n" for one in ordered)
        elif given.get("output", {"save": "save"}.get(command, "plain")) == "save":
            self.printed += write_sets(chosen)
        else:
            used = self._references()
            listings = (
                listing(one, used[one.name], terse="terse" in given, in_order="sorted" in given)
                for one in ordered
            )
            self.printed += "\n".join(listings)

    def _references(self) -> Counter[str]:
        """How many rules and lists of sets name each set."""
        return references(self.machine.host.rules.values(), self.sets.values())
