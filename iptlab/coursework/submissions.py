"""The answers in a submitted notebook, read from its text: nothing in it is ever run."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from iptlab.errors import FileError
from iptlab.grading.exercise import LONGEST_ANSWER

# a notebook with every output of a lesson in it has a fiftieth of that
LARGEST = 20_000_000
# a lesson has some twenty
MOST_ANSWERS = 1_000
NO_NOTEBOOK = "there is no notebook in this folder"
_TEXT_MAGICS = re.compile(
    r"\s*%%(?:iptables|manifest)[ \t]+([\w-]{1,60})[ \t]*(?:\n|\Z)(.*)", re.DOTALL
)
_CHECKED = re.compile(r"""\bcheck\(\s*["']([\w-]{1,60})["']""")
_ID = re.compile(r"[\w-]{1,60}")
_NOT_PYTHON = re.compile(r"^[ \t]*[%!?].*$", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """What stands in the cell of an exercise; ``problem`` says why that could not be read."""

    exercise: str
    value: object = None
    problem: str = ""


@dataclass(frozen=True)
class Submission:
    """One file that a learner handed in; ``problem`` says why it could not be read."""

    learner: str
    file: str
    answers: tuple[Answer, ...] = ()
    problem: str = ""


def submissions(folder: Path) -> Iterator[Submission]:
    """Everything that was handed in: one folder for each learner, or one notebook each.

    A folder without a notebook is a submission too, with that problem.
    """
    if not folder.is_dir():
        raise FileError(f"{folder} is not a folder; name the one with the notebooks handed in")
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        name = _printable(entry.name)
        if entry.is_dir():
            # a link to a folder may lead anywhere, to somebody else's answers too
            found = () if entry.is_symlink() else entry.rglob("*")
            files = sorted(filter(_is_notebook, found))
            yield from (_submission(name, file, folder) for file in files)
            if not files:
                yield Submission(name, name, problem=NO_NOTEBOOK)
        elif _is_notebook(entry):
            yield _submission(name.partition(".")[0], entry, folder)


def _is_notebook(path: Path) -> bool:
    """Whether a file is one by its name, which browsers like to add to: ``01.ipynb.txt``."""
    return ".ipynb" in path.name and ".ipynb_checkpoints" not in path.parts and not path.is_dir()


def _printable(name: str) -> str:
    """A file's name; what no terminal and no table should get is written as an escape."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in name
    )


def _submission(learner: str, file: Path, folder: Path) -> Submission:
    name = _printable(str(file.relative_to(folder)))
    try:
        answers = tuple(islice(read_answers(_cells(file)), MOST_ANSWERS + 1))
        if len(answers) > MOST_ANSWERS:
            raise NotebookError(f"it has more than {MOST_ANSWERS:,} answers")
        return Submission(learner, name, answers)
    except NotebookError as error:
        return Submission(learner, name, problem=str(error))


class NotebookError(Exception):
    """A file that is no notebook; the message says why, in a few words."""


def _cells(file: Path) -> Iterator[str]:
    """The text of a notebook's code cells."""
    if file.is_symlink() or not file.is_file():
        raise NotebookError("it is not an ordinary file")
    try:
        if (size := file.stat().st_size) > LARGEST:
            raise NotebookError(f"it has {size:,} bytes; a notebook here has at most {LARGEST:,}")
        notebook = json.loads(file.read_bytes())
    except OSError as error:
        raise NotebookError(f"{error.strerror}") from None
    except (ValueError, RecursionError) as error:
        reason = str(error).partition(":")[0] if isinstance(error, ValueError) else "too deep"
        raise NotebookError(f"it is not a notebook ({reason})") from None
    if isinstance(notebook, dict) and "worksheets" in notebook:
        raise NotebookError("it is in notebook format 3: open it in JupyterLab and save it")
    if not (isinstance(notebook, dict) and isinstance(notebook.get("cells"), list)):
        raise NotebookError("it is not a notebook (no cells)")
    return (_source(cell) for cell in notebook["cells"] if _is_code(cell))


def _is_code(cell: Any) -> bool:
    return isinstance(cell, dict) and cell.get("cell_type") == "code"


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str))


def read_answers(cells: Iterable[str]) -> Iterator[Answer]:
    """The answers in cells: what stands below a magic, or what is handed to ``check``."""
    for source in cells:
        if text := _TEXT_MAGICS.match(source):
            yield Answer(text[1], text[2])
        elif checked := _CHECKED.search(source):
            yield from _python(source, checked[1])


def _python(source: str, checked: str) -> Iterator[Answer]:
    """The answers of a Python cell; they must be written out, for nothing is computed here."""
    if len(source) > 2 * LONGEST_ANSWER:
        yield Answer(checked, problem=f"the cell has {len(source):,} characters")
        return
    try:
        module = ast.parse(_NOT_PYTHON.sub("", source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield Answer(checked, problem="the cell is not Python")
        return
    named: dict[str, ast.expr] = {}
    for line in module.body:
        match line:
            case ast.Assign(targets=[ast.Name(name)], value=value):
                named[name] = value
            case ast.Expr(value=ast.Call(func=func, args=[ast.Constant(str(exercise)), given])):
                if _is_check(func) and _ID.fullmatch(exercise):
                    yield _literal(exercise, given, named)


def _is_check(function: ast.expr) -> bool:
    """Whether it is ``iptlab.check`` or, imported from there, ``check``."""
    match function:
        case ast.Attribute(attr=name) | ast.Name(name):
            return name == "check"
        case _:
            return False


def _literal(exercise: str, given: ast.expr, named: dict[str, ast.expr]) -> Answer:
    value = named.get(given.id, given) if isinstance(given, ast.Name) else given
    try:
        return Answer(exercise, ast.literal_eval(value))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return Answer(exercise, problem="the answer is computed; only one written out can be read")
