"""Where the notebooks and the dumps they read lie."""

from __future__ import annotations

from pathlib import Path

from iptlab.ruleset import Ruleset


def notebooks() -> Path:
    """The folder of the notebooks: inside the installed package, or beside it in a clone."""
    installed = Path(__file__).parent / "notebooks"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "notebooks"


def data(name: str, family: int = 4) -> Ruleset:
    """A rule set of the course by its file name: ``data("laptop.rules")``."""
    return Ruleset.read(notebooks() / "data" / name, family)
