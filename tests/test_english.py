"""Rules in plain English, and remarks on what looks like a mistake."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from iptlab import IptlabError, Ruleset, RulesetError
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


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("-m mark --mark 0/0x10", "A packet that has mark 0x0 in the bits 0x10 "),
        ("-j MARK --set-xmark 0/0xe0", "gets the bits 0xe0 of its mark cleared"),
        ("-j MARK --set-mark 2/0xff", "gets 0x2 into the bits 0xff of its mark"),
        ("-j MARK --or-mark 4", "gets the bits 0x4 added to its mark"),
        ("-j MARK --xor-mark 1", "gets its mark changed (mark & ~0x0 ^ 0x1)"),
    ],
)
def test_marks_are_told_bit_by_bit(rule: str, said: str) -> None:
    table = Ruleset.parse(f"*mangle\n-A INPUT {rule}\nCOMMIT\n").tables["mangle"]
    assert said in table.chains["INPUT"].rules[0].explain()


def test_what_cannot_be_told_is_said_to_be_so() -> None:
    ((numbers, text),) = look(
        "-A INPUT -m rateest --rateest one --rateest-lt --rateest-pps 5 -j ACCEPT"
    )
    assert numbers == (1,)
    assert text == "rule 1 asks what iptlab cannot tell: how fast packets come is not measured."


def remarks_on(*lines: str) -> list[str]:
    return [text for _, text in look(*lines)]


def test_a_chain_that_takes_every_packet_ends_its_callers_too() -> None:
    found = look(":web -", "-A INPUT -p tcp -j web", "-A INPUT -p tcp -j LOG", "-A web -j DROP")
    assert found == [((1, 2), "rule 2 is never reached: rule 1 takes all its packets.")]
    back = ("-A web -s 10.0.0.0/8 -j RETURN", "-A web -j DROP")
    assert look(":web -", "-A INPUT -p tcp -j web", "-A INPUT -p tcp -j LOG", *back) == []


def test_a_rule_can_be_shadowed_by_its_chains_caller() -> None:
    assert remarks_on(
        ":web -",
        "-A INPUT -p tcp --dport 22 -j ACCEPT",
        "-A INPUT -p tcp -j web",
        "-A web -p tcp --dport 22 -j DROP",
        "-A web -p udp --dport 53 -j DROP",
        "-A web -p tcp --dport 80 -j DROP",
    ) == [
        "rule 1 is never reached: rule 1 of INPUT takes all its packets before rule 2 there "
        "sends any here.",
        "rule 2 never matches: rule 2 of INPUT, the only way here, sends other packets.",
    ]


def test_a_chain_with_two_callers_is_left_alone() -> None:
    lines = ("-A INPUT -p tcp -j ACCEPT", "-A INPUT -p udp -j web", "-A OUTPUT -p tcp -j web")
    assert look(":web -", *lines, "-A web -p tcp -j DROP") == []


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ((":web -", "-A INPUT -j web"), "rule 1 jumps to web, where there are no rules"),
        (("-A INPUT -p tcp --dport 22",), "rule 1 has no -j"),
        ((":input -", "-A input -j DROP"), "Did you mean INPUT?"),
    ],
)
def test_what_comes_to_nothing_is_pointed_out(lines: tuple[str, ...], says: str) -> None:
    assert any(says in text for text in remarks_on(*lines))


def test_two_equal_limits_do_not_shadow_each_other() -> None:
    rule = "-A INPUT -m limit --limit 1/s -j ACCEPT"
    assert look(rule, rule) == []


def test_what_was_left_out_of_a_found_text_is_told_at_the_end() -> None:
    text = "root@x:~# iptables-save\n*filter\n-A INPUT -s x.x.x.x -j DROP\nCOMMIT\n"
    page = explain(Ruleset.parse(text, strict=False))
    assert "Look: rule 1 has `-s x.x.x.x': nobody said what that stands for." in page
    assert page.endswith(
        "Notes\n  line 1, `root@x:~# iptables-save': it is no line of a dump, so it was left out"
    )


def test_no_rule_that_is_called_unreachable_has_met_a_packet_in_the_recordings() -> None:
    claims = 0
    with tarfile.open(Path(__file__).parent / "data" / "kernel-golden.tar.xz") as packed:
        files = [member for member in packed if member.name.endswith(".json")]
        for member in files[:80]:
            for text in saved_texts(json.load(packed.extractfile(member))):  # type: ignore[arg-type]
                for table in Ruleset.parse(text, strict=False).tables.values():
                    for chain in table.ordered():
                        for remark in remarks(table, chain):
                            if "never" in remark.text:
                                claims += 1
                                assert not chain.rules[remark.rules[-1] - 1].counters.packets
    assert claims > 20


def saved_texts(recorded: object) -> Iterator[str]:
    """The texts of iptables-save -c with IPv4 rules in a recording."""
    if isinstance(recorded, str):
        if re.search(r"(?m)^\[\d+:\d+\] -A", recorded) and "COMMIT" in recorded:
            with suppress(RulesetError):
                Ruleset.parse(recorded, strict=False)
                yield recorded
    elif isinstance(recorded, dict):
        for value in recorded.values():
            yield from saved_texts(value)
    elif isinstance(recorded, list):
        for value in recorded:
            yield from saved_texts(value)


def test_a_text_without_tables_has_a_page_too() -> None:
    assert explain(Ruleset.parse("")).startswith("No tables")
