"""Answers and what is said of them, for exercises made up here."""

from __future__ import annotations

import pytest

from iptlab import read_rules
from iptlab.errors import RuleError
from iptlab.grading import (
    Exercise,
    Goal,
    Misconception,
    Predict,
    SupplyPacket,
    WriteRules,
    answered,
    grade,
    sends,
    treats,
)
from iptlab.netfilter.actions import Verdict
from iptlab.simulate.situation import trace

SSH = "tcp 10.0.0.9:4000 -> 10.0.0.1:22"
WEB = "tcp 10.0.0.9:4000 -> 10.0.0.1:80"

write = WriteRules(
    id="99-write",
    goals=(
        Goal(SSH, Verdict.ACCEPT, "Ssh is open."),
        Goal(WEB, Verdict.REJECT, "The web is refused.", "tcp-reset"),
    ),
    hints=("one", "two"),
    misconceptions=(
        Misconception("deaf", "Nothing comes in.", treats(SSH, Verdict.DROP)),
        Misconception("icmp", "Not so.", treats(WEB, Verdict.REJECT, "icmp-port-unreachable")),
    ),
    done="Well.",
)
predict = Predict(
    id="99-predict",
    truth=lambda: "DROP",
    choices=("ACCEPT", "DROP", 3),
    shows=lambda: trace(read_rules("-P INPUT DROP"), SSH),
    misconceptions=(Misconception("three", "Not three.", answered(3)),),
)
supply = SupplyPacket(
    id="99-supply",
    rules=(
        ("A", lambda: read_rules("-A INPUT -p tcp --dport 22 -j DROP")),
        ("B", lambda: read_rules("-P INPUT DROP")),
    ),
    wanted=(Verdict.ACCEPT, Verdict.DROP),
    misconceptions=(Misconception("ssh", "Both.", sends(lambda it: it.packet.dport == 22)),),
)
RIGHT = "-P INPUT DROP\n-A INPUT -p tcp --dport 22 -j ACCEPT\n" + (
    "-A INPUT -p tcp --dport 80 -j REJECT --reject-with tcp-reset"
)


# exercise, answer: status, code, a part of what is said
CASES: list[tuple[Exercise, object, str, str, str]] = [
    (write, RIGHT, "correct", "", "All 2 test packets fare as they should."),
    (write, RIGHT.replace("-P INPUT DROP\n", ""), "correct", "", "Well."),
    (write, "", "not-yet", "", 'iptlab.hint("99-write")'),
    (write, " \n", "not-yet", "", "Put your answer into this cell"),
    (write, f"# TODO\n{RIGHT}", "not-yet", "", "take the TODO out"),
    (write, "-P INPUT DROP", "wrong", "deaf", "2 of 2 test packets"),
    (write, "-P INPUT DROP", "wrong", "deaf", "DROP by filter INPUT policy"),
    (write, RIGHT.replace("tcp-reset", "icmp-port-unreachable"), "wrong", "icmp", "1 of 2"),
    (write, "-A INPUT -j ACCEPT", "wrong", "other", "wanted:     REJECT with tcp-reset"),
    (write, "-A INPUT -j ACEPT", "error", "unreadable", "line 2, column 13"),
    (write, "\n*filter\n-A INPUT -j ACEPT\nCOMMIT", "error", "unreadable", "line 4, column 13"),
    (write, ["-P INPUT DROP"], "error", "not-text", "below %%iptables"),
    (write, "-A INPUT -j DROP\n" * 2000, "error", "too-long", "at most 20,000 characters"),
    (predict, ..., "not-yet", "", "Put your answer"),
    (predict, None, "not-yet", "", "Put your answer"),
    (predict, " drop", "correct", "", "Yes: DROP."),
    (predict, Verdict.DROP, "correct", "", "DROP by filter INPUT policy"),
    (predict, "accept", "wrong", "other", "It is not 'accept'."),
    (predict, "3", "wrong", "three", "Not three."),
    (predict, 4, "error", "no-choice", "Write one of: 'ACCEPT', 'DROP', 3."),
    (predict, "x" * 10_000, "error", "no-choice", "xxx...xxx"),
    (supply, WEB, "correct", "", "A: ACCEPT by filter INPUT policy"),
    (supply, SSH, "wrong", "ssh", "Your packet should get ACCEPT from A"),
    (supply, "in lo", "error", "no-packet", "is not a packet"),
    (supply, "tcp [::1]:1 -> [::2]:2", "error", "no-packet", "is IPv6"),
    (supply, 80, "error", "not-text", "in quotes"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("exercise", "answer", "status", "code", "said"),
    CASES,
    ids=[f"{case[0].id}-{n}" for n, case in enumerate(CASES)],
)
def test_an_answer_gets_what_it_deserves(
    exercise: Exercise, answer: object, status: str, code: str, said: str
) -> None:
    result = grade(exercise, answer)
    assert (result.status, result.code) == (status, code), str(result)
    assert said in str(result)


def test_grading_twice_says_the_same() -> None:
    assert str(grade(write, RIGHT)) == str(grade(write, RIGHT))


def test_a_list_that_holds_itself_is_no_answer() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert grade(predict, endless).status == "error"


def test_a_megabyte_is_refused_at_once() -> None:
    for exercise in (write, predict, supply):
        result = grade(exercise, "-A INPUT -j DROP\n" * 60_000)
        assert (result.status, result.code) == ("error", "too-long")
        assert len(str(result)) < 400


def test_a_wrong_prediction_keeps_its_walk_folded() -> None:
    assert grade(predict, "ACCEPT").spoiler
    assert not grade(predict, "DROP").spoiler
    assert not grade(write, "-P INPUT DROP").spoiler


# --- reading rules ---


def test_rules_may_be_lines_or_a_dump_or_commands() -> None:
    saved = read_rules("*filter\n-A INPUT -i lo -j DROP\nCOMMIT\n").save()
    for text in (
        "-A INPUT -i lo -j DROP",
        "\n  -A INPUT -i lo -j DROP  \n\n",
        "# a remark\n-A INPUT -i lo -j DROP\r\n",
        "iptables -A INPUT -i lo -j DROP",
        "sudo iptables -t filter -I INPUT -i lo -j DROP",
    ):
        assert read_rules(text).save() == saved


def test_no_rules_at_all_are_rules() -> None:
    assert trace(read_rules("# nothing"), SSH).conclusion == "ACCEPT by filter INPUT policy"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("-A INPUT -j ACEPT", 1),
        ("\n-P INPUT DROP\n-A INPUT -j ACEPT", 3),
        ("iptables -P INPUT DROP\niptables -A INPUT -j ACEPT", 2),
        ("*filter\n-A INPUT -j ACEPT\nCOMMIT", 2),
    ],
)
def test_a_message_counts_the_lines_of_the_text(text: str, line: int) -> None:
    with pytest.raises(RuleError) as caught:
        read_rules(text)
    assert caught.value.line == line
    with pytest.raises(RuleError) as caught:
        read_rules(text, first_line=2)
    assert caught.value.line == line + 1
