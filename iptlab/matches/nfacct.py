"""``-m nfacct``: count packets in a named object."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.values import Text
from iptlab.packet import Family


class ObjectName(Text):
    """The name of an accounting object, of which 31 bytes count."""

    @classmethod
    def parse(cls, text: str, family: Family) -> ObjectName:
        """The name, not empty."""
        if not text:
            raise BadValueError("Argument must have a minimum length of 1 characters", "Name it.")
        return cls(text.encode()[:31].decode(errors="ignore"))

    def __str__(self) -> str:
        return self.text


@register_match("nfacct")
@dataclass(frozen=True)
class Nfacct(Match):
    """``-m nfacct --nfacct-name NAME``: the object counts the packet, which always matches.

    Kernel: net/netfilter/xt_nfacct.c
    """

    object: ObjectName = option("--nfacct-name", ObjectName, required=True)

    def explain(self) -> str:
        return f"is counted in the object {self.object}"

    def kernel_refusal(self) -> tuple[str, str] | None:
        """The kernel refuses a rule whose object does not exist; iptlab has none."""
        return (
            f"there is no accounting object {self.object}",
            f"On a real machine make it first: nfacct add {self.object}.",
        )

    def listed(self, *, numeric: bool) -> str:
        return f"nfacct-name  {self.object}"
