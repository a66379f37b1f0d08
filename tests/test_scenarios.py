"""Scenario files: rules that iptables-restore loads, with expectations as ``#>`` comments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import iptlab

FILES = sorted((Path(__file__).parent / "scenarios").glob("*.rules"))


def expectations() -> Iterator[tuple[str, str, str]]:
    """File, situation and wanted conclusion of every ``#>`` line."""
    for file in FILES:
        for line in file.read_text().splitlines():
            if line.startswith("#>"):
                situation, _, wanted = line[2:].rpartition(" : ")
                yield file.name, situation.strip(), wanted


@pytest.mark.parametrize(("name", "situation", "wanted"), list(expectations()))
def test_the_packet_fares_as_the_file_says(name: str, situation: str, wanted: str) -> None:
    rules = iptlab.Ruleset.read(Path(__file__).parent / "scenarios" / name)
    assert iptlab.trace(rules, situation).conclusion == wanted


def test_there_are_scenarios() -> None:
    assert len(list(expectations())) >= 20
