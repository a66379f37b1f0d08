"""What every public value does in a notebook: HTML, a data frame, a page of its own.

The views stand at the bottom of the package, where everything is known that can be shown; they
are looked up when somebody asks for one. So values need no view to work, and no pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame


class Shown:
    """A value that shows itself: ``str`` as the real tool prints, everything else by its view."""

    __slots__ = ()

    def to_frame(self) -> DataFrame:
        """The value as a pandas DataFrame; its columns are called as the man pages call them."""
        frame: DataFrame = import_module("iptlab.notebook.frames").frame(self)
        return frame

    def to_html(self) -> str:
        """The value as one page of HTML that needs no kernel, no server and no network."""
        return str(import_module("iptlab.notebook.pages").page(self))

    def _repr_html_(self) -> str:
        return str(import_module("iptlab.notebook.display").html(self))


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], numbers_from: int = 1) -> str:
    """A table as text; its columns from ``numbers_from`` on, counted from 0, stand to the right.

    >>> print(columns(["pod", "share"], [["web", "1/3"]]))
    pod  share
    web    1/3
    """
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            f"{cell:<{width}}" if number < numbers_from else f"{cell:>{width}}"
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
