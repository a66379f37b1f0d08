"""What a stranger gets: Binder's steps, and the wheel on every Python here, each from nothing.

``python tests/clean_install.py`` takes each Python from 3.11 on that it finds (on the path, or
installed by pyenv), makes an empty environment, installs the wheel and runs lesson 00 in it.
Then it does, in an environment of the Python that ``binder/runtime.txt`` names, what Binder
does: the packages of its own image, ``binder/requirements.txt``, ``binder/postBuild``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from test_binder import BINDER, PYTHON, ROOT, provided

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
IMAGE = ("jupyterlab", "notebook", "ipywidgets", "pyyaml", "nbclient", "ipykernel")
RUN = """
import iptlab, nbformat, sys
from iptlab import course
from nbclient import NotebookClient
file = course.notebooks() / "00-start.ipynb"
notebook = nbformat.read(file, 4)
here = {"metadata": {"path": str(file.parent)}}
NotebookClient(notebook, kernel_name="python3", resources=here).execute()
print(sys.version.split()[0], iptlab.__file__)
"""


def pythons() -> dict[str, Path]:
    """The Pythons found here by their version."""
    installed = Path.home() / ".pyenv" / "versions"
    found: dict[str, Path] = {}
    for version in VERSIONS:
        places = [*installed.glob(f"{version}.*/bin/python"), shutil.which(f"python{version}")]
        if place := next(filter(None, places), None):
            found[version] = Path(place)
    return found


def run(*command: str | Path, **env: str) -> str:
    """What a command prints; an error of it ends everything."""
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=ROOT, env=outside | env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def empty(python: Path, folder: Path) -> Path:
    """The Python of a new environment."""
    run(python, "-m", "venv", folder)
    return folder / "bin" / "python"


def lesson_runs(python: Path, work: Path) -> str:
    """Run lesson 00 away from this folder, with the package that is installed."""
    program = work / "run.py"
    program.write_text(RUN)
    return run(python, "-I", program, IPTLAB_PROGRESS=str(work / "progress.json")).strip()


def main() -> None:
    """Try every Python, then Binder's steps."""
    found = pythons()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", work)
        [wheel] = work.glob("*.whl")
        for version, base in found.items():
            python = empty(base, work / version)
            run(python, "-m", "pip", "install", wheel)
            print(f"wheel on {version}: lesson 00 runs,", lesson_runs(python, work))
        python = empty(found[PYTHON], work / "binder")
        versions = provided()
        run(python, "-m", "pip", "install", *(f"{name}=={versions[name]}" for name in IMAGE))
        run(python, "-m", "pip", "install", "-r", BINDER / "requirements.txt")
        path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
        run("bash", BINDER / "postBuild", PATH=path)
        print("binder's steps: lesson 00 runs,", lesson_runs(python, work))


if __name__ == "__main__":
    main()
