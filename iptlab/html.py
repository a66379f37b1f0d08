"""A few lines of HTML, built so that nothing a stranger wrote can become markup."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from html import escape


class Html(str):
    """Markup that is safe to show; any other string is escaped where it is put in."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str) -> Html:
    """One element with its children; ``class_`` and ``align`` become class and align.

    >>> element("td", "a < b", class_="why")
    '<td class="why">a &lt; b</td>'
    """
    given = "".join(f' {name.rstrip("_")}="{escape(value)}"' for name, value in attributes.items())
    return Html(f"<{tag}{given}>{join(children)}</{tag}>")


def join(parts: Iterable[str]) -> Html:
    """The parts one after another, each escaped unless it is markup already."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


# Lab's style sheet aligns table cells to the right; only inline style survives the sanitizer
_LEFT, _RIGHT = (
    {"align": side, "style": f"text-align:{side}; vertical-align:top"} for side in ("left", "right")
)
_CAPTION = "text-align:left; caption-side:top"


def table(
    caption: str,
    head: Iterable[str],
    rows: Iterable[Iterable[str]],
    *,
    numbers_from: int = 1_000,
) -> Html:
    """A table with column heads, and a caption if there is one; its rows hold text or markup.

    The columns from ``numbers_from`` on, counted from 0, stand to the right; usually none do.
    """

    def row(tag: str, cells: Iterable[str], **more: str) -> Html:
        aligned = (
            element(tag, cell, **more, **(_LEFT if number < numbers_from else _RIGHT))
            for number, cell in enumerate(cells)
        )
        return element("tr", *aligned)

    return element(
        "table",
        *([element("caption", caption, style=_CAPTION)] if caption else []),
        element("thead", row("th", head, scope="col")),
        element("tbody", *(row("td", cells) for cells in rows)),
    )


def document(title: str, style: str, *body: str) -> Html:
    """A page of its own, which follows the reader's choice of light or dark."""
    return join(
        (
            Html('<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">\n'),
            Html('<meta name="viewport" content="width=device-width">\n'),
            element("title", title),
            Html(f"<style>:root {{ color-scheme: light dark }}\n{style}</style></head>\n<body>\n"),
            *body,
            Html("\n</body></html>\n"),
        )
    )


def pairs(rows: Iterable[tuple[str, str]]) -> Html:
    """A table of names and what is said of each, without column heads."""
    body = (
        element("tr", element("th", name, scope="row", **_LEFT), element("td", said, **_LEFT))
        for name, said in rows
    )
    return element("table", element("tbody", *body))


def image(drawing: str, alt: str) -> Html:
    """An SVG as an ``img``: a notebook that is not trusted shows no other drawing."""
    data = b64encode(drawing.encode()).decode()
    return element("img", src=f"data:image/svg+xml;base64,{data}", alt=alt)
