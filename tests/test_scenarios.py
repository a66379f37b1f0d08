"""Scenario files: rules that iptables-restore loads, with expectations as ``#>`` comments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel_golden import packet_of, recordings
from scenario import FOLDER, Scenario, scenarios

import iptlab

MACHINES = scenarios()
ARCHIVE = Path(__file__).parent / "data" / "kernel-more.tar.xz"
RECORDED = {one.data["name"]: one.data for one in recordings(ARCHIVE)}


def expectations() -> Iterator[tuple[str, str, str]]:
    """File, situation and wanted conclusion of every ``#>`` line about rules alone."""
    with_machine = {one.name for one in MACHINES}
    for file in sorted(FOLDER.glob("*.rules")):
        for line in file.read_text().splitlines() if file.stem not in with_machine else ():
            if line.startswith("#>"):
                situation, _, wanted = line[2:].rpartition(" : ")
                yield file.name, situation.strip(), wanted


@pytest.mark.parametrize(("name", "situation", "wanted"), list(expectations()))
def test_the_packet_fares_as_the_file_says(name: str, situation: str, wanted: str) -> None:
    rules = iptlab.Ruleset.read(FOLDER / name)
    assert iptlab.trace(rules, situation).conclusion == wanted


@pytest.mark.parametrize("scenario", MACHINES, ids=lambda one: one.name)
def test_every_packet_ends_on_the_machine_as_the_file_says(scenario: Scenario) -> None:
    machine = scenario.machine()
    for act in scenario.acts:
        if act.seconds:
            machine.wait(act.seconds)
            continue
        journey = act.on(machine)
        place = f"{scenario.name}.rules, line {act.line}"
        assert (place, journey.conclusion) == (place, act.wanted)
        assert tuple(one.conclusion for one in journey.generated) == act.answers, place
        assert tuple(line.rstrip() for line in journey.log) == act.log, place


@pytest.mark.parametrize("scenario", MACHINES, ids=lambda one: one.name)
def test_the_real_kernel_did_the_same(scenario: Scenario) -> None:
    """The recording is of these rules and packets; test_golden_journeys.py replays it."""
    recorded = RECORDED[scenario.name]
    rules = [line for line in scenario.rules.splitlines() if not line.startswith("#")]
    assert recorded["rules"].splitlines() == rules
    sent = [
        (one["packet"]["inject"], *str(packet_of(one["packet"])).split()[:4])
        for one in recorded["packets"]
    ]
    assert sent == [
        (act.interface or "local", *act.packet.split()[:4]) for act in scenario.acts if act.packet
    ]


def test_there_are_scenarios() -> None:
    assert len(list(expectations())) >= 20
    assert len(MACHINES) >= 12
    assert all(act.wanted or act.seconds for one in MACHINES for act in one.acts)
