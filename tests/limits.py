"""Where the model is coarser than the kernel, collected from the docstrings that say so.

``python tests/limits.py`` writes ``docs/limits.md`` anew.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "limits.md"
HEAD = """# What is simpler here than in the kernel

Every place where the model is coarser than the kernel says so where it is written. This page is
made of those notes by `python tests/limits.py`; a rule or an option that is not modelled at all
is kept, shown as such, and printed back unchanged.
"""
_NOTE = re.compile(r"Simplified: (.*?)(?=\n\s*\n|\nSimplified:|\Z)", re.S)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def notes(file: Path) -> Iterator[str]:
    """The notes in a module's docstrings, each in one line."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, _DOCUMENTED) and (said := ast.get_docstring(node, clean=False)):
            for note in _NOTE.findall(inspect.cleandoc(said)):
                yield " ".join(note.split())


def page() -> str:
    """The whole page, a heading for each folder."""
    parts, folder = [HEAD], None
    for file in sorted((ROOT / "iptlab").rglob("*.py")):
        found = list(notes(file))
        place = file.relative_to(ROOT)
        if found and place.parent != folder:
            folder = place.parent
            parts.append(f"\n## `{folder.as_posix()}/`\n\n")
        parts += [f"- [`{place.stem}`](../{place.as_posix()}): {note}\n" for note in found]
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
