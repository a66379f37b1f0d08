"""Opening the course: its notebooks in a folder of the learner's, and JupyterLab on them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from iptlab.course.files import notebooks
from iptlab.errors import IptlabError

FIRST = "00-start.ipynb"


def open_lab(folder: str | None, *, browser: bool = True, port: int | None = None) -> int:
    """Open JupyterLab on the first lesson; the status is JupyterLab's own.

    Inside a clone the notebooks are opened in place; elsewhere they are copied into
    ``folder`` first.
    """
    place = _place(folder)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={place}"]
    command += [f"--LabApp.default_url=/lab/tree/{FIRST}"]
    # in a container the only user is often root, and the server listens on this machine alone
    command += ["--allow-root"] * (hasattr(os, "geteuid") and os.geteuid() == 0)
    command += ["--no-browser"] * (not browser) + ([f"--port={port}"] if port else [])
    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 0


def _place(folder: str | None) -> Path:
    here = Path.cwd()
    if folder is None and (here / "iptlab").is_dir() and (here / "notebooks" / FIRST).is_file():
        return here / "notebooks"
    place = Path(folder or "iptlab-course").resolve()
    for line in copy_course(place):
        print(line, file=sys.stderr)
    return place


def copy_course(place: Path) -> list[str]:
    """Copy what is missing; a file that is there and differs is the learner's and stays.

    Notes for instructors are left out: they tell answers.

    The answer says, file by file, what was kept although the course has a newer one.
    """
    source = notebooks()
    kept = []
    try:
        for file in sorted(source.rglob("*")):
            target = place / file.relative_to(source)
            if file.is_dir() or {".ipynb_checkpoints", "instructor"} & set(
                file.relative_to(source).parts
            ):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                shutil.copyfile(file, target)
            elif target.read_bytes() != file.read_bytes():
                kept.append(f"kept your {target.name}; the course's own is in {file}")
    except OSError as error:
        reason = error.strerror or "it is not writable"
        raise IptlabError(f"the course cannot be put into {place}: {reason}") from None
    return kept
