"""The stored course keeps its promises: unsolved, solvable, strict, and readable."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from nbformat import NotebookNode

from iptlab import course, dev
from iptlab.course.solutions import Mistake, read_answers
from iptlab.grading import Arrange, Exercise, FindLine, Predict, SupplyPacket, grade

CHECK_RESULT = "application/vnd.iptlab.check+json"

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ANSWERS = {
    file.stem: read_answers(file) for file in sorted((ROOT / "tests/answers").glob("*.toml"))
}
CORRECT = [
    pytest.param(exercise, answer, id=f"{exercise}-{n}")
    for lesson in ANSWERS.values()
    for exercise, answers in lesson.items()
    for n, answer in enumerate(answers.correct)
]
MISTAKES = [
    pytest.param(exercise, mistake, id=f"{exercise}-{n}-{mistake.code}")
    for lesson in ANSWERS.values()
    for exercise, answers in lesson.items()
    for n, mistake in enumerate(answers.wrong)
]


def given(exercise: str, answer: str) -> object:
    """What the grader receives: the text below a magic, or a template's Python value."""
    return answer if course.exercise(exercise).magic else ast.literal_eval(answer)


# --- answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("exercise", "answer"), CORRECT)
def test_a_correct_answer_is_accepted(exercise: str, answer: str) -> None:
    result = grade(course.exercise(exercise), given(exercise, answer))
    assert result.status == "correct", str(result)


@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES)
def test_a_mistake_is_refused_and_explained(exercise: str, mistake: Mistake) -> None:
    result = grade(course.exercise(exercise), given(exercise, mistake.answer))
    assert result.status in ("wrong", "error"), str(result)
    assert result.code == mistake.code, str(result)
    assert mistake.says in str(result)


def test_every_exercise_has_answers_and_every_answer_an_exercise() -> None:
    assert {exercise for lesson in ANSWERS.values() for exercise in lesson} == set(
        course.exercises()
    )


def test_every_exercise_is_asked_in_its_lesson(file: Path) -> None:
    """Questions are asked in later lessons, under names such as ``05-review-1``."""
    number = file.name.partition("-")[0]
    cells = {cell for cell in dev.answer_cells(dev.read(file)) if "-review-" not in cell}
    assert cells == {one.id for one in course.lessons()[number]}


# --- solved copies ----------------------------------------------------------------------------


# xdist sends tests to workers by the part of their name before the last "::", so a "::" inside
# the name lets every notebook go where there is room.
@pytest.mark.notebooks
@pytest.mark.parametrize("number", [0, 1], ids=["answer::0", "answer::1"])
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_solved_copy_passes(
    file: Path, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPTLAB_STRICT", "1")
    dev.solve(file, tmp_path, number)
    dev.executed(dev.read(tmp_path / file.name), tmp_path)


@pytest.mark.notebooks
@pytest.mark.parametrize("file", NOTEBOOKS[:1], ids=lambda file: f"{file.stem}::gate")
def test_strict_mode_refuses_what_is_missing_or_wrong(file: Path, tmp_path: Path) -> None:
    """The gate of solved copies is real: without it the test above would prove nothing."""
    lesson = dev.read(file)
    answers = ANSWERS[dev.answer_file(file).stem]
    asked = dev.answer_cells(lesson)
    mistakes = {exercise: answers[exercise].wrong[0].answer for exercise in asked}
    dev.solve(file, tmp_path, 0)
    (tmp_path / "missing.ipynb").write_text(dev.text(dev.solved(lesson, {})))
    (tmp_path / "wrong.ipynb").write_text(dev.text(dev.solved(lesson, mistakes)))

    options = ["-n0", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=120", "-rf"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=tmp_path,
        env=os.environ | {"IPTLAB_STRICT": "1"},
        capture_output=True,
        text=True,
    )

    failed = re.findall(r"^FAILED (\S+?)::", run.stdout, flags=re.MULTILINE)
    assert len(failed) > 1, run.stdout
    assert sorted(failed) == ["missing.ipynb"] * len(asked) + ["wrong.ipynb"] * len(asked)
    assert run.stdout.count("CheckFailed") >= len(failed)


# --- what is stored ---------------------------------------------------------------------------


@pytest.fixture(params=NOTEBOOKS, ids=lambda file: file.stem)
def file(request: pytest.FixtureRequest) -> Path:
    """Each notebook of the course in turn."""
    return Path(request.param)


@pytest.fixture
def lesson(file: Path) -> NotebookNode:
    """Its content."""
    return dev.read(file)


def test_a_notebook_is_stored_in_canonical_form(file: Path, lesson: NotebookNode) -> None:
    assert file.read_text(encoding="utf-8") == dev.text(dev.canonical(lesson))


def test_every_stored_check_says_not_yet(lesson: NotebookNode) -> None:
    for exercise, cell in dev.answer_cells(lesson).items():
        results = [output.get("data", {}).get(CHECK_RESULT) for output in cell.outputs]
        assert [(r["exercise"], r["status"]) for r in results if r] == [(exercise, "not-yet")]


def test_answer_cells_are_marked_and_nothing_else_checks(lesson: NotebookNode) -> None:
    cells = dev.answer_cells(lesson)
    for cell in dev.code_cells(lesson):
        asked = re.findall(
            r'^%%(?:iptables|manifest) (\S+)|iptlab\.check\(\s*"([^"]*)"', cell.source
        )
        marked = [exercise for exercise, answering in cells.items() if answering is cell]
        assert ["".join(names) for names in asked] == marked
        assert not marked or cell.metadata.get("tags") == ["exercise"]
    for exercise, cell in cells.items():
        template = cell.metadata.iptlab.get("template")
        check = f'iptlab.check("{exercise}", answer)'
        assert template is None or ("{answer}" in template and check in template)
        magic = course.exercise(exercise).magic
        assert bool(magic) == (template is None) == cell.source.startswith(f"%%{magic} ")


def test_exercises_are_named_after_their_lesson(file: Path, lesson: NotebookNode) -> None:
    number = file.name.partition("-")[0]
    for exercise in dev.answer_cells(lesson):
        assert re.fullmatch(rf"{number}-[a-z0-9-]+", exercise)


def test_no_cell_escapes_validation(lesson: NotebookNode) -> None:
    for cell in dev.code_cells(lesson):
        assert not [tag for tag in cell.metadata.get("tags", []) if "nbval" in tag]
        assert not re.search(r"NBVAL_|PYTEST_VALIDATE", cell.source)


def test_every_column_of_a_stored_table_has_a_name(lesson: NotebookNode) -> None:
    """A heading without words is none to who hears it."""
    outputs = (output for cell in dev.code_cells(lesson) for output in cell.outputs)
    shown = [output.get("data", {}).get("text/html", "") for output in outputs]
    assert not re.search(r"<(th|caption)\b[^>]*></", "".join(shown))


# --- how it reads -----------------------------------------------------------------------------


BLOCK = re.compile(r"```.*?```", re.DOTALL)
LINK = re.compile(r"\[([^\]]*)\]\(([^)]*)\)")


def prose(lesson: NotebookNode) -> list[str]:
    """The text cells, without the code samples in them."""
    texts = [cell.source for cell in lesson.cells if cell.cell_type == "markdown"]
    return [re.sub(r"`[^`\n]*`", "", BLOCK.sub("", text)) for text in texts]


def words(text: str) -> list[str]:
    """What there is to read in a text cell beside code samples and tables."""
    lines = BLOCK.sub("", text).splitlines()
    return " ".join(line for line in lines if not line.startswith("|")).split()


def headings(lesson: NotebookNode) -> list[int]:
    """The level of every heading, in order."""
    return [len(marks) for text in prose(lesson) for marks in re.findall(r"^(#+) ", text, re.M)]


def test_cells_are_few_and_short(lesson: NotebookNode) -> None:
    assert 20 <= len(lesson.cells) <= 40
    for cell in lesson.cells:
        if cell.cell_type == "code":
            assert 1 <= len(cell.source.splitlines()) <= 15, cell.source
        else:
            assert 1 <= len(words(cell.source)) <= 120, cell.source


def test_a_lesson_asks_enough_and_in_many_ways(file: Path, lesson: NotebookNode) -> None:
    kinds = {id_: cell.metadata.iptlab.kind for id_, cell in dev.answer_cells(lesson).items()}
    reviews = [id_ for id_, kind in kinds.items() if kind == "review"]
    number = file.name.partition("-")[0]
    assert reviews == [f"{number}-review-{n}" for n in (1, 2, 3) if number > "00"]
    own = [kind for kind in kinds.values() if kind != "review"]
    assert len(own) >= 6
    assert {"predict", "faded", "repair"} <= {*own}
    assert {"packet", "find"} & {*own}, "nothing is proved with a packet"
    assert len({*own}) >= 4


def test_an_exercise_is_of_the_kind_it_says(lesson: NotebookNode) -> None:
    classes = {"arrange": Arrange, "find": FindLine, "packet": SupplyPacket, "review": Predict}
    for id_, cell in dev.answer_cells(lesson).items():
        exercise, kind = course.exercise(id_), cell.metadata.iptlab.kind
        assert isinstance(exercise, classes.get(kind, Exercise))
        if kind == "faded":
            code = [line for line in cell.source.splitlines() if not line.startswith("#")]
            assert any("TODO" in line for line in code), cell.source


def test_a_lesson_opens_with_its_title_and_version(lesson: NotebookNode) -> None:
    assert lesson.cells[0].source.startswith("# ")
    opening = dev.code_cells(lesson)[0].source
    assert re.fullmatch(r'import iptlab\n\niptlab\.require\("\d+\.\d+(\.\d+)?"\)', opening)


def test_headings_form_an_outline(lesson: NotebookNode) -> None:
    levels = headings(lesson)
    assert levels.count(1) == 1
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels))


def test_prose_leads_every_code_cell(lesson: NotebookNode) -> None:
    for before, cell in pairwise(lesson.cells):
        assert "markdown" in (before.cell_type, cell.cell_type), cell.source


def test_links_lead_somewhere_and_lessons_are_linked(file: Path, lesson: NotebookNode) -> None:
    lessons = {other.name.partition("-")[0] for other in NOTEBOOKS} - {file.name.partition("-")[0]}
    for text in prose(lesson):
        for _, target in LINK.findall(text):
            assert "://" in target or (file.parent / target).is_file(), target
        named = re.findall(r"(?i)\blessons? (\d\d)\b", LINK.sub("", text))
        assert not lessons & {*named}, text


def test_images_have_a_text_and_links_a_name(lesson: NotebookNode) -> None:
    for text in prose(lesson):
        assert not re.findall(r"!\[\s*\]", text)
        assert not re.findall(r"<img(?![^>]*\balt=\"[^\"]+\")[^>]*>", text)
        assert not re.findall(r"(?i)\[(?:click )?(?:here|this|link|more|https?:[^\]]*)\]\(", text)
