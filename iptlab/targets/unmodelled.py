"""A target that iptables does not have or that is misspelt: kept, printed back, never guessed."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Undecided
from iptlab.netfilter.context import CannotTell, Context
from iptlab.netfilter.extension import Target
from iptlab.packet import Packet


@dataclass(frozen=True)
class UnreadTarget(Target):
    """``-j`` and all the words behind it, as they were written; ``cause`` is what is wrong."""

    text: str
    cause: str

    def act(self, packet: Packet, context: Context) -> Action:
        return Undecided(CannotTell(f"`{self}' cannot be read: {self.cause}"))

    def explain(self) -> str:
        return f"is given to `{self}' (which iptables refuses: {self.cause})"

    def listed(self, *, numeric: bool) -> str:
        return " ".join(self.text.split()[2:])

    def __str__(self) -> str:
        return self.text
