"""``-j TEE``: send a copy of the packet to another machine and go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Match, Refused, Target, option, register_target
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import InterfaceName
from iptlab.packet import Family, Packet
from iptlab.targets.addresses import Host


class CopyInterface(InterfaceName):
    """An interface by name; what is longer than 15 bytes is cut."""

    @classmethod
    def parse(cls, text: str, family: Family) -> CopyInterface:
        """The name, cut as the tool does."""
        return cls(text.encode()[:15].decode(errors="ignore"))

    def warning(self) -> str:
        """None: here the tool takes any name."""
        return ""


@register_target("TEE")
@dataclass(frozen=True)
class Tee(Target):
    """``-j TEE --gateway ADDRESS [--oif NAME]``; the gateway must be on a connected network.

    Kernel: net/netfilter/xt_TEE.c
    """

    gateway: Host = option("--gateway", Host, required=True)
    oif: CopyInterface | None = option("--oif", CopyInterface)

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        if int(self.gateway.address) == 0:
            return Refused(
                f"{self.gateway} is nobody's address", "Name the machine that gets the copies."
            )
        return None

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(packet, note=f"a copy goes to {self.gateway}")

    def explain(self) -> str:
        return f"is copied to {self.gateway} and goes on"

    def listed(self, *, numeric: bool) -> str:
        return f"TEE gw:{self.gateway}" + (f" oif={self.oif}" if self.oif else "")
