"""A table's chains as they were written, each read in full when somebody asks for it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.rules import Chain, Counters, Jump, Rule
from iptlab.syntax.grammar import NOWHERE, Place
from iptlab.syntax.shapes import Shape


class Entry(NamedTuple):
    """A rule in a chain; or its line, which has been checked, with the shape of that.

    ``sample`` is the rule itself or, beside a shape, another one of it. ``callee`` is the
    chain that it jumps to, if it does. ``line`` is the number of the line ``text`` which
    this edit has read it from, 0 if it was in the table before. ``counted`` are its counters;
    None: those that the line begins with.
    """

    sample: Rule
    shape: Shape | None
    callee: str
    counted: Counters | None
    line: int = 0
    text: str = ""

    @classmethod
    def of(cls, rule: Rule, place: Place = NOWHERE) -> Entry:
        """The entry of a rule that was read there."""
        callee = rule.target.chain if isinstance(rule.target, Jump) else ""
        return cls(rule, None, callee, rule.counters, *place)

    @property
    def counters(self) -> Counters:
        """How many packets the rule matched, and bytes of them."""
        if self.counted is not None:
            return self.counted
        packets, _, octets = self.text[1 : self.text.index("]")].partition(":")
        return Counters(int(packets), int(octets))

    def rule(self) -> Rule:
        """The rule, read now if it has not been."""
        if self.shape is None:
            return self.sample
        rule = self.shape.rule(self.plain, self.callee)
        counters = self.counters
        return replace(rule, counters=counters) if any(counters) else rule

    def read(self) -> Entry:
        """The same with its rule read, for good."""
        return self._replace(sample=self.rule(), shape=None)

    def saved_words(self) -> str:
        """The rule as iptables-save prints it, without ``-A CHAIN``."""
        known = self.shape.saved_words(self.plain) if self.shape else None
        return str(self.rule()) if known is None else known

    @property
    def plain(self) -> str:
        """The line without the counters that it may begin with."""
        return self.text[self.text.index("-A ") :]

    @property
    def place(self) -> Place:
        """Where it was read, for messages; nowhere if it was in the table before."""
        return Place(self.line, self.text) if self.line else NOWHERE


# an entry of all its six fields in a third of the time: there is one for every line of a dump
new_entry: Callable[[tuple[Rule, Shape | None, str, Counters | None, int, str]], Entry] = partial(
    tuple.__new__, Entry
)


class Written(NamedTuple):
    """A chain as it was written: its rules may not have been read yet."""

    name: str
    policy: Verdict | None
    counters: Counters
    entries: Sequence[Entry]

    @classmethod
    def of(cls, chain: Chain) -> Written:
        """A chain whose rules are known."""
        return cls(chain.name, chain.policy, chain.counters, [*map(Entry.of, chain.rules)])

    def read(self) -> Chain:
        """The chain with all its rules."""
        rules = tuple([entry.rule() for entry in self.entries])
        return Chain(self.name, self.policy, rules, self.counters)


# so many rules make enough garbage to look for; of fewer the pause would cost more than it saves
_MANY = 100


class Chains(Mapping[str, Chain]):
    """Chains by name, each of which is read the first time it is looked at."""

    def __init__(self, chains: Iterable[Written]) -> None:
        self._chains: dict[str, Written | Chain] = {chain.name: chain for chain in chains}

    def __getitem__(self, name: str) -> Chain:
        chain = self._chains[name]
        if isinstance(chain, Written):
            with collector_paused() if len(chain.entries) >= _MANY else nullcontext():
                chain = self._chains[name] = chain.read()
        return chain

    def replaced(self, changed: Mapping[str, Chain]) -> Chains:
        """The same with some chains replaced; no other is read for it."""
        twin = Chains(())
        twin._chains = {**self._chains, **changed}
        return twin

    def __contains__(self, name: object) -> bool:
        return name in self._chains

    def __iter__(self) -> Iterator[str]:
        return iter(self._chains)

    def __len__(self) -> int:
        return len(self._chains)

    def __repr__(self) -> str:
        return repr(dict(self))

    def written(self) -> Iterator[Written]:
        """The chains as they are, read or not."""
        for chain in self._chains.values():
            yield chain if isinstance(chain, Written) else Written.of(chain)


def written(chains: Mapping[str, Chain]) -> Iterator[Written]:
    """The chains as they were written; those of a table that was not are read already."""
    return chains.written() if isinstance(chains, Chains) else map(Written.of, chains.values())


def with_chains(chains: Mapping[str, Chain], changed: Mapping[str, Chain]) -> Mapping[str, Chain]:
    """Some chains replaced, the others as they are."""
    return chains.replaced(changed) if isinstance(chains, Chains) else {**chains, **changed}


@contextmanager
def collector_paused() -> Iterator[None]:
    """While reading, look for no garbage: all that is made is kept, and looking is half the time.

    Afterwards all counts as old, or the next few objects would have it looked through again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()
