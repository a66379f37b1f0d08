"""The fuzzer: a fixed slice of it finds nothing, and what it would find it can shrink."""

from __future__ import annotations

import re
from typing import Any

import fuzz_kernel
import pytest
import scoreboard
from fuzz_kernel import Wrong, again, drawn, fuzz, shrunk
from test_kernel import host as skip_without_namespaces

from iptlab.kernel.frames import build
from iptlab.netfilter.hooks import Backend

# a longer slice begins with the same packets
SECONDS = 120
SEED = "slice"


@pytest.mark.kernel
def test_simulator_and_kernel_agree_about_random_rules() -> None:
    skip_without_namespaces().close()
    score = fuzz(SEED, SECONDS, None)
    assert score.wrong == []
    assert score.packets[Backend.LEGACY] > 50
    assert score.packets[Backend.NFT] > 50


def test_the_same_seed_draws_the_same_rules() -> None:
    assert drawn("x")[0] == drawn("x")[0]
    assert drawn("x")[0] != drawn("y")[0]


@pytest.mark.kernel
def test_a_disagreement_is_shrunk_to_the_rule_and_the_packet_that_show_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The simulator is made to forget that anything is ever delivered."""
    skip_without_namespaces().close()
    honest = fuzz_kernel.observed

    def forgetful(journey: Any, machine: Any) -> dict[str, Any]:
        told = honest(journey, machine)
        hit = any(place[:2] == ["filter", "INPUT"] for place in told["hits"])
        return told | ({"fate": "lost"} if hit else {})

    monkeypatch.setattr(fuzz_kernel, "observed", forgetful)
    steps = [step(port) for port in (22, 80, 443)]
    one: dict[str, Any] = {"name": "shrink", "topology": "host", "family": 4, "packets": steps}
    one["rules"] = (
        "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j MARK --set-mark 1\nCOMMIT\n"
        "*filter\n:INPUT ACCEPT [0:0]\n:web - [0:0]\n-A INPUT -p udp -j DROP\n"
        "-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\n-A web -j DROP\nCOMMIT\n"
    )
    wrong = again(one, Backend.LEGACY)
    assert wrong == Wrong(3, "fate", "lost", "delivered-local")
    small = shrunk(one, Backend.LEGACY, wrong)
    assert len(small["packets"]) == 1
    assert small["rules"] == "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT\nCOMMIT\n"


def step(port: int) -> dict[str, Any]:
    """A SYN from outside to the machine itself."""
    ends = {"inject": "eth0", "ip": 4, "src": "192.0.2.5", "dst": "192.0.2.10", "proto": "tcp"}
    packet = ends | {"sport": 4000, "dport": port, "flags": "SYN"}
    return {"packet": packet | {"hex": build(packet).hex()}}


def test_the_table_in_the_readme_is_what_the_scoreboard_counts() -> None:
    rows = list(scoreboard.replayed())
    assert [row for row in rows if row.wrong] == []
    _, _, *lines, random = scoreboard.shown().splitlines()
    assert [line[: len(row.counted)] for line, row in zip(lines, rows, strict=True)] == [
        row.counted for row in rows
    ]
    said = re.search(r"([\d,]+) of ([\d,]+) \|", random.removeprefix(f"| {scoreboard.RANDOM}"))
    assert said
    agree, packets = (int(number.replace(",", "")) for number in said.groups())
    assert agree == packets >= 20_000
