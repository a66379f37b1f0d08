"""Charts by matplotlib, as pictures that follow the reader's theme.

A chart is an SVG inside an ``img``: a notebook that is not trusted shows no other drawing, and
the picture's own style can ask whether the page is dark. Its numbers always stand in a table
beside it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

from iptlab.html import Html, element

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# each colour on a light page, and what takes its place on a dark one
INK, FAINT, GRID, FIRST, SECOND, PALE = (
    *("#1f2328", "#57606a", "#d0d7de", "#0969da", "#bc4c00", "#9ec5f4"),
)
DARK = {
    INK: "#e6edf3",
    FAINT: "#9da7b3",
    GRID: "#3d444d",
    FIRST: "#58a6ff",
    SECOND: "#f0883e",
    PALE: "#28558c",
}
# how the first and the second curve of a chart are drawn: they differ in more than colour
_LOOKS: tuple[dict[str, Any], ...] = (
    {"color": FIRST, "marker": "o", "linestyle": "-", "linewidth": 1.8, "markersize": 5},
    {"color": SECOND, "marker": "s", "linestyle": "--", "linewidth": 1.8, "markersize": 4.5},
)
_SETTINGS: Any = {
    "svg.fonttype": "none",  # text stays text: small, crisp and to be searched
    "svg.hashsalt": "iptlab",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": FAINT,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
}


def axes(count: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of so many inches with empty axes side by side, in the style of all charts."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(width, height), layout="constrained", facecolor="none")
        found = figure.subplots(1, count, squeeze=False)[0]
    return figure, list(found)


def curve(axes: Axes, points: Sequence[tuple[float, float]], name: str, *, second: bool) -> None:
    """A curve on logarithmic axes, with its name above its end, or below the second one's start.

    There is room, for curves do not fall here.
    """
    look = _LOOKS[second]
    axes.loglog(*zip(*points, strict=True), **look)
    at, offset, side, edge = (
        (0, (-4, -7), "left", "top") if second else (-1, (4, 7), "right", "bottom")
    )
    place: dict[str, Any] = {"textcoords": "offset points", "ha": side, "va": edge}
    axes.annotate(name, points[at], offset, color=look["color"], fontsize=9.5, **place)


def round_numbers(axis: Axis, unit: str = "") -> None:
    """Write 1k and 10M at an axis, or 10ms."""
    from matplotlib.ticker import EngFormatter, NullLocator

    axis.set_major_formatter(EngFormatter(unit, sep=""))
    axis.set_minor_locator(NullLocator())


def picture(draw: Callable[[], Figure], said: str) -> Html:
    """The figure as an image; ``said`` is its content in a sentence, for who cannot see it.

    Where there is no matplotlib, as in a browser's Python, the table beside it has to do.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        return element("p", "There is no matplotlib here to draw this; the table has the numbers.")
    drawn = StringIO()
    with mpl.rc_context(_SETTINGS):
        draw().savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
    text = drawn.getvalue()
    svg = text[text.index("<svg") :].replace("<defs>", f"<style>{_style()}</style><defs>", 1)
    data = b64encode(svg.encode()).decode()
    source = f"data:image/svg+xml;base64,{data}"
    return element("img", alt=f"Chart: {said}", style="max-width: 100%", src=source)


def _style() -> str:
    """The reader's own font, and on a dark page other colours than matplotlib wrote."""
    dark = "".join(
        f'[style*="{what}: {light}"] {{ {what}: {instead} !important }}'
        for light, instead in DARK.items()
        for what in ("fill", "stroke")
    )
    font = "text { font-family: system-ui, sans-serif !important }"
    return f"{font} @media (prefers-color-scheme: dark) {{ {dark} }}"
