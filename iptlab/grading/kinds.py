"""The kinds of exercises: each is data, and judges an answer by what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from reprlib import repr as shortened

from iptlab.errors import PacketError, RuleError
from iptlab.grading.exercise import Exercise, plain
from iptlab.grading.reading import read_rules
from iptlab.grading.result import Result
from iptlab.netfilter.actions import Verdict
from iptlab.ruleset import Ruleset
from iptlab.simulate.situation import Situation, trace
from iptlab.simulate.trace import HookVisit


@dataclass(frozen=True)
class Goal:
    """One packet and what must become of it; ``says`` is the reason in the story's words.

    ``reply`` is what its sender must get, if a REJECT must be of one type.
    """

    packet: str
    verdict: Verdict
    says: str
    reply: str = ""

    def visit(self, rules: Ruleset) -> HookVisit:
        """The packet's walk through the rules."""
        return Situation.parse(self.packet).walk(rules.tables)

    def met(self, visit: HookVisit) -> bool:
        """Whether that walk ended as wanted."""
        return visit.verdict == self.verdict and self.reply in ("", visit.deciding.reply)

    @property
    def wanted(self) -> str:
        """The verdict in words."""
        return f"{self.verdict} with {self.reply}" if self.reply else str(self.verdict)


@dataclass(frozen=True, kw_only=True)
class WriteRules(Exercise):
    """Write or repair rules until every packet of the goals gets its verdict."""

    goals: tuple[Goal, ...]
    family: int = 4

    def judge(self, answer: object) -> Result:
        if not isinstance(answer, str):
            return self.unreadable(
                "The answer is iptables text: write it below %%iptables.", "not-text"
            )
        try:
            # the cell's first line names the exercise
            rules = read_rules(answer, self.family, first_line=2)
        except RuleError as error:
            return self.unreadable(str(error), "unreadable")
        visits = [goal.visit(rules) for goal in self.goals]
        pairs = zip(self.goals, visits, strict=True)
        missed = [(goal, visit) for goal, visit in pairs if not goal.met(visit)]
        if not missed:
            return self.correct(f"All {len(visits)} test packets fare as they should.")
        goal, visit = missed[0]
        return self.wrong(
            rules,
            f"{goal.says} This is not so yet for {len(missed)} of {len(visits)} test packets, "
            "the first being:",
            visit,
            facts=(
                ("packet", goal.packet),
                ("wanted", goal.wanted),
                ("your rules", visit.conclusion),
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Predict(Exercise):
    """Say beforehand what will come out; ``truth`` asks the simulator.

    ``shows`` is the walk to observe: open beside a right answer, folded beside a wrong one.
    """

    truth: Callable[[], object]
    choices: tuple[object, ...] = ()
    shows: Callable[[], HookVisit] | None = None

    def judge(self, answer: object) -> Result:
        if self.choices and plain(answer) not in map(plain, self.choices):
            return self.unreadable(
                f"{shortened(answer)} is not among the answers. Write one of: "
                f"{', '.join(map(repr, self.choices))}.",
                "no-choice",
            )
        visits = (self.shows(),) if self.shows else ()
        truth = self.truth()
        if plain(answer) == plain(truth):
            return self.correct(f"Yes: {truth}.", *visits)
        return self.wrong(
            plain(answer), f"It is not {shortened(answer)}.", *visits, spoiler=bool(visits)
        )


@dataclass(frozen=True, kw_only=True)
class SupplyPacket(Exercise):
    """Give a packet that each of the rule sets treats as wanted."""

    rules: tuple[tuple[str, Callable[[], Ruleset]], ...]
    wanted: tuple[Verdict, ...]

    def judge(self, answer: object) -> Result:
        if not isinstance(answer, str):
            return self.unreadable("The answer is a packet as text, in quotes.", "not-text")
        sets = [(name, rules()) for name, rules in self.rules]
        try:
            situation = Situation.parse(answer)
            visits = [trace(rules, situation) for _, rules in sets]
        except PacketError as error:
            return self.unreadable(f"{error}"[:500], "no-packet")
        facts = tuple(
            (name, visit.conclusion) for (name, _), visit in zip(sets, visits, strict=True)
        )
        for (name, _), visit, wanted in zip(sets, visits, self.wanted, strict=True):
            if visit.verdict != wanted:
                message = f"Your packet should get {wanted} from {name}, and does not."
                return self.wrong(situation, message, visit, facts=facts)
        return self.correct("Your packet does it.", *visits, facts=facts)


def treats(packet: str, verdict: Verdict, reply: str = "") -> Callable[[object], bool]:
    """The mistake of rules that do this to the packet."""
    mistake = Goal(packet, verdict, "", reply)
    return lambda answer: isinstance(answer, Ruleset) and mistake.met(mistake.visit(answer))


def sends(is_so: Callable[[Situation], bool]) -> Callable[[object], bool]:
    """The mistake of a packet about which that is so."""
    return lambda answer: isinstance(answer, Situation) and is_so(answer)
