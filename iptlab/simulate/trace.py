"""What a walk leaves behind: frozen events that read as an indented list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from functools import cached_property, partial
from typing import NamedTuple

from iptlab.netfilter.actions import Continue, Translate, Verdict
from iptlab.netfilter.context import Answer, CannotTell, Context
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Chain, Jump, Rule
from iptlab.packet import Packet
from iptlab.shown import Shown


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that was asked: where it stands, what it saw, what it answered.

    ``depth`` is how many jumps lie between the built-in chain and this one. ``note`` is
    what the target did besides deciding: a mark set, a line logged.
    """

    table: TableName
    chain: str
    number: int
    rule: Rule
    packet: Packet
    context: Context
    answer: Answer
    depth: int = 0
    note: str = ""

    @property
    def why_not(self) -> str:
        """The first condition that said no, beside what is so; empty if the rule matched."""
        return "" if self.answer is True else self.rule.why_not(self.packet, self.context)

    def as_dict(self) -> dict[str, object]:
        """The step as JSON takes it."""
        return {
            "table": self.table,
            "chain": self.chain,
            "number": self.number,
            "rule": str(self.rule),
            "packet": str(self.packet),
            "matched": self.answer if isinstance(self.answer, bool) else None,
            "outcome": self.outcome,
        }

    @property
    def outcome(self) -> str:
        """What came of it, in a few words."""
        if self.answer is not True:
            return f"no: {self.why_not}" if self.answer is False else str(self.answer)
        if isinstance(self.rule.target, Jump):
            return f"yes: {'goto' if self.rule.target.goto else 'jump to'} {self.rule.target.chain}"
        said = self.rule.target.name if self.rule.target else "counted, no target"
        return f"yes: {said}{f' ({self.note})' if self.note else ''}"


class How(StrEnum):
    """How a chain was left without a verdict."""

    END = "end of chain"
    RETURN = "RETURN"


@dataclass(frozen=True, slots=True)
class Left:
    """A chain that was left: at its end or by RETURN; ``back`` is where the walk goes on.

    ``policy`` is set when that was a built-in chain's policy.
    """

    table: TableName
    chain: str
    how: How
    depth: int = 0
    back: str = ""
    policy: Verdict | None = None

    def as_dict(self) -> dict[str, object]:
        """The event as JSON takes it."""
        return {
            "table": self.table,
            "chain": self.chain,
            "left": self.how,
            "policy": self.policy,
            "outcome": self.outcome,
        }

    @property
    def outcome(self) -> str:
        """What came of it, in a few words."""
        if self.policy:
            after = "" if self.how is How.END else f"{self.how}: "
            return f"{after}policy {self.policy}"
        return f"{self.how}: back to {self.back}"


Event = Step | Left


# --- what a walk notes, from which its events are told when somebody asks ---

Draws = tuple[tuple[Fraction, bool], ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The chooser of a rule that was asked: it says again what was drawn then."""

    draws: Draws

    def __call__(self, chance: Fraction) -> bool:
        return dict(self.draws)[chance]


class Asked(NamedTuple):
    """A rule that was asked, with the packet and the context on their way there."""

    chain: Chain
    number: int
    depth: int
    packet: Packet
    context: Context
    answer: Answer
    drawn: Draws = ()
    action: Continue | Translate | None = None

    def and_did(self, action: Continue | Translate) -> Asked:
        """The same with what the target did besides deciding."""
        return new_asked((*self[:-1], action))

    @property
    def note(self) -> str:
        """What the target did, in plain words; empty if it only decided."""
        return self.action.note if self.action else ""

    def seen(self, table: TableName) -> Context:
        """The context as the rule saw it: it knows the rule's name if it remembers."""
        context = self.context
        if self.drawn:
            context = context.choosing(Drawn(self.drawn))
        if self.chain.rules[self.number - 1].remembers:
            context = replace(context, rule=(table, self.chain.name, self.number))
        return context

    def step(self, table: TableName) -> Step:
        """The same as an event."""
        return Step(
            table=table,
            chain=self.chain.name,
            number=self.number,
            rule=self.chain.rules[self.number - 1],
            packet=self.packet,
            context=self.seen(table),
            answer=self.answer,
            depth=self.depth,
            note=self.note,
        )


# a record of all its fields in a third of the time: there is one for every answer that counts
new_asked: Callable[[tuple[object, ...]], Asked] = partial(tuple.__new__, Asked)


class Ended(NamedTuple):
    """A chain that was left, and the rule to go on with; None if the policy decided."""

    chain: Chain
    depth: int
    packet: Packet
    context: Context
    how: How
    back: tuple[Chain, int] | None = None


Record = Asked | Ended


@dataclass(frozen=True)
class TableVisit(Shown):
    """A packet's walk through one table at one hook.

    ``packet`` and ``context`` are as they are when it leaves: with the marks that were set
    and what stateful matches now remember. ``translate`` is what a nat rule asked for; the
    packet here is still as it was. ``records`` may leave out rules that said no: their
    packet and context are those of the next record.
    """

    table: TableName
    chain: str
    verdict: Verdict | CannotTell
    packet: Packet
    context: Context
    records: tuple[Record, ...]
    reply: str = ""
    translate: Translate | None = None

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """Every rule that was asked and every chain that was left, in order."""
        return tuple(self._events())

    def _events(self) -> Iterator[Event]:
        reached: dict[int, int] = {}  # by depth: how many rules of the chain there are done
        depth = -1
        for record in self.records:
            done = reached.get(record.depth, 0) if record.depth <= depth else 0
            depth = record.depth
            match record:
                case Asked(number=number):
                    yield from self._refusals(record, done, number - 1)
                    yield record.step(self.table)
                    reached[depth] = number
                case Ended(chain, how=how):
                    upto = len(chain.rules) if how is How.END else done
                    yield from self._refusals(record, done, upto)
                    yield self._left(record)

    def _refusals(self, record: Record, done: int, upto: int) -> Iterator[Step]:
        """The rules between the last record and this one: they said no, and that was all."""
        chain, packet, context = record.chain, record.packet, record.context
        for number in range(done + 1, upto + 1):
            yield Asked(chain, number, record.depth, packet, context, False).step(self.table)

    def _left(self, ended: Ended) -> Left:
        """The end of a chain as an event; a chain that was gone to ends the built-in one."""
        if ended.back is None:
            assert isinstance(self.verdict, Verdict)
            return Left(self.table, self.chain, ended.how, ended.depth, policy=self.verdict)
        chain, number = ended.back
        name = ended.chain.name
        return Left(self.table, name, ended.how, ended.depth, f"{chain.name} {number}")

    def steps(self) -> Iterator[Step]:
        """The rules that were asked, in order."""
        return (event for event in self.events if isinstance(event, Step))

    @property
    def decided_by(self) -> str:
        """``filter INPUT 3`` or ``filter INPUT policy``."""
        match self.records[-1]:
            case Asked(chain, number):
                return f"{self.table} {chain.name} {number}"
            case Ended():
                return f"{self.table} {self.chain} policy"

    @property
    def policy(self) -> bool:
        """Whether the built-in chain's policy decided; then its counter went up."""
        return isinstance(self.records[-1], Ended)

    def _matched(self) -> Iterator[Asked]:
        for record in self.records:
            if isinstance(record, Asked) and record.answer is True:
                yield record

    def matched(self) -> Iterator[Step]:
        """The rules that matched, in order: their counters went up."""
        return (asked.step(self.table) for asked in self._matched())

    def hits(self) -> tuple[tuple[str, int], ...]:
        """Chain and number of each rule that matched, in order."""
        return tuple((asked.chain.name, asked.number) for asked in self._matched())

    def lines(self) -> Iterator[str]:
        """The visit as indented text."""
        yield f"{self.table} {self.chain}"
        texts = {id(step): str(step.rule) for step in self.steps()}
        width = max((len(texts[id(step)]) + 2 * step.depth for step in self.steps()), default=0)
        width = min(width, 72)
        for event in self.events:
            pad = "  " * (event.depth + 1)
            if isinstance(event, Step):
                name = f"{event.chain} {event.number}"
                text = f"{pad}{name:<{max(8, len(name))}} {texts[id(event)]}"
                yield f"{text:<{width + 14}}  {event.outcome}"
            else:
                yield f"{pad}{event.outcome}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


@dataclass(frozen=True, slots=True)
class HookVisit(Shown):
    """A packet's walk through all tables of one hook, up to its verdict."""

    packet: Packet
    context: Context
    tables: tuple[TableVisit, ...]

    @property
    def verdict(self) -> Verdict | CannotTell:
        """ACCEPT if every table let the packet pass, else what ended it."""
        return self.tables[-1].verdict if self.tables else Verdict.ACCEPT

    @property
    def accepted(self) -> bool:
        """Whether the packet goes on after this hook."""
        return self.verdict == Verdict.ACCEPT

    @property
    def decided_by(self) -> str:
        """The rule or policy that had the last word: ``filter INPUT 3``."""
        return self.deciding.decided_by

    @property
    def deciding(self) -> TableVisit:
        """The table that had the last word: one that stopped the packet, else filter."""
        last = self.tables[-1]
        named = [visit for visit in self.tables if visit.table is TableName.FILTER]
        return named[0] if self.accepted and named else last

    @property
    def result(self) -> Packet:
        """The packet as it leaves the hook."""
        return self.tables[-1].packet if self.tables else self.packet

    @property
    def conclusion(self) -> str:
        """The verdict in one line."""
        if not self.tables:
            return f"{self.verdict}, for no table has rules here"
        if isinstance(self.verdict, CannotTell):
            return f"{self.verdict} ({self.decided_by})"
        reply = f" with {self.deciding.reply}" if self.deciding.reply else ""
        return f"{self.verdict}{reply} by {self.decided_by}"

    @property
    def situation(self) -> str:
        """The hook, the packet and what is known about it, in one line."""
        words = [f"{self.context.hook}: {self.packet}"]
        if self.context.in_interface:
            words.append(f"in {self.context.in_interface}")
        if self.context.out_interface:
            words.append(f"out {self.context.out_interface}")
        return ", ".join([*words, f"ctstate {self.context.ctstate}"])

    def as_dict(self) -> dict[str, object]:
        """The walk as JSON takes it: situation, verdict, every event."""
        return {
            "situation": self.situation,
            "hook": self.context.hook,
            "verdict": str(self.verdict),
            "accepted": self.accepted,
            "decided_by": self.decided_by if self.tables else "",
            "packet": str(self.result),
            "events": [event.as_dict() for visit in self.tables for event in visit.events],
        }

    def __str__(self) -> str:
        """The walk as an indented list, one line for each rule that was asked."""
        lines = [line for visit in self.tables for line in visit.lines()]
        return "\n".join([self.situation, *lines, f"verdict: {self.conclusion}"])
