"""What a learner costs a shared machine: memory and processor time of a lesson's kernel.

Run with ``python tests/benchmarks/learner.py``. Each lesson runs from top to bottom in a kernel
of its own, beside an empty kernel. Memory is the proportional share (PSS) that
Linux accounts to the process; a JupyterLab server comes on top, once for each learner.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import NamedTuple

import nbformat
from nbclient import NotebookClient

SERVER = ("-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0")
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
_TICKS = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """Memory in MB and processor time in seconds."""

    memory: float
    processor: float


def cost(process: int) -> Cost:
    """What a process of this machine costs now."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    pss = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
    after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return Cost(int(pss.split()[1]) / 1000, (int(after_name[11]) + int(after_name[12])) / _TICKS)


def of_kernel(notebook: nbformat.NotebookNode) -> Cost:
    """The cost of a kernel that has run all cells of a notebook."""
    resources = {"metadata": {"path": str(NOTEBOOKS)}}
    client = NotebookClient(notebook, kernel_name="python3", resources=resources)
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        return cost(client.km.provisioner.pid)


def of_server() -> Cost:
    """The cost of a JupyterLab that has started."""
    with Popen([sys.executable, *SERVER], stderr=PIPE, stdout=DEVNULL, text=True) as server:
        assert server.stderr is not None
        for line in server.stderr:
            if "is running at" in line:
                break
        found = cost(server.pid)
        server.terminate()
    return found


def main() -> None:
    """Print a line for a server, one for an empty kernel, and one for every lesson."""
    os.environ["IPTLAB_PROGRESS"] = os.devnull
    logging.disable()
    server = of_server()
    print(f"{'JupyterLab server':32} {server.memory:6.0f} MB {server.processor:6.1f} s")
    empty = of_kernel(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))
    print(f"{'empty kernel':32} {empty.memory:6.0f} MB {empty.processor:6.1f} s")
    for file in sorted(NOTEBOOKS.glob("*.ipynb")):
        found = of_kernel(nbformat.read(file, 4))
        more = (
            f"{found.memory / empty.memory:.1f} and {found.processor / empty.processor:.1f} times"
        )
        print(f"{file.stem:32} {found.memory:6.0f} MB {found.processor:6.1f} s  {more}")


if __name__ == "__main__":
    sys.exit(main())
