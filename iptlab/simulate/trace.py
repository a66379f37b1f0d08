"""What a walk leaves behind: frozen events that read as an indented list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from iptlab.netfilter.actions import Translate, Verdict
from iptlab.netfilter.context import Answer, CannotTell, Context
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Jump, Rule
from iptlab.packet import Packet


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


@dataclass(frozen=True, slots=True)
class TableVisit:
    """A packet's walk through one table at one hook.

    ``packet`` and ``context`` are as they are when it leaves: with the marks that were set
    and what stateful matches now remember. ``translate`` is what a nat rule asked for; the
    packet here is still as it was.
    """

    table: TableName
    chain: str
    events: tuple[Event, ...]
    verdict: Verdict | CannotTell
    packet: Packet
    context: Context
    reply: str = ""
    translate: Translate | None = None

    def steps(self) -> Iterator[Step]:
        """The rules that were asked, in order."""
        return (event for event in self.events if isinstance(event, Step))

    @property
    def decided_by(self) -> str:
        """``filter INPUT 3`` or ``filter INPUT policy``."""
        last = self.events[-1]
        where = last.number if isinstance(last, Step) else "policy"
        return f"{self.table} {last.chain} {where}"

    def matched(self) -> Iterator[Step]:
        """The rules that matched, in order: their counters went up."""
        return (step for step in self.steps() if step.answer is True)

    def hits(self) -> tuple[tuple[str, int], ...]:
        """Chain and number of each rule that matched, in order."""
        return tuple((step.chain, step.number) for step in self.matched())

    @property
    def policy(self) -> bool:
        """Whether the built-in chain's policy decided; then its counter went up."""
        return isinstance(self.events[-1], Left)

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


@dataclass(frozen=True, slots=True)
class HookVisit:
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
