"""``-j ECN``: change the bits of Explicit Congestion Notification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Match, Refused, Target, option, register_target
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.values import Flag, Integer
from iptlab.packet import Family, Packet, Protocol


class Bit(Integer):
    """0 or 1."""

    most = 1


class TwoBits(Integer):
    """0 to 3."""

    most = 3


@register_target("ECN")
@dataclass(frozen=True)
class Ecn(Target):
    """``-j ECN --ecn-tcp-remove``, for networks that cannot carry it.

    Kernel: net/ipv4/netfilter/ipt_ECN.c

    Simplified: the TCP flags ECE and CWR are not modelled; only --ecn-ip-ect shows.
    """

    tables = (TableName.MANGLE,)
    families = (Family.IPV4,)

    remove: Flag | None = option("--ecn-tcp-remove", Flag)
    ece: Bit | None = option("--ecn-tcp-ece", Bit)
    cwr: Bit | None = option("--ecn-tcp-cwr", Bit)
    ect: TwoBits | None = option("--ecn-ip-ect", TwoBits)

    def __post_init__(self) -> None:
        """Check what goes together; removing is the same as setting both bits to 0."""
        self.exclude("--ecn-tcp-remove", "--ecn-tcp-cwr")
        self.exclude("--ecn-tcp-remove", "--ecn-tcp-ece")
        if not any(self.given()):
            raise BadValueError("ECN target: An operation is required", "Write --ecn-tcp-remove.")
        normal: dict[str, Flag | Bit | None] = {}
        if self.ece == self.cwr == Bit(0) and not self.ect:
            normal = {"remove": Flag(), "ece": None, "cwr": None}
        elif self.remove and self.ect:
            normal = {"remove": None, "ece": Bit(0), "cwr": Bit(0)}
        for name, value in normal.items():
            object.__setattr__(self, name, value)

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        if (self.remove or self.ece or self.cwr) and protocol != Protocol.TCP:
            return Refused("only TCP has the bits ECE and CWR", "Write -p tcp in the rule.")
        return None

    def act(self, packet: Packet, context: Context) -> Action:
        if self.ect:
            tos = packet.tos & ~3 | self.ect.number
            return Continue(replace(packet, tos=tos), note=f"tos {tos:#04x}")
        return Continue(packet, note="TCP ECN bits changed")

    def explain(self) -> str:
        return f"gets its congestion bits changed ({self._change()}) and goes on"

    def _change(self) -> str:
        if self.remove:
            return "TCP remove"
        ece = f"ECE={self.ece}" if self.ece else ""
        cwr = f"CWR={self.cwr}" if self.cwr else ""
        return " ".join(filter(None, (ece, cwr, f"ECT codepoint={self.ect}" if self.ect else "")))

    def listed(self, *, numeric: bool) -> str:
        return f"ECN {self._change()}"
