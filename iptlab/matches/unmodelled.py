"""Matches whose answer iptlab does not know: kept, printed back, never guessed."""

from __future__ import annotations

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
class HiddenMatch(Match):
    """A question with a name or a mask in place of a value: ``-s x.x.x.x``, ``-d a.example``."""

    text: str

    def holds(self, packet: Packet, context: Context) -> Answer:
        return CannotTell(f"nobody said what `{self}' stands for")

    def why_not(self, packet: Packet, context: Context) -> str:
        return str(self.holds(packet, context))

    def explain(self) -> str:
        return f"passes `{self}' (whose value is not said)"

    def listed(self, *, numeric: bool) -> str:
        return self.text

    def landmarks(self) -> Iterator[tuple[str, Value]]:
        raise NotImplementedError(f"nobody said what {self} stands for")

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class UnreadMatch(Match):
    """A part of a rule that iptables refuses, kept as it was written; ``cause`` is why."""

    text: str
    cause: str

    def holds(self, packet: Packet, context: Context) -> Answer:
        return CannotTell(f"`{self}' cannot be read: {self.cause}")

    def why_not(self, packet: Packet, context: Context) -> str:
        return str(self.holds(packet, context))

    def explain(self) -> str:
        return f"passes `{self}' (which iptables refuses: {self.cause})"

    def listed(self, *, numeric: bool) -> str:
        return self.text

    def landmarks(self) -> Iterator[tuple[str, Value]]:
        raise NotImplementedError(f"{self} cannot be read")

    def __str__(self) -> str:
        return self.text
