"""What iptables-restore reads: recordings of the real tool, and dumps."""

import json
import tarfile
from pathlib import Path

import pytest

from iptlab.errors import RuleError, RulesetError, RuleSyntaxError
from iptlab.packet import Family
from iptlab.ruleset import Ruleset
from iptlab.syntax.command import Outcome, run
from iptlab.syntax.ipset import read_sets

DATA = Path(__file__).parent / "data"

with tarfile.open(DATA / "kernel-golden.tar.xz") as recorded:
    ENTRIES = json.load(recorded.extractfile("kernel-golden/text/restore.json"))  # type: ignore[arg-type]

# the sets that the recorded machine had
SETS = read_sets("create s1 hash:ip family inet\ncreate s2 hash:ip,port family inet\n")


def restore(text: str, *switches: str, tables: dict | None = None) -> Outcome:
    return run(tables or {}, ["iptables-restore", *switches], stdin=text, sets=SETS)


def saved(outcome: Outcome) -> str:
    """What iptables-save -c prints, without its remarks."""
    lines = run(outcome.tables, ["iptables-save", "-c"]).stdout.split("\n")
    return "\n".join(line for line in lines if not line.startswith("#"))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["name"])
def test_a_recorded_restore_ends_the_same(entry: dict) -> None:
    wanted = entry["legacy"]
    outcome = restore(entry["input"])
    assert (outcome.status, outcome.stderr) == (wanted["rc"], wanted["stderr"])
    if "saved" in wanted:
        assert saved(outcome).rstrip("\n") == wanted["saved"].rstrip("\n")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["name"])
def test_a_ruleset_is_read_like_a_restore(entry: dict) -> None:
    wanted = entry["legacy"]
    if "saved" in wanted:
        text = Ruleset.parse(entry["input"], sets=SETS).save(counters=True)
        assert text.rstrip("\n") == wanted["saved"].rstrip("\n")
    else:
        with pytest.raises(RuleError) as refused:
            Ruleset.parse(entry["input"], sets=SETS)
        assert refused.value.status == wanted["rc"]


# switches; input; what is printed on stderr first; the exit status
REFUSALS = {
    ("-c", "*filter\n:INPUT ACCEPT [a:b]\nCOMMIT\n"): (
        "iptables-restore v1.8.9 (legacy): invalid policy counters for chain 'INPUT'",
        2,
    ),
    ("-c", "*filter\n[5:x] -A INPUT\nCOMMIT\n"): (
        "iptables-restore v1.8.9 (legacy): -c byte counter not numeric",
        2,
    ),
    ("-c", "*filter\n[5:6] -A INPUT -c 7 8\nCOMMIT\n"): (
        "iptables-restore v1.8.9 (legacy): multiple -c flags not allowed",
        2,
    ),
    ("", "*filter\n[5 -A INPUT\nCOMMIT\n"): (
        "iptables-restore v1.8.9 (legacy): Bad line 2: need ]",
        2,
    ),
    ("", "*filter\n   \nCOMMIT\n"): ("iptables-restore v1.8.9 (legacy): no command specified", 2),
    ("", "*filter\n:INPUT\nCOMMIT\n"): (
        "iptables-restore v1.8.9 (legacy): iptables-restore: line 2 policy invalid",
        2,
    ),
    ("", "*filter\n:A - [0:0]\n:A - [0:0]\nCOMMIT\n"): (
        "iptables-restore v1.8.9 (legacy): error creating chain 'A':File exists",
        2,
    ),
    ("", "*nosuch\nCOMMIT\n"): (
        "iptables-restore v1.8.9 (legacy): iptables-restore: unable to initialize table 'nosuch'",
        2,
    ),
    ("", "*filter\N{NO-BREAK SPACE}\nCOMMIT\n"): (
        "iptables-restore v1.8.9 (legacy): iptables-restore: "
        "unable to initialize table 'filter\N{NO-BREAK SPACE}'",
        2,
    ),
    ("", "*filter\n-vt nat -A INPUT\nCOMMIT\n"): (
        "iptables-restore v1.8.9 (legacy): The -t option cannot be used in iptables-restore.",
        2,
    ),
    ("", "*filter\n-A INPUT -w\nCOMMIT\n"): (
        "iptables-restore v1.8.9 (legacy): You cannot use `-w' from iptables-restore",
        2,
    ),
    ("", "*filter\n-A INPUT\n*nat\nCOMMIT\n"): ("Bad argument `*nat'", 2),
    ("", '*filter\n-A INPUT -m comment --comment "a""b"\nCOMMIT\n'): ("Bad argument `b'", 2),
    ("", "*filter\nCOMMIT"): ("Bad argument `COMMIT'", 2),
    ("", "*filter\n-A INPUT -m comment --comment " + "x" * 1024 + "\nCOMMIT\n"): (
        "iptables-restore v1.8.9 (legacy): Parameter too long!",
        2,
    ),
    ("", "*filter\n-A INPUT\n"): ("iptables-restore: COMMIT expected at line 3", 1),
    ("", "*filter\nCOMMIT\nCOMMIT\n"): ("iptables-restore: line 3 failed", 1),
    ("-T", ""): ("iptables-legacy-restore: option requires an argument -- 'T'", 1),
    ("rules.txt", ""): ("Can't open rules.txt: No such file or directory", 1),
}


@pytest.mark.parametrize(("switch", "text"), REFUSALS)
def test_refusals_are_worded_as_the_tool_words_them(switch: str, text: str) -> None:
    outcome = restore(text, *filter(None, [switch]))
    assert (outcome.stderr.split("\n")[0], outcome.status) == REFUSALS[switch, text]


def test_earlier_tables_stay_committed() -> None:
    outcome = restore("*filter\n-A INPUT -j DROP\nCOMMIT\n*mangle\n-A INPUT -j NOSUCH\nCOMMIT\n")
    assert outcome.status == 2
    assert "-A INPUT -j DROP" in saved(outcome)


def test_a_refused_table_stays_as_it_was() -> None:
    before = restore("*filter\n-A INPUT -s 10.0.0.1\nCOMMIT\n")
    after = restore("*filter\n-A INPUT -m owner --uid-owner 0\nCOMMIT\n", tables=before.tables)
    assert after.stderr == "iptables-restore: line 3 failed\n"
    assert after.tables == before.tables


def test_a_chain_that_is_not_mentioned_keeps_its_policy() -> None:
    before = restore("*filter\n:INPUT DROP [0:0]\n:A - [0:0]\nCOMMIT\n")
    after = restore("*filter\n:OUTPUT DROP [0:0]\nCOMMIT\n", tables=before.tables)
    assert [str(chain.policy) for chain in after.tables["filter"].ordered()] == [
        *("DROP", "ACCEPT", "DROP")
    ]


def test_noflush_keeps_rules_and_empties_declared_chains() -> None:
    before = restore("*filter\n:A - [0:0]\n-A A -j DROP\n-A INPUT -j A\nCOMMIT\n")
    after = restore("*filter\n:A - [0:0]\nCOMMIT\n", "--noflush", tables=before.tables)
    chains = after.tables["filter"].chains
    assert (len(chains["INPUT"].rules), len(chains["A"].rules)) == (1, 0)


def test_test_commits_nothing() -> None:
    assert "DROP" not in saved(restore("*filter\n-A INPUT -j DROP\nCOMMIT\n", "--test"))


def test_one_table_can_be_chosen() -> None:
    text = "*filter\n-A INPUT -j NOSUCH\nCOMMIT\n*nat\n-A INPUT\nCOMMIT\n"
    outcome = restore(text, "-T", "nat")
    assert (outcome.status, list(outcome.tables)) == (0, ["nat"])


def test_every_operation_works_in_a_restore() -> None:
    text = """*filter
-N a
-A a -s 10.0.0.1 -j DROP
-I a -s 10.0.0.2
-R a 2 -s 10.0.0.3 -j RETURN
-E a b
-N c
-X c
-P FORWARD DROP
-A OUTPUT -j b
-D OUTPUT 1
-A INPUT -j DROP
-F INPUT
-Z
COMMIT
"""
    assert str(Ruleset.parse(text)) == (
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:b - [0:0]\n"
        "-A b -s 10.0.0.2/32\n-A b -s 10.0.0.3/32 -j RETURN\nCOMMIT\n"
    )


# --- dumps ---

DUMP = """# Generated by iptables-save v1.8.9 on Mon Jan  5 10:00:00 2026
*nat
:PREROUTING ACCEPT [1:60]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
COMMIT
# Completed on Mon Jan  5 10:00:00 2026
# Generated by iptables-save v1.8.9 on Mon Jan  5 10:00:00 2026
*filter
:INPUT DROP [5:500]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
[3:180] -A INPUT -p tcp -m tcp --dport 80 -j web
COMMIT
# Completed on Mon Jan  5 10:00:00 2026
"""


def test_a_dump_is_printed_back_with_remarks_order_and_counters() -> None:
    assert str(Ruleset.parse(DUMP)) == DUMP


def test_the_last_line_feed_may_be_missing_in_a_dump() -> None:
    assert Ruleset.parse(DUMP.rstrip("\n").rpartition("\n")[0]).tables["filter"]


def test_malformed_counters_are_forgiven_in_a_dump() -> None:
    assert str(Ruleset.parse("*raw\n[x:y] -A OUTPUT\nCOMMIT\n")).endswith(
        "[0:0] -A OUTPUT\nCOMMIT\n"
    )


def test_a_kernel_refusal_names_the_guilty_line() -> None:
    with pytest.raises(RulesetError) as refused:
        Ruleset.parse("*filter\n:a - [0:0]\n-A a -j a\n-A INPUT -j a\nCOMMIT\n")
    error = refused.value
    assert (error.line, error.column, error.word) == (3, 9, "a")
    assert error.tool == "line 5 failed"


def test_a_syntax_error_names_line_and_column() -> None:
    with pytest.raises(RuleSyntaxError) as refused:
        Ruleset.parse("*filter\n[1:2] -A INPUT -p tcp --dport x -j DROP\nCOMMIT\n")
    assert (refused.value.line, refused.value.column) == (2, 31)


def test_a_line_for_the_other_family_is_passed_over() -> None:
    text = "*filter\n-4 -A INPUT -j DROP\n-6 -A INPUT -j ACCEPT\nCOMMIT\n"
    for family, target in ((Family.IPV4, "DROP"), (Family.IPV6, "ACCEPT")):
        (rule,) = Ruleset.parse(text, family).tables["filter"].chains["INPUT"].rules
        assert str(rule) == f"-j {target}"
