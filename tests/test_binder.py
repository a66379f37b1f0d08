"""The Binder image: pinned, of the right Python, and fit for the package."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
BINDER = ROOT / "binder"
PYTHON = "3.12"


def pinned() -> list[Requirement]:
    """What ``binder/requirements.txt`` installs."""
    lines = (BINDER / "requirements.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if not line.startswith("#")]


def provided() -> dict[str, str]:
    """The versions in Binder's own image, from the lock file inside repo2docker."""
    lock = f"repo2docker/buildpacks/conda/environment.py-{PYTHON}-linux-64.lock"
    packages = Path(str(distribution("jupyter-repo2docker").locate_file(lock))).read_text()
    return dict(re.findall(r"/([a-z0-9_.-]+?)-(\d[^-/]*)-[^-/]+\.(?:conda|tar\.bz2)", packages))


def needed() -> list[Requirement]:
    """What the package needs to run."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [Requirement(line) for line in project["dependencies"]]


def test_every_pin_is_exact() -> None:
    for requirement in pinned():
        assert re.fullmatch(r"==[0-9.]+", str(requirement.specifier)), str(requirement)


def test_binder_has_all_that_the_package_needs() -> None:
    pins = {canonicalize_name(each.name): str(each.specifier)[2:] for each in pinned()}
    assert not pins.keys() & provided().keys()
    image = provided() | pins
    for requirement in needed():
        assert image[canonicalize_name(requirement.name)] in requirement.specifier


def test_postbuild_is_an_executable_script() -> None:
    script = BINDER / "postBuild"
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/bin/bash\nset -e\n")
    subprocess.run(["bash", "-n", script], check=True)


def test_repo2docker_understands_the_folder() -> None:
    options = ["--no-build", "--debug", "--user-id", "1000", "--user-name", "jovyan"]
    run = subprocess.run(
        [sys.executable, "-m", "repo2docker", *options, ROOT], capture_output=True, text=True
    )
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    assert f"python={PYTHON}" in said
    assert 'pip install --no-cache-dir -r "binder/requirements.txt"' in said
    assert "RUN ./binder/postBuild" in said
