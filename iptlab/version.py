"""The library's version, and the check that lessons and library belong together."""

from __future__ import annotations

import re

from iptlab.errors import IptlabError

__version__ = "0.1.0"


def require(wanted: str) -> None:
    """Make sure that the library is at least the version a lesson was written for.

    Raises IptlabError with the command that updates it.
    """
    if not re.fullmatch(r"\d+(\.\d+)*", wanted):
        raise IptlabError(f'`{wanted}\' is no version; write for example require("{__version__}")')
    if _numbers(__version__) < _numbers(wanted):
        raise IptlabError(
            f"this lesson needs iptlab {wanted}, but {__version__} is installed; "
            "update it with: pip install --upgrade iptlab"
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
