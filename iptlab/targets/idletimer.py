"""``-j IDLETIMER``: notice when no packet has matched for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Match, Refused, Target, option, register_target
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Flag, Integer, Text
from iptlab.packet import Family, Packet


class TimerLabel(Text):
    """The timer's name; 27 bytes of it count. Printed as it is."""

    @classmethod
    def parse(cls, text: str, family: Family) -> TimerLabel:
        """The name, cut as the tool does."""
        return cls(text.encode()[:27].decode(errors="ignore"))

    def __str__(self) -> str:
        return self.text


_LONGEST = 0x7FFFFFFF // 1000


@register_target("IDLETIMER")
@dataclass(frozen=True)
class IdleTimer(Target):
    """``-j IDLETIMER --timeout SECONDS --label NAME``: a packet starts the timer again.

    Kernel: net/netfilter/xt_IDLETIMER.c
    """

    timeout: Integer = option("--timeout", Integer, required=True)
    label: TimerLabel = option("--label", TimerLabel, required=True)
    alarm: Flag | None = option("--alarm", Flag)

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        if not 0 < self.timeout.number < _LONGEST:
            return Refused(
                "a timer cannot run so long", f"Write a timeout from 1 to {_LONGEST - 1}."
            )
        if not self.label.text:
            return Refused("a timer needs a name", "Write --label and a word.")
        return None

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(packet, note=f"timer {self.label} starts again")

    def explain(self) -> str:
        return f"starts the timer {self.label} again ({self.timeout} seconds) and goes on"

    def listed(self, *, numeric: bool) -> str:
        alarm = " alarm" if self.alarm else ""
        return f"timeout:{self.timeout} label:{self.label}{alarm}"
