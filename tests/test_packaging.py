"""The wheel: the package and the course, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

import iptlab

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel, built as it stands by the build backend itself: no network, no isolation."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return ZipFile(next(folder.glob("*.whl")))


def files(folder: str) -> set[str]:
    """The files in a folder of the project, caches left out."""
    found = (file.relative_to(ROOT) for file in (ROOT / folder).rglob("*") if file.is_file())
    caches = {"__pycache__", ".ipynb_checkpoints"}
    return {file.as_posix() for file in found if not caches & set(file.parts)}


def test_the_wheel_holds_the_package_and_the_course(wheel: ZipFile) -> None:
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    answers = {name.removeprefix("tests/") for name in files("tests/answers")}
    course = {f"iptlab/course/{name}" for name in files("notebooks") | answers}
    assert names == files("iptlab") | course
    assert "iptlab/py.typed" in names


def test_the_wheel_carries_both_licences_and_the_command(wheel: ZipFile) -> None:
    about = f"iptlab-{iptlab.__version__}.dist-info"
    licences = {f"{about}/licenses/LICENSE", f"{about}/licenses/notebooks/LICENSE"}
    assert licences <= set(wheel.namelist())
    assert "iptlab = iptlab.cli:main" in wheel.read(f"{about}/entry_points.txt").decode()


def test_the_package_runs_from_the_wheel(wheel: ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    program = "import iptlab; print(iptlab.__file__, iptlab.__version__)"
    run = [sys.executable, "-c", program]
    said = subprocess.run(run, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert said.split() == [str(tmp_path / "iptlab" / "__init__.py"), iptlab.__version__]
