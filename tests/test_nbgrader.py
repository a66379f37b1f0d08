"""A lesson as coursework in the real nbgrader: released, handed in, graded, exported."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from iptlab import course
from iptlab.cli import main
from iptlab.coursework.assignment import assignment
from iptlab.errors import IptlabError

CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "net101"
"""


def nbgrader(folder: Path, *words: str) -> None:
    """Run one of nbgrader's commands in a course's folder."""
    env = os.environ | {
        "IPTLAB_PROGRESS": str(folder / "progress.json"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        # it calls a program that is installed beside it
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def hand_in(released: Path, file: Path, answers: dict[str, str]) -> None:
    """Hand in the released notebook with answers filled in."""
    notebook = json.loads(released.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        exercise = cell["metadata"].get("iptlab", {}).get("exercise")
        if exercise in answers:
            cell["source"] = answers[exercise]
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(notebook), encoding="utf-8")


def test_a_lesson_is_graded_by_nbgrader(tmp_path: Path) -> None:
    exercises = [one.id for one in course.lessons()["00"]]
    name = "source/ps1/start.ipynb"
    assert main(["assignment", "00", str(tmp_path / name), "--points", "2"]) == 0
    (tmp_path / "nbgrader_config.py").write_text(CONFIG)
    nbgrader(tmp_path, "generate_assignment", "ps1", "--create")

    released = tmp_path / "release/ps1/start.ipynb"
    right = {id_: course.solution(id_) for id_ in exercises}
    wrong = {"00-first": 'answer = "ACCEPT"\niptlab.check("00-first", answer)'}
    for learner, answers in (("ada", right), ("bob", {**right, **wrong}), ("eve", {})):
        hand_in(released, tmp_path / f"submitted/{learner}/ps1/start.ipynb", answers)
    nbgrader(tmp_path, "autograde", "ps1", "--create")
    nbgrader(tmp_path, "export", "--to", "grades.csv")

    table = csv.DictReader((tmp_path / "grades.csv").open())
    found = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in table}
    most = 2.0 * len(exercises)
    assert found == {"ada": (most, most), "bob": (most - 2, most), "eve": (0.0, most)}


def test_answer_cells_are_not_for_nbgrader() -> None:
    """It would put its own stub into them when it releases the assignment."""
    for cell in json.loads(assignment("01"))["cells"]:
        about = cell["metadata"].get("iptlab", {})
        assert not (about.get("role") == "answer" and "nbgrader" in cell["metadata"])


def test_a_lesson_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IptlabError, match="there are 00, 01"):
        assignment("77")
    with pytest.raises(IptlabError, match="there is no lesson"):
        assignment("")


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "00.ipynb"
    file.write_text("work of hours")
    assert main(["assignment", "00", str(file)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert file.read_text() == "work of hours"
