"""The examples of README and of the library's page do what is said that they do."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from iptlab.cli import main

ROOT = Path(__file__).parents[1]


def blocks(name: str, language: str) -> list[str]:
    """The code blocks of one language in a document."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.S | re.M)


@pytest.mark.parametrize("block", blocks("README.md", "console"))
def test_a_command_prints_what_readme_shows(
    block: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    command, _, shown = block.removeprefix("$ ").partition("\n")
    program, *words = shlex.split(command)
    assert program == "iptlab"
    assert main(words) == 0
    assert capsys.readouterr().out == shown


def test_the_python_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    examples = blocks("docs/library.md", "python")
    assert len(examples) == 4
    for example in examples:
        exec(example, {})
    printed = capsys.readouterr().out
    assert "verdict: DROP by filter INPUT 1" in printed
    assert "forwarded through eth1: tcp 198.51.100.7:4000 -> 192.168.1.10:8080" in printed
    assert "ufw-skip-to-policy-input    1" in printed
    assert "iptables: Index of deletion too big." in printed
    assert "on router: rejected with icmp-port-unreachable by filter FORWARD 1" in printed
