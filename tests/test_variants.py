"""Exercises that differ from learner to learner, and questions that come back."""

from __future__ import annotations

import re

import pytest

import iptlab
from iptlab import course, read_rules, trace
from iptlab.course.review import drawn
from iptlab.errors import IptlabError
from iptlab.grading import Exercise, Predict, Scope, Variants, WriteRules, grade
from iptlab.netfilter.hooks import Hook
from iptlab.notebook import check as verbs
from iptlab.notebook.session import Session

SEEDS = 50


def open_port(seed: int) -> Exercise:
    """A port to open; neighbours have another one."""
    port = (8080, 8443, 5432, 6443, 9090)[seed % 5]
    return WriteRules(
        id="99-port",
        task=f"Open tcp port {port}, and nothing else.",
        reference=f"-P INPUT DROP\n-A INPUT -p tcp --dport {port} -j ACCEPT",
        scope=Scope(hooks=(Hook.INPUT,)),
    )


def decide(seed: int) -> Exercise:
    """A chain in which one rule decides."""
    lines = "\n".join(f"-A INPUT -p tcp --dport {port} -j DROP" for port in range(80, 87))
    port = 80 + seed % 7
    return Predict(
        id="99-decide",
        task=f"{lines}\nWhich rule decides about tcp to port {port}?",
        truth=lambda: trace(read_rules(lines), f"tcp 10.0.0.9:1 -> 10.0.0.1:{port}")
        .deciding.hits()[0][1],
    )  # fmt: skip


SAMPLES = (Variants("99-port", open_port), Variants("99-decide", decide))
OURS = [one for lesson in course.lessons().values() for one in lesson if isinstance(one, Variants)]


@pytest.mark.parametrize("variants", [*SAMPLES, *OURS], ids=lambda one: one.id)
def test_a_published_answer_does_not_help_the_neighbour(variants: Variants) -> None:
    for seed in range(SEEDS):
        own, next_ = variants.make(seed), variants.make(seed + 1)
        assert own.id == variants.id
        assert own.task
        assert grade(own, own.model()).status == "correct"
        assert grade(next_, own.model()).status == "wrong"


def test_the_task_is_shown_until_the_answer_is_right() -> None:
    task = "Open tcp port 5432, and nothing else."
    for answer in ("# TODO", "-P INPUT DROP", "-P INPUT DORP"):
        assert task in str(grade(open_port(2), answer))
        assert task in grade(open_port(2), answer)._repr_mimebundle_()["text/html"]
    assert task not in str(grade(open_port(2), open_port(2).model()))


# --- reviews ---

BANK = {
    f"{lesson:02}": tuple(Predict(id=f"{lesson:02}-q{n}", truth=int) for n in range(4))
    for lesson in range(12)
}


def lessons_of(ids: list[str]) -> list[int]:
    """From which lessons questions are."""
    return [int(id_[:2]) for id_ in ids]


def test_questions_come_from_nearby_and_from_long_ago() -> None:
    for seed in range(SEEDS):
        chosen = drawn(BANK, "11", 3, seed)
        assert lessons_of(chosen) == [10, 8, 4]
        assert len(set(chosen)) == 3


def test_every_question_comes_back_to_somebody() -> None:
    found = {id_ for seed in range(SEEDS) for id_ in drawn(BANK, "11", 3, seed)}
    assert {id_ for id_ in found if id_[:2] == "10"} == {f"10-q{n}" for n in range(4)}


def test_the_first_lessons_take_what_there_is() -> None:
    assert drawn(BANK, "00", 3, 0) == []
    assert lessons_of(drawn(BANK, "01", 3, 0)) == [0, 0, 0]
    assert len(set(drawn(BANK, "02", 9, 0))) == 8


def test_a_shorter_review_is_the_beginning_of_a_longer_one() -> None:
    for seed in range(SEEDS):
        assert drawn(BANK, "07", 2, seed) == drawn(BANK, "07", 5, seed)[:2]


def test_a_new_question_does_not_disturb_the_others() -> None:
    more = {**BANK, "03": (*BANK["03"], Predict(id="03-q9", truth=int))}
    for seed in range(SEEDS):
        before, after = drawn(BANK, "05", 3, seed), drawn(more, "05", 3, seed)
        assert after == [one for one in after if one == "03-q9" or one in before]


def test_a_question_stands_for_itself() -> None:
    for one in course.exercises().values():
        if "-recall-" in one.id:
            assert isinstance(one, Predict)
            assert len(one.task.splitlines()) > 1


def test_a_review_is_answered_under_its_own_id(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "SESSION", Session())
    iptlab.review("02", n=2)
    asked = re.findall(r'iptlab\.check\("(\S+)", \.\.\.\)', capsys.readouterr().out)
    assert asked == ["02-review-1", "02-review-2"]
    for id_ in asked:
        question = course.exercise(id_)
        assert question.id == id_
        assert course.origin(id_) in course.exercises()
        iptlab.check(id_, ...)
        iptlab.check(id_, question.model())
        shown = capsys.readouterr().out
        assert question.task in shown
        assert f"✓ correct: {id_}" in shown
        assert course.solution(id_)


def test_a_review_has_no_more_questions_than_there_are() -> None:
    with pytest.raises(IptlabError, match="there is no exercise `01-review-9'"):
        course.exercise("01-review-9")
