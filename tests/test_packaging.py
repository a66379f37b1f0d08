"""The wheel: the package and the course, and nothing else; and the sdist: all of it."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

import iptlab

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel and the sdist, by the build backend itself: no network, no isolation."""
    folder = tmp_path_factory.mktemp("built")
    build = [sys.executable, "-m", "hatchling", "build", "-d", folder]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> ZipFile:
    """The wheel, opened."""
    return ZipFile(next(built.glob("*.whl")))


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


def test_an_index_would_take_both(built: Path) -> None:
    check = [sys.executable, "-m", "twine", "check", "--strict", *built.iterdir()]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("PASSED") == 2


def test_the_sdist_has_tests_and_documents_too(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"tests/test_packaging.py", "docs/architecture.md", "lite/build.py"} <= names
    assert files("notebooks") <= names


def test_the_wheel_carries_both_licences_and_the_command(wheel: ZipFile) -> None:
    about = f"iptlab-{iptlab.__version__}.dist-info"
    licences = {f"{about}/licenses/LICENSE", f"{about}/licenses/notebooks/LICENSE"}
    assert licences <= set(wheel.namelist())
    assert "iptlab = iptlab.__main__:main" in wheel.read(f"{about}/entry_points.txt").decode()


def test_the_package_runs_from_the_wheel(wheel: ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    program = "import iptlab; print(iptlab.__file__, iptlab.__version__)"
    run = [sys.executable, "-c", program]
    said = subprocess.run(run, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert said.split() == [str(tmp_path / "iptlab" / "__init__.py"), iptlab.__version__]
