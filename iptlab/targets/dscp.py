"""``-j DSCP``: change the upper six bits of the Type of Service byte."""

from __future__ import annotations

from dataclasses import dataclass, replace

from iptlab.errors import BadValueError
from iptlab.names import DSCP_CLASSES, dscp_of_class
from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Spelling, Target, option, register_target
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.values import Integer
from iptlab.packet import Family, Packet


class Dscp(Integer):
    """A Differentiated Services code point, six bits."""

    most = 63

    def __str__(self) -> str:
        return f"{self.number:#04x}"


def _class(text: str, family: Family) -> Dscp:
    """``--set-dscp-class``: a class by name."""
    number = dscp_of_class(text)
    if number is None:
        raise BadValueError(
            f"Invalid DSCP value `{text}'", f"The classes are {', '.join(DSCP_CLASSES)}."
        )
    return Dscp(number)


@register_target("DSCP")
@dataclass(frozen=True)
class DscpTarget(Target):
    """``-j DSCP --set-dscp VALUE`` (or --set-dscp-class CLASS); the lower two bits stay.

    Kernel: net/netfilter/xt_DSCP.c (dscp_tg)
    """

    tables = (TableName.MANGLE,)

    dscp: Dscp = option(
        "--set-dscp",
        Dscp,
        required=True,
        missing="DSCP target: Parameter --set-dscp is required",
        spellings={"--set-dscp-class": Spelling(1, _class)},
    )

    def act(self, packet: Packet, context: Context) -> Action:
        tos = packet.tos & 3 | self.dscp.number << 2
        return Continue(replace(packet, tos=tos), note=f"dscp {self.dscp}, tos {tos:#04x}")

    def explain(self) -> str:
        return f"gets the code point {self.dscp} and goes on"

    def listed(self, *, numeric: bool) -> str:
        return f"DSCP set {self.dscp}"
