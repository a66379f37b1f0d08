"""One packet, one hook: its tables in the kernel's order, their chains rule by rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from iptlab.netfilter.actions import (
    Call,
    Continue,
    Decide,
    Return,
    Translate,
    Undecided,
    Verdict,
)
from iptlab.netfilter.context import CannotTell, Context
from iptlab.netfilter.hooks import Hook, TableName, tables_at
from iptlab.netfilter.rules import Chain, Rule, Table
from iptlab.packet import Packet
from iptlab.simulate.trace import Event, HookVisit, How, Left, Step, TableVisit


def walk(tables: Mapping[TableName, Table], packet: Packet, context: Context) -> HookVisit:
    """Take a packet through every table of ``context.hook``; the first to stop it ends the walk.

    A table that is not in ``tables`` has no rules and is not visited.
    """
    visits: list[TableVisit] = []
    seen, known = packet, context
    for name in tables_at(context.hook):
        if name in tables:
            visits.append(walk_table(tables[name], seen, known))
            seen, known = visits[-1].packet, visits[-1].context
            if visits[-1].verdict != Verdict.ACCEPT:
                break
    return HookVisit(packet, context, tuple(visits))


def walk_table(table: Table, packet: Packet, context: Context) -> TableVisit:
    """Take a packet through the table's chain of ``context.hook``, asking rule after rule."""
    return _TableWalk(table, packet, context).run(context.hook)


@dataclass(frozen=True, slots=True)
class _Frame:
    """A place in a chain: the next rule to ask, counted from 0, and how deep the chain is."""

    chain: Chain
    index: int
    depth: int

    def onward(self) -> _Frame:
        return replace(self, index=self.index + 1)

    def __str__(self) -> str:
        return f"{self.chain.name} {self.index + 1}"


_Fate = Verdict | CannotTell


class _TableWalk:
    """A walk in progress: the packet as it is now, where to return to, the events so far."""

    def __init__(self, table: Table, packet: Packet, context: Context) -> None:
        self.table = table
        self.packet = packet
        self.context = context
        self.back: list[_Frame] = []
        self.events: list[Event] = []
        self.reply = ""
        self.translate: Translate | None = None

    def run(self, hook: Hook) -> TableVisit:
        """Run the hook's built-in chain to a fate; where no rule decides, its policy does.

        The jump stack is a list, as in the kernel, so chains may nest as deep as they like.

        Kernel: net/ipv4/netfilter/ip_tables.c (ipt_do_table)
        """
        self.builtin = self.table.chains[hook]
        place: _Frame | _Fate = _Frame(self.builtin, 0, 0)
        while isinstance(place, _Frame):
            at_end = place.index == len(place.chain.rules)
            place = self._leave(place, How.END) if at_end else self._ask(place)
        return TableVisit(
            self.table.name,
            hook,
            tuple(self.events),
            place,
            self.packet,
            self.context,
            self.reply,
            self.translate,
        )

    def _ask(self, place: _Frame) -> _Frame | _Fate:
        """Ask one rule; the answer is where to go on, or the packet's fate."""
        rule = place.chain.rules[place.index]
        if rule.remembers:
            self.context = replace(
                self.context, rule=(self.table.name, place.chain.name, place.index + 1)
            )
        answer = rule.holds(self.packet, self.context)
        step = self._step(place, rule, answer)
        self.events.append(step)
        if rule.remembers:
            memory = rule.remember(self.packet, self.context)
            self.context = replace(self.context, memory=memory)
        if isinstance(answer, CannotTell):
            return answer if _matters(rule, step) else place.onward()
        if not answer or rule.target is None:
            return place.onward()
        match rule.target.act(self.packet, self.context):
            case Decide(verdict, reply):
                self.reply = reply
                return verdict
            case Return():
                return self._leave(place, How.RETURN)
            case Continue(packet, note, effects):
                self.events[-1] = replace(step, note=note)
                self.packet = packet
                for effect in effects:
                    self.context = effect.on(self.context)
                return place.onward()
            case Translate() as translate:
                self.events[-1] = replace(step, note=translate.note)
                self.translate = translate
                return Verdict.ACCEPT
            case Call(name, goto):
                if not goto:
                    self.back.append(place.onward())
                return _Frame(self.table.chains[name], 0, place.depth + 1)
            case Undecided(reason):
                return reason
            case other:
                assert_never(other)

    def _leave(self, place: _Frame, how: How) -> _Frame | Verdict:
        """Go back to the last jump; where there was none, the built-in chain's policy decides."""
        onward = self.back.pop() if self.back else self.builtin.policy
        assert onward is not None
        back, policy = (str(onward), None) if isinstance(onward, _Frame) else ("", onward)
        name = place.chain.name if back else self.builtin.name
        self.events.append(Left(self.table.name, name, how, place.depth, back, policy))
        return onward

    def _step(self, place: _Frame, rule: Rule, answer: bool | CannotTell) -> Step:
        number = place.index + 1
        return Step(
            table=self.table.name,
            chain=place.chain.name,
            number=number,
            rule=rule,
            packet=self.packet,
            context=self.context,
            answer=answer,
            depth=place.depth,
        )


def _matters(rule: Rule, step: Step) -> bool:
    """Whether it makes a difference if the rule matches: a LOG rule does not decide anything."""
    if rule.target is None:
        return False
    match rule.target.act(step.packet, step.context):
        case Continue(packet, effects=()):
            return packet != step.packet
        case _:
            return True
