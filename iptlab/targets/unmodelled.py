"""Targets that iptables has and iptlab does not model: kept, printed back, never guessed."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Undecided
from iptlab.netfilter.context import CannotTell, Context
from iptlab.netfilter.extension import Target
from iptlab.packet import Packet

# man page: iptables-extensions(8), TARGET EXTENSIONS; iptables 1.8.9
NAMES = frozenset(("CLUSTERIP", "DNPT", "LED", "SNPT", "ULOG"))


@dataclass(frozen=True)
class UnmodelledTarget(Target):
    """A target by its name and its words, as they were written."""

    module: str
    text: str

    def act(self, packet: Packet, context: Context) -> Action:
        return Undecided(CannotTell(f"iptlab does not model {self}"))

    def explain(self) -> str:
        return f"is given to `{self}' (not modelled by iptlab)"

    def __str__(self) -> str:
        return " ".join(filter(None, ("-j", self.module, self.text)))
