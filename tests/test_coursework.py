"""A class's notebooks: every one is graded or named, and nothing in them runs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from moments import a_moment

from iptlab import course
from iptlab.cli import main
from iptlab.coursework.grades import Row, grades, read_seeds, summary, write_csv
from iptlab.coursework.submissions import NO_NOTEBOOK, read_answers, submissions
from iptlab.errors import FileError
from iptlab.notebook.session import seed

SSH = 'answer = "DROP"\niptlab.check("00-first", answer)'
WEB = """%%iptables 00-web
-P INPUT DROP
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp --dport 8080 -j ACCEPT
"""


def notebook(*cells: str) -> str:
    """The text of a notebook with these code cells."""
    made = [{"cell_type": "code", "source": cell, "metadata": {}} for cell in cells]
    return json.dumps({"cells": made, "nbformat": 4, "nbformat_minor": 5, "metadata": {}})


@pytest.fixture
def hand_in(tmp_path: Path) -> Callable[[str, str], None]:
    """Put a file into the folder of submissions."""

    def put(name: str, text: str) -> None:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    return put


def rows(folder: Path) -> dict[tuple[str, str], Row]:
    """The rows by learner and exercise."""
    return {(row.learner, row.exercise): row for row in grades(submissions(folder), {})}


def test_answers_are_graded(tmp_path: Path, hand_in: Callable[[str, str], None]) -> None:
    hand_in("ada/00-start.ipynb", notebook("import iptlab", SSH, WEB))
    found = rows(tmp_path)
    assert (found["ada", "00-first"].status, found["ada", "00-first"].points) == ("correct", 1)
    assert (found["ada", "00-web"].status, found["ada", "00-web"].code) == (
        "wrong",
        "open-to-the-world",
    )
    # the cells that are gone are told, not forgotten
    assert found["ada", "00-knock"].status == "missing"
    assert {exercise for _, exercise in found} == {one.id for one in course.lessons()["00"]}


def test_the_shipped_notebooks_are_not_answered_yet(tmp_path: Path) -> None:
    for file in sorted(course.notebooks().glob("*.ipynb")):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    found = list(grades(submissions(tmp_path), {}))
    assert {row.status for row in found} == {"not-yet"}
    own = {one.id for exercises in course.lessons().values() for one in exercises}
    assert own <= {row.exercise for row in found}


def test_the_solved_course_is_all_correct(tmp_path: Path) -> None:
    for number, exercises in course.lessons().items():
        cells = [course.solution(one.id) for one in exercises]
        (tmp_path / f"{number}.ipynb").write_text(notebook(*cells))
    found = list(grades(submissions(tmp_path), {}))
    assert {row.exercise: row.status for row in found if row.status != "correct"} == {}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("b.ipynb", "", "it is not a notebook (Expecting value)"),
        ("b.ipynb", "[1, 2]", "it is not a notebook (no cells)"),
        ("b.ipynb", "{" * 100_000, "it is not a notebook"),
        ("b.ipynb", "[" * 100_000, "too deep"),
        ("b.ipynb", '{"worksheets": []}', "notebook format 3"),
        ("b.ipynb", '{"cells": 5}', "no cells"),
        ("b.ipynb.txt", "half a file", "it is not a notebook"),
        ("timestamp.txt", "2026-11-25", NO_NOTEBOOK),
    ],
)
def test_a_broken_file_is_one_row(
    tmp_path: Path, hand_in: Callable[[str, str], None], name: str, content: str, reason: str
) -> None:
    hand_in(f"bob/{name}", content)
    hand_in("ada/00.ipynb", notebook(SSH))
    found = rows(tmp_path)
    assert found["bob", ""].status == "unreadable"
    assert reason in found["bob", ""].note
    assert found["ada", "00-first"].status == "correct"


def test_bytes_links_and_huge_files_are_one_row_each(tmp_path: Path) -> None:
    (tmp_path / "eve").mkdir()
    (tmp_path / "eve" / "1.ipynb").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "eve" / "2.ipynb").symlink_to("/etc/passwd")
    with (tmp_path / "eve" / "3.ipynb").open("wb") as file:
        file.truncate(30_000_000)
    notes = [row.note for row in grades(submissions(tmp_path), {})]
    assert len(notes) == 3
    assert "not a notebook" in notes[0]
    assert "not an ordinary file" in notes[1]
    assert "30,000,000 bytes" in notes[2]


def test_a_link_to_a_folder_is_not_followed(
    tmp_path: Path, hand_in: Callable[[str, str], None]
) -> None:
    hand_in("others/ada.ipynb", notebook(SSH))
    hand_in("in/bob/00.ipynb", notebook(WEB))
    (tmp_path / "in" / "eve").symlink_to(tmp_path / "others")
    assert rows(tmp_path / "in")["eve", ""].note == NO_NOTEBOOK


def test_names_that_a_terminal_would_obey_are_escaped(
    tmp_path: Path, hand_in: Callable[[str, str], None]
) -> None:
    hand_in("e\x1b[31mve\udcff/a.ipynb", notebook(SSH, 'iptlab.check("x")\ncheck("\x1b\ud800", 1)'))
    found = list(grades(submissions(tmp_path), {}))
    assert {row.learner for row in found} == {r"e\x1b[31mve\udcff"}
    table = StringIO()
    write_csv(found, table)
    assert table.getvalue().encode().isascii()


def test_too_many_answers_and_a_cell_of_empty_lines_cost_a_moment(
    tmp_path: Path, hand_in: Callable[[str, str], None]
) -> None:
    hand_in("eve.ipynb", notebook(*(f"iptlab.check('q-{n}', 1)" for n in range(50_000))))
    hand_in("mal.ipynb", notebook("\n" * 39_900 + SSH))
    with a_moment(3):
        found = rows(tmp_path)
    assert found["eve", ""].note == "it has more than 1,000 answers"
    assert found["mal", "00-first"].status == "correct"


def test_of_copies_in_one_notebook_the_last_answer_counts(
    tmp_path: Path, hand_in: Callable[[str, str], None]
) -> None:
    blank = SSH.replace('"DROP"', "...")
    hand_in("ada.ipynb", notebook(SSH.replace("DROP", "ACCEPT"), SSH, blank))
    row = rows(tmp_path)["ada", "00-first"]
    assert (row.status, row.note) == ("correct", "3 cells, the last answer counts")


def test_of_several_notebooks_the_best_answer_counts(
    tmp_path: Path, hand_in: Callable[[str, str], None]
) -> None:
    hand_in("ada/00-start.ipynb", notebook(SSH))
    hand_in("ada/00-start (1).ipynb", notebook(SSH.replace("DROP", "ACCEPT")))
    row = rows(tmp_path)["ada", "00-first"]
    assert (row.status, row.file) == ("correct", "ada/00-start.ipynb")


@pytest.mark.parametrize(
    ("cell", "value", "problem"),
    [
        ('iptlab.check("x", ("a", 1))', ("a", 1), ""),
        ("answer = 'a'\niptlab.check('x', answer)", "a", ""),
        ("%time\nanswer = 4\niptlab.check('x', answer)", 4, ""),
        ("from iptlab import check\ncheck('x', [1, 2])", [1, 2], ""),
        ("iptlab.check('x', open('/etc/passwd').read())", None, "computed"),
        ("answer = 1 + 1\niptlab.check('x', answer)", None, "computed"),
        ("iptlab.check('x', later)", None, "computed"),
        ("iptlab.check('x', ", None, "not Python"),
        (f"iptlab.check('x', {'(' * 5000}1{')' * 5000})", None, "not Python"),
        (f"iptlab.check('x', {'-' * 30_000}1)", None, "not Python"),
        (f"iptlab.check('x', '{'a' * 50_000}')", None, "characters"),
        ("%%iptables x\n-P INPUT DROP\n", "-P INPUT DROP\n", ""),
        ("\n%%iptables x", "", ""),
    ],
)
def test_what_a_cell_answers(cell: str, value: object, problem: str) -> None:
    (answer,) = read_answers([cell])
    assert (answer.exercise, answer.value) == ("x", value)
    assert problem in answer.problem
    assert bool(problem) == bool(answer.problem)


def test_nothing_in_a_notebook_runs(tmp_path: Path, hand_in: Callable[[str, str], None]) -> None:
    proof = tmp_path / "proof"
    code = f'open({str(proof)!r}, "w")'
    hand_in("s/eve.ipynb", notebook(f"{code}\n{SSH}", f"iptlab.check('00-ping', {code})"))
    found = rows(tmp_path / "s")
    assert found["eve", "00-first"].status == "correct"
    assert found["eve", "00-ping"].code == "unreadable"
    assert not proof.exists()


def test_an_exercise_that_is_not_in_the_course_is_told(
    tmp_path: Path, hand_in: Callable[[str, str], None]
) -> None:
    hand_in("ada.ipynb", notebook('iptlab.check("99-none", 1)'))
    assert rows(tmp_path)["ada", "99-none"].code == "no-such-exercise"


def test_names_are_no_formulas() -> None:
    out = StringIO()
    write_csv([Row("=HYPERLINK(1)", "00-first", "correct", points=1)], out)
    heading, row = csv.reader(StringIO(out.getvalue()))
    assert heading == ["learner", "exercise", "status", "code", "points", "file", "note"]
    assert row[0] == "'=HYPERLINK(1)"


def test_mistakes_are_counted(tmp_path: Path, hand_in: Callable[[str, str], None]) -> None:
    for learner in ("ada", "bob"):
        hand_in(f"{learner}.ipynb", notebook(SSH.replace("DROP", "ACCEPT")))
    hand_in("eve.ipynb", "broken")
    told = summary(grades(submissions(tmp_path), {})).splitlines()
    assert told[0] == "3 learners, 0 right answers"
    assert "00-first: 0 of 2 right" in told
    assert any(line.startswith("     2  one-condition-is-enough: ") for line in told)
    assert "  eve.ipynb: it is not a notebook (Expecting value)" in told


def test_the_command(
    tmp_path: Path, hand_in: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    hand_in("in/ada.ipynb", notebook(SSH))
    (tmp_path / "seeds.csv").write_text("learner,seed\nada,0\n")
    words = ["--csv", str(tmp_path / "grades.csv"), "--seeds", str(tmp_path / "seeds.csv")]
    assert main(["grade", str(tmp_path / "in"), *words]) == 0
    table = list(csv.DictReader((tmp_path / "grades.csv").open()))
    assert table[0]["learner"] == "ada"
    assert "1 learner, 1 right answers" in capsys.readouterr().out
    hand_in("in/bob.ipynb", "{}")
    assert main(["grade", str(tmp_path / "in")]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("learner,exercise,status")
    assert "bob.ipynb: it is not a notebook (no cells)" in printed.err
    assert main(["grade", str(tmp_path / "nowhere")]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_seeds_that_are_none_are_refused() -> None:
    own = seed({"IPTLAB_SEED": "Ada L."})
    assert read_seeds(StringIO("learner,seed\nada,7\nal,Ada L.\n")) == {"ada": 7, "al": own}
    for text in ("name,seed\nada,7\n", "learner,seed\nada\n"):
        with pytest.raises(FileError, match="the columns are learner and seed"):
            read_seeds(StringIO(text))


def test_a_thousand_answers_take_a_moment(
    tmp_path: Path, hand_in: Callable[[str, str], None]
) -> None:
    """A class of 100 with ten answers each: well below a second for each learner."""
    for n in range(100):
        hand_in(f"learner{n}.ipynb", notebook(*[SSH, WEB] * 5))
    with a_moment(20):
        assert len(list(grades(submissions(tmp_path), {}))) >= 200
