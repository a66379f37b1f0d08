"""The self-test says what works, and what helps where something does not."""

from __future__ import annotations

import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell

import iptlab
from iptlab.errors import KernelUnavailable
from iptlab.notebook import selftest

PARTS = 4


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is shown besides the output, in a shell that knows the magics."""
    shell = InteractiveShell()
    iptlab.load_ipython_extension(shell)
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: shell)
    shown: list[str] = []
    monkeypatch.setattr("IPython.core.page.page", shown.append)
    return shown


def test_where_all_is_well_it_says_so(pages: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    iptlab.selftest()
    lines = capsys.readouterr().out.splitlines()
    assert [line[0] for line in lines[:PARTS]] == ["✓"] * PARTS
    assert lines[-1] == "All is well: you can begin."
    assert iptlab.__version__ in pages[0]


def test_what_is_broken_is_named_with_its_cure(
    pages: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    iptlab.selftest()
    said = capsys.readouterr().out
    assert "✗ tables, plots and widgets can be drawn\n  Try: pip install" in said
    assert f"Failed: 1 of {PARTS}." in said


def test_in_a_browser_all_is_well_without_pandas(
    pages: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setattr(sys, "platform", "emscripten")
    iptlab.selftest()
    assert "All is well" in capsys.readouterr().out
    assert "this is emscripten, not Linux" in pages[0]


def test_without_magics_it_says_how_to_load_them(
    pages: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("IPython.core.getipython.get_ipython", InteractiveShell)
    iptlab.selftest()
    assert "understood\n  Try: %load_ext iptlab" in capsys.readouterr().out


def test_the_output_does_not_depend_on_the_kernel(
    pages: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise KernelUnavailable("no namespaces", "ask for them")

    def agree(*_: object) -> None:
        return None

    said = []
    for answer in (refuse, agree):
        monkeypatch.setattr(selftest, "verify", answer)
        iptlab.selftest()
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert "no namespaces" in pages[0]
    assert "can be asked here, with %verify" in pages[1]
