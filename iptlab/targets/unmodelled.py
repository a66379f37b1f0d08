"""Targets of which a text does not say what they do: kept, printed back, never guessed."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Undecided
from iptlab.netfilter.context import CannotTell, Context
from iptlab.netfilter.extension import Target
from iptlab.packet import Packet


@dataclass(frozen=True)
class KeptTarget(Target):
    """``-j`` and all the words behind it, as they were written."""

    text: str

    @abstractmethod
    def why(self) -> str:
        """Why it cannot be told what becomes of a packet."""

    def act(self, packet: Packet, context: Context) -> Action:
        return Undecided(CannotTell(self.why()))

    def listed(self, *, numeric: bool) -> str:
        return " ".join(self.text.split()[2:])

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class UnreadTarget(KeptTarget):
    """A target that iptables refuses; ``cause`` is what is wrong."""

    cause: str

    def why(self) -> str:
        return f"`{self}' cannot be read: {self.cause}"

    def explain(self) -> str:
        return f"is given to `{self}' (which iptables refuses: {self.cause})"


@dataclass(frozen=True)
class ForeignTarget(KeptTarget):
    """A target of a module that is not in the kernel; ``origin`` is who has it."""

    module: str
    origin: str

    def why(self) -> str:
        return f"`{self}' is done by a module of {self.origin}, which iptlab does not model"

    def explain(self) -> str:
        return f"is given to `{self}' (a module of {self.origin}, which iptlab cannot tell)"


@dataclass(frozen=True)
class HiddenTarget(KeptTarget):
    """A target with a name or a mask in place of a value: ``--to x.x.x.x``."""

    def why(self) -> str:
        return f"nobody said what `{self}' stands for"

    def explain(self) -> str:
        return f"is given to `{self}' (whose value is not said)"


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
