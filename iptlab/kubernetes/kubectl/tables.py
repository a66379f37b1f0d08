"""Text in columns as Go's tabwriter sets it, and ages as people read them.

Source: Go's text/tabwriter; apimachinery/pkg/util/duration/duration.go (HumanDuration)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime


def columns(lines: Sequence[str], *, least: int = 0, gap: int = 2) -> str:
    r"""Set lines whose cells end with a tab: cells above each other get the same width.

    The text after the last tab of a line is in no column; a column ends where a line has
    no cell in it.

    >>> print(columns(["Name:\tweb", "Port:\thttp\t80/TCP", "IP:\t10.96.0.10"]), end="")
    Name:  web
    Port:  http  80/TCP
    IP:    10.96.0.10
    """
    rows = [line.split("\t") for line in lines]
    widths: list[list[int]] = [[] for _ in rows]
    _measure(rows, widths, 0, len(rows), least=least, gap=gap)
    set_ = []
    for row, own in zip(rows, widths, strict=True):
        cells = (cell.ljust(width) for cell, width in zip(row[:-1], own, strict=True))
        set_.append("".join(cells) + row[-1] + "\n")
    return "".join(set_)


def _measure(
    rows: list[list[str]], widths: list[list[int]], start: int, end: int, *, least: int, gap: int
) -> None:
    """Fill in the widths of the lines from start to end, one more column at a time.

    All of these lines have the columns measured so far; the next one is measured in every
    block of lines that have it.
    """
    column = len(widths[start]) if start < end else 0
    line = start
    while line < end:
        if len(rows[line]) <= column + 1:
            line += 1
            continue
        block = line
        while line < end and len(rows[line]) > column + 1:
            line += 1
        longest = max(len(row[column]) for row in rows[block:line])
        # a column of empty cells has no width
        width = max(least, longest + gap) if longest else 0
        for one in range(block, line):
            widths[one].append(width)
        _measure(rows, widths, block, line, least=least, gap=gap)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, headless: bool = False) -> str:
    """Rows as ``kubectl get`` prints them, under their header."""
    lines = [] if headless else ["\t".join(header)]
    lines += ["\t".join(row) for row in rows]
    return columns(lines, least=6, gap=3)


def age(since: datetime, now: datetime) -> str:
    """How long ago something was, as kubectl tells it.

    >>> from datetime import timedelta
    >>> start = datetime(2026, 1, 1)
    >>> [age(start, start + timedelta(seconds=n)) for n in (5, 119, 150, 700, 12000, 200000)]
    ['5s', '119s', '2m30s', '11m', '3h20m', '2d7h']
    """
    seconds = int((now - since).total_seconds())
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 0:
        return "0s" if seconds >= -1 else "<invalid>"
    if minutes < 2:
        return f"{seconds}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 365 * 2:
        return f"{days}d"
    if days < 365 * 8:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large}{unit}{small}{small_unit}" if small else f"{large}{unit}"


def moment(time: datetime) -> str:
    """A time as ``kubectl describe`` prints it: RFC 1123 with a numeric zone.

    >>> moment(datetime(2026, 1, 1, 12))
    'Thu, 01 Jan 2026 12:00:00 +0000'
    """
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    day = f"{days[time.weekday()]}, {time.day:02} {months[time.month - 1]} {time.year}"
    return f"{day} {time:%H:%M:%S} +0000"
