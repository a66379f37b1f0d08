"""Opening the course: what is copied where, and what JupyterLab is told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from iptlab import IptlabError, lab
from iptlab.course.files import notebooks


def test_the_course_is_copied_once_and_an_edited_file_stays(tmp_path: Path) -> None:
    assert lab.copy_course(tmp_path / "course") == []
    assert not (tmp_path / "course" / "instructor").exists()
    first = tmp_path / "course" / lab.FIRST
    assert first.read_bytes() == (notebooks() / lab.FIRST).read_bytes()
    first.write_text("mine")
    (kept,) = lab.copy_course(tmp_path / "course")
    assert first.read_text() == "mine"
    assert lab.FIRST in kept


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IptlabError, match="cannot be put into"):
        lab.copy_course(tmp_path / "file")


@pytest.mark.parametrize("in_clone", [True, False])
def test_jupyterlab_opens_on_the_first_lesson(
    in_clone: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(notebooks().parent if in_clone else tmp_path)
    commands: list[list[str]] = []

    def note(command: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", note)
    assert lab.open_lab(None, browser=False, port=8899) == 0
    (command,) = commands
    place = notebooks() if in_clone else tmp_path / "iptlab-course"
    assert f"--ServerApp.root_dir={place}" in command
    assert "--LabApp.default_url=/lab/tree/00-start.ipynb" in command
    assert {"--no-browser", "--port=8899"} <= set(command)
