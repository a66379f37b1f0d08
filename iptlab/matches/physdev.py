"""``-m physdev``: the ports of a bridge that a packet crosses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from iptlab.errors import BadValueError
from iptlab.netfilter.extension import Match, Refused, option, register_match
from iptlab.netfilter.fields import Either, Field
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Flag, Given, InterfaceName


def _field(name: str, claim: str, not_claim: str) -> Field:
    return Field(name, lambda p, c: Either(), claim, not_claim, "crosses no bridge")


IS_IN = _field("physdev_is_in", "came in through a bridge", "did not come in through a bridge")
IN = _field("physdev_in", "came in by bridge port {}", "did not come in by bridge port {}")
IS_OUT = _field("physdev_is_out", "leaves through a bridge", "does not leave through a bridge")
OUT = _field("physdev_out", "leaves by bridge port {}", "does not leave by bridge port {}")
BRIDGED = _field("physdev_is_bridged", "is bridged", "is not bridged")


class PortName(InterfaceName):
    """The name of a bridge's port; ``+`` is any of them, but asks for a bridge."""

    is_everything: ClassVar[bool] = False


@register_match("physdev")
@dataclass(frozen=True)
class Physdev(Match):
    """``-m physdev [!] --physdev-in NAME [!] --physdev-out NAME [!] --physdev-is-bridged``.

    Kernel: net/netfilter/xt_physdev.c

    Simplified: no packet crosses a bridge here, so only what is asked with ``!`` holds.
    """

    is_in: Given[Flag] | None = option("--physdev-is-in", Flag, negatable=True, reads=IS_IN)
    physdev_in: Given[PortName] | None = option("--physdev-in", PortName, negatable=True, reads=IN)
    is_out: Given[Flag] | None = option("--physdev-is-out", Flag, negatable=True, reads=IS_OUT)
    physdev_out: Given[PortName] | None = option(
        "--physdev-out", PortName, negatable=True, reads=OUT
    )
    is_bridged: Given[Flag] | None = option(
        "--physdev-is-bridged", Flag, negatable=True, reads=BRIDGED
    )

    def __post_init__(self) -> None:
        """Refuse a match that asks nothing."""
        if not any(self.given()):
            raise BadValueError(
                "PHYSDEV: no physdev option specified", "Write for example --physdev-in eth0."
            )

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        bridged = self.is_bridged and not self.is_bridged.negated
        if (self.physdev_out or self.is_out) and not bridged and Hook.OUTPUT in hooks:
            return Refused(
                "a packet in OUTPUT has not reached a bridge yet",
                "Ask for the outgoing port in POSTROUTING, or write --physdev-is-bridged too.",
            )
        return None

    def listed(self, *, numeric: bool) -> str:
        return f"PHYSDEV match {' '.join(self.option_words())}"
