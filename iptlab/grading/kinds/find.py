"""Find the guilty line, and give a packet that proves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from iptlab.errors import IptlabError
from iptlab.grading.exercise import Exercise
from iptlab.grading.fates import Ending, Ground, Sent, ending, read_packet
from iptlab.grading.kinds.lines import every_line, example, meant
from iptlab.grading.reading import read_answer
from iptlab.grading.result import Result
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Chain, Rule
from iptlab.packet import ARROW
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Journey, Place
from iptlab.simulate.trace import HookVisit
from iptlab.syntax.save import Dump

_PACKET = '"in eth0 tcp 10.0.0.9:4000 -> 10.0.0.1:22"'


@dataclass(frozen=True, kw_only=True)
class FindLine(Exercise):
    """Find a guilty line of ``rules``, and a packet that proves it.

    ``reference`` are the same rules with the mistake mended. The answer is a line and a
    packet: ``(3, "in eth0 tcp ...")``, or ``("nat INPUT 3", ...)`` where several chains have rules;
    a line may also be written out, and ``"INPUT policy"`` is one too. The packet must fare
    wrongly. Guilty is a line that is not as in the reference, or does not stand where it stands
    there, if it had (or failed to have) a hand in that. Where no such line had, because one is
    missing, it is any line without which the packet fares well. With a ``host`` packets go all
    the way through it. Where there are variants ``example`` is a right answer.
    """

    rules: str
    reference: str
    example: tuple[str, str] | None = None
    host: Host | None = None
    family: int = 4

    def model(self) -> object:
        return self.example

    @cached_property
    def broken(self) -> Ruleset:
        """The rules with the mistake."""
        return read_answer(self.rules, self.family)

    @cached_property
    def mended(self) -> Ruleset:
        """The rules without it."""
        return read_answer(self.reference, self.family)

    def judge(self, answer: object) -> Result:
        if isinstance(answer, dict) and set(answer) == {"line", "packet"}:
            answer = (answer["line"], answer["packet"])
        if not (isinstance(answer, list | tuple) and len(answer) == 2):
            return self.unreadable(f"Write a line and a packet: {self._shape}.", "no-pair")
        line, text = answer
        if not isinstance(text, str) or ARROW.search(str(line)):
            return self.unreadable(
                f"Write the line first, then the packet: {self._shape}.", "not-text"
            )
        place = meant(self.broken, line)
        if isinstance(place, str):
            return self.unreadable(place, "no-line")
        try:
            sent = read_packet(self._ground(self.broken), text)
            now, wanted = (self.ending(rules, sent) for rules in (self.broken, self.mended))
        except IptlabError as error:
            return self.unreadable(f"{error}"[:500], "no-packet")
        return self._verdict(Trial(self, place, sent, now=now, wanted=wanted))

    def _verdict(self, trial: Trial) -> Result:
        facts = (
            ("packet", str(trial.text)),
            ("these rules", trial.now.said),
            ("wanted", trial.wish),
        )
        answer, proof = (str(trial.place), trial.sent), trial.now.evidence
        if not trial.fares_wrongly:
            message = "Your packet fares as it should: it proves nothing against any line."
            return self.wrong(answer, message, proof, facts=facts)
        if not trial.guilty:
            message = f"Your packet fares wrongly, but {trial.place} is not to blame for it."
            return self.wrong(answer, message, proof, facts=facts)
        return self.correct(
            f"{trial.place} is guilty, and your packet proves it.", proof, facts=facts
        )

    @property
    def _shape(self) -> str:
        """How an answer is written."""
        return f'("{example(self.broken)}", {_PACKET})'

    def ending(self, rules: Ruleset, sent: Sent) -> Ending:
        """What becomes of a packet under some rules."""
        return ending(self._ground(rules), sent)

    @property
    def machine(self) -> Host | None:
        """The machine that packets go all the way through, if there is one."""
        return self.host

    def _ground(self, rules: Ruleset) -> Ground:
        return self.machine.with_rules(rules) if self.machine else rules

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Where every line stands."""
        return tuple(place for place, _ in every_line(self.broken))


@dataclass(frozen=True)
class Trial:
    """The case against one line, with one packet as evidence.

    ``now`` is how the packet fares, ``wanted`` how it should.
    """

    exercise: FindLine
    place: Place
    sent: Sent
    now: Ending = field(kw_only=True)
    wanted: Ending = field(kw_only=True)

    @property
    def text(self) -> str:
        """The packet in words."""
        evidence = self.now.evidence
        assert isinstance(evidence, HookVisit | Journey)
        return evidence.situation

    @property
    def wish(self) -> str:
        """What should become of it: in a word, or how it should leave; by no rule's name."""
        return self.wanted.outcome if self.wanted.word == self.now.word else self.wanted.word

    @property
    def fares_wrongly(self) -> bool:
        """Whether the mistake shows in this packet at all."""
        return _fare(self.now) != _fare(self.wanted)

    @property
    def guilty(self) -> bool:
        """Whether the line is to blame: see FindLine."""
        if self.convicted:
            return True
        if not (self.place.number and self._matched and self._helps(self._without)):
            return False
        others = map(self._against, self.exercise.places)
        return not any(other.convicted for other in others)

    @property
    def convicted(self) -> bool:
        """Whether the line is not as in the reference, and that is the packet's trouble."""
        if not self.place.number:
            return str(self.place) == self._decider and self._as_text != self._wanted_text
        return self._suspect and (self._matched or any(map(self._helps, self._mendings())))

    def _against(self, place: Place) -> Trial:
        """The case against another line, with the same packet."""
        return replace(self, place=place)

    @property
    def _without(self) -> tuple[Rule, ...]:
        return self._chain.rules[: self._at] + self._chain.rules[self._at + 1 :]

    @property
    def _at(self) -> int:
        return self.place.number - 1

    @property
    def _chain(self) -> Chain:
        return self.exercise.broken.tables[self.place.table].chains[self.place.chain]

    @property
    def _reference_chain(self) -> Chain | None:
        return self.exercise.mended.table(self.place.table).chains.get(self.place.chain)

    @property
    def _as_text(self) -> str:
        return str(self._chain.policy)

    @property
    def _wanted_text(self) -> str:
        return str(self._reference_chain.policy) if self._reference_chain else ""

    @property
    def _decider(self) -> str:
        evidence = self.now.evidence
        if isinstance(evidence, HookVisit):
            return evidence.decided_by if evidence.tables else ""
        return str(evidence.by) if isinstance(evidence, Journey) and evidence.by else ""

    @property
    def _matched(self) -> bool:
        evidence = self.now.evidence
        if isinstance(evidence, Journey):
            return self.place in evidence.hits()
        assert isinstance(evidence, HookVisit)
        hits = (visit.hits() for visit in evidence.tables if visit.table is self.place.table)
        return any((self.place.chain, self.place.number) in hit for hit in hits)

    @property
    def _suspect(self) -> bool:
        """Whether the line is not in the reference, or stands elsewhere among the others."""
        reference = self._reference_chain
        if reference is None:
            return True
        here, there = (list(map(str, chain.rules)) for chain in (self._chain, reference))
        line = here[self._at]
        if line not in there:
            return True
        common = [one for one in here if one in there]
        return [one for one in there if one in here].index(line) != common.index(line)

    def _mendings(self) -> Iterator[tuple[Rule, ...]]:
        """The chain if the line had matched, and if it had been asked before the one that did."""
        rules, at = self._chain.rules, self._at
        line = rules[at]
        yield (*rules[:at], replace(line, header=Rule().header, matches=()), *rules[at + 1 :])
        for before in range(at):
            if self._decider == str(self.place._replace(number=before + 1)):
                yield (*rules[:before], line, *rules[before:at], *rules[at + 1 :])

    def _helps(self, rules: tuple[Rule, ...]) -> bool:
        """Whether the packet fares as it should with these rules in the line's chain."""
        tables = dict(self.exercise.broken.tables)
        table = tables[TableName(self.place.table)]
        chains = {**table.chains, self.place.chain: replace(self._chain, rules=rules)}
        tables[table.name] = replace(table, chains=chains)
        changed = Ruleset(Dump(tables), self.exercise.broken.family)
        return _fare(self.exercise.ending(changed, self.sent)) == _fare(self.wanted)


def _fare(ending: Ending) -> tuple[object, ...]:
    """What counts of a packet's end: its verdict, and what was changed in it."""
    match ending.evidence:
        case HookVisit() as visit:
            asked = tuple(str(one.translate) for one in visit.tables)
            return ending.word, ending.reply, str(visit.result), visit.result.mark, asked
        case Journey() as journey:
            return ending.word, ending.reply, str(journey.exit), journey.interface
        case attempt:
            return ending.word, str(attempt)


def blames(*places: str) -> Callable[[object], bool]:
    """The mistake of blaming one of these lines: ``blames("INPUT 3", "nat INPUT 1")``."""
    return lambda answer: (
        isinstance(answer, tuple) and any(f" {answer[0]}".endswith(f" {place}") for place in places)
    )
