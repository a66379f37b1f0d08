"""The still picture of a Service's ways, for pages that run no script."""

from __future__ import annotations

from base64 import b64encode

from iptlab.html import Html, element
from iptlab.kubernetes.paths import Kind, Paths
from iptlab.notebook.widgets.service_layout import Box, Line, layout

_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font: 12px ui-monospace, monospace }
.note, .said { font-size: 11px }
rect { fill: #f6f8fa; stroke: #57606a }
.chain rect { fill: #ddf4ff } .refusal rect { stroke-dasharray: 5 3 }
path { fill: none; stroke: #57606a; stroke-width: 1.3 } #tip path { fill: #57606a }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } rect { fill: #161b22; stroke: #8b949e } .chain rect { fill: #0c2d4e }
path { stroke: #8b949e } #tip path { fill: #8b949e } }
"""
_TIP = Html(
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
    'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
    '<path d="M0 0L8 4L0 8z"/></marker></defs>'
)
# a picture's words for the kinds of points
CLASSES = {Kind.DOOR: "door", Kind.CHAIN: "chain", Kind.END: "end", Kind.STOP: "refusal"}


def picture(paths: Paths) -> Html:
    """A Service's ways as an image that follows the reader's theme."""
    drawn = layout(paths)
    size = {"width": f"{drawn.width:.0f}", "height": f"{drawn.height:.0f}"}
    svg = element(
        "svg",
        Html(f"<style>{_STYLE}</style>"),
        _TIP,
        *map(_line, drawn.lines),
        *map(_box, drawn.boxes),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {size['width']} {size['height']}",
        **size,
    )
    data = b64encode(svg.encode()).decode()
    said = f"Service {paths.service}: its addresses, chains and endpoints from left to right"
    source = f"data:image/svg+xml;base64,{data}"
    return element("p", element("img", alt=said, src=source, style="max-width: 100%"))


def _line(line: Line) -> Html:
    curve = Html(f'<path d="{line.curve}" marker-end="url(#tip)"/>')
    words = _text("said", line.x, line.y, line.said, **{"text-anchor": "end"})
    return element("g", curve, words if line.said else Html())


def _box(box: Box) -> Html:
    point = box.point
    at = {"x": f"{box.x:.0f}", "y": f"{box.y:.0f}", "rx": "6"}
    frame = element("rect", **at, width=f"{box.width:.0f}", height=f"{box.height:.0f}")
    words = [_text("title", box.x + 10, box.y + (19 if point.note else 27), point.title)]
    if point.note:
        words.append(_text("note", box.x + 10, box.y + 35, point.note))
    return element("g", frame, *words, class_=CLASSES[point.kind])


def _text(class_: str, x: float, y: float, words: str, **more: str) -> Html:
    return element("text", words, class_=class_, x=f"{x:.0f}", y=f"{y:.0f}", **more)
