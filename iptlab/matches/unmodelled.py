"""Matches whose answer iptlab does not know: kept, printed back, never guessed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from iptlab.netfilter.context import Answer, CannotTell, Context
from iptlab.netfilter.extension import Match
from iptlab.netfilter.values import Value
from iptlab.packet import Packet


class Unanswered(Match):
    """A match whose options are known, and whose answer is outside the model."""

    reason: ClassVar[str]

    def holds(self, packet: Packet, context: Context) -> Answer:
        return CannotTell(self.reason)

    def why_not(self, packet: Packet, context: Context) -> str:
        return str(CannotTell(self.reason))

    def explain(self) -> str:
        return f"passes `{self}' (which iptlab cannot tell)"

    def landmarks(self) -> Iterator[tuple[str, Value]]:
        raise NotImplementedError(self.reason)


@dataclass(frozen=True)
class Kept(Match):
    """Words of a rule in a text found somewhere that are kept, because nobody can answer them."""

    text: str

    @abstractmethod
    def why(self) -> str:
        """Why it cannot be told whether a packet matches."""

    def holds(self, packet: Packet, context: Context) -> Answer:
        return CannotTell(self.why())

    def why_not(self, packet: Packet, context: Context) -> str:
        return str(self.holds(packet, context))

    def listed(self, *, numeric: bool) -> str:
        return self.text

    def landmarks(self) -> Iterator[tuple[str, Value]]:
        raise NotImplementedError(self.why())

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class HiddenMatch(Kept):
    """A question with a name or a mask in place of a value: ``-s x.x.x.x``, ``-d a.example``."""

    def why(self) -> str:
        return f"nobody said what `{self}' stands for"

    def explain(self) -> str:
        return f"passes `{self}' (whose value is not said)"


@dataclass(frozen=True)
class ForeignMatch(Kept):
    """A question of a module that is not in the kernel; ``origin`` is who has it."""

    module: str
    origin: str

    def why(self) -> str:
        return f"`{self}' is asked by a module of {self.origin}, which iptlab does not model"

    def explain(self) -> str:
        return f"passes `{self}' (a module of {self.origin}, which iptlab cannot tell)"


@dataclass(frozen=True)
class UnreadMatch(Kept):
    """A part of a rule that iptables refuses, kept as it was written; ``cause`` is why."""

    cause: str

    def why(self) -> str:
        return f"`{self}' cannot be read: {self.cause}"

    def explain(self) -> str:
        return f"passes `{self}' (which iptables refuses: {self.cause})"
