"""One packet, one hook: its tables in the kernel's order, their chains rule by rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
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
from iptlab.netfilter.extension import Ask
from iptlab.netfilter.hooks import TableName, tables_at
from iptlab.netfilter.rules import Chain, Rule, Table
from iptlab.packet import Packet
from iptlab.simulate.questions import EveryRule, Question, Questions
from iptlab.simulate.trace import (
    Asked,
    Draws,
    Ended,
    HookVisit,
    How,
    Record,
    TableVisit,
    new_asked,
)


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


# a place in a third of the time: there is one for every chain on a packet's way
_new_place: Callable[[tuple[Chain, int, object, Iterator[Question]]], _Place] = partial(
    tuple.__new__, _Place
)


class _Lots:
    """The packet's chooser, which keeps what was drawn, and can say it again.

    It knows nothing of the walk: that would be a circle, which only the collector finds.
    """

    def __init__(self, choose: Callable[[Fraction], bool] | None) -> None:
        self.choose = choose
        self.drawn: Draws = ()
        self._again: list[bool] = []

    def take(self) -> Draws:
        """What was drawn since it was last taken."""
        drawn, self.drawn, self._again = self.drawn, (), []
        return drawn

    def repeat(self, drawn: Draws) -> None:
        """Say once more what was said, from the first time on."""
        self._again = [answer for _, answer in reversed(drawn)]

    def __call__(self, chance: Fraction) -> bool:
        if self._again:
            return self._again.pop()
        assert self.choose
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
        self.facts = questions.facts(packet, context)
        self.lots = _Lots(context.choose)
        self._know(context)
        self.back: list[tuple[_Place, int]] = []
        self.records: list[Record] = []
        self.reply = ""
        self.translate: Translate | None = None

    def _know(self, context: Context) -> None:
        """Keep what is known now, and the same for rules to ask, whose draws are kept."""
        self.context = context
        self.asking = context.choosing(self.lots) if context.choose else context

    def run(self) -> TableVisit:
        """Run the hook's built-in chain to a fate; where no rule decides, its policy does.

        The jump stack is a list, as in the kernel, so chains may nest as deep as they like.

        Kernel: net/ipv4/netfilter/ip_tables.c (ipt_do_table)
        """
        place: _Place | _Fate = self._at(self.builtin.name, 0)
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

    def _at(self, chain: str, depth: int, done: int = 0) -> _Place:
        """The place in a chain behind its first ``done`` rules."""
        rules = self.questions.chains[chain]
        return _new_place((rules.chain, depth, self.facts, rules.ask(self.facts, done)))

    def _onward(self, place: _Place) -> _Place | _Fate:
        """Ask on to the first rule that sends the packet elsewhere, or to the chain's end."""
        lots, complete = self.lots, self.questions.complete
        for number, ask, whole in place.questions:
            answer = ask(self.packet, self.asking)
            if answer is False and not (lots.drawn or complete):
                continue
            asked = self._ask(place, number, whole) if whole else self._asked(place, number, answer)
            if asked.answer is False:
                self.records.append(asked)
                continue
            onward = self._follow(place, asked)
            if onward is not place:
                return onward
        return self._leave(place, How.END)

    def _asked(self, place: _Place, number: int, answer: Answer) -> Asked:
        chain, depth, _, _ = place
        drawn = self.lots.take() if self.lots.drawn else ()
        return new_asked((chain, number, depth, self.packet, self.context, answer, drawn, None))

    def _ask(self, place: _Place, number: int, whole: Ask) -> Asked:
        """Ask a rule that remembers being asked, and keep what it remembers."""
        context = replace(self.asking, rule=(self.table.name, place.chain.name, number))
        asked = self._asked(place, number, whole(self.packet, context))
        self.lots.repeat(asked.drawn)
        memory = place.chain.rules[number - 1].remember(self.packet, context)
        self.lots.take()
        if memory is not self.context.memory:
            self._know(replace(self.context, memory=memory))
        return asked

    def _follow(self, place: _Place, asked: Asked) -> _Place | _Fate:
        """What comes of an answer: the packet stays, goes elsewhere or meets its fate."""
        rule = place.chain.rules[asked.number - 1]
        self.records.append(asked)
        if isinstance(asked.answer, CannotTell):
            return asked.answer if _matters(rule, asked) else place
        if rule.target is None:
            return place
        match rule.target.act(self.packet, self.context):
            case Call(name, goto):
                if not goto:
                    self.back.append((place, asked.number))
                return self._at(name, place.depth + 1)
            case Decide(verdict, reply):
                self.reply = reply
                return verdict
            case Return():
                return self._leave(place, How.RETURN)
            case Continue() as went_on:
                self.records[-1] = asked.and_did(went_on)
                if went_on.packet is self.packet and not went_on.effects:
                    return place
                self.packet = went_on.packet
                for effect in went_on.effects:
                    self._know(effect.on(self.context))
                self.facts = self.questions.facts(self.packet, self.context)
                return self._again(place, asked.number)
            case Translate() as translate:
                self.records[-1] = asked.and_did(translate)
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
        return self._at(place.chain.name, place.depth, done)

    def _leave(self, place: _Place, how: How) -> _Place | Verdict:
        """Go back to the last jump; where there was none, the built-in chain's policy decides."""
        now = place.chain, place.depth, self.packet, self.context, how
        if not self.back:
            assert self.builtin.policy
            self.records.append(Ended(*now))
            return self.builtin.policy
        back, done = self.back.pop()
        self.records.append(Ended(*now, (back.chain, done + 1)))
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
