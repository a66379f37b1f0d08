"""kube-proxy's rules against recordings of the real one: every byte, every reported value.

``tests/data/kube-proxy-golden.tar.xz`` holds the recordings; its README explains the format.
"""

from __future__ import annotations

import json
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
    replay = Replay(recordings()[name], with_flows=False).run()
    assert replay.differences == []
    assert replay.compared["rules"] >= 1
    assert replay.compared["state values"] >= 10


@pytest.mark.parametrize("name", list(recordings())[1::6])
def test_recorded_packets_take_the_same_ways_through_our_simulator(name: str) -> None:
    replay = Replay(recordings()[name]).run()
    assert replay.differences == []
    recorded = [text for file, text in recordings()[name].files.items() if "flows" in file]
    assert replay.compared["flows"] == sum(len(json.loads(text)) for text in recorded)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("outcomes", [{"verdict": "DROP"}], "expected DROP; ours DNAT 10.244.1.5:8080, DNAT"),
        ("outcomes", [], "expected nothing; ours DNAT 10.244.1.5:8080"),
        ("sticky", True, "after DNAT 10.244.1.5:8080 comes DNAT 10.244.1.5:8080, DNAT"),
        ("ruleTrace", {"endpoints": [], "filter": "DROP"}, "expected the trace {'endpoints': []"),
    ],
)
def test_a_flow_that_goes_elsewhere_is_told(key: str, value: object, says: str) -> None:
    scenario = recordings()["kube-proxy-golden/designed/01-clusterip-three-endpoints"]
    flows = json.loads(scenario.files["flows.json"])
    flows[0][key] = value
    files = {**scenario.files, "flows.json": json.dumps(flows)}
    replay = Replay(Scenario("changed", files)).run()
    assert (replay.compared["flows"], replay.same["flows"]) == (7, 6)
    assert says in replay.differences[0]


def test_a_sample_need_not_have_seen_every_endpoint() -> None:
    scenario = recordings()["kube-proxy-golden/designed/01-clusterip-three-endpoints"]
    flows = json.loads(scenario.files["flows.json"])[:1]
    flows[0] |= {"outcomes": flows[0]["outcomes"][:1], "outcomesAreASample": True}
    files = {**scenario.files, "flows.json": json.dumps(flows)}
    assert Replay(Scenario("sampled", files)).run().differences == []


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
