"""The cell magic ``%%kubectl``: commands for the cluster of the notebook's lab."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath

from iptlab.console.lab import Lab
from iptlab.console.shell import ended
from iptlab.errors import FileError, IptlabError
from iptlab.kubernetes.api.control_plane import ControlPlane
from iptlab.kubernetes.kubectl.commands import kubectl as run_kubectl
from iptlab.kubernetes.kubectl.request import Answer, Runner
from iptlab.ruleset import read_text

_DOCUMENT = re.compile(r"""\s<<(?P<dash>-?)\s*(?P<quote>['"]?)(?P<word>\w+)(?P=quote)\s*$""")
_SIGN = re.compile(r"[|;<>&]+").fullmatch
_MOST_COMMANDS = 1_000


@dataclass(frozen=True)
class Typed:
    """A command line of a cell, and what stands in its here-document."""

    number: int
    line: str
    words: tuple[str, ...]
    stdin: str = ""


def kubectl(variables: Mapping[str, object], line: str, cell: str | None = None) -> None:
    """``%%kubectl apply -f -``: run kubectl with the cell as its standard input.

    Without words behind it, every line of the cell is a command: ``get pods``.
    """
    lab = variables.get("lab")
    if not isinstance(lab, Lab) or lab.plane is None:
        raise IptlabError("there is no cluster called lab here; write lab = Lab.kubernetes()")
    print(run_cell(lab.plane, line, cell or "", run=lab.inside), end="")


def run_cell(plane: ControlPlane, line: str, cell: str, run: Runner | None = None) -> str:
    """What the commands of a cell print; the first that fails is the last."""
    alone = Typed(1, line.strip(), _split(line, 1), cell)
    typed = [alone] if alone.words else list(islice(_commands(cell), _MOST_COMMANDS + 1))
    if len(typed) > _MOST_COMMANDS:
        raise IptlabError(f"a cell may have {_MOST_COMMANDS:,} commands; this one has more")
    told = []
    for number, one in enumerate(typed, start=1):
        answer = run_kubectl(plane, one.words, one.stdin, read=_read, run=run)
        told.append(_shown(one, answer, alone=len(typed) == 1))
        if answer.status:
            told.append(f"[{ended(one.number, answer.status, len(typed) - number)}]\n")
            break
    return "".join(told)


def _shown(typed: Typed, answer: Answer, *, alone: bool) -> str:
    start = "" if alone else f"$ kubectl {typed.line}\n"
    # warnings come first, an error is the last that is said
    shown = (answer.stdout, answer.stderr)
    return start + "".join(shown if answer.status else reversed(shown))


def _commands(cell: str) -> Iterator[Typed]:
    """The command lines of a cell, ``kubectl`` itself being understood, with here-documents."""
    lines = cell.split("\n")
    number = 0
    while number < len(lines):
        text, number = lines[number].strip(), number + 1
        if not text or text.startswith("#"):
            continue
        at = number + 1
        stdin = ""
        if found := _DOCUMENT.search(text):
            text = text[: found.start()]
            stdin, number = _document(lines, number, found)
        words = _split(text, at)
        words = words[1:] if words[:1] == ("kubectl",) else words
        yield Typed(at, text.removeprefix("kubectl").strip(), words, stdin)


def _document(lines: Sequence[str], start: int, found: re.Match[str]) -> tuple[str, int]:
    """The lines up to the word that ends them, and the number of the line after it."""
    word, strip = found["word"], "\t" if found["dash"] else ""
    for end in range(start, len(lines)):
        if lines[end].lstrip(strip) == word:
            return "".join(f"{line.lstrip(strip)}\n" for line in lines[start:end]), end + 1
    raise IptlabError(f"the lines after <<{word} never end; write {word} alone on a line")


def _split(text: str, number: int) -> tuple[str, ...]:
    # signs of the shell are words of their own, whether or not there are blanks around them
    reader = shlex.shlex(text, posix=True, punctuation_chars="|;<>&")
    reader.whitespace_split = True
    try:
        words = list(reader)
    except ValueError:
        raise IptlabError(f"line {number}: a quote is opened and never closed: {text}") from None
    if sign := next((word for word in words if _SIGN(word)), ""):
        raise IptlabError(
            f"line {number}: `{sign}' is the shell's; type this below %%on NODE, where there is one"
        )
    return tuple(words)


def _read(name: str) -> str:
    """A file beside the notebook."""
    path = PurePath(name)
    if path.is_absolute() or ".." in path.parts:
        raise FileError(f"{name} is not in the notebook's folder")
    return read_text(name)
