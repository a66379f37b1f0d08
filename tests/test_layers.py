"""Imports go up one ladder: whoever reads the package from the top meets nothing unexplained."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

# A module imports from its own folder and from lines above; names on one line are strangers.
LADDER = """
errors
jhash
version
names
html
shown
packet
wire
netfilter.hooks
netfilter.context
netfilter.values
netfilter.networks netfilter.ports
netfilter.ipset
netfilter.fields
netfilter.actions
netfilter.extension
netfilter.header
netfilter.rules
netfilter
matches targets
syntax
ruleset
english
simulate
kubernetes
console
kernel
view
grading
course
coursework
notebook
lab
cli
__main__
dev
__init__
"""
RUNGS = {place: n for n, line in enumerate(LADDER.split("\n")) for place in line.split()}

# What a module imports only when somebody calls it, named by a text, from lines below its own.
LATER = {
    ("shown", "iptlab.notebook.display"),
    ("shown", "iptlab.notebook.frames"),
    ("shown", "iptlab.notebook.pages"),
    ("simulate.host", "iptlab.kernel.verify"),
    ("__init__", "iptlab.notebook.magics"),
}

HEAVY = {
    *("numpy", "pandas", "matplotlib", "ipywidgets", "anywidget"),
    *("IPython", "traitlets", "importlib.metadata"),
}


def modules() -> dict[str, Path]:
    """Every module of the package by its name inside it: ``netfilter.hooks``."""
    files = (ROOT / "iptlab").rglob("*.py")
    names = {file: file.relative_to(ROOT / "iptlab").with_suffix("").parts for file in files}
    return {".".join(parts).removesuffix(".__init__"): file for file, parts in names.items()}


MODULES = modules()


def place(module: str) -> str:
    """The name in LADDER for ``module``: its folder, or itself within netfilter."""
    return module if module.startswith("netfilter") else module.partition(".")[0]


def imports(file: Path) -> Iterator[str]:
    """The full names of what ``file`` imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import in line {node.lineno}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inside(name: str) -> str:
    """The module of ours that holds ``iptlab.…``; the package itself is ``__init__``."""
    parts = name.split(".")[1:]
    prefixes = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if prefix in MODULES), "__init__")


def is_core(module: str) -> bool:
    """Whether ``module`` must run where there is nothing but Python."""
    return RUNGS[place(module)] < RUNGS["kernel"]


def test_every_module_is_on_the_ladder() -> None:
    assert {place(module) for module in MODULES} - RUNGS.keys() == set()


def test_imports_only_go_up_the_ladder() -> None:
    found = [
        (importer, imported)
        for importer, file in MODULES.items()
        for imported in (inside(name) for name in imports(file) if name.split(".")[0] == "iptlab")
        if place(importer) != place(imported)
        if RUNGS[place(importer)] <= RUNGS[place(imported)]
    ]
    assert found == []


def test_nothing_else_is_imported_by_a_text() -> None:
    calls = (
        (module, node)
        for module, file in MODULES.items()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        if ast.unparse(node.func).endswith(("import_module", "__import__"))
    )
    texts = ((module, call.args[0]) for module, call in calls)
    found = {(module, text.value) for module, text in texts if isinstance(text, ast.Constant)}
    assert found == LATER


def test_the_core_needs_the_standard_library_alone() -> None:
    known = sys.stdlib_module_names | {"iptlab"}
    found = {
        (place(module), name.partition(".")[0])
        for module, file in MODULES.items()
        if is_core(module)
        for name in imports(file)
    }
    # what type checkers are told of data frames, which are made further down
    allowed = {("kubernetes", "yaml"), ("shown", "pandas")}
    assert {pair for pair in found if pair[1] not in known} <= allowed


def test_importing_iptlab_is_light() -> None:
    python = [sys.executable, "-c", "import sys, iptlab; print(*sys.modules)"]
    loaded = subprocess.run(python, capture_output=True, text=True, check=True).stdout.split()
    assert HEAVY & set(loaded) == set()


def test_every_public_name_is_where_type_checkers_look_for_it() -> None:
    import iptlab

    tree = ast.parse((ROOT / "iptlab" / "__init__.py").read_text(encoding="utf-8"))
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    places = {
        (alias.asname, node.module)
        for node in ast.walk(checked)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert places == set(iptlab._HOME.items())
    for name in iptlab.__all__:
        assert getattr(iptlab, name) is not None
