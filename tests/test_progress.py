"""Hints, solutions, progress: kept in one small file that nothing can break for long."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import iptlab
from iptlab import course
from iptlab.course.progress import Progress, Record, Report
from iptlab.course.progress_file import ProgressFile
from iptlab.errors import IptlabError
from iptlab.notebook import check as verbs
from iptlab.notebook.session import Session, progress_path, seed

WRONG, RIGHT = "ACCEPT", "DROP"


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    """A notebook that was just opened."""
    fresh = Session()
    monkeypatch.setattr(verbs, "SESSION", fresh)
    return fresh


@pytest.fixture
def file(a_learner_without_a_past: Path) -> Path:
    """Where the learner's progress is kept."""
    return a_learner_without_a_past


def silent(message: str) -> None:
    """Nothing is expected to be said."""
    raise AssertionError(message)


def kept(file: Path) -> dict[str, Record]:
    """What the file holds."""
    return dict(ProgressFile(file, silent).read().records)


# --- what is kept ---


def test_right_and_wrong_answers_are_kept(file: Path) -> None:
    iptlab.check("00-first", WRONG)
    iptlab.check("00-first", WRONG)
    assert kept(file) == {"00-first": Record(solved=False, wrong=2)}
    iptlab.check("00-first", RIGHT)
    iptlab.check("00-first", WRONG)
    assert kept(file) == {"00-first": Record(solved=True, wrong=3)}


def test_what_is_no_answer_leaves_no_trace(file: Path) -> None:
    for answer in (..., None, "", "nonsense", 5, "x" * 10**6, "# TODO"):
        iptlab.check("00-first", answer)
    iptlab.hint("00-first")
    iptlab.progress()
    assert not file.exists()


def test_progress_survives_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    iptlab.check("00-first", RIGHT)
    monkeypatch.setattr(verbs, "SESSION", Session())
    assert "1 of 6" in str(iptlab.progress("00"))


def test_the_file_may_be_deleted_at_any_time(file: Path) -> None:
    iptlab.check("00-first", RIGHT)
    for left in file.parent.iterdir():
        left.unlink()
    assert "0 of 6" in str(iptlab.progress("00"))
    iptlab.check("00-ping", 4)
    assert list(kept(file)) == ["00-ping"]


def test_a_reset_forgets_one_exercise(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    iptlab.check("00-first", RIGHT)
    iptlab.check("00-web", "-A INPUT -j DROP")
    iptlab.reset("00-web")
    assert list(kept(file)) == ["00-first"]
    shown = capsys.readouterr().out
    assert "00-web begins anew." in shown
    assert "%%iptables 00-web\n-P INPUT DROP" in shown
    assert "-A INPUT -s TODO" in shown


BROKEN = [
    b"",
    b"{",
    b"null",
    b"[1]",
    b'{"format": 2, "exercises": {}}',
    b'{"format": 1, "exercises": {"00-first": {"solved": 1, "wrong": 0}}}',
    b'{"format": 1, "exercises": {"00-first": {"much": 1}}}',
    b'{"format": 1, "exercises": []}',
    b"\xff\xfe",
    b"[" * 100_000,
    b" " * 2_000_000,
]


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_set_aside(
    content: bytes, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(content)
    assert "0 of 6" in str(iptlab.progress("00"))
    assert "It is called progress.json.broken now" in capsys.readouterr().out
    assert (file.parent / "progress.json.broken").read_bytes() == content
    iptlab.check("00-first", RIGHT)
    assert list(kept(file)) == ["00-first"]
    assert "broken" not in capsys.readouterr().out


@pytest.mark.parametrize("place", ["file/is/no/folder.json", "file", "/"])
def test_where_nothing_can_be_written_memory_does_and_says_so_once(
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").mkdir() if place == "file" else (tmp_path / "file").touch()
    monkeypatch.setenv("IPTLAB_PROGRESS", str(tmp_path / place))
    iptlab.check("00-first", WRONG)
    iptlab.check("00-first", RIGHT)
    assert "1 of 6" in str(iptlab.progress("00"))
    assert capsys.readouterr().out.count("kept only until this notebook ends") == 1


def test_what_can_be_read_but_not_written_is_not_forgotten(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    iptlab.check("00-first", RIGHT)
    monkeypatch.setattr(os, "replace", refuse)
    iptlab.check("00-ping", 4)
    assert "2 of 6" in str(iptlab.progress("00"))
    assert "Permission denied" in capsys.readouterr().out


def test_the_file_lies_where_the_environment_says() -> None:
    assert progress_path({"IPTLAB_PROGRESS": "/a/b.json"}) == Path("/a/b.json")
    assert progress_path({"XDG_DATA_HOME": "/data"}) == Path("/data/iptlab/progress.json")
    usual = Path.home() / ".local" / "share" / "iptlab" / "progress.json"
    assert progress_path({"XDG_DATA_HOME": "relative"}) == progress_path({}) == usual


# --- two at once, and crashes ---

WRITER = """
import sys
from pathlib import Path
from iptlab.course.progress_file import ProgressFile
file = ProgressFile(Path(sys.argv[1]), print)
for number in range(150):
    file.change(lambda progress: progress.answered(f"{sys.argv[2]}-{number % 3}", solved=False))
"""
CRASHER = f"{WRITER}\nwhile True: file.change(lambda progress: progress)"


def started(program: str, file: Path, name: str) -> subprocess.Popen[str]:
    """A process that changes the file again and again."""
    command = [sys.executable, "-c", program, str(file), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_two_notebooks_at_once_lose_nothing(file: Path) -> None:
    writers = [started(WRITER, file, name) for name in ("10", "11")]
    for writer in writers:
        assert (writer.wait(60), writer.stdout and writer.stdout.read()) == (0, "")
    each = Record(wrong=50)
    assert kept(file) == {f"{name}-{n}": each for name in ("10", "11") for n in range(3)}


def test_a_crash_leaves_a_file_that_can_be_read(file: Path) -> None:
    for round_ in range(4):
        writer = started(CRASHER, file, f"{round_ + 10}")
        while not file.exists() and writer.poll() is None:
            time.sleep(0.02)
        with pytest.raises(subprocess.TimeoutExpired):
            writer.wait(0.2 + round_ / 20)
        writer.kill()
        writer.wait()
        before = kept(file)
        ProgressFile(file, silent).change(lambda p: p.answered("00-first", solved=True))
        assert kept(file) == {**before, "00-first": Record(solved=True)}
    assert json.loads(file.read_text())["format"] == 1


def test_who_waits_too_long_for_the_lock_goes_on_without(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("iptlab.course.progress_file._PATIENCE", 0.05)
    monkeypatch.setattr("iptlab.course.progress_file._lock", lambda _: False)
    iptlab.check("00-first", RIGHT)
    assert "locked by another notebook" in capsys.readouterr().out
    assert "1 of 6" in str(iptlab.progress("00"))


# --- bars ---


def test_a_bar_for_each_lesson() -> None:
    records = {"00-first": Record(solved=True), "00-ping": Record(wrong=4)}
    report = Report.of(Progress(records))
    lines = str(report).splitlines()
    assert len(lines) == len(course.LESSONS)
    assert " ".join(lines[0].split()) == f"00 start ███{'░' * 17} 1 of 6, next: 00-ping"
    html = report._repr_mimebundle_()["text/html"]
    assert "<table>" in html
    assert "1 of 6" in html


def test_a_full_bar_is_a_solved_lesson() -> None:
    ids = [one.id for one in course.lessons()["00"]]
    done = Progress({id_: Record(solved=True) for id_ in ids})
    assert str(Report.of(done, "00")) == f"00 start  {'█' * 20}  6 of 6, done"
    almost = done.without(ids[-1])
    assert "░" in str(Report.of(almost, "00"))


def test_an_unknown_lesson_is_refused() -> None:
    with pytest.raises(IptlabError, match="there is no lesson `77'; there are 00, 01"):
        iptlab.progress("77")
    with pytest.raises(IptlabError, match="there is no lesson `77'"):
        iptlab.progress(77)
    assert str(iptlab.progress(1)) == str(iptlab.progress("01"))


@pytest.mark.parametrize("word", [None, 0, ["00-first"]])
def test_an_id_that_is_no_text_is_refused_with_an_example(word: object) -> None:
    for ask in (iptlab.hint, iptlab.solution, iptlab.reset):
        with pytest.raises(IptlabError, match='in quotes: "00-first"'):
            ask(word)  # type: ignore[operator]


# --- hints and solutions ---


def test_each_call_gives_the_next_hint(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(4):
        iptlab.hint("00-first")
    iptlab.hint("00-first", 2)
    iptlab.hint("00-first")
    iptlab.hint("00-page")
    numbers = [line[5] for line in capsys.readouterr().out.splitlines() if line.startswith("Hint")]
    assert numbers == list("1233231")
    with pytest.raises(IptlabError, match="has 3 hints; ask for one from 1 to 3"):
        iptlab.hint("00-first", 9)


def test_a_solution_comes_after_two_wrong_answers(capsys: pytest.CaptureFixture[str]) -> None:
    iptlab.solution("00-web")
    iptlab.check("00-web", "-P INPUT DROP")
    iptlab.solution("00-web")
    assert "so far there are 1" in (early := capsys.readouterr().out)
    assert "8080 -j" not in early
    iptlab.check("00-web", "-P INPUT DROP")
    iptlab.solution("00-web")
    cell = capsys.readouterr().out.partition("%%iptables 00-web\n")[2]
    assert iptlab.grade(iptlab.exercise("00-web"), cell).status == "correct"


def test_a_solution_can_be_forced_and_forbidden(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    iptlab.solution("00-first", force=True)
    assert 'answer = "DROP"\niptlab.check("00-first", answer)' in capsys.readouterr().out
    monkeypatch.setenv("IPTLAB_NO_SOLUTIONS", "1")
    iptlab.solution("00-first", force=True)
    assert capsys.readouterr().out == "There are no solutions here: IPTLAB_NO_SOLUTIONS is set.\n"


def test_who_has_solved_it_may_see_a_solution(capsys: pytest.CaptureFixture[str]) -> None:
    iptlab.check("00-first", RIGHT)
    capsys.readouterr()
    iptlab.solution("00-first")
    assert "One right answer" in capsys.readouterr().out


@pytest.mark.parametrize("exercise", list(course.exercises()))
def test_every_exercise_has_a_solution(exercise: str) -> None:
    assert exercise in course.solution(exercise)


# --- seeds ---


@pytest.mark.parametrize(
    ("text", "number"), [("", 0), ("7", 7), (" 12 ", 12), ("9" * 30, 10**18 - 1)]
)
def test_a_seed_is_a_number(text: str, number: int) -> None:
    assert seed({"IPTLAB_SEED": text}) == number


def test_a_seed_may_be_a_name() -> None:
    names = ("ada", "Ada", "bob", "-1", "\uff11")
    assert len({seed({"IPTLAB_SEED": name}) for name in names}) == len(names)
    assert seed({}) == 0
