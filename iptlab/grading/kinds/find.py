"""Find the guilty line, and give a packet that proves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from iptlab.errors import IptlabError
from iptlab.grading.exercise import Exercise
from iptlab.grading.fates import Ending, Ground, Sent, ending, read_packet
from iptlab.grading.reading import read_answer
from iptlab.grading.result import Result
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Chain, Rule
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Journey, Place
from iptlab.simulate.trace import HookVisit
from iptlab.syntax.save import Dump

_SHAPE = 'Write a line and a packet: (3, "in eth0 tcp 10.0.0.9:4000 -> 10.0.0.1:22").'


@dataclass(frozen=True, kw_only=True)
class FindLine(Exercise):
    """Find a guilty line of ``rules``, and a packet that proves it.

    ``reference`` are the same rules with the mistake mended. The answer is a line and a
    packet: ``(3, "in eth0 tcp ...")``, or ``("INPUT 3", ...)`` where several chains have rules;
    a line may also be written out, and ``"INPUT policy"`` is one too. Any line will do whose
    guilt the packet proves: it fares wrongly, and fares well once the line is out; or the line
    is not as in the reference, and had (or failed to have) a hand in it. With a ``host`` packets
    go all the way through it.
    """

    rules: str
    reference: str
    host: Host | None = None
    family: int = 4

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
            return self.unreadable(_SHAPE, "no-pair")
        line, text = answer
        place = self._find(line)
        if isinstance(place, str):
            return self.unreadable(place, "no-line")
        if not isinstance(text, str):
            return self.unreadable(_SHAPE, "not-text")
        try:
            sent = read_packet(self._ground(self.broken), text)
            trial = Trial(self, place, sent)
        except IptlabError as error:
            return self.unreadable(f"{error}"[:500], "no-packet")
        return self._verdict(trial)

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

    def ending(self, rules: Ruleset, sent: Sent) -> Ending:
        """What becomes of a packet under some rules."""
        return ending(self._ground(rules), sent)

    def _ground(self, rules: Ruleset) -> Ground:
        return self.host.with_rules(rules) if self.host else rules

    # --- lines ---

    def _lines(self) -> Iterator[tuple[Place, str]]:
        """Every line there is: its place, and how it is written."""
        for name, table in self.broken.tables.items():
            for chain in table.ordered():
                for number, rule in enumerate(chain.rules, start=1):
                    yield Place(name, chain.name, number), f"-A {chain.name} {rule}"
                if chain.policy:
                    yield Place(name, chain.name), f":{chain.name} {chain.policy}"

    def _find(self, line: object) -> Place | str:
        """The line that is meant, or what to write instead."""
        lines = dict(self._lines())
        busy = list(dict.fromkeys(place[:2] for place in lines if place.number))
        wanted = str(line)[:500].split() if isinstance(line, int | str) else []
        if len(busy) == 1 and len(wanted) == 1:
            wanted = [busy[0][1], *wanted]
        if "-A" in wanted:
            wanted = _normal(" ".join(wanted), self.family).split()
        fitting = [
            place
            for place, text in lines.items()
            if wanted in (str(place).split(), str(place).split()[1:], text.split())
        ]
        if len(fitting) == 1:
            return fitting[0]
        chains = ", ".join(dict.fromkeys(chain for _, chain in busy))
        example = f"{busy[0][1]} 1"
        return (
            f'There is no such line. Chains with rules are {chains}; write for example "{example}".'
        )


def _normal(line: str, family: int) -> str:
    """A rule as it is saved; as it was written if it cannot be read."""
    try:
        tables = read_answer(line, family).tables.values()
    except IptlabError:
        return line
    chains = (chain for table in tables for chain in table.ordered())
    return next((f"-A {chain.name} {rule}" for chain in chains for rule in chain.rules), line)


class Trial:
    """The case against one line, with one packet as evidence."""

    def __init__(self, exercise: FindLine, place: Place, sent: Sent) -> None:
        self.exercise = exercise
        self.place = place
        self.sent = sent
        self.now = exercise.ending(exercise.broken, sent)
        self.wanted = exercise.ending(exercise.mended, sent)

    @property
    def text(self) -> str:
        """The packet in words."""
        evidence = self.now.evidence
        assert isinstance(evidence, HookVisit | Journey)
        return evidence.situation

    @property
    def wish(self) -> str:
        """What should become of it: in a word, or where it should leave in another shape."""
        return self.wanted.said if self.wanted.word == self.now.word else self.wanted.word

    @property
    def fares_wrongly(self) -> bool:
        """Whether the mistake shows in this packet at all."""
        return _fare(self.now) != _fare(self.wanted)

    @property
    def guilty(self) -> bool:
        """Whether the line is to blame: see FindLine."""
        if not self.place.number:
            return str(self.place) == self._decider and self._as_text != self._wanted_text
        without = self._chain.rules[: self._at] + self._chain.rules[self._at + 1 :]
        if self._matched and self._helps(without):
            return True
        return self._suspect and (self._matched or any(map(self._helps, self._mendings())))

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
