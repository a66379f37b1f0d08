"""Which rules of a chain a walk asks: every one, or those that may match."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from iptlab.netfilter.context import Answer, Context
from iptlab.netfilter.extension import Ask
from iptlab.netfilter.rules import Chain, Rule, Table
from iptlab.packet import Packet


class Question(NamedTuple):
    """A rule to be asked, and how: ``holds`` answers what ``rule.holds`` answers.

    A rule that draws lots or remembers being asked must be asked once, and with care;
    ``first`` is what it asks before that, and a no to it is the answer. Other rules have none.
    """

    number: int
    rule: Rule
    holds: Ask
    first: Ask | None = None
    remembers: bool = False


Facts = TypeVar("Facts")


class Questions(ABC, Generic[Facts]):
    """A table's rules as a walk asks them.

    Rules may be left out that would say no, and nothing else, to every packet with the
    same ``facts``. A walk that does not leave them out is ``complete``: it notes every no.
    """

    complete: bool = False

    def __init__(self, table: Table) -> None:
        self.table = table

    @abstractmethod
    def facts(self, packet: Packet, context: Context) -> Facts:
        """What decides which rules are left out."""

    @abstractmethod
    def ask(self, chain: Chain, facts: Facts, done: int) -> Iterator[Question]:
        """The rules of ``chain`` behind the first ``done``, in order."""


class EveryRule(Questions[None]):
    """Every rule is asked, as the kernel does it."""

    complete = True

    def facts(self, packet: Packet, context: Context) -> None:
        return None

    def ask(self, chain: Chain, facts: None, done: int) -> Iterator[Question]:
        for number, rule in enumerate(islice(chain.rules, done, None), start=done + 1):
            yield Question(number, rule, rule.holds, nothing, rule.remembers)


def nothing(packet: Packet, context: Context) -> Answer:
    """What a rule asks that asks nothing: it has no reason to say no."""
    return True
