"""The exercises as data: sane by themselves, and true to what the lessons print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iptlab import IptlabError, Ruleset, data, dev, exercise, read_rules, trace
from iptlab.course import LESSONS, exercises, lesson01, notebooks
from iptlab.grading import Exercise, Predict, SupplyPacket, WriteRules, grade
from iptlab.simulate.journey import Journey

EXERCISES = [pytest.param(one, id=one.id) for one in exercises().values()]
PREDICTIONS = [pytest.param(one, id=one.id) for one in exercises().values() if type(one) is Predict]
WRITINGS = [
    pytest.param(one, id=one.id)
    for one in exercises().values()
    if isinstance(one, WriteRules) and one.goals
]
DUMPS = sorted((notebooks() / "data").glob("*.rules"))
HOSTILE = [
    *(None, ..., 5, 0.5, True, b"x", [], [[]], {}, {"a": 1}, object(), "__import__('os')"),
    *("a 80 b 1.5", ["a", 1, [2], None]),
]


@pytest.mark.parametrize("one", EXERCISES)
def test_an_exercise_helps(one: Exercise) -> None:
    assert re.fullmatch(r"\d\d-[a-z0-9-]+", one.id)
    assert len(one.hints) >= 2
    assert len(set(one.hints)) == len(one.hints)
    assert len(one.misconceptions) >= 2
    assert one.done
    codes = [mistake.code for mistake in one.misconceptions]
    assert len(set(codes)) == len(codes)


def test_ids_are_unique() -> None:
    ids = [one.id for lesson in LESSONS for one in (*lesson.EXERCISES, *lesson.REVIEW)]
    assert list(dict.fromkeys(ids)) == ids == list(exercises())


@pytest.mark.parametrize("one", PREDICTIONS)
def test_a_prediction_can_be_made(one: Predict) -> None:
    truth = one.model()
    assert not one.choices or truth in one.choices
    assert not any(mistake.shows(truth) for mistake in one.misconceptions)
    assert one.shows is not None
    assert grade(one, truth).status == "correct"


@pytest.mark.parametrize("one", WRITINGS)
def test_goals_tell_right_from_wrong(one: WriteRules) -> None:
    """No single policy meets all goals, and every goal's packet is a packet."""
    for policy in ("ACCEPT", "DROP"):
        rules = read_rules(f"-P INPUT {policy}")
        met = [goal.met(goal.ending(rules)) for goal in one.goals]
        assert any(met)
        assert not all(met)


def test_a_packet_to_supply_is_not_given_away_by_equal_rules() -> None:
    for one in exercises().values():
        if isinstance(one, SupplyPacket):
            assert len(one.rules) == len(one.wanted)
            assert len(set(one.wanted)) == len(one.wanted)


@pytest.mark.parametrize("answer", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("one", EXERCISES)
def test_nothing_a_learner_may_give_raises(one: Exercise, answer: object) -> None:
    result = grade(one, answer)
    assert result.status in ("not-yet", "error", "wrong")
    assert len(str(result)) < 4000


def test_an_unknown_exercise_is_named_beside_the_known() -> None:
    with pytest.raises(IptlabError, match="no exercise `01-oder'; there are 01-gap, 01-order"):
        exercise("01-oder")
    with pytest.raises(IptlabError, match="there are 00-first"):
        exercise("first")


# --- what the lessons print ---


def test_the_rules_in_the_text_are_those_of_the_exercises() -> None:
    printed = {line for cell in dev.read(notebooks() / "01-a-rule.ipynb").cells
               for line in cell.source.splitlines()}  # fmt: skip
    for text in (
        lesson01.ADAS,
        lesson01.BOBS,
        lesson01.ORDER,
        lesson01.COUNT,
        lesson01.TABLES,
    ):
        assert set(text.split("\n")) - {""} <= printed


def test_every_packet_in_the_text_is_one() -> None:
    laptop = data("laptop.rules")
    found = [
        packet
        for file in sorted(notebooks().glob("*.ipynb"))
        for cell in dev.read(file).cells
        for packet in re.findall(
            r"^(in \w+ .* -> [^\"\n]*)$|`(in \w+ .* -> .*?)`", cell.source, re.M
        )
    ]
    assert len(found) >= 6
    for packet in map("".join, found):
        assert trace(laptop, packet).verdict in ("ACCEPT", "DROP", "REJECT")


def quoted(number: str) -> list[str]:
    """The blocks of code in the text of a lesson."""
    (file,) = notebooks().glob(f"{number}-*.ipynb")
    cells = [cell.source for cell in dev.read(file).cells if cell.cell_type == "markdown"]
    return re.findall(r"^```\n(.*?)^```$", "\n".join(cells), re.M | re.DOTALL)


def test_dumps_in_the_text_are_those_of_the_exercises() -> None:
    stored = {file.read_text(encoding="utf-8") for file in DUMPS}
    dumps = [block for block in quoted("08") if block.startswith("# Generated")]
    assert len(dumps) == 2
    assert {*dumps} <= stored
    ufw = data("ufw.rules").save(counters=False).splitlines()
    (block,) = [block for block in quoted("03") if "ufw-" in block]
    left_out = re.compile("tcp|icmp|INVALID|limit|OUTPUT|output")
    assert block.splitlines() == [
        line for line in ufw if line.startswith("-A") and not left_out.search(line)
    ]


def test_the_trace_in_the_text_is_what_the_kernel_writes() -> None:
    told = exercise("08-trace")
    assert isinstance(told, Predict)
    assert told.shows
    journey = told.shows()
    assert isinstance(journey, Journey)
    (block,) = [block for block in quoted("08") if block.startswith("TRACE:")]
    pairs = zip(block.splitlines(), journey.traced, strict=True)
    assert all(line.startswith(printed) for printed, line in pairs)


# --- the dumps ---


@pytest.mark.parametrize("file", DUMPS, ids=lambda file: file.stem)
def test_a_dump_comes_back_to_the_letter(file: Path) -> None:
    assert Ruleset.read(file).save() == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", DUMPS, ids=lambda file: file.stem)
def test_a_dump_is_understood_to_its_last_word(file: Path) -> None:
    """No match or target in it is one that iptlab keeps without knowing what it does."""
    unknown = [
        str(rule)
        for table in Ruleset.read(file).tables.values()
        for chain in table.chains.values()
        for rule in chain.rules
        for part in rule.extensions()
        if "unmodelled" in type(part).__module__
    ]
    assert unknown == []


def test_there_are_the_dumps_that_lessons_read() -> None:
    assert {file.stem for file in DUMPS} >= {"docker", "laptop", "quiet", "router", "ufw"}
