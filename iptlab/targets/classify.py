"""``-j CLASSIFY``: choose the traffic class that the packet is sent in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Value
from iptlab.packet import Family, Packet


@dataclass(frozen=True, slots=True)
class TrafficClass(Value):
    """``MAJOR:MINOR``, hexadecimal, as tc(8) names its classes."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str, family: Family) -> TrafficClass:
        """Two hexadecimal numbers; 16 bits of each count."""
        found = _SHAPE.match(text)
        if not found:
            raise BadValueError(f'Bad class value "{text}"', "Write for example 1:10.")
        return cls(int(found[1], 16) & 0xFFFF, int(found[2], 16) & 0xFFFF)

    def __str__(self) -> str:
        return f"{self.major:04x}:{self.minor:04x}"

    def words(self) -> str:
        return f"{self.major:x}:{self.minor:x}"


_SHAPE = re.compile(r"(?:0[xX])?([0-9a-fA-F]+):(?:0[xX])?([0-9a-fA-F]+)")


@register_target("CLASSIFY")
@dataclass(frozen=True)
class Classify(Target):
    """``-j CLASSIFY --set-class MAJOR:MINOR``, where the packet is on its way out.

    Kernel: net/netfilter/xt_CLASSIFY.c

    Simplified: traffic classes are not modelled, so the packet stays as it is.
    """

    hooks = (Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING)

    traffic_class: TrafficClass = option("--set-class", TrafficClass, required=True)

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(packet, note=f"traffic class {self.traffic_class.words()}")

    def explain(self) -> str:
        return f"is put into traffic class {self.traffic_class.words()} and goes on"

    def listed(self, *, numeric: bool) -> str:
        return f"CLASSIFY set {self.traffic_class.words()}"
