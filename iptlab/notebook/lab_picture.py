"""A lab as a picture: hosts as boxes, links as bars between them, from left to right.

An SVG inside an ``img``, for a notebook that is not trusted shows no other drawing; its style
follows the reader's theme. Every word of it also stands in the table below it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass

from iptlab.console.map import Map, Place, Wire
from iptlab.html import Html, element, join

_WIDTH, _GAP, _LINE, _PAD = 190, 16, 16, 8
# between two columns of hosts there is room for a bar and the lines to it
_STRIDE = _WIDTH + 120
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.name { font-weight: 600; font-size: 13px }
.small { font-size: 11px }
rect { fill: #f6f8fa; stroke: #57606a }
.wire { stroke: #57606a; stroke-width: 1.5 }
.bar { stroke: #0969da; stroke-width: 5; stroke-linecap: round }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } rect { fill: #161b22; stroke: #8b949e }
.wire { stroke: #8b949e } .bar { stroke: #4493f8 } }
"""


@dataclass(frozen=True)
class _Box:
    """A host in the picture."""

    place: Place
    column: int
    top: int

    @property
    def lines(self) -> list[str]:
        """What stands in it below its name."""
        cards = [f"{card.name} {address}" for card in self.place.cards for address in card.addresses]
        return [*cards, *(f"listens {one}" for one in self.place.services)]

    @property
    def height(self) -> int:
        return _height(self.place)

    @property
    def left(self) -> int:
        return self.column * _STRIDE

    @property
    def middle(self) -> int:
        return self.top + self.height // 2
