"""The magics ``%%iptables ID`` and ``%%on HOST``, and what makes a running IPython know iptlab."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from iptlab.console.lab import Lab
from iptlab.errors import IptlabError, RuleError
from iptlab.grading import read_rules
from iptlab.notebook.check import check, show
from iptlab.notebook.display import PLAIN, VIEWS


def attach() -> None:
    """Teach the IPython that runs this code, if one does, our magics and views."""
    if "IPython" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is not None:
        load_ipython_extension(shell)


def load_ipython_extension(shell: Any) -> None:
    """Register the magics and views; ``%load_ext iptlab`` does the same."""
    from IPython.core.magic import no_var_expand

    shell.register_magic_function(iptables, "cell", "iptables")
    # what is typed there is the virtual shell's, with its own signs
    shell.register_magic_function(no_var_expand(partial(on, shell.user_ns)), "line_cell", "on")
    formatters = shell.display_formatter.formatters
    for kind, view in VIEWS.items():
        formatters["text/html"].for_type(kind, view)
    for kind in (*VIEWS, *PLAIN):
        formatters["text/plain"].for_type(kind, _as_text)


def _as_text(value: object, printer: Any, cycle: bool) -> None:
    printer.text(str(value))


def iptables(line: str, cell: str) -> None:
    """``%%iptables ID``: check the rules below as the answer to that exercise.

    Without an ID the rules are shown, or what is wrong with them; nothing is checked.
    """
    if exercise := line.strip():
        check(exercise, cell)
        return
    try:
        show(read_rules(cell, first_line=2))
    except RuleError as error:
        print(error)


def on(variables: Mapping[str, object], line: str, cell: str | None = None) -> None:
    """``%%on HOST``: type the commands below at a host of the lab; ``%on HOST COMMAND`` one.

    The lab is what the notebook calls ``lab``; ``%%on NAME.HOST`` takes the one called NAME.
    """
    where, _, command = line.strip().partition(" ")
    name, dot, host = where.partition(".")
    if not dot:
        name, host = "lab", where
    lab = variables.get(name)
    if not isinstance(lab, Lab):
        raise IptlabError(f"there is no lab called {name} here; write {name} = Lab.home_router()")
    if not host:
        raise IptlabError(f"say where: %%on HOST; there are {', '.join(lab.hosts)}")
    if cell is None:
        show(lab.on(host, command))
    elif command:
        raise IptlabError(
            f"write the commands below %%on {where}, or %on {where} COMMAND in a line"
        )
    else:
        show(lab.on(host, cell, first_line=2))
