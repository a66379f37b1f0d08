"""The magics: ``%%iptables``, ``%%manifest``, ``%verify``, ``%%on``, ``%%kubectl``."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from iptlab.errors import ManifestError, RuleError
from iptlab.grading import read_rules
from iptlab.kubernetes.cluster import Cluster
from iptlab.notebook.check import check, show
from iptlab.notebook.display import VIEWS
from iptlab.notebook.kubectl_magic import kubectl
from iptlab.notebook.typing_at import on
from iptlab.notebook.verifying import verify_magic


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
    shell.register_magic_function(verify_magic, "line_cell", "verify")
    shell.register_magic_function(manifest, "cell", "manifest")
    # what is typed there is the virtual shell's, with its own signs
    for name, magic in (("on", on), ("kubectl", kubectl)):
        typed = no_var_expand(partial(magic, shell.user_ns))
        shell.register_magic_function(typed, "line_cell", name)
    # inside lists and tuples too
    for kind in VIEWS:
        shell.display_formatter.formatters["text/plain"].for_type(kind, _as_text)


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


def manifest(line: str, cell: str) -> None:
    """``%%manifest ID``: check the manifests below as the answer to that exercise.

    Without an ID the cluster that they make is shown, or what is wrong with them.
    """
    if exercise := line.strip():
        check(exercise, cell)
        return
    try:
        # an empty line for the magic's own, so that lines are counted right
        print(Cluster.parse(f"\n{cell}"))
    except ManifestError as error:
        print(error)
