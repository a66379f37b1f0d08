"""Write or repair rules: judged by goals, by a reference, or by both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from iptlab.errors import CannotCompare, IptlabError, RuleError
from iptlab.grading.became import became, told
from iptlab.grading.compare import compare
from iptlab.grading.exercise import Exercise
from iptlab.grading.fates import Ending, ending
from iptlab.grading.feedback import Comparison, Difference
from iptlab.grading.reading import read_answer
from iptlab.grading.replay import Play
from iptlab.grading.result import Result
from iptlab.grading.scope import Scope
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host

# for which other packets a difference holds is told where that helps, not where it is a list
LONGEST_FACT = 160


@dataclass(frozen=True)
class Goal:
    """One packet and what must become of it; ``says`` is the reason in the story's words.

    ``verdict`` is ACCEPT, DROP or REJECT; ``reply`` is what its sender must get, if a REJECT
    must be of one type.
    """

    packet: str
    verdict: str
    says: str
    reply: str = ""

    def ending(self, rules: Ruleset, host: Host | None = None) -> Ending:
        """What becomes of the packet under the rules, at its hook or on a whole host."""
        return ending(host.with_rules(rules) if host else rules, self.packet)

    def met(self, ending: Ending) -> bool:
        """Whether it ended as wanted."""
        return ending.word == self.verdict and self.reply in ("", ending.reply)

    @property
    def wanted(self) -> str:
        """The verdict in words."""
        return f"{self.verdict} with {self.reply}" if self.reply else str(self.verdict)


@dataclass(frozen=True, kw_only=True)
class WriteRules(Exercise):
    """Write or repair rules until every packet fares as wanted.

    ``goals`` are single packets, each with its reason: they are tried first. ``reference`` are
    rules that do the right thing; an answer is then compared with them on every packet of the
    ``scope``, and ``says`` is the wish in the story's words that a difference goes against.
    A scope with a host makes packets go all the way through it, those of the goals too.
    """

    magic = "iptables"

    goals: tuple[Goal, ...] = ()
    reference: str = ""
    says: str = "Every packet should fare as the task says."
    scope: Scope = field(default_factory=Scope)
    family: int = 4

    def model(self) -> object:
        return self.reference or None

    def judge(self, answer: object) -> Result:
        if not isinstance(answer, str):
            return self.unreadable(
                "The answer is iptables text: write it below %%iptables.", "not-text"
            )
        try:
            # the cell's first line names the exercise
            sets = self.ground.known_sets
            rules = read_answer(answer, self.family, first_line=2, sets=sets)
        except RuleError as error:
            return self.unreadable(str(error), "unreadable")
        return self.judge_rules(rules)

    @cached_property
    def expected(self) -> Ruleset | None:
        """The rules that an answer must be equal to, if there are any."""
        return read_answer(self.reference, self.family) if self.reference else None

    @property
    def ground(self) -> Scope:
        """The packets on which it must be."""
        return self.scope

    def judge_rules(self, rules: Ruleset) -> Result:
        """What rules that could be read deserve."""
        endings = [goal.ending(rules, self.ground.host) for goal in self.goals]
        pairs = zip(self.goals, endings, strict=True)
        missed = [(goal, ending) for goal, ending in pairs if not goal.met(ending)]
        if missed:
            return self._missed(rules, missed[0], f"{len(missed)} of {len(endings)}")
        if self.expected is None:
            return self.correct(f"All {len(endings)} test packets fare as they should.")
        try:
            found = compare(self.expected, rules, self.ground)
        except CannotCompare as error:
            return self.unreadable(cannot(error), "cannot-compare")
        return self._compared(rules, found)

    def _missed(self, rules: Ruleset, first: tuple[Goal, Ending], how_many: str) -> Result:
        goal, ending = first
        return self.wrong(
            rules,
            f"{goal.says} This is not so yet for {how_many} test packets, the first being:",
            ending.evidence,
            facts=(
                ("packet", goal.packet),
                ("wanted", goal.wanted),
                ("your rules", ending.said),
            ),
        )

    def _compared(self, rules: Ruleset, found: Comparison) -> Result:
        if found.difference is not None:
            facts, play = _facts(found.difference)
            return self.wrong(
                rules,
                f"{self.says} This is not so yet. A packet that proves it:",
                play.evidence,
                facts=facts,
            )
        if found.open:
            return self.unreadable(
                f"No packet alone shows a difference, but nothing is proven for {found.open}. "
                "The task can be done without what is in the way: leave it out.",
                "not-proven",
            )
        if not found.proven:
            return self.unreadable(
                f"These rules ask for so much that only {found.tried:,} packets could be tried. "
                "All fared well, but that proves nothing: write fewer or simpler rules.",
                "not-proven",
            )
        return self.correct(proved(found))


def proved(found: Comparison) -> str:
    """What exactly a comparison has proved."""
    if not found.classes:
        return "Your rules are those that were wanted."
    plural = "classes" if found.classes > 1 else "class"
    return (
        "Your rules treat every packet as wanted: proved for all "
        f"{found.classes:,} packet {plural} that the rules can tell apart."
    )


def cannot(error: CannotCompare) -> str:
    """Why rules cannot be judged, for whoever wrote them."""
    return (
        f"These rules cannot be judged, because of {error.what}: {error.reason}.\n"
        "The task can be done without it: leave it out."
    )


def _facts(difference: Difference) -> tuple[tuple[tuple[str, str], ...], Play]:
    """The packet, what was wanted, what came out; and the play that shows it.

    Wanted ends come without their rules: those would be a solution.
    """
    packet = difference.case.packet
    shared = {(one.outcome, one.probability) for one in difference.expected}
    own = [one for one in difference.actual if (one.outcome, one.probability) not in shared]
    own = own or list(difference.actual)
    facts = [
        ("packet", difference.situation),
        ("wanted", " or ".join(dict.fromkeys(became(one, packet) for one in difference.expected))),
        ("your rules", " or ".join(dict.fromkeys(told(one, packet) for one in own))),
    ]
    if 0 < len(same := difference.same_for) <= LONGEST_FACT:
        facts.append(("such packets", same))
    return tuple(facts), own[0]


def treats(
    packet: str, verdict: str, reply: str = "", *, host: Host | None = None
) -> Callable[[object], bool]:
    """The mistake of rules that do this to the packet, at its hook or on a host."""
    mistake = Goal(packet, verdict, "", reply)

    def shows(answer: object) -> bool:
        try:
            return isinstance(answer, Ruleset) and mistake.met(mistake.ending(answer, host))
        except IptlabError:  # the learner's machine may not know the packet's interface
            return False

    return shows
