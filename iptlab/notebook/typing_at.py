"""The magic ``%%on HOST``: a cell of commands, typed at a host of a lab."""

from __future__ import annotations

from collections.abc import Mapping

from iptlab.console.lab import Lab
from iptlab.errors import IptlabError
from iptlab.notebook.check import show


def on(variables: Mapping[str, object], line: str, cell: str | None = None) -> None:
    """``%%on HOST``: type the commands below at a host of the lab; ``%on HOST COMMAND`` one.

    The lab is what the notebook calls ``lab``; ``%%on NAME.HOST`` takes the one called NAME.
    """
    where, _, command = line.strip().partition(" ")
    name, _, host = where.rpartition(".")
    name = name or "lab"
    lab = variables.get(name)
    if not isinstance(lab, Lab):
        raise IptlabError(f"there is no lab called {name} here; write {name} = Lab.home_router()")
    if not host:
        raise IptlabError(f"say where: %%on HOST; there are {lab.roll}")
    if cell is None:
        show(lab.on(host, command))
    elif command:
        raise IptlabError(
            f"write the commands below %%on {where}, or %on {where} COMMAND in a line"
        )
    else:
        show(lab.on(host, cell, first_line=2))
