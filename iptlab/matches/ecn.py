"""``-m ecn``: the bits with which routers and hosts report congestion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.extension import Match, Refused, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Flag, Given, Integer
from iptlab.packet import Packet, Protocol, TcpFlags


def _has(packet: Packet, flag: TcpFlags) -> bool | None:
    if packet.protocol != Protocol.TCP or packet.fragment:
        return None
    return flag in packet.flags


ECE = Field("ece", lambda p, c: _has(p, TcpFlags.ECE), "has the TCP flag ECE", "does not have ECE")
CWR = Field("cwr", lambda p, c: _has(p, TcpFlags.CWR), "has the TCP flag CWR", "does not have CWR")
ECT = Field("ect", lambda p, c: p.tos & 3, "has ECN bits {}", "does not have ECN bits {}")


class EcnBits(Integer):
    """The lower two bits of the TOS byte; 3 is "congestion experienced"."""

    most = 3


@register_match("ecn")
@dataclass(frozen=True)
class Ecn(Match):
    """``-m ecn [!] --ecn-ip-ect 0..3``, and with ``-p tcp`` ``--ecn-tcp-ece``, ``--ecn-tcp-cwr``.

    Kernel: net/netfilter/xt_ecn.c; RFC 3168
    """

    ece: Given[Flag] | None = option("--ecn-tcp-ece", Flag, negatable=True, reads=ECE)
    cwr: Given[Flag] | None = option("--ecn-tcp-cwr", Flag, negatable=True, reads=CWR)
    ect: Given[EcnBits] | None = option("--ecn-ip-ect", EcnBits, negatable=True, reads=ECT)

    def __post_init__(self) -> None:
        """Refuse a match that asks nothing."""
        if not any(self.given()):
            raise BadValueError(
                "ECN match: some option required", "Write for example --ecn-ip-ect 3."
            )

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        if (self.ece or self.cwr) and protocol != Protocol.TCP:
            return Refused("only TCP has the flags ECE and CWR", "Write -p tcp in the rule.")
        return None

    def listed(self, *, numeric: bool) -> str:
        said = (
            ("ECE", self.ece),
            ("CWR", self.cwr),
            (f"ECT={self.ect and self.ect.value}", self.ect),
        )
        return " ".join(
            ["ECN match", *(f"{'!' * given.negated}{word}" for word, given in said if given)]
        )
