"""Answers that are meant to hurt: refused in a moment, nothing executed, nothing written down."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from moments import a_moment
from test_kinds import find, manifest, on_hosts, parsons, path, service, translated, write

import iptlab
from iptlab.course import answer_files, exercises
from iptlab.course.solutions import read_answers
from iptlab.grading import Exercise, grade
from iptlab.notebook import check as verbs
from iptlab.notebook.session import Session


def chain_of(length: int, *, twice: bool = False) -> str:
    """A dump of chains, each calling the next one, once or twice."""
    calls = [f"-A c{n} -j c{n + 1}\n" * (2 if twice else 1) for n in range(length - 1)]
    names = "".join(f":c{n} - [0:0]\n" for n in range(length))
    return f"*filter\n{names}-A INPUT -j c0\n{''.join(calls)}COMMIT\n"


def rules() -> Iterator[tuple[str, str]]:
    """Texts for a cell of rules, by what is bad about them."""
    yield "ten megabytes", "-A INPUT -j DROP\n" * 600_000
    yield "ten thousand chains", "*filter\n" + "".join(f":c{n} - [0:0]\n" for n in range(10_000))
    yield "many chains", "*filter\n" + "".join(f":c{n} - -\n" for n in range(1_900)) + "COMMIT\n"
    yield "deep", chain_of(650)
    yield "a maze", chain_of(40, twice=True)
    yield (
        "a circle",
        "*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -j b\n-A b -j a\nCOMMIT\n",
    )
    yield "many rules", "".join(f"-A INPUT -s 10.0.{n}.1 -j DROP\n" for n in range(600))
    yield (
        "lots",
        "".join(
            f"-A INPUT -m statistic --mode random --probability 0.{n} -p tcp --dport {n} -j DROP\n"
            for n in range(11, 99)
        ),
    )
    yield "limits", "".join(f"-A INPUT -m limit --limit {n}/min -j DROP\n" for n in range(1, 200))
    yield (
        "recent",
        "".join(f"-A INPUT -m recent --name n{n} --set -j DROP\n" for n in range(1, 200)),
    )
    yield "a command", "$(touch hacked)"
    yield "commands", "-A INPUT -j DROP; touch hacked\n`touch hacked`\n| sh\n"
    yield "a rule with a command", "-A INPUT -m comment --comment $(touch hacked) -j NOWHERE"
    yield "python", "__import__('os').system('touch hacked')\nimport os\n"
    yield "a magic", "!touch hacked\n%%bash\ntouch hacked"
    yield "look-alikes", "\u2010A INPUT \u2013j DR\u041eP"
    yield "a look-alike", "-A INPUT -j \u0410CCEPT"
    yield "a look-alike number", "-A INPUT -p tcp --dport \uff12\uff12 -j DROP"
    yield "invisible", "-A INPUT\u200b -j DROP\u202e"
    yield "nothing printable", "\x00\x1b[2J\x07"
    yield "one long line", "-A INPUT " + "-m comment --comment x " * 800
    yield "half characters", "-A INPUT -j \ud800"
    yield "many quotes", '"' * 19_999


def manifests() -> Iterator[tuple[str, str]]:
    """Texts for a cell of YAML, by what is bad about them."""
    yield "ten megabytes", "kind: Node\n---\n" * 700_000
    levels = "bcdefghijklmnopqrstuvwxyz"
    lines = [
        f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n"
        for a, b in zip("a" + levels, levels, strict=False)
    ]
    yield "a bomb", "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(lines)
    yield "deep", "a: " + "[" * 9_000
    yield "deep JSON", '{"a":' * 3_000
    yield "python", "!!python/object/apply:os.system ['touch hacked']"
    yield "a command", "$(touch hacked)"
    yield "many nodes", "".join(f"kind: Node\nmetadata: {{name: n{n}}}\n---\n" for n in range(450))
    yield "binary", "\x00\x01"
    yield "half characters", "kind: \ud800"
    yield "itself", "a: &a [*a]"


def values() -> Iterator[tuple[str, object]]:
    """What a cell of Python may hand over."""
    endless: list[object] = []
    endless.append(endless)
    yield "endless", endless
    yield "a long list", ["x"] * 10**6
    yield "a long text in a list", ["x" * 10**7]
    yield "a deep list", _deep()
    yield "a large number", 10**5000
    yield "a large number inside", {1: 10**5000}
    yield "a large fraction", Fraction(10**5000, 3)
    yield "no number", float("nan")
    yield "an endless set", {"a": endless}
    yield "a large exponent", "1e999999999"
    yield "a long fraction", f"1/{'9' * 5000}"
    yield "a long number", "9" * 19_000
    yield "code", "__import__('os').system('touch hacked')"
    yield "bytes", b"\xff" * 10
    yield "something odd", object()
    yield "something that bites", Biting()
    yield "a pair", (1, "x" * 10**7)
    yield "a pair of lists", ([[]], {})
    yield "arrows", "->" * 9_000
    yield "letters", "a " * 9_000
    yield "surrogates", "\ud800 -> \ud800"


def _deep() -> object:
    deep: object = 1
    for _ in range(100_000):
        deep = [deep]
    return deep


class Biting:
    """Whatever one asks of it, it answers with an error."""

    def __repr__(self) -> str:
        raise RuntimeError("bitten")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("bitten")

    def __hash__(self) -> int:
        raise RuntimeError("bitten")


def cases() -> Iterator[tuple[Exercise, str, object]]:
    """Every kind of exercise with everything that fits into its cell."""
    for one in (write, service, iptlab.exercise("00-web"), iptlab.exercise("01-repair")):
        yield from ((one, name, text) for name, text in rules())
    yield from ((manifest, name, text) for name, text in manifests())
    for one in (path, parsons, find, translated, on_hosts, iptlab.exercise("00-ping")):
        yield from ((one, name, value) for name, value in values())


CASES = [pytest.param(*case, id=f"{case[0].id}-{case[1]}") for case in cases()]


@pytest.mark.parametrize(("exercise", "name", "answer"), CASES)
def test_a_hostile_answer_is_refused_at_once(
    exercise: Exercise,
    name: str,
    answer: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with a_moment(1):
        result = grade(exercise, answer)
        text, html = str(result), str(result._repr_mimebundle_()["text/html"])
    assert result.status in ("error", "wrong")
    if isinstance(answer, str) and exercise.magic:
        assert result.status == "error", text
    assert len(text) < 6_000
    assert len(html) < 60_000
    assert list(tmp_path.iterdir()) == []


def test_what_is_refused_leaves_progress_as_it_was(
    a_learner_without_a_past: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "SESSION", Session())
    iptlab.check("00-first", "DROP")
    before = a_learner_without_a_past.read_bytes()
    for _, text in rules():
        iptlab.check("00-web", text)
    assert a_learner_without_a_past.read_bytes() == before


def noisy() -> Iterator[str]:
    """Right rules with as much beside them as an answer may have."""
    right = "-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate "
    right += (
        "RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -s 192.168.1.0/24 -p tcp --dport 8080 -j ACCEPT\n"
    )
    yield right + "".join(
        f"-A INPUT -s 10.{n}.0.0/16 -p tcp --dport {n} -j DROP\n" for n in range(250)
    )
    yield right + "".join(
        f"-A INPUT -m statistic --mode random --probability 0.{n} -p tcp --sport {n} -j DROP\n"
        for n in range(11, 19)
    )
    yield right + "".join(f"-A INPUT -m limit --limit {n}/min -j DROP\n" for n in range(1, 13))
    bits = [f"MARK --set-xmark {1 << n:#x}/{1 << n:#x}" for n in range(16)]
    yield (
        "*mangle\n:INPUT ACCEPT\n"
        + "".join(
            f"-A INPUT -p udp --sport {n * 900}:{n * 1300 + 7} -j {bit}\n"
            for n, bit in enumerate(bits)
        )
        + f"COMMIT\n*filter\n:INPUT DROP\n{right.partition(chr(10))[2]}COMMIT\n"
    )


@pytest.mark.parametrize("text", [*noisy()], ids=range(4))
def test_noise_beside_a_right_answer_takes_no_second(text: str) -> None:
    with a_moment(0.5):
        result = grade(iptlab.exercise("00-web"), text)
    assert result.status in ("correct", "wrong"), str(result)


def test_every_exercise_of_the_course_is_judged_in_a_moment() -> None:
    """Ten milliseconds are usual; a busy machine is allowed some more."""
    for known_as, exercise in exercises().items():
        for answer in read_answers(answer_files() / f"{known_as[:2]}.toml")[known_as].correct:
            with a_moment(0.1):
                grade(exercise, answer)
