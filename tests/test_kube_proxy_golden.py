"""kube-proxy's rules against recordings of the real one: every byte, every reported value.

``tests/data/kube-proxy-golden.tar.xz`` holds the recordings; its README explains the format.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from kube_proxy_golden import Replay, Scenario, main, scenarios

from iptlab.packet import Family
from iptlab.syntax.clauses import Clauses
from iptlab.syntax.grammar import Place
from iptlab.syntax.rule import read_command
from iptlab.syntax.tokens import restore_words

ARCHIVE = Path(__file__).parent / "data" / "kube-proxy-golden.tar.xz"


@cache
def recordings() -> dict[str, Scenario]:
    """Every recorded cluster by its name."""
    return {one.name: one for one in scenarios(ARCHIVE)}


@pytest.mark.parametrize("name", recordings())
def test_a_cluster_gets_the_rules_of_the_real_kube_proxy(name: str) -> None:
    replay = Replay(recordings()[name]).run()
    assert replay.differences == []
    assert replay.compared["rules"] >= 1
    assert replay.compared["state values"] >= 10


def test_the_quick_reader_reads_restore_texts_as_the_full_one_does() -> None:
    taken = 0
    for name in list(recordings())[::20]:
        text = recordings()[name].files.get("expected.rules", "")
        chains = set(re.findall(r"^:(\S+)", text, re.M))
        family = Family.IPV6 if "icmp6" in text or "[fd00" in text else Family.IPV4
        quick = Clauses(family)
        for line in text.split("\n"):
            known = quick.rule(line, chains) if line.startswith("-A ") else None
            if known:
                full = read_command(restore_words(line), Place(1, line), family, chains)
                assert (known[0], (known[1],)) == (full.chain, full.rules)
                taken += 1
    assert taken > 400


def test_the_script_tells_a_difference_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    scenario = recordings()["kube-proxy-golden/designed/01-clusterip-three-endpoints"]
    for name, text in scenario.files.items():
        (folder / name).write_text(text)
    assert main([str(tmp_path)]) == 0
    assert "rules: 1 of 1 equal" in capsys.readouterr().out
    rules = folder / "expected.rules"
    rules.write_text(rules.read_text().replace("0.5000000000", "0.5"))
    assert main([str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert "one: expected.rules: line" in told
    assert "rules: 0 of 1 equal" in told
