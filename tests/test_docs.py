"""The documents do what they say: code runs, links lead somewhere, numbers agree."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import limits
import pytest
import yaml

import iptlab
from iptlab.cli import main
from iptlab.course.solutions import read_answers

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "notebooks").rglob("*.md")]
)


def blocks(name: str, language: str) -> list[str]:
    """The code blocks of one language in a document."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.S | re.M)


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_links_lead_to_files_that_are_there(file: Path) -> None:
    text = re.sub(r"^```.*?^```", "", file.read_text(encoding="utf-8"), flags=re.S | re.M)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"https?:|mailto:|#", target):
            assert (file.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_commands_have_the_options_that_documents_give_them(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = file.read_text(encoding="utf-8")
    fenced = "\n".join(re.findall(r"^```(?:sh|console)\n(.*?)^```", text, re.S | re.M))
    for words in re.findall(r"`iptlab ([^`]+)`", text) + re.findall(r"iptlab ([a-z].*)", fenced):
        with pytest.raises(SystemExit, match="0"):
            main([words.split()[0], "--help"])
        helped = capsys.readouterr().out
        assert [one for one in re.findall(r" (--[a-z-]+)", words) if one not in helped] == []
    for script in re.findall(r"python3? ((?:tests|lite)/[\w./]+)", text):
        assert (ROOT / script).exists(), script


def test_a_match_of_ones_own() -> None:
    """In a process of its own: what is registered stays registered."""
    [example] = blocks("docs/architecture.md", "python")
    run = [sys.executable, "-c", example]
    printed = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    assert "-A INPUT -m hops ! --hops 1:5 -j DROP" in printed
    assert "no: ! --hops 1:5, but this packet may go 3 hops" in printed


def test_an_exercise_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    example = blocks("docs/classroom.md", "python")[0]
    there: dict[str, object] = {}
    exec(example, there)
    assert "Your rules shut ssh for the room too." in capsys.readouterr().out
    right = (
        "-A INPUT -s 192.168.1.0/24 -p tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp --dport 22 -j DROP"
    )
    assert iptlab.grade(there["lab_ssh"], right).status == "correct"  # type: ignore[arg-type]


def test_a_lesson_of_ones_own(tmp_path: Path) -> None:
    lesson: dict[str, object] = {}
    exec(blocks("docs/classroom.md", "python")[1], lesson)
    [exercise] = lesson["EXERCISES"]  # type: ignore[misc]
    file = tmp_path / "90.toml"
    file.write_text(blocks("docs/classroom.md", "toml")[0])
    answers = read_answers(file)[exercise.id]
    for right in answers.correct:
        assert iptlab.grade(exercise, eval(right)).status == "correct"
    for wrong in answers.wrong:
        found = iptlab.grade(exercise, eval(wrong.answer))
        assert (found.status, found.code) == ("wrong", wrong.code)
        assert wrong.says in str(found)


def test_the_page_of_limits_is_what_the_docstrings_say() -> None:
    """Written by ``python tests/limits.py``."""
    assert limits.PAGE.read_text(encoding="utf-8") == limits.page()


def test_the_readme_names_every_lesson_as_it_calls_itself() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        heading = "".join(json.loads(file.read_text())["cells"][0]["source"]).splitlines()[0]
        title, _, question = heading.removeprefix("# ").partition(": ")
        row = f"| [{file.name[:2]}](notebooks/{file.name}) | {title} | {question} |"
        assert row in readme


def test_the_badge_opens_the_first_lesson_of_this_version() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"/v{iptlab.__version__}?urlpath=lab/tree/notebooks/00-start.ipynb" in readme


def test_every_place_says_the_same_version() -> None:
    version = iptlab.__version__
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert cited["version"] == version
    assert f"## [{version}] - {cited['date-released']}" in changes


def test_what_builds_the_site_has_the_widgets_of_the_image() -> None:
    def pins(name: str) -> dict[str, str]:
        lines = (ROOT / name).read_text().splitlines()
        return dict(line.split("==") for line in lines if "==" in line)

    binder, lite = pins("binder/requirements.txt"), pins("lite/requirements.txt")
    assert binder["anywidget"] == lite["anywidget"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert any(line.startswith("anywidget") for line in project["dependencies"])
