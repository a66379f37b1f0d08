"""Build the course as a site that runs in a browser, with nothing installed and nothing fetched.

``python3 lite/build.py FOLDER`` writes a JupyterLite site into FOLDER: JupyterLab, a Python that
is WebAssembly (Pyodide), iptlab and what it needs, and the lessons. Serve it by any web server:
``python3 -m http.server -d FOLDER``. It needs npm, pip, and PyPI. JupyterLite is installed in an
environment of its own, for its kernel would show up in a JupyterLab beside it.

Pyodide's own lock file says which packages there are. What the core of iptlab needs is put
beside it, so that a page asks nobody; matplotlib, pandas and the rest stay where Pyodide has
them and are fetched when a reader with a network uses them.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import tarfile
import venv
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = (
    *("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm"),
    *("python_stdlib.zip", "pyodide-lock.json"),
)
ASK = (
    "from jupyterlite_pyodide_kernel.constants import *; "
    "print(PYODIDE_VERSION, PYODIDE_PYTHON_VERSION, PYODIDE_CDN_URL)"
)
# what the kernel itself imports when it starts
KERNEL = ("micropip", "packaging", "ipython", "jedi", "traitlets", "typing-extensions")
# what of our own needs has no entry in Pyodide's lock file, and what each of them needs
OURS = {
    "iptlab": ("pyyaml", "anywidget"),
    "anywidget": ("ipywidgets", "psygnal", "typing-extensions"),
    "ipywidgets": ("comm", "ipython", "jupyterlab-widgets", "traitlets", "widgetsnbextension"),
    "comm": ("traitlets",),
    "jupyterlab-widgets": (),
    "psygnal": (),
}
# compiled in Pyodide; its wheel works without the compiled part too
PURE_WITHOUT_EXTENSION = "pyyaml"

Lock = dict[str, dict[str, Any]]


def main() -> None:
    """Build the site into the folder named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    site = parser.parse_args().folder.resolve()
    with TemporaryDirectory() as work:
        lite, wheels = Path(work) / "lite", Path(work) / "wheels"
        packages = lite / "static" / "pyodide"
        packages.mkdir(parents=True)
        python = environment(Path(work) / "environment")
        runtime = Runtime(*run(python, "-c", ASK).split())
        runtime.unpack(packages, Path(work))
        lock = json.loads((packages / "pyodide-lock.json").read_text("utf-8"))
        collect(lock["packages"], wheels, python, runtime.python)
        complete(lock["packages"], wheels, packages, runtime.address)
        (packages / "pyodide-lock.json").write_text(json.dumps(lock), "utf-8")
        copy_lessons(lite / "files")
        shutil.copy(ROOT / "lite" / "jupyter-lite.json", lite)
        build(lite, site, python)


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """What a command prints; if it fails, that is the end."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def environment(folder: Path) -> Path:
    """The Python of an environment in which JupyterLite is installed."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "-r", ROOT / "lite" / "requirements.txt")
    return python


class Runtime(NamedTuple):
    """The Pyodide that the kernel is made for, its Python, and where it is published."""

    version: str
    python: str
    address: str

    def unpack(self, packages: Path, work: Path) -> None:
        """Put it among the packages."""
        run("npm", "pack", f"pyodide@{self.version}", cwd=work)
        with tarfile.open(work / f"pyodide-{self.version}.tgz") as packed:
            for name in RUNTIME:
                member = packed.extractfile(f"package/{name}")
                assert member is not None
                (packages / name).write_bytes(member.read())


# --- packages ---


def needed(lock: Lock) -> list[str]:
    """The packages of the lock file that the kernel and iptlab need, and what those need."""
    found: dict[str, None] = {}
    waiting = [*KERNEL, *(name for needs in OURS.values() for name in needs if name not in OURS)]
    while waiting:
        name = waiting.pop(0)
        if name not in found and name in lock:
            found[name] = None
            waiting += [canonical(one) for one in lock[name]["depends"]]
    return list(found)


def canonical(name: str) -> str:
    """A package's name as the lock file has it among its keys."""
    return re.sub(r"[-_.]+", "-", name).lower()


def collect(lock: Lock, wheels: Path, python: Path, version: str) -> None:
    """Fetch the wheels of the locked versions from PyPI, and make our own."""
    pip = (python, "-m", "pip")
    fetch = (*pip, "download", "--no-deps", "--only-binary", ":all:", "--dest", wheels)
    locked = [f"{name}=={lock[name]['version']}" for name in needed(lock)]
    pure = [one for one in locked if not one.startswith(PURE_WITHOUT_EXTENSION)]
    pure += [name for name in OURS if name != "iptlab"]
    run(*fetch, "--python-version", version, "--platform", "any", *pure)
    run(*fetch, *(set(locked) - set(pure)))
    for file in wheels.glob(f"{PURE_WITHOUT_EXTENSION}-*.whl"):
        without_extension(file)
    run(python, "-m", "hatchling", "build", "-t", "wheel", "-d", wheels, cwd=ROOT)
    shutil.copy(kernels_own("widgetsnbextension-4*.whl", python), wheels)


def kernels_own(pattern: str, python: Path) -> Path:
    """A wheel that the kernel's package brings along."""
    extensions = python.parent.parent / "share" / "jupyter" / "labextensions"
    [found] = (extensions / "@jupyterlite").glob(f"**/{pattern}")
    return found


def without_extension(file: Path) -> None:
    """Make of a wheel with compiled parts one of the parts that are Python."""
    name, version = file.name.split("-")[:2]
    target = file.with_name(f"{name}-{version}-py3-none-any.whl")
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        kept = {
            one: old.read(one) for one in old.namelist() if not one.endswith((".so", "/", "RECORD"))
        }
        kept[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        lines = (f"{one},sha256={_digest(data)},{len(data)}\n" for one, data in kept.items())
        for one, data in kept.items():
            new.writestr(one, data)
        new.writestr(f"{info}/RECORD", f"{''.join(lines)}{info}/RECORD,,\n")
    file.unlink()


def _digest(data: bytes) -> str:
    return urlsafe_b64encode(sha256(data).digest()).rstrip(b"=").decode()


def complete(lock: Lock, wheels: Path, packages: Path, address: str) -> None:
    """Name in the lock file what lies beside it; all else is where Pyodide has it."""
    for entry in lock.values():
        entry["file_name"] = f"{address}/{entry['file_name']}"
    for file in sorted(wheels.glob("*.whl")):
        name, version = canonical(file.name.split("-")[0]), file.name.split("-")[1]
        needs = OURS.get(name, ())
        entry = lock.get(name) or {
            "name": name,
            "imports": list(_imports(file)),
            "depends": list(needs),
            "install_dir": "site",
            "package_type": "package",
            "unvendored_tests": False,
        }
        found = {"version": version, "file_name": file.name}
        lock[name] = entry | found | {"sha256": sha256(file.read_bytes()).hexdigest()}
        shutil.copy(file, packages)


def _imports(wheel: Path) -> Iterable[str]:
    """The top folders of a wheel that can be imported."""
    with zipfile.ZipFile(wheel) as packed:
        names = {name.partition("/")[0] for name in packed.namelist() if name.endswith(".py")}
    return sorted(name for name in names if name.isidentifier())


# --- lessons and site ---


def copy_lessons(files: Path) -> None:
    """Copy the lessons and what they read, as a learner gets them."""
    ignored = shutil.ignore_patterns("instructor", ".*", "__pycache__")
    shutil.copytree(ROOT / "notebooks", files, ignore=ignored)


def build(lite: Path, site: Path, python: Path) -> None:
    """Let JupyterLite build the site, without what nobody needs to learn iptables."""
    command = (python, "-m", "jupyterlite_core", "build", "--lite-dir", lite)
    parts = ("--apps", "lab", "--contents", lite / "files", "--output-dir", site)
    run(*command, *parts, "--no-sourcemaps", "--no-unused-shared-packages", cwd=lite)


if __name__ == "__main__":
    main()
