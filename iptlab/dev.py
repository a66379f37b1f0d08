"""Tools for whoever writes lessons: notebooks in one canonical form, and solved copies.

``python -m iptlab.dev normalize [--check] FOLDER`` runs the notebooks and stores what came out.
``python -m iptlab.dev solve NOTEBOOKS OUT [--answer N]`` copies them with the answers filled in.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from difflib import unified_diff
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from iptlab import course
from iptlab.course.cells import Cell
from iptlab.course.solutions import AnswerFileError, read_answers
from iptlab.errors import IptlabError

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode

CELL_SECONDS = 120

_KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_KEPT_METADATA = ("iptlab", "nbgrader", "slideshow", "tags")
_PICTURES = ("image/jpeg", "image/png")
_LIVE_WIDGET = "application/vnd.jupyter.widget-view+json"


class NotebookError(IptlabError):
    """A notebook that cannot be normalised or solved as it stands."""


# --- notebooks --------------------------------------------------------------------------------


def notebook_files(path: Path) -> list[Path]:
    """The notebooks in a folder, or the one named, in lesson order."""
    files = [path] if path.is_file() else sorted(path.glob("*.ipynb"))
    if not files:
        raise NotebookError(f"{path}: no notebook here")
    return files


def read(file: Path) -> NotebookNode:
    """The notebook stored in ``file``."""
    import nbformat

    notebook: NotebookNode = nbformat.read(file, as_version=4)
    return notebook


def text(notebook: NotebookNode) -> str:
    """The notebook as it is written to a file."""
    import nbformat

    return f"{nbformat.writes(notebook)}\n"


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells that run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def answer_cells(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """The cells a learner answers in, by exercise id; told by metadata, never by cell id."""
    found: dict[str, NotebookNode] = {}
    for cell in code_cells(notebook):
        about = cell.metadata.get("iptlab", {})
        if about.get("role") != "answer":
            continue
        if about["exercise"] in found:
            raise NotebookError(f"exercise {about['exercise']} has two answer cells")
        found[about["exercise"]] = cell
    return found


# --- the canonical form -----------------------------------------------------------------------


def canonical(notebook: NotebookNode) -> NotebookNode:
    """A copy in the form we store: a function of what the lesson says and shows alone."""
    copy = deepcopy(notebook)
    lesson = {"iptlab": copy.metadata.iptlab} if "iptlab" in copy.metadata else {}
    copy.update(nbformat=4, nbformat_minor=5, metadata=lesson | _KERNEL)
    for cell, slug in zip(copy.cells, _slugs(copy.cells), strict=True):
        kept = {key: cell.metadata[key] for key in _KEPT_METADATA if key in cell.metadata}
        cell.update(id=slug, metadata=kept)
    for number, cell in enumerate(code_cells(copy), start=1):
        cell.update(
            execution_count=number, outputs=[_output(each, number) for each in cell.outputs]
        )
    return copy


def _output(output: NotebookNode, number: int) -> NotebookNode:
    """A stored output without what only its own session understood."""
    if output.output_type == "execute_result":
        output.execution_count = number
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]
    output.get("data", {}).pop(_LIVE_WIDGET, None)
    return output


def _slugs(cells: Iterable[NotebookNode]) -> Iterator[str]:
    """Cell ids that follow the text: the exercise or the heading above, numbered when repeated."""
    taken: set[str] = set()
    section = "cell"
    for cell in cells:
        heading = re.match(r"#+ +(.+)", cell.source)
        if heading and cell.cell_type == "markdown":
            section = re.sub(r"[^a-z0-9]+", "-", heading[1].lower())[:50].strip("-") or "cell"
        name = cell.metadata.get("iptlab", {}).get("exercise", section)
        names = (f"{name}-{number}" if number > 1 else name for number in count(1))
        slug = next(each for each in names if each not in taken)
        taken.add(slug)
        yield slug


def executed(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """A copy run from top to bottom in a kernel of its own, in ``folder``."""
    from nbclient import NotebookClient

    client = NotebookClient(
        deepcopy(notebook),
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
    )
    with TemporaryDirectory() as fresh:
        return _run(client, Path(fresh))


def _run(client: NotebookClient, fresh: Path) -> NotebookNode:
    """What a learner without a past would see, whoever sits at this machine."""
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    own = {"IPTLAB_PROGRESS": str(fresh / "progress.json"), "IPTLAB_SEED": "0"}
    try:
        return client.execute(env=os.environ | own)
    except (CellExecutionError, CellTimeoutError) as error:
        raise NotebookError(str(error)) from None


def renewed(file: Path) -> str:
    """The text ``file`` should have: its notebook run again, in canonical form."""
    stored = canonical(read(file))
    fresh = canonical(executed(stored, file.parent))
    for new, old in zip(code_cells(fresh), code_cells(stored), strict=True):
        # pixels differ from machine to machine; a picture is new when its text is
        if _without_pictures(new.outputs) == _without_pictures(old.outputs):
            new.outputs = old.outputs
    return text(fresh)


def _without_pictures(outputs: list[NotebookNode]) -> list[NotebookNode]:
    bare = deepcopy(outputs)
    for output in bare:
        for kind in _PICTURES:
            output.get("data", {}).pop(kind, None)
    return bare


def normalize(path: Path, *, check: bool) -> int:
    """Bring notebooks into canonical form, or with ``check`` only say which are not in it."""
    differing = 0
    for file in notebook_files(path):
        stored, fresh = file.read_text(encoding="utf-8"), renewed(file)
        if stored == fresh:
            continue
        differing += 1
        print(f"{file}: differs" if check else f"{file}: written")
        if check:
            print("\n".join(_changed_lines(stored, fresh)))
        else:
            file.write_text(fresh, encoding="utf-8", newline="\n")
    return int(check and differing > 0)


def _changed_lines(stored: str, fresh: str) -> list[str]:
    """The first changed lines: ``-`` is stored, ``+`` is what it should be."""
    diff = list(unified_diff(stored.splitlines(), fresh.splitlines(), n=0, lineterm=""))
    return [f"  {line[:100]}" for line in diff[2:14]]


# --- solved copies ----------------------------------------------------------------------------


def solved(notebook: NotebookNode, answers: Mapping[str, str]) -> NotebookNode:
    """A copy with these answers filled in by exercise id, and nothing run yet."""
    copy = deepcopy(notebook)
    for cell in code_cells(copy):
        cell.update(outputs=[], execution_count=None)
    for exercise, cell in answer_cells(copy).items():
        if exercise in answers:
            cell.source = _filled(cell, answers[exercise])
    return copy


def _filled(cell: NotebookNode, answer: str) -> str:
    """The cell's source with ``answer`` in its template, or below its magic's line."""
    return Cell(cell.source, str(cell.metadata.iptlab.get("template", ""))).filled(answer)


def answer_file(notebook: Path) -> Path:
    """Where the answers to ``notebooks/NN-title.ipynb`` are: ``tests/answers/NN.toml``."""
    number = notebook.name.partition("-")[0]
    return notebook.absolute().parents[1] / "tests" / "answers" / f"{number}.toml"


def solve(notebooks: Path, out: Path, number: int) -> int:
    """Write a copy of every notebook with its ``number``-th correct answers, and their data."""
    folder = notebooks if notebooks.is_dir() else notebooks.parent
    if out.resolve() == folder.resolve():
        raise NotebookError(f"{out}: copies would replace the notebooks themselves")
    out.mkdir(parents=True, exist_ok=True)
    for file in notebook_files(notebooks):
        notebook = read(file)
        answers = _correct(answer_file(file), list(answer_cells(notebook)), number)
        copy = text(solved(notebook, answers))
        (out / file.name).write_text(copy, encoding="utf-8", newline="\n")
    if (folder / "data").is_dir():
        shutil.copytree(folder / "data", out / "data", dirs_exist_ok=True)
    return 0


def _correct(file: Path, exercises: list[str], number: int) -> dict[str, str]:
    """The ``number``-th correct answer to each of ``exercises``; reviews ask other lessons'."""
    found = {}
    for exercise in exercises:
        known_as = course.origin(exercise)
        place = file.with_name(f"{known_as[:2]}.toml")
        known = read_answers(place)
        if known_as not in known:
            raise AnswerFileError(f'{place}: ["{known_as}"] is missing')
        if number >= len(known[known_as].correct):
            raise AnswerFileError(f'{place}: ["{known_as}"] correct: there is no answer {number}')
        found[exercise] = known[known_as].correct[number]
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 1 for a refusal or a difference."""
    parser = argparse.ArgumentParser(prog="python -m iptlab.dev", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    normalizing = commands.add_parser("normalize", help="run notebooks and store their outputs")
    normalizing.add_argument("folder", type=Path, help="a folder of notebooks, or one notebook")
    normalizing.add_argument("--check", action="store_true", help="write nothing, say what differs")
    solving = commands.add_parser("solve", help="copy notebooks with the answers filled in")
    solving.add_argument("notebooks", type=Path, help="a folder of notebooks, or one notebook")
    solving.add_argument("out", type=Path, help="the folder for the copies")
    solving.add_argument("--answer", type=int, default=0, help="which correct answer, from 0")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "normalize":
            return normalize(chosen.folder, check=chosen.check)
        return solve(chosen.notebooks, chosen.out, chosen.answer)
    except IptlabError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
