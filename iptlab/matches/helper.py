"""``-m helper``: connections that another connection announced, such as FTP's data."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.context import CannotTell, Connection, Context
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Given, Text
from iptlab.packet import Family, Packet


class HelperName(Text):
    """A helper's name, of which the kernel keeps 29 bytes; the empty name stands for any."""

    @classmethod
    def parse(cls, text: str, family: Family) -> HelperName:
        """The first 29 bytes of the text."""
        return cls(text.encode()[:29].decode(errors="ignore"))

    def __contains__(self, item: object) -> bool:
        """The kernel compares as many letters as the helper's own name has."""
        return bool(item) and (not self.text or self.text.startswith(str(item)))

    def words(self) -> str:
        return self.text or "of any name"


def _helper(packet: Packet, context: Context) -> str | CannotTell:
    known = context.tracked
    if isinstance(known, Connection):
        return known.helper
    return "" if known is None else known


HELPER = Field(
    "helper",
    _helper,
    "was announced to the helper {}",
    "was not announced to the helper {}",
    "was not announced by another connection",
)


@register_match("helper")
@dataclass(frozen=True)
class Helper(Match):
    """``-m helper [!] --helper NAME``: what a helper such as ftp expected to come.

    Kernel: net/netfilter/xt_helper.c
    """

    helper: Given[HelperName] = option(
        "--helper", HelperName, negatable=True, required=True, reads=HELPER
    )

    def listed(self, *, numeric: bool) -> str:
        return f'helper match {"! " * self.helper.negated}"{self.helper.value.text}"'
