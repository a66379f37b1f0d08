"""The self-test: does what the lessons need work here, and what helps where it does not.

What it prints is the same wherever all is well, so that a stored lesson holds everywhere. What
differs between machines, versions and whether the real kernel can be asked, is shown as IPython
shows help: below the cell in JupyterLab, in the pager at a terminal.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from iptlab.course.files import data
from iptlab.errors import KernelUnavailable
from iptlab.kernel.verify import verify
from iptlab.netfilter.actions import Verdict
from iptlab.simulate.host import Host
from iptlab.simulate.situation import trace
from iptlab.version import __version__

_OLDEST = (3, 11)
_PACKAGES = ("ipywidgets", "yaml")
# a browser's Python is without these two: there a table stands in for a plot, HTML for a frame
_BESIDE = ("matplotlib", "pandas")
_MAGICS = {"iptables", "manifest", "verify", "on", "kubectl"}
_AGAIN = "pip install --upgrade --force-reinstall iptlab"


@dataclass(frozen=True)
class _Part:
    """Something that lessons need, whether it works, and what to do if it does not."""

    name: str
    works: Callable[[], bool]
    cure: str


def selftest() -> None:
    """Print what works of all that the lessons need, and how to mend the rest."""
    broken = [part for part in _PARTS if not _said(part)]
    if broken:
        print(f"\nFailed: {len(broken)} of {len(_PARTS)}. Mend the first one, then run this again.")
    else:
        print("\nAll is well: you can begin.")
    _page(f"iptlab {__version__}, Python {platform.python_version()}\n{_kernel()}")


def _said(part: _Part) -> bool:
    works = part.works()
    print(f"{'✓' if works else '✗'} {part.name}" + ("" if works else f"\n  Try: {part.cure}"))
    return works


def _has_packages() -> bool:
    in_browser = sys.platform == "emscripten"
    try:
        for name in _PACKAGES + _BESIDE * (not in_browser):
            import_module(name)
    except ImportError:
        return False
    return True


def _has_magics() -> bool:
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell is not None and shell.magics_manager.magics["cell"].keys() >= _MAGICS


def _judges() -> bool:
    rules = data("laptop.rules")
    visits = [trace(rules, f"in wlan0 tcp 192.168.1.7:51000 -> 192.168.1.20:{p}") for p in (22, 23)]
    return [visit.verdict for visit in visits] == [Verdict.ACCEPT, Verdict.DROP]


_PARTS = (
    _Part(
        "Python is new enough", lambda: sys.version_info >= _OLDEST, "install Python 3.11 or newer"
    ),
    _Part("tables, plots and widgets can be drawn", _has_packages, _AGAIN),
    _Part("cells that begin with %% are understood", _has_magics, "%load_ext iptlab"),
    _Part("a firewall lets the right packets in", _judges, _AGAIN),
)


def _kernel() -> str:
    """Whether this machine's kernel can be asked; no lesson depends on it."""
    try:
        verify(Host.server("192.168.1.10/24"), "in eth0 udp 192.168.1.7:4000 -> 192.168.1.10:53")
    except KernelUnavailable as error:
        return f"The real kernel cannot be asked here; no lesson needs it.\n{error}"
    return "The real kernel can be asked here, with %verify."


def _page(text: str) -> None:
    from IPython.core.page import page

    page(text)
