"""Targets of which a text does not say what they do: kept, printed back, never guessed."""

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


@dataclass(frozen=True)
class HiddenTarget(Target):
    """``-j`` and its words, with a name or a mask in place of a value: ``--to x.x.x.x``."""

    text: str

    def act(self, packet: Packet, context: Context) -> Action:
        return Undecided(CannotTell(f"nobody said what `{self}' stands for"))

    def explain(self) -> str:
        return f"is given to `{self}' (whose value is not said)"

    def listed(self, *, numeric: bool) -> str:
        return " ".join(self.text.split()[2:])

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class AbsentChain(Target):
    """``-j NAME`` or ``-g NAME`` in a text that has no chain of that name: it may be cut off."""

    chain: str
    goto: bool = False

    def act(self, packet: Packet, context: Context) -> Action:
        return Undecided(CannotTell(f"there is no chain {self.chain} in this text"))

    def explain(self) -> str:
        return f"goes on in {self.chain}, which is not in this text"

    def listed(self, *, numeric: bool) -> str:
        return ""

    def __str__(self) -> str:
        return f"{'-g' if self.goto else '-j'} {self.chain}"
