"""Commands typed at a virtual machine, run one by one; the first that fails stops the rest.

No process is started and no shell called: a command is a function on the simulated network.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from posixpath import dirname
from textwrap import fill

import iptlab.console.commands  # noqa: F401  (registers the commands)
from iptlab.console.command import COMMANDS, Output, Session
from iptlab.console.commands.elsewhere import elsewhere
from iptlab.console.files import MOST_TEXT, read_file, write_file
from iptlab.console.words import Line, Redirection, Simple, Step, read_lines
from iptlab.errors import FileError, IptlabError, RuleSyntaxError
from iptlab.shown import Shown

# a session of the machine, on which a command reads this standard input
Open = Callable[[str], Session]
# folders in which a command may be called by its path
_PROGRAMS = frozenset(("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/sbin"))
_NOT_FOUND = 127


@dataclass(frozen=True)
class Ran:
    """A line that was run, as typed, and what its commands left on the terminal."""

    line: Line
    outputs: tuple[Output, ...]
    status: int

    @property
    def stdout(self) -> str:
        """What went to standard output."""
        return "".join(one.stdout for one in self.outputs)

    @property
    def stderr(self) -> str:
        """What went to standard error."""
        return "".join(one.stderr for one in self.outputs)

    def shown(self, prompt: str) -> str:
        """The line behind its prompt, as a terminal shows it while it is typed."""
        return f"{prompt} " + self.line.source.replace("\n", "\n> ")

    def printed(self) -> str:
        """What the terminal shows below it, whole lines."""
        text = "".join(one.stdout + one.stderr for one in self.outputs)
        return text if not text or text.endswith("\n") else f"{text}\n"


@dataclass(frozen=True)
class Transcript(Shown):
    """What a text of commands did on a machine, line by line.

    ``unread`` is why the text could not be read, and then nothing of it was run; ``waiting``
    are the lines that were not run because one before them failed.
    """

    host: str
    ran: tuple[Ran, ...] = ()
    waiting: tuple[Line, ...] = ()
    unread: RuleSyntaxError | None = None

    @property
    def status(self) -> int:
        """The exit status of the last line that was run; 2 if the text could not be read."""
        if self.unread is not None:
            return self.unread.status
        return self.ran[-1].status if self.ran else 0

    @property
    def stdout(self) -> str:
        """What all its lines printed to standard output."""
        return "".join(one.stdout for one in self.ran)

    @property
    def stderr(self) -> str:
        """What all its lines printed to standard error, or why the text could not be read."""
        return "".join(one.stderr for one in self.ran) + (f"{self.unread}\n" if self.unread else "")

    @property
    def prompt(self) -> str:
        """What stands before a line, as root sees it."""
        return f"{self.host}#"

    @property
    def verdict(self) -> str:
        """What is to be said about the end; nothing if all went well."""
        if self.unread is not None:
            return f"{self.unread}\nNothing of it was run."
        if not self.status:
            return ""
        return ended(self.ran[-1].line.number, self.status, len(self.waiting))

    def __str__(self) -> str:
        shown = (f"{one.shown(self.prompt)}\n{one.printed()}" for one in self.ran)
        end = f"[{self.verdict}]" if self.verdict and not self.unread else self.verdict
        return ("".join(shown) + end).removesuffix("\n")

    def __repr__(self) -> str:
        return f"<Transcript of {self.host}: {_lines(len(self.ran))}, status {self.status}>"


def ended(number: int, status: int, waiting: int) -> str:
    """What is said about the line that failed, and those that were not run because of it."""
    failed = f"line {number} ended with status {status}"
    return f"{failed}; {_lines(waiting)} after it not run" if waiting else failed


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"


def run_text(host: str, text: str, session: Open, first_line: int = 1) -> Transcript:
    """Run the commands of a text on a machine until one line fails; nothing is undone."""
    try:
        lines = read_lines(text, first_line)
    except RuleSyntaxError as error:
        return Transcript(host, unread=error)
    ran: list[Ran] = []
    status = 0
    for number, line in enumerate(lines, start=1):
        ran.append(_run_line(line, status, session))
        status = ran[-1].status
        if status:
            return Transcript(host, tuple(ran), lines[number:])
    return Transcript(host, tuple(ran))


def _run_line(line: Line, status: int, session: Open) -> Ran:
    outputs = []
    for step in line.steps:
        # a line's first step is joined to nothing
        if step.due(status):
            outputs.append(_run_pipeline(step, status, session))
            status = outputs[-1].status
    return Ran(line, tuple(outputs), status)


def _run_pipeline(step: Step, status: int, session: Open) -> Output:
    """One command after the other, each reading what the one before printed."""
    stdin, errors = "", ""
    output = Output()
    for simple in step.pipeline:
        output = _run_simple(simple.after(status), stdin, session)
        stdin = output.stdout
        errors += output.stderr
    return Output(output.stdout, errors, output.status)


def _run_simple(simple: Simple, stdin: str, session: Open) -> Output:
    here = session(stdin)
    try:
        sinks, stdin = _redirected(simple.redirections, here)
        output = call(replace(here, stdin=stdin), simple.words) if simple.words else Output()
        return _delivered(output, sinks, here)
    except FileError as error:
        return Output("", f"bash: {error}\n", 1)


# where a stream goes: on to the next command (1), to the terminal (2), or into a file
_Sink = int | str


def _redirected(redirections: tuple[Redirection, ...], here: Session) -> tuple[list[_Sink], str]:
    """Where each stream goes, and what is read."""
    sinks: list[_Sink] = [0, 1, 2]
    stdin = here.stdin
    for one in redirections:
        match one.how:
            case "text":
                stdin = one.target
            case "<":
                stdin = read_file(here, one.target)
            case "&":
                sinks[one.stream] = sinks[int(one.target)]
            case _:
                write_file(here, one.target, "", append=one.how == ">>")
                sinks[one.stream] = one.target
    return sinks, stdin


def _delivered(output: Output, sinks: list[_Sink], here: Session) -> Output:
    """What is left for the terminal, or the next command, once files have got theirs."""
    left = ["", "", ""]
    for sink, text in zip(sinks[1:], (output.stdout, output.stderr), strict=True):
        if isinstance(sink, int):
            left[sink] += text
        elif text:
            write_file(here, sink, text, append=True)
    return Output(left[1], left[2], output.status)


def call(session: Session, words: tuple[str, ...]) -> Output:
    """Run one command that has its words already; ``sudo`` before it changes nothing."""
    while words[:1] == ("sudo",) and len(words) > 1:
        words = words[1:]
    name = words[0]
    bare = name.rpartition("/")[2] if dirname(name) in _PROGRAMS else name
    command = COMMANDS.get(bare)
    if command is None:
        return _unknown(name)
    try:
        output = command(session, (bare, *words[1:]))
    except IptlabError as error:
        return Output("", f"{bare}: {error}\n", 1)
    if len(output.stdout) > MOST_TEXT:
        return Output("", f"{bare}: more than {MOST_TEXT:,} characters of output\n", 1)
    return output


def _unknown(name: str) -> Output:
    why = "No such file or directory" if "/" in name else "command not found"
    # the tools of one backend are there too, but they are the same
    here = (one for one in COMMANDS if COMMANDS[one] is not elsewhere)
    known = sorted(one for one in here if not re.search("-legacy|-nft|^:$", one))
    there_are = fill(f"The commands here are {', '.join(known)}.", 78, break_on_hyphens=False)
    return Output("", f"bash: {name}: {why}\n{there_are}\n", _NOT_FOUND)
