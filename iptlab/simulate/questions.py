"""Which rules of a chain a walk asks: every one, or those that may match."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from iptlab.netfilter.context import Answer, Context
from iptlab.netfilter.extension import Ask
from iptlab.netfilter.rules import Chain, Table
from iptlab.packet import Packet

K = TypeVar("K")
V = TypeVar("V")


class Question(NamedTuple):
    """A rule to be asked: ``ask`` answers what ``rule.holds`` answers.

    Unless there is a ``whole`` that does so: a rule that remembers being asked must be asked
    with care. Then ``ask`` is what it asks before that, and a no to it is the rule's answer.
    """

    number: int
    ask: Ask
    whole: Ask | None = None


Facts = TypeVar("Facts")


class ChainQuestions(ABC, Generic[Facts]):
    """A chain's rules as a walk asks them."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    @abstractmethod
    def ask(self, facts: Facts, done: int) -> Iterator[Question]:
        """The rules behind the first ``done``, in order."""


class Questions(ABC, Generic[Facts]):
    """A table's chains as a walk asks them.

    Rules may be left out that would say no, and nothing else, to every packet with the
    same ``facts``. A walk that does not leave them out is ``complete``: it notes every no.
    """

    complete: bool = False
    chains: Mapping[str, ChainQuestions[Facts]]

    def __init__(self, table: Table) -> None:
        self.table = table

    @abstractmethod
    def facts(self, packet: Packet, context: Context) -> Facts:
        """What decides which rules are left out."""


class EveryRule(Questions[None]):
    """Every rule is asked, as the kernel does it."""

    complete = True

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self.chains = Made(lambda name: _InOrder(table.chains[name]))

    def facts(self, packet: Packet, context: Context) -> None:
        return None


class _InOrder(ChainQuestions[None]):
    """One rule after another."""

    def ask(self, facts: None, done: int) -> Iterator[Question]:
        for number, rule in enumerate(islice(self.chain.rules, done, None), start=done + 1):
            if rule.remembers:
                yield Question(number, nothing, rule.holds)
            else:
                yield Question(number, rule.holds)


def nothing(packet: Packet, context: Context) -> Answer:
    """What a rule asks that asks nothing: it has no reason to say no."""
    return True


class Made(dict[K, V]):
    """Things by key, each made when it is first looked up."""

    def __init__(self, make: Callable[[K], V]) -> None:
        self.make = make

    def __missing__(self, key: K) -> V:
        made = self[key] = self.make(key)
        return made
