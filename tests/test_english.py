"""Rules in plain English, and remarks on what looks like a mistake."""

from __future__ import annotations

import pytest

from iptlab import IptlabError, Ruleset
from iptlab.english import explain, remarks


def test_one_chain_can_be_asked_for() -> None:
    rules = Ruleset.parse("*filter\n:INPUT DROP\n:web -\n-A INPUT -p tcp -j web\nCOMMIT\n")
    page = explain(rules, "web")
    assert "Chain web" in page
    assert "Chain INPUT" not in page
    with pytest.raises(IptlabError, match="no table here has a chain `wed'"):
        explain(rules, "wed")


def look(*lines: str) -> list[tuple[tuple[int, ...], str]]:
    """The remarks on INPUT and the user chains of table filter."""
    table = Ruleset.parse("\n".join(["*filter", *lines, "COMMIT", ""])).tables["filter"]
    return [(one.rules, one.text) for chain in table.ordered() for one in remarks(table, chain)]


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("-j DROP", "Every packet is dropped without an answer."),
        (
            "-s 10.0.0.0/8 -p tcp --dport 1024: -j ACCEPT",
            "A packet that comes from 10.0.0.0/8, is tcp and goes to port 1024 to 65535 "
            "is accepted by this table.",
        ),
        (
            "! -i lo -m conntrack --ctstate NEW,INVALID -j LOG",
            "A packet that did not come in through lo and belongs to a connection in state "
            "INVALID or NEW is written to the kernel log and goes on.",
        ),
        ("-p udp", "A packet that is udp is counted and goes on."),
    ],
)
def test_a_rule_is_one_sentence(rule: str, sentence: str) -> None:
    rules = Ruleset.parse(f"*filter\n-A INPUT {rule}\nCOMMIT\n")
    assert rules.tables["filter"].chains["INPUT"].rules[0].explain() == sentence


def test_the_page_names_callers_policies_and_endings() -> None:
    page = explain(Ruleset.parse("*filter\n:INPUT DROP\n:web -\n-A INPUT -p tcp -j web\nCOMMIT\n"))
    assert "Chain INPUT, 1 rule, policy DROP" in page
    assert "Policy: Every packet that gets here is dropped without an answer." in page
    assert "Chain web, no rules, called from INPUT 1" in page


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ("-p tcp -j DROP", "-p tcp --dport 22 -j ACCEPT"),
        ("-s 10.0.0.0/8 -j ACCEPT", "-s 10.1.0.0/16 -p udp -j DROP"),
        ("-p tcp --dport 1:1024 -j DROP", "-p tcp -m multiport --dports 22,80 -j ACCEPT"),
        ("! -s 10.1.0.0/16 -j DROP", "! -s 10.0.0.0/8 -j ACCEPT"),
        ("-i eth+ -j DROP", "-i eth0 -j ACCEPT"),
    ],
)
def test_a_rule_that_no_packet_reaches_is_pointed_out(early: str, late: str) -> None:
    assert look(f"-A INPUT {early}", f"-A INPUT {late}") == [
        ((1, 2), "rule 2 is never reached: rule 1 takes all its packets.")
    ]


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ("-p tcp --dport 22 -j DROP", "-p tcp -j ACCEPT"),
        ("-s 10.1.0.0/16 -j ACCEPT", "-s 10.0.0.0/8 -j DROP"),
        ("-p tcp -j LOG", "-p tcp -j DROP"),
        ("-m limit --limit 1/s -j ACCEPT", "-j DROP"),
        ("! -s 10.0.0.0/8 -j DROP", "-s 10.0.0.0/8 -j ACCEPT"),
    ],
)
def test_a_rule_that_packets_can_reach_is_not(early: str, late: str) -> None:
    assert look(f"-A INPUT {early}", f"-A INPUT {late}") == []


def test_a_drop_before_established_is_pointed_out() -> None:
    found = look("-A INPUT -p udp -j DROP", "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT")
    assert [rules for rules, _ in found] == [(1, 2)]


def test_a_chain_that_nobody_calls_is_pointed_out() -> None:
    assert look(":alone -") == [((), "no rule jumps to alone, so no packet gets here.")]


def test_what_is_not_modelled_is_said_to_be_so() -> None:
    ((numbers, text),) = look("-A INPUT -m rateest --rateest one --rateest-lt -j ACCEPT")
    assert numbers == (1,)
    assert "does not model" in text
