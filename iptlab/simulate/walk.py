"""One packet, one hook: its tables in the kernel's order, their chains rule by rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple, assert_never

from iptlab.netfilter.actions import (
    Call,
    Continue,
    Decide,
    Return,
    Translate,
    Undecided,
    Verdict,
)
from iptlab.netfilter.context import Answer, CannotTell, Context
from iptlab.netfilter.hooks import TableName, tables_at
from iptlab.netfilter.rules import Chain, Rule, Table
from iptlab.packet import Packet
from iptlab.simulate.questions import EveryRule, Question, Questions
from iptlab.simulate.trace import Asked, Draws, Ended, HookVisit, How, Record, TableVisit


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
    return TableWalk(EveryRule(table), packet, context).run()


class _Place(NamedTuple):
    """A chain that the packet is in, and those of its rules that are still to be asked."""

    chain: Chain
    depth: int
    facts: object  # those for which the questions were chosen
    questions: Iterator[Question]


class _Lots:
    """The packet's chooser, which keeps what it was asked and said, and can say it again."""

    def __init__(self, choose: Callable[[Fraction], bool]) -> None:
        self.choose = choose
        self.drawn: Draws = ()
        self._said: Iterator[bool] = iter(())
        self._within: tuple[Context, Context] | None = None

    def within(self, context: Context) -> Context:
        """The context with these lots as its chooser, none drawn yet."""
        self.drawn, self._said = (), iter(())
        if self._within is None or self._within[0] is not context:
            self._within = context, context.choosing(self)
        return self._within[1]

    def repeat(self) -> None:
        """Say once more what was said, from the first time on."""
        self._said = iter([answer for _, answer in self.drawn])

    def __call__(self, chance: Fraction) -> bool:
        answer = next(self._said, None)
        if answer is None:
            answer = self.choose(chance)
            self.drawn += ((chance, answer),)
        return answer


_Fate = Verdict | CannotTell


class TableWalk:
    """A walk in progress: the packet as it is now, where to return to, what happened so far."""

    def __init__(self, questions: Questions[Any], packet: Packet, context: Context) -> None:
        self.questions = questions
        self.table = questions.table
        self.builtin = self.table.chains[context.hook]
        self.packet = packet
        self.context = context
        self.facts = questions.facts(packet, context)
        self.lots = _Lots(context.choose) if context.choose else None
        self.back: list[tuple[_Place, int]] = []
        self.records: list[Record] = []
        self.reply = ""
        self.translate: Translate | None = None

    def run(self) -> TableVisit:
        """Run the hook's built-in chain to a fate; where no rule decides, its policy does.

        The jump stack is a list, as in the kernel, so chains may nest as deep as they like.

        Kernel: net/ipv4/netfilter/ip_tables.c (ipt_do_table)
        """
        place: _Place | _Fate = self._at(self.builtin, 0)
        while isinstance(place, _Place):
            place = self._onward(place)
        return TableVisit(
            self.table.name,
            self.builtin.name,
            place,
            self.packet,
            self.context,
            tuple(self.records),
            self.reply,
            self.translate,
        )

    def _at(self, chain: Chain, depth: int, done: int = 0) -> _Place:
        """The place in ``chain`` behind its first ``done`` rules."""
        return _Place(chain, depth, self.facts, self.questions.ask(chain, self.facts, done))

    def _onward(self, place: _Place) -> _Place | _Fate:
        """Ask on to the first rule that sends the packet elsewhere, or to the chain's end."""
        for question in place.questions:
            answer = (question.first or question.holds)(self.packet, self.context)
            if answer is False:
                continue
            if question.first is None:
                asked = self._asked(place, question, answer)
            else:
                asked = self._ask(place, question)
                if asked.answer is False:
                    if self.questions.complete or asked.drawn or question.remembers:
                        self.records.append(asked)
                    continue
            onward = self._follow(place, question.rule, asked)
            if onward is not place:
                return onward
        return self._leave(place, How.END)

    def _asked(self, place: _Place, question: Question, answer: Answer, drawn: Draws = ()) -> Asked:
        number, depth = question.number, place.depth
        return Asked(place.chain, number, depth, self.packet, self.context, answer, drawn)

    def _ask(self, place: _Place, question: Question) -> Asked:
        """Ask a rule once, and keep what it drew and what it remembers."""
        context = self.lots.within(self.context) if self.lots else self.context
        if question.remembers:
            context = replace(context, rule=(self.table.name, place.chain.name, question.number))
        answer = question.holds(self.packet, context)
        asked = self._asked(place, question, answer, self.lots.drawn if self.lots else ())
        if question.remembers:
            if self.lots:
                self.lots.repeat()
            memory = question.rule.remember(self.packet, context)
            self.context = replace(self.context, memory=memory)
        return asked

    def _follow(self, place: _Place, rule: Rule, asked: Asked) -> _Place | _Fate:
        """What comes of an answer: the packet stays, goes elsewhere or meets its fate."""
        self.records.append(asked)
        if isinstance(asked.answer, CannotTell):
            return asked.answer if _matters(rule, asked) else place
        if rule.target is None:
            return place
        match rule.target.act(self.packet, self.context):
            case Call(name, goto):
                if not goto:
                    self.back.append((place, asked.number))
                return self._at(self.table.chains[name], place.depth + 1)
            case Decide(verdict, reply):
                self.reply = reply
                return verdict
            case Return():
                return self._leave(place, How.RETURN)
            case Continue() as went_on:
                self.records[-1] = asked._replace(action=went_on)
                if went_on.packet is self.packet and not went_on.effects:
                    return place
                self.packet = went_on.packet
                for effect in went_on.effects:
                    self.context = effect.on(self.context)
                self.facts = self.questions.facts(self.packet, self.context)
                return self._again(place, asked.number)
            case Translate() as translate:
                self.records[-1] = asked._replace(action=translate)
                self.translate = translate
                return Verdict.ACCEPT
            case Undecided(reason):
                return reason
            case other:
                assert_never(other)

    def _again(self, place: _Place, done: int) -> _Place:
        """The place, or where the packet is another by now, its questions chosen anew."""
        if place.facts == self.facts:
            return place
        return self._at(place.chain, place.depth, done)

    def _leave(self, place: _Place, how: How) -> _Place | Verdict:
        """Go back to the last jump; where there was none, the built-in chain's policy decides."""
        chain, depth, packet, context = place.chain, place.depth, self.packet, self.context
        if not self.back:
            assert self.builtin.policy
            self.records.append(Ended(chain, depth, packet, context, how))
            return self.builtin.policy
        back, done = self.back.pop()
        self.records.append(Ended(chain, depth, packet, context, how, (back.chain, done + 1)))
        return self._again(back, done)


def _matters(rule: Rule, asked: Asked) -> bool:
    """Whether it makes a difference if the rule matches: a LOG rule does not decide anything."""
    if rule.target is None:
        return False
    match rule.target.act(asked.packet, asked.context):
        case Continue(packet, effects=()):
            return packet != asked.packet
        case _:
            return True
