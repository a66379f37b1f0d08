"""Notebooks, dumps and manifests of strangers are data: read, shown, never run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import iptlab
from iptlab import Lab, Manifests, Ruleset
from iptlab.errors import IptlabError
from iptlab.notebook.display import VIEWS

PACKAGE = Path(iptlab.__file__).parent
# who may start a process: the real kernel's box, the command that opens JupyterLab
MAY_START = {"kernel", "lab"}
# what brings text to life, or reaches out of the process
ALIVE = {"eval", "exec", "compile", "__import__", "breakpoint", "input"}
OUTSIDE = {"subprocess", "ctypes", "pickle", "marshal", "shelve", "http", "ftplib", "smtplib"}
OUTSIDE |= {"requests", "aiohttp", "urllib.request", "multiprocessing", "asyncio", "pty"}
# socket turns addresses into bytes (inet_aton); it opens nothing
OF_SOCKET = {"inet_aton", "inet_ntoa", "inet_pton", "inet_ntop", "AF_INET", "AF_INET6"}
OF_SOCKET |= {"getservbyname", "getservbyport", "getprotobyname"}
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


@cache
def modules() -> list[tuple[str, ast.Module]]:
    """Every module of the package but those that may start processes."""
    files = {file.relative_to(PACKAGE).with_suffix(""): file for file in PACKAGE.rglob("*.py")}
    return [
        (place.as_posix(), ast.parse(file.read_text(encoding="utf-8")))
        for place, file in sorted(files.items())
        if place.parts[0] not in MAY_START
    ]


def names(tree: ast.Module) -> Iterator[str]:
    """What a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)


def test_no_text_is_run_and_nothing_reaches_out() -> None:
    for place, tree in modules():
        called = {
            node.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not called & ALIVE, place
        found = {name for name in names(tree) if name.split(".")[0] in OUTSIDE or name in OUTSIDE}
        assert not found, place


def test_sockets_are_only_asked_about_addresses() -> None:
    for place, tree in modules():
        used = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "socket"
        }
        assert used <= OF_SOCKET, place


def test_yaml_is_read_by_the_safe_loader_alone() -> None:
    for place, tree in modules():
        read = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "yaml"
        }
        assert not read & {"load", "load_all", "unsafe_load", "full_load", "Loader"}, place


@pytest.mark.parametrize(
    "text",
    [
        "kind: Service\nmetadata: {name: !!python/object/apply:os.system ['true']}\n",
        "[" * 5_000,
        "{a: " * 5_000,
        "kind: Service\n#" + "y" * 200_000_000,
    ],
    ids=["object", "deep list", "deep map", "long"],
)
def test_manifests_that_mean_harm_are_refused(text: str) -> None:
    with pytest.raises(IptlabError):
        Manifests.parse(text)


def shown() -> Iterator[tuple[str, object]]:
    """What strangers name, in everything that is shown as HTML."""
    comment = HOSTILE.replace('"', '\\"')
    rules = Ruleset.parse(f'*filter\n-A INPUT -m comment --comment "{comment}" -j DROP\nCOMMIT\n')
    yield "ruleset", rules
    yield "table", rules.tables[iptlab.TableName.FILTER]
    yield "chain", rules.tables[iptlab.TableName.FILTER].chains["INPUT"]
    yield "visit", iptlab.trace(rules, "tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN")
    lab = Lab.home_router()
    yield "transcript", lab.on("router", f"echo '{HOSTILE}'")


@pytest.mark.parametrize(("name", "value"), [pytest.param(*one, id=one[0]) for one in shown()])
def test_names_of_strangers_are_shown_as_they_are(name: str, value: object) -> None:
    html = str(VIEWS[type(value)](value))  # type: ignore[operator]
    assert "<script" not in html
    assert "<img src=x" not in html
    assert "&lt;script&gt;" in html
