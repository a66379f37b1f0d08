"""``-m statistic``: chance, or every n-th packet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property

from iptlab.errors import BadValueError
from iptlab.netfilter.context import Answer, CannotTell, Context, Memory
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.values import Given, Integer, Value
from iptlab.packet import Family, Packet


@dataclass(frozen=True, slots=True)
class Mode(Value):
    """``random`` or ``nth``."""

    word: str

    @classmethod
    def parse(cls, text: str, family: Family) -> Mode:
        """One of the two words."""
        if text not in ("random", "nth"):
            raise BadValueError(f'Bad mode "{text}"', "The modes are random and nth.")
        return cls(text)

    def __str__(self) -> str:
        return self.word


@dataclass(frozen=True, slots=True)
class Probability(Value):
    """A probability as the kernel keeps it: a whole number of 2**31 parts.

    >>> third = Probability.parse("0.3333333333", Family.IPV4)
    >>> print(third, third.words())
    0.33333333349 1/3
    """

    parts: int

    @classmethod
    def parse(cls, text: str, family: Family) -> Probability:
        """A number from 0 to 1."""
        if not _NUMBER(text) or not 0 <= float(text) <= 1:
            raise BadValueError(
                "bad value for option, or out of range (0-1).",
                "A probability is a number from 0 (never) to 1 (always): 0.25.",
            )
        return cls(round(float(text) * 2**31))

    @property
    def fraction(self) -> Fraction:
        """The exact probability."""
        return _fraction(self.parts)

    @property
    def is_sure(self) -> bool:
        """Whether there is nothing to draw: it is never so, or always."""
        return self.parts in (0, 2**31)

    def __str__(self) -> str:
        return f"{self.parts / 2**31:.11f}"

    def words(self) -> str:
        """The simple fraction that rounds to this probability, if there is one."""
        simple = self.fraction.limit_denominator(1000)
        return str(simple) if abs(simple * 2**31 - self.parts) < 1 else f"{self}"


@cache
def _fraction(parts: int) -> Fraction:
    return Fraction(parts, 2**31)


_NUMBER = re.compile(r"[+-]?(\d*\.)?\d+([eE][+-]?\d+)?", re.ASCII).fullmatch


class Every(Integer):
    """How many packets make a round."""

    least = 1


@register_match("statistic")
@dataclass(frozen=True)
class Statistic(Match):
    """``-m statistic --mode random [!] --probability P``: chance; ``--mode nth``: every n-th.

    ``--mode nth [!] --every N --packet P`` counts the packets that reach the rule from 0;
    those with the numbers P, P + N, P + 2N, ... match.

    Kernel: net/netfilter/xt_statistic.c
    """

    mode: Mode | None = option("--mode", Mode)
    probability: Given[Probability] | None = option("--probability", Probability, negatable=True)
    every: Given[Every] | None = option("--every", Every, negatable=True)
    packet: Integer | None = option("--packet", Integer)

    def __post_init__(self) -> None:
        """Refuse a mode without its options, and options of both modes."""
        self.exclude("--probability", "--every")
        self.exclude("--probability", "--packet")
        self.need("--every", "--packet")
        self.need("--packet", "--every")
        if self.mode is None and any(self.given()):
            raise BadValueError(
                'statistic: option "--mode" must be specified', "Write --mode random or --mode nth."
            )
        if self.mode in (None, Mode("random")) and self.probability is None:
            raise BadValueError(
                "--probability must be specified when using random mode", "Write --probability 0.5."
            )
        if self.mode == Mode("nth") and self.every is None:
            raise BadValueError(
                "--every and --packet must be specified when using nth mode",
                "Write --every 3 --packet 0 for the first of every three packets.",
            )
        if self.every and self.packet and self.packet.number >= self.every.value.number:
            raise BadValueError(
                "the --packet p must be 0 <= p <= n-1",
                f"Packets of a round count from 0: write at most {self.every.value.number - 1}.",
            )

    def holds(self, packet: Packet, context: Context) -> Answer:
        if self.probability is None:
            return self._is_chosen(context)
        likely = self._likely
        if isinstance(likely, bool):
            return likely
        if context.choose is None:
            return CannotTell(f"chance decides: {self.probability.value.words()}")
        return context.choose(likely)

    @cached_property
    def _likely(self) -> Fraction | bool:
        """How likely it is that the match holds, worked out once; a bool if that is sure."""
        assert self.probability
        value, negated = self.probability.value, self.probability.negated
        if value.is_sure:
            return self.probability.agrees(value.parts > 0)
        return 1 - value.fraction if negated else value.fraction

    def _is_chosen(self, context: Context) -> bool:
        assert self.every is not None
        assert self.packet is not None
        turn, chosen = self._turn(context), self.packet.number
        return self.every.holds(lambda every: turn % every.number == chosen)

    def _turn(self, context: Context) -> int:
        return context.memory.recall(("statistic", context.rule, self), 0)

    @property
    def draws(self) -> bool:
        return self.every is None

    @property
    def remembers(self) -> bool:
        return self.every is not None

    def remember(self, packet: Packet, context: Context) -> Memory:
        if self.every is None:
            return context.memory
        turn = (self._turn(context) + 1) % self.every.value.number
        return context.memory.store(("statistic", context.rule, self), turn)

    def why_not(self, packet: Packet, context: Context) -> str:
        if self.every:
            return f"{self}, but this packet is number {self._turn(context)} of its round"
        answer = self.holds(packet, context)
        return str(answer) if isinstance(answer, CannotTell) else f"{self}, and chance said no"

    def explain(self) -> str:
        if self.probability:
            parts = self.probability.value.parts
            yes = Probability(2**31 - parts if self.probability.negated else parts)
            return f"is chosen with probability {yes.words()}"
        assert self.every is not None
        which = f"number {self.packet} of every {self.every.value} (counted from 0)"
        return f"is {'not ' * self.every.negated}{which}"

    def listed(self, *, numeric: bool) -> str:
        words = [f"statistic mode {self.mode}"]
        for declared, given in self.given():
            if declared.name in ("--probability", "--every"):
                words.append(f"{'! ' * given.negated}{declared.name[2:]} {given.value}")
        if self.packet and self.packet.number:
            words.append(f"packet {self.packet}")
        return " ".join(words)
