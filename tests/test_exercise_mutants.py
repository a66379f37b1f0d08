"""Every reference with small changes: each is refused with a proof, or changes nothing.

The course's exercises and one of each kind are put to the test with the changes that the
comparison itself is tested with; what is accepted is tried on packets that know nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

import pytest
from mutants import Reference, mutant, refuted, rewrite
from test_kinds import OWN, find, parsons, policy, service, six, translated, write

from iptlab.course import answer_files, exercises
from iptlab.course.solutions import read_answers
from iptlab.errors import IptlabError
from iptlab.grading import (
    FindLine,
    KubeProxyRules,
    LogRules,
    Logs,
    Scope,
    WriteRules,
    grade,
    read_rules,
)
from iptlab.grading.compare import compare
from iptlab.grading.kinds.lines import every_line
from iptlab.grading.reconcile import alike
from iptlab.grading.replay import Case, chances, play
from iptlab.ruleset import Ruleset

MUTANTS = 24
REWRITES = 12
TRIES = 100

WRITINGS = [one for one in exercises().values() if isinstance(one, WriteRules)]
WRITINGS += [write, six, parsons, service]
FINDINGS = [one for one in exercises().values() if isinstance(one, FindLine)]
FINDINGS += [find, translated, policy]


@dataclass
class Score:
    """What became of the changed references of one exercise."""

    refused: int = 0
    equivalent: int = 0
    survivors: list[str] = field(default_factory=list)


def rules_of(exercise: WriteRules) -> Ruleset:
    """What is changed: the reference, of which kube-proxy's has much that no packet comes to."""
    if not isinstance(exercise, KubeProxyRules):
        assert exercise.expected
        return exercise.expected
    if exercise is service:
        return read_rules(OWN)
    answers = read_answers(answer_files() / f"{exercise.id[:2]}.toml")[exercise.id]
    return read_rules(answers.correct[0], exercise.family)


def changed_texts(exercise: WriteRules) -> list[str]:
    """Different changes of its reference, always the same ones."""
    text, lot = rules_of(exercise).save(), Random(exercise.id)
    found = dict.fromkeys(mutant(text, lot) for _ in range(MUTANTS * 4))
    return [one for one in found if one != text][:MUTANTS]


def judged(exercise: WriteRules, changed: Ruleset, score: Score) -> None:
    """Judge one change, and check the verdict by other means."""
    assert exercise.expected
    result = exercise.judge_rules(changed)
    if result.status == "correct":
        score.equivalent += 1
        known = Reference(exercise.id, "", exercise.ground, exercise.family)
        packet = refuted(known, exercise.expected, changed, TRIES, Random(exercise.id))
        score.survivors += [f"{packet}\n{changed}"] if packet else []
        return
    score.refused += 1
    assert result.status == "wrong", str(result)
    assert tuple(name for name, _ in result.facts[:2]) == ("packet", "wanted")
    if not replays_as_different(exercise, changed):
        score.survivors.append(f"{result}\n{changed}")


def replays_as_different(exercise: WriteRules, changed: Ruleset) -> bool:
    """Whether a packet of a goal, or one that the comparison names, fares differently."""
    expected, scope = exercise.expected, exercise.ground
    if isinstance(exercise, LogRules):
        scope = replace(scope, logs=Logs.PACKETS)
    assert expected
    for goal in exercise.goals:
        ends = [goal.ending(rules, scope.host) for rules in (expected, changed)]
        if goal.met(ends[0]) and not goal.met(ends[1]):
            return True
    found = compare(expected, changed, scope).difference
    assert found
    one, two = (
        chances(play(rules.tables, found.case, scope), scope) for rules in (expected, changed)
    )
    return not alike(one, two, scope.tolerance)


@pytest.mark.parametrize("exercise", WRITINGS, ids=lambda one: one.id)
def test_no_mutant_of_a_reference_survives(exercise: WriteRules) -> None:
    score = Score()
    for text in changed_texts(exercise):
        try:
            changed = Ruleset.parse(text, exercise.family)
        except IptlabError:
            continue
        judged(exercise, changed, score)
    assert score.survivors == []
    assert score.refused >= 5


# rewrites add rules that log, which is no mistake elsewhere
QUIET = [one for one in WRITINGS if not isinstance(one, LogRules)]


@pytest.mark.parametrize("exercise", QUIET, ids=lambda one: one.id)
def test_a_reference_written_in_another_way_is_right(exercise: WriteRules) -> None:
    text, lot = rules_of(exercise).save(), Random(exercise.id)
    others = {other for _ in range(REWRITES * 3) if (other := rewrite(text, lot))} - {text}
    assert len(others) >= 3
    for other in sorted(others)[:REWRITES]:
        rules = Ruleset.parse(other, exercise.family)
        result = exercise.judge_rules(rules)
        assert result.status == "correct", f"{result}\n{other}"


@pytest.mark.parametrize("exercise", WRITINGS, ids=lambda one: one.id)
def test_the_reference_itself_is_right(exercise: WriteRules) -> None:
    assert exercise.expected
    assert exercise.judge_rules(exercise.expected).status == "correct"


def written(case: Case, *, whole: bool) -> str:
    """A packet as an answer names it: for a whole machine by its way in, else in its place."""
    ways = (("in", case.in_interface), ("out", "" if whole else case.out_interface))
    place = [word for way in ways if way[1] for word in way]
    return " ".join(
        [*place, *([] if whole else [case.hook, "ctstate", case.ctstate]), f"{case.packet}"]
    )


@pytest.mark.parametrize("exercise", FINDINGS, ids=lambda one: one.id)
def test_there_is_a_guilty_line_to_find(exercise: FindLine) -> None:
    """A packet on which the rules differ from the mended ones proves some line guilty."""
    found = compare(exercise.mended, exercise.broken, Scope(host=exercise.machine)).difference
    assert found
    packet = written(found.case, whole=exercise.machine is not None)
    verdicts = [
        grade(exercise, (str(place), packet)).status for place, _ in every_line(exercise.broken)
    ]
    assert "correct" in verdicts
    assert "wrong" in verdicts
    assert set(verdicts) == {"correct", "wrong"}
