"""``-m dscp``: the class of traffic in the upper six bits of the TOS byte."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.names import dscp_of_class
from iptlab.netfilter.extension import Match, Spelling, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Given, Integer
from iptlab.packet import Family


class Dscp(Integer):
    """A DSCP value from 0 to 63, printed in hexadecimal."""

    most = 63

    def __contains__(self, item: object) -> bool:
        return item == self

    def __str__(self) -> str:
        return f"0x{self.number:02x}"


def dscp_class(text: str, family: Family) -> Dscp:
    """The value of a class such as AF21, CS1 or EF, in any case."""
    number = dscp_of_class(text)
    if number is None:
        raise BadValueError(
            f"Invalid DSCP value `{text}'", "The classes are CS0 to CS7, AF11 to AF43, EF and BE."
        )
    return Dscp(number)


DSCP = Field("dscp", lambda p, c: Dscp(p.tos >> 2), "has DSCP {}", "does not have DSCP {}")


@register_match("dscp")
@dataclass(frozen=True)
class DscpMatch(Match):
    """``-m dscp [!] --dscp NUMBER``, or ``--dscp-class AF21``.

    Kernel: net/netfilter/xt_dscp.c (dscp_mt)
    """

    dscp: Given[Dscp] = option(
        "--dscp",
        Dscp,
        negatable=True,
        required=True,
        missing="DSCP match: Parameter --dscp is required",
        spellings={"--dscp-class": Spelling(1, dscp_class)},
        reads=DSCP,
    )

    def listed(self, *, numeric: bool) -> str:
        return f"DSCP match {'!' * self.dscp.negated}{self.dscp.value}"
