"""The lesson writer's tools, on notebooks made for the purpose."""

from __future__ import annotations

from ast import literal_eval
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from iptlab import dev, exercise, grade
from iptlab.course import answer_files
from iptlab.course.solutions import AnswerFileError, read_answers

WIDGET = "application/vnd.jupyter.widget-view+json"
ANSWERS = """
["09-sum"]
correct = ["{1: 2}", "{1: 1 + 1}"]
wrong = [
    {code = "a", says = "b", answer = "1"},
    {code = "a", says = "b", answer = "2"},
    {code = "a", says = "b", answer = "3"},
]
["09-rule"]
correct = ['''
-P INPUT DROP
''', "-A INPUT -j DROP"]
wrong = [
    {code = "a", says = "b", answer = "1"},
    {code = "a", says = "b", answer = "2"},
    {code = "a", says = "b", answer = "3"},
]
"""


def exercise_cell(source: str, **about: str) -> NotebookNode:
    """A cell to answer in."""
    metadata = {"tags": ["exercise"], "iptlab": {"role": "answer"} | about, "collapsed": True}
    return new_code_cell(source, metadata=metadata)


def lesson() -> NotebookNode:
    """A notebook as an author might leave it."""
    shown = new_output(
        "execute_result", {"text/plain": "3", WIDGET: {"model_id": "9"}}, execution_count=7
    )
    return new_notebook(
        metadata={
            "iptlab": {"lesson": "09"},
            "widgets": {},
            "language_info": {"name": "python", "version": "3.1"},
        },
        cells=[
            new_markdown_cell("# Two sums!"),
            new_code_cell("1 + 2", execution_count=7, outputs=[shown]),
            new_markdown_cell("## And a rule"),
            exercise_cell("answer = ...", exercise="09-sum", template="answer = {answer}"),
            new_markdown_cell("Then:"),
            exercise_cell("%%iptables 09-rule\n# TODO", exercise="09-rule"),
        ],
    )


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of one notebook, its data and its answers; the folder of notebooks."""
    folder = tmp_path / "notebooks"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "rules.txt").write_text("-P INPUT DROP\n")
    (folder / "09-sums.ipynb").write_text(dev.text(lesson()))
    (tmp_path / "tests" / "answers").mkdir(parents=True)
    (tmp_path / "tests" / "answers" / "09.toml").write_text(ANSWERS)
    return folder


# --- the canonical form -----------------------------------------------------------------------


def test_canonical_form_is_a_fixed_point() -> None:
    once = dev.canonical(lesson())
    assert dev.canonical(once) == once


def test_cell_ids_follow_the_text() -> None:
    ids = [cell.id for cell in dev.canonical(lesson()).cells]
    assert ids == ["two-sums", "two-sums-2", "and-a-rule", "09-sum", "and-a-rule-2", "09-rule"]


def test_canonical_form_drops_what_one_session_left() -> None:
    notebook = dev.canonical(lesson())
    shown = notebook.cells[1]
    assert (shown.execution_count, shown.outputs[0].execution_count) == (1, 1)
    assert shown.outputs[0].data == {"text/plain": "3"}
    assert notebook.metadata.keys() == {"iptlab", "kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}
    assert notebook.cells[3].metadata.keys() == {"iptlab", "tags"}


@pytest.mark.notebooks
def test_normalize_says_what_differs_and_stores_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "one.ipynb"
    file.write_text(dev.text(new_notebook(cells=[new_code_cell("1 + 2", id="random")])))

    assert dev.main(["normalize", "--check", str(tmp_path)]) == 1
    assert "one.ipynb: differs" in (said := capsys.readouterr().out)
    assert '+   "id": "cell",' in said
    assert dev.main(["normalize", str(tmp_path)]) == 0
    assert dev.read(file).cells[0].outputs[0].data == {"text/plain": "3"}
    assert dev.main(["normalize", "--check", str(file)]) == 0


@pytest.mark.notebooks
def test_normalize_refuses_a_cell_that_raises(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "one.ipynb"
    file.write_text(stored := dev.text(new_notebook(cells=[new_code_cell("1 / 0")])))
    assert dev.main(["normalize", str(tmp_path)]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert file.read_text() == stored


# --- solved copies ----------------------------------------------------------------------------


def test_answers_go_in_by_exercise_whatever_the_cell_ids(course: Path, tmp_path: Path) -> None:
    assert dev.main(["solve", str(course), str(tmp_path / "solved"), "--answer", "0"]) == 0
    copy = dev.read(tmp_path / "solved" / "09-sums.ipynb")
    assert copy.cells[3].source == "answer = {1: 2}"
    assert copy.cells[5].source == "%%iptables 09-rule\n-P INPUT DROP"


def test_a_solved_copy_has_run_nothing_and_has_its_data(course: Path, tmp_path: Path) -> None:
    dev.solve(course, tmp_path / "solved", 1)
    copy = dev.read(tmp_path / "solved" / "09-sums.ipynb")
    assert [(cell.outputs, cell.execution_count) for cell in dev.code_cells(copy)] == [
        ([], None)
    ] * 3
    assert (tmp_path / "solved" / "data" / "rules.txt").read_text() == "-P INPUT DROP\n"


def test_solving_needs_an_answer_to_every_exercise(
    course: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "solved")
    assert dev.main(["solve", str(course), out, "--answer", "2"]) == 1
    assert '09.toml: ["09-sum"] correct: there is no answer 2' in capsys.readouterr().err
    file = tmp_path / "tests" / "answers" / "09.toml"
    file.write_text(file.read_text().replace("09-sum", "09-other"))
    assert dev.main(["solve", str(course), out]) == 1
    assert '09.toml: ["09-sum"] is missing' in capsys.readouterr().err


def test_a_review_is_answered_from_the_lesson_that_its_question_is_of(
    course: Path, tmp_path: Path
) -> None:
    review = exercise_cell("...", exercise="02-review-1", template="{answer}")
    (course / "02-late.ipynb").write_text(dev.text(new_notebook(cells=[review])))
    for file in answer_files().glob("*.toml"):
        (tmp_path / "tests" / "answers" / file.name).write_bytes(file.read_bytes())
    dev.solve(course / "02-late.ipynb", tmp_path / "solved", 0)
    (cell,) = dev.read(tmp_path / "solved" / "02-late.ipynb").cells
    assert grade(exercise("02-review-1"), literal_eval(cell.source)).status == "correct"


def test_solving_never_writes_over_the_course(course: Path) -> None:
    with pytest.raises(dev.NotebookError, match="would replace the notebooks"):
        dev.solve(course, course.parent / "notebooks", 0)


def test_two_cells_for_one_exercise_are_refused() -> None:
    twice = lesson()
    twice.cells.append(twice.cells[3])
    with pytest.raises(dev.NotebookError, match="09-sum has two answer cells"):
        dev.answer_cells(twice)


def test_a_folder_without_notebooks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(dev.NotebookError, match="no notebook here"):
        dev.notebook_files(tmp_path)


# --- answer files -----------------------------------------------------------------------------

RIGHT = "correct = ['1', '2']"
MISTAKE = "{code = 'a', says = 'b', answer = 'c'}"
WRONG = f"wrong = [{MISTAKE}, {MISTAKE}, {MISTAKE}]"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a = ", "Invalid value"),
        ("a = 1", '["a"]: needs the keys correct, wrong'),
        (f"[a]\n{RIGHT}", '["a"] wrong: is missing'),
        (f"[a]\n{RIGHT}\n{WRONG}\nhint = 1", '["a"] hint: unknown key'),
        (f"[a]\n{WRONG}\ncorrect = 'no list'", '["a"] correct: must be a list'),
        (f"[a]\n{WRONG}\ncorrect = ['1', '1']", '["a"] correct: needs two answers or more'),
        (f"[a]\n{RIGHT}\nwrong = [{MISTAKE}]", '["a"] wrong: needs three mistakes'),
        (f"[a]\n{RIGHT}\nwrong = [1, 2, 3]", '["a"] wrong 1: needs the keys code, says, answer'),
        (f"[a]\n{RIGHT}\n{WRONG}".replace("says", "say"), '["a"] wrong 1 say: unknown key'),
        (f"[a]\n{RIGHT}\n{WRONG}".replace("'b'", "7"), '["a"] wrong 1 says: must be a str'),
    ],
)
def test_a_bad_answer_file_is_refused_by_file_and_key(
    content: str, complaint: str, tmp_path: Path
) -> None:
    file = tmp_path / "09.toml"
    file.write_text(content)
    with pytest.raises(AnswerFileError) as caught:
        read_answers(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert complaint in str(caught.value)
