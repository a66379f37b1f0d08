"""The walk through chains, and the trace it leaves."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from strategies import packets, rulesets

import iptlab
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.context import CannotTell
from iptlab.netfilter.hooks import Hook
from iptlab.simulate.trace import Left, Step

KNOCK = "in eth0 tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN"


def rules(*lines: str) -> iptlab.Ruleset:
    """Rules of table filter."""
    return iptlab.Ruleset.parse("\n".join(["*filter", *lines, "COMMIT", ""]))


def test_every_rule_up_to_the_verdict_leaves_a_step_with_its_reason() -> None:
    visit = iptlab.trace(
        rules(
            "-A INPUT -p tcp --dport 443 -j ACCEPT", "-A INPUT -p tcp -j DROP", "-A INPUT -j LOG"
        ),
        KNOCK,
    )
    steps = list(visit.tables[0].steps())
    assert [(s.chain, s.number, s.answer) for s in steps] == [
        ("INPUT", 1, False),
        ("INPUT", 2, True),
    ]
    assert steps[0].why_not == "--dport 443, but this packet goes to port 22"
    assert steps[1].why_not == ""
    assert visit.conclusion == "DROP by filter INPUT 2"


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("-s 10.1.0.0/16", "-s 10.1.0.0/16, but this packet comes from 10.0.0.9"),
        ("! -s 10.0.0.0/8", "! -s 10.0.0.0/8, but this packet comes from 10.0.0.9"),
        ("-i lo", "-i lo, but this packet came in through eth0"),
        ("-p udp", "-p udp, but this packet is tcp"),
        ("-p tcp ! --syn", "! --tcp-flags FIN,SYN,RST,ACK SYN, but this packet has the flags SYN"),
        (
            "-m conntrack --ctstate ESTABLISHED",
            "--ctstate ESTABLISHED, but this packet belongs to a connection in state NEW",
        ),
        ("-m mark --mark 0x1", "--mark 0x1, but this packet has mark 0"),
        (
            "-s 10.0.0.0/8 -p tcp -m multiport --dports 80,443",
            "--dports 80,443, but this packet goes to port 22",
        ),
    ],
)
def test_the_first_condition_that_says_no_is_named(rule: str, why: str) -> None:
    visit = iptlab.trace(rules(f"-A INPUT {rule} -j DROP"), KNOCK)
    assert next(visit.tables[0].steps()).why_not == why


def test_an_icmp_packet_has_no_port_to_compare_even_negated() -> None:
    visit = iptlab.trace(rules("-A INPUT ! -p udp -j ACCEPT"), "icmp 10.0.0.9 -> 10.0.0.1")
    assert visit.conclusion == "ACCEPT by filter INPUT 1"


def test_goto_does_not_come_back() -> None:
    visit = iptlab.trace(
        rules(":INPUT DROP", ":side -", "-A INPUT -g side", "-A INPUT -j ACCEPT"), KNOCK
    )
    assert visit.conclusion == "DROP by filter INPUT policy"
    assert isinstance(visit.tables[0].events[-1], Left)


def test_a_jump_comes_back_to_the_next_rule() -> None:
    visit = iptlab.trace(
        rules(":INPUT DROP", ":side -", "-A INPUT -j side", "-A INPUT -j ACCEPT"), KNOCK
    )
    left = visit.tables[0].events[1]
    assert isinstance(left, Left)
    assert left.outcome == "end of chain: back to INPUT 2"
    assert visit.conclusion == "ACCEPT by filter INPUT 2"


def test_return_in_a_built_in_chain_asks_the_policy() -> None:
    visit = iptlab.trace(rules(":INPUT DROP", "-A INPUT -j RETURN", "-A INPUT -j ACCEPT"), KNOCK)
    assert visit.conclusion == "DROP by filter INPUT policy"
    assert "RETURN: policy DROP" in str(visit)


def test_a_thousand_nested_chains_are_no_trouble() -> None:
    depth = 3000
    chains = [f":c{n} -" for n in range(depth)]
    jumps = [f"-A c{n} -j c{n + 1}" for n in range(depth - 1)]
    visit = iptlab.trace(
        rules(*chains, "-A INPUT -j c0", *jumps, f"-A c{depth - 1} -j DROP"), KNOCK
    )
    assert visit.conclusion == f"DROP by filter c{depth - 1} 1"


def test_a_rule_without_target_only_counts() -> None:
    visit = iptlab.trace(rules("-A INPUT -p tcp", "-A INPUT -j DROP"), KNOCK)
    assert visit.tables[0].hits() == (("INPUT", 1), ("INPUT", 2))


RATE = "-m rateest --rateest one --rateest-lt --rateest-pps 5"


def test_what_is_not_modelled_is_never_guessed() -> None:
    visit = iptlab.trace(rules(f"-A INPUT {RATE} -j DROP"), KNOCK)
    assert isinstance(visit.verdict, CannotTell)
    assert visit.conclusion == (
        "cannot tell, because how fast packets come is not measured (filter INPUT 1)"
    )


def test_what_is_not_modelled_does_not_matter_where_nothing_depends_on_it() -> None:
    visit = iptlab.trace(
        rules(f"-A INPUT {RATE}", f"-A INPUT -p udp {RATE} -j DROP"),
        KNOCK,
    )
    assert visit.conclusion == "ACCEPT by filter INPUT policy"


def test_without_tables_every_packet_passes() -> None:
    visit = iptlab.trace(iptlab.Ruleset.parse("*nat\nCOMMIT\n"), KNOCK, Hook.FORWARD)
    assert visit.conclusion == "ACCEPT, for no table has rules here"
    assert str(visit).endswith("verdict: ACCEPT, for no table has rules here")


def test_a_trace_is_json() -> None:
    visit = iptlab.trace(rules("-A INPUT -p tcp -j DROP"), KNOCK)
    data = json.loads(json.dumps(visit.as_dict()))
    assert data["verdict"] == "DROP"
    assert data["events"][0]["matched"] is True


def test_the_other_family_is_refused() -> None:
    with pytest.raises(iptlab.PacketError, match="IPv6"):
        iptlab.trace(rules(), "tcp [fd00::9]:4000 -> [fd00::1]:22")


@given(rulesets(), packets())
def test_a_walk_ends_and_its_steps_follow_the_rules(
    ruleset: iptlab.Ruleset, packet: iptlab.Packet
) -> None:
    visit = iptlab.trace(ruleset, iptlab.Situation(packet, iptlab.Situation.parse(KNOCK).context))
    assert visit.verdict in set(Verdict)
    for table in visit.tables:
        for event in table.events:
            if isinstance(event, Step):
                chain = ruleset.tables[event.table].chains[event.chain]
                assert chain.rules[event.number - 1] == event.rule
                assert (event.why_not == "") == (event.answer is True)


def test_a_stateful_match_remembers_what_earlier_packets_did() -> None:
    """Three knocks a minute; the fourth is refused, and a stranger still gets in."""
    limited = rules(
        "-A INPUT -p tcp --dport 22 -m recent --name knocks --set",
        "-A INPUT -m recent --name knocks --rcheck --hitcount 4 -j DROP",
    )
    situation = iptlab.Situation.parse(KNOCK)
    verdicts = []
    for _ in range(4):
        visit = situation.walk(limited.tables)
        verdicts.append(str(visit.verdict))
        situation = replace(situation, context=visit.tables[-1].context)
    assert verdicts == ["ACCEPT", "ACCEPT", "ACCEPT", "DROP"]
    stranger = replace(situation, packet=iptlab.Packet.parse("tcp 10.0.0.8:1 -> 10.0.0.1:22"))
    assert stranger.walk(limited.tables).accepted
