"""The commands of iptables: recorded sessions of the real tool, and scripts of commands."""

import json
import tarfile
from pathlib import Path
from shlex import split

import pytest

from iptlab.errors import IptlabError, RuleError, RulesetError, RuleSyntaxError
from iptlab.packet import Family
from iptlab.syntax.command import Outcome, run
from iptlab.syntax.shell import read_script, split_script

DATA = Path(__file__).parent / "data"

with tarfile.open(DATA / "kernel-golden.tar.xz") as recorded:
    SESSIONS = json.load(recorded.extractfile("kernel-golden/text/cli.json"))  # type: ignore[arg-type]


def do(*lines: str) -> Outcome:
    """The last line's outcome on a machine on which the others ran before."""
    outcome = Outcome({})
    for line in lines:
        argv = split(line)
        family = Family.IPV6 if argv[0].startswith("ip6") else Family.IPV4
        outcome = run(outcome.tables, argv, family)
    return outcome


@pytest.mark.parametrize("session", SESSIONS, ids=[session["name"] for session in SESSIONS])
def test_a_recorded_session_prints_the_same(session: dict) -> None:
    tables, wrong = {}, []
    for command in session["commands"]:
        wanted = command["legacy"]
        got = run(tables, split(command["cmd"]), stdin=command.get("stdin") or "")
        tables = got.tables
        if (got.stdout, got.stderr, got.status) != tuple(
            wanted[k] for k in ("stdout", "stderr", "rc")
        ):
            wrong.append((command["cmd"], got, wanted))
    assert wrong == []


# commands, separated by ";"; what the last one prints on stderr; its exit status
REFUSALS = """
iptables -N a; iptables -N b; iptables -A a -j b; iptables -X b
    iptables: Too many links. | 1
iptables -N a; iptables -A a; iptables -X
    iptables: Directory not empty. | 1
iptables -D INPUT 1
    iptables: Index of deletion too big. | 1
iptables -I INPUT 2 -j DROP
    iptables: Index of insertion too big. | 1
iptables -R INPUT 1 -j DROP
    iptables: Index of replacement too big. | 1
iptables -Z INPUT 1
    iptables: Index of counter too big. | 1
iptables -D INPUT -j DROP
    iptables: Bad rule (does a matching rule exist in that chain?). | 1
iptables -N a; iptables -C INPUT -j a
    iptables: No chain/target/match by that name. | 1
iptables -C nochain -j DROP
    iptables: Bad rule (does a matching rule exist in that chain?). | 1
iptables -A INPUT -m limit --limit 1/day
    iptables: Numerical result out of range. | 1
iptables -t raw -A PREROUTING -p tcp -j CT --helper nosuch
    iptables: No chain/target/match by that name. | 1
iptables -A INPUT -j CLASSIFY --set-class 1:1
    iptables: Invalid argument. Run `dmesg' for more information. | 1
iptables -P INPUT REJECT
    iptables: Bad policy name. Run `dmesg' for more information. | 1
iptables -N a; iptables -P a DROP
    iptables: Bad built-in chain name. | 1
iptables -N a; iptables -E a INPUT
    iptables: File exists. | 1
iptables -N a; iptables -A a -j a; iptables -A INPUT -j a
    iptables: Too many levels of symbolic links. | 1
iptables -t nat -P PREROUTING ACCEPT -n
    iptables v1.8.9 (legacy): Illegal option `-n' with this command | 2
iptables -F -s 10.0.0.1
    iptables v1.8.9 (legacy): Illegal option `-s' with this command | 2
iptables -D INPUT 1 -j DROP
    iptables v1.8.9 (legacy): Illegal option `-j' with this command | 2
iptables -L -n -n
    iptables v1.8.9 (legacy): multiple -n flags not allowed | 2
iptables -A INPUT -c 1
    iptables v1.8.9 (legacy): -c requires packet and byte counter | 2
iptables -A INPUT !
    iptables v1.8.9 (legacy): nothing appropriate following ! | 2
iptables -A INPUT -s ! 10.0.0.1
    Bad argument `10.0.0.1' | 2
iptables -A INPUT -s10.0.0.1
    iptables v1.8.9 (legacy): host/network `-s10.0.0.1' not found | 2
iptables -R INPUT 1 -s 10.0.0.1,10.0.0.2
    iptables v1.8.9 (legacy): Replacement rule does not specify a unique address | 2
iptables -A INPUT -j 'a b'
    iptables v1.8.9 (legacy): Invalid target name `a b' | 2
iptables -A INPUT -- -j DROP
    iptables v1.8.9 (legacy): unknown arguments found on commandline | 2
ip6tables -A INPUT -f
    ip6tables v1.8.9 (legacy): `-f' is not supported in IPv6, use -m frag instead | 2
iptables-restore --t
    iptables-legacy-restore: option '--t' is ambiguous; possibilities: '--test' '--table' | 1
ip6tables-save -x
    ip6tables-legacy-save: invalid option -- 'x' | 1
"""
ROWS = [
    (commands, *answer.strip().rsplit(" | ", 1))
    for commands, answer in zip(*[iter(REFUSALS.strip().split("\n"))] * 2, strict=True)
]


@pytest.mark.parametrize(("commands", "first_line", "status"), ROWS)
def test_refusals_are_worded_as_the_tool_words_them(
    commands: str, first_line: str, status: str
) -> None:
    outcome = do(*commands.split("; "))
    assert outcome.stderr.split("\n")[0] == first_line
    assert outcome.status == int(status)


def test_a_failing_edit_changes_nothing() -> None:
    before = do("iptables -N a", "iptables -A INPUT -s 10.0.0.1 -j a")
    after = run(before.tables, split("iptables -D INPUT -s 10.0.0.1,10.0.0.2 -j a"))
    assert after.status == 1
    assert after.tables == before.tables


@pytest.mark.parametrize("verdict", ["ACCEPT", "RETURN", "QUEUE"])
def test_behind_a_verdict_on_every_packet_there_may_be_a_loop_or_a_target_of_other_hooks(
    verdict: str,
) -> None:
    loop = ("iptables -N a", f"iptables -A a -j {verdict}", "iptables -A a -j a")
    assert do(*loop, "iptables -A INPUT -j a").status == 0
    nat = "iptables -t nat -A OUTPUT -j"
    assert do(f"{nat} {verdict}", f"{nat} MASQUERADE").status == 0


@pytest.mark.parametrize("other", ["REJECT", "DROP -m comment --comment x", "DROP -s 10.0.0.0/8"])
def test_behind_any_other_rule_there_may_not(other: str) -> None:
    here = do(f"iptables -A INPUT -j {other}", "iptables -A INPUT -j CLASSIFY --set-class 1:1")
    assert here.status == 1


def test_several_addresses_make_several_rules_and_insert_turns_them_round() -> None:
    shown = do("iptables -A INPUT -s 10.0.0.1,10.0.0.2", "iptables -I INPUT -d 10.0.0.3,10.0.0.4")
    listed = run(shown.tables, ["iptables", "-S", "INPUT"]).stdout.split("\n")
    assert [line.split()[-1] for line in listed[1:-1]] == [
        *("10.0.0.4/32", "10.0.0.3/32", "10.0.0.1/32", "10.0.0.2/32")
    ]


def test_renaming_a_chain_takes_its_jumps_along() -> None:
    shown = do("iptables -N a", "iptables -A INPUT -g a", "iptables -E a b", "iptables -S INPUT")
    assert shown.stdout == "-P INPUT ACCEPT\n-A INPUT -g b\n"


def test_any_change_sets_the_counters_of_policies_back_but_not_those_of_rules() -> None:
    saved = do(
        "iptables -P INPUT DROP -c 5 500",
        "iptables -A OUTPUT -c 3 180",
        "iptables -A INPUT -c 7 8",
        "iptables-save -c",
    ).stdout
    assert ":INPUT DROP [0:0]" in saved
    assert "[3:180] -A OUTPUT" in saved
    assert "[7:8] -A INPUT" in saved


def test_looking_keeps_the_counters_of_policies() -> None:
    saved = do("iptables -P INPUT DROP -c 5 500", "iptables -L -n", "iptables-save -c").stdout
    assert ":INPUT DROP [5:500]" in saved


def test_new_tables_are_saved_first() -> None:
    saved = do("iptables -L", "iptables -t nat -L", "iptables-save").stdout
    assert saved.index("*nat") < saved.index("*filter")


def test_tables_of_the_other_family_are_refused() -> None:
    with pytest.raises(IptlabError, match="is for IPv6"):
        run({}, ["ip6tables", "-L"], Family.IPV4)


def test_another_program_is_refused() -> None:
    with pytest.raises(IptlabError, match="`rm' is not iptables"):
        run({}, ["rm", "-rf", "/"])


# --- scripts ---

SCRIPT = r"""#!/bin/sh
# two families, quotes, continued lines
sudo /sbin/iptables -P INPUT DROP; iptables -N web && iptables -A INPUT \
    -p tcp --dport 80 -j web    # to the web chain
iptables -A web -m comment --comment "it's \"fine\"" -j ACCEPT
iptables -A web -m comment --comment 'a\b'"c"\ d -j DROP
ip6tables -A INPUT -s ::1 -j ACCEPT
-A INPUT -m comment --comment "it\'s $5" -j ACCEPT
"""


def saved_rules(script: str, family: Family = Family.IPV4) -> list[str]:
    tables = read_script(script, family)
    return [
        f"{chain.name}: {rule}"
        for table in tables.values()
        for chain in table.ordered()
        for rule in chain.rules
    ]


def test_a_script_is_read_as_a_shell_would_read_it() -> None:
    assert saved_rules(SCRIPT) == [
        "INPUT: -p tcp -m tcp --dport 80 -j web",
        r'INPUT: -m comment --comment "it\'s $5" -j ACCEPT',
        r'web: -m comment --comment "it\'s \"fine\"" -j ACCEPT',
        r'web: -m comment --comment "a\\bc d" -j DROP',
    ]


def test_a_script_keeps_the_two_families_apart() -> None:
    assert saved_rules(SCRIPT, Family.IPV6)[0] == "INPUT: -s ::1/128 -j ACCEPT"


def test_printed_rules_are_a_script() -> None:
    commands = (
        "iptables -P FORWARD DROP -c 4 5",
        "iptables -N web",
        'iptables -A web -c 2 3 -m comment --comment "it\'s \\"$5\\"" -j ACCEPT',
        "iptables -A INPUT -p tcp --dport 80 -j web",
    )
    machine = do(*commands)
    printed = run(machine.tables, ["iptables", "-S"]).stdout
    assert read_script(printed) == machine.tables
    counted = read_script(run(machine.tables, ["iptables", "-S", "-v"]).stdout)
    assert counted["filter"].chains["web"].rules[0].counters == (2, 3)  # type: ignore[index]


# a script, and the place and cause of what is wrong with it
WRONG = {
    "iptables -A INPUT -j $TARGET": (1, 22, "variables are not read here"),
    'iptables -A INPUT -m comment --comment "a $B"': (1, 43, "variables are not read here"),
    "iptables -A INPUT `id`": (1, 19, "commands in backquotes are not run here"),
    "iptables -S > rules": (1, 13, "output cannot be sent to a file here"),
    "iptables-restore < rules": (1, 18, "input cannot come from a file here"),
    "iptables -C INPUT || iptables -A INPUT": (1, 19, "pipes and || are not read here"),
    "iptables -A INPUT &": (1, 19, "commands do not run in the background here"),
    "(iptables -L)": (1, 1, "subshells and functions are not read here"),
    "iptables -A INPUT 'x": (1, 19, "a quote opens here and is not closed"),
    "iptables -A INPUT \\": (1, 19, "a backslash ends the script"),
    "\necho hello": (2, 1, "`echo' is not a command that is read here"),
    "iptables-save": (1, 1, "iptables-save is not read in a script"),
    "iptables -6 -L": (1, 10, "-6 belongs to ip6tables"),
    "iptables -A INPUT -p tcp \\\n  --dport 99999": (
        *(2, 11),
        "invalid port/service `99999' specified",
    ),
    "iptables -A INPUT -j": (1, 19, 'option "-j" requires an argument'),
    "iptables -A INPUT;  iptables -A FOO": (1, 33, "table filter has no chain `FOO'"),
    "iptables -t foo -L": (1, 13, "there is no table `foo'"),
    "-N a\n-A a -j a\n-A INPUT -j a\n-F": (2, 9, "a packet could go round for ever: a -> a"),
    "iptables -A INPUT -m owner --uid-owner 0": (
        *(1, 22),
        "owner does not work at INPUT, and packets from there reach this rule",
    ),
    "iptables -A INPUT\r\n": (
        *(1, 18),
        "the line ends in a carriage return (CR LF, as Windows writes it)",
    ),
}


@pytest.mark.parametrize("script", WRONG)
def test_a_script_is_refused_at_the_place_of_its_mistake(script: str) -> None:
    with pytest.raises(RuleError) as refused:
        read_script(script)
    error = refused.value
    assert (error.line, error.column, error.cause) == WRONG[script]
    assert error.cure


# a line, what the tool says of it, what to type instead
CURES = [
    (
        "-A INPUT -m comment --comment 'my web page' -j ACCEPT",
        "Bad argument `web'",
        'only double quotes count: --comment "my web page".',
    ),
    (
        "-A INPUT -m comment --comment web page",
        "Bad argument `page'",
        'if they stand in quotes: --comment "web page".',
    ),
    (
        "-A INPUT -s 10.0.0.1, 10.0.0.2 -j DROP",
        "Bad argument `10.0.0.2'",
        "Take the blank out: -s 10.0.0.1,10.0.0.2.",
    ),
    (
        "-A INPUT -m conntrack --ctstate RELATED, ESTABLISHED -j ACCEPT",
        'Bad ctstate ""',
        "Take the blank out: --ctstate RELATED,ESTABLISHED.",
    ),
    (
        "-A INPUT -p tcp -m multiport --dports 80, 443",
        "invalid port/service `' specified",
        "Take the blank out: --dports 80,443.",
    ),
    (
        "-A INPUT -m conntrack --ctstate RELATED ESTABLISHED -j ACCEPT",
        "Bad argument `ESTABLISHED'",
        "A list has commas and no blanks: --ctstate RELATED,ESTABLISHED.",
    ),
    (
        "-A INPUT -s 10.0.0.1 10.0.0.0/24 -j DROP",
        "Bad argument `10.0.0.0/24'",
        "A list has commas and no blanks: -s 10.0.0.1,10.0.0.0/24.",
    ),
    (
        "-A INPUT -p tcp --dport 80 443 -j ACCEPT",
        "Bad argument `443'",
        "--dport takes one port; for several write -m multiport --dports 80,443.",
    ),
    ("-A INPUT -s 10.0.0.1 DROP", "Bad argument `DROP'", "Write -j before a target: -j DROP."),
    ("-A INPUT -j DROP ACCEPT", "Bad argument `ACCEPT'", "Options begin with - or --"),
    (
        "-A INPUT --mark 1 -j ACCEPT",
        'unknown option "--mark"',
        "--mark belongs to mark or connmark: write -m mark before it.",
    ),
    (
        "-A INPUT -p udp --dport 33434-33523",
        'Port "33434-33523" does not resolve to anything.',
        "A range of ports has a colon: 33434:33523.",
    ),
    (
        "-A INPUT -p udp -m multiport --dports 53,33434-33523",
        "invalid port/service `33434-33523' specified",
        "A range of ports has a colon: 33434:33523.",
    ),
    (
        "-A INPUT -j REJCT",
        "Couldn't load target `REJCT':No such file or directory\n",
        "Did you mean the target REJECT?",
    ),
    (
        "-A INPUT -j CLOSED",
        "Couldn't load target `CLOSED':No such file or directory\n",
        "There is no target of that name.",
    ),
    (
        "-t nat -A ROUTING -j ACCEPT",
        "No chain/target/match by that name",
        "Did you mean PREROUTING or POSTROUTING?",
    ),
]


@pytest.mark.parametrize(("line", "tool", "cure"), CURES)
def test_a_cure_is_of_the_mistake_and_the_tools_words_stay(line: str, tool: str, cure: str) -> None:
    with pytest.raises(RuleError) as refused:
        read_script(line)
    assert refused.value.tool == tool
    assert cure in refused.value.cure


def test_errors_of_scripts_carry_the_tools_status() -> None:
    with pytest.raises(RuleSyntaxError) as unreadable:
        read_script("iptables -A INPUT -p nosuch")
    with pytest.raises(RulesetError) as refused:
        read_script("iptables -D INPUT 1")
    assert (unreadable.value.status, refused.value.status) == (2, 1)
    assert refused.value.tool == "Index of deletion too big"


def test_the_words_of_a_script_know_their_places() -> None:
    (command,) = split_script("iptables \\\n  -A 'INPUT'")
    assert command.argv == ("iptables", "-A", "INPUT")
    assert [(word.line, word.column) for word in command.words] == [(1, 1), (2, 3), (2, 6)]


def test_a_rule_that_was_deleted_again_is_refused_all_the_same() -> None:
    with pytest.raises(RulesetError) as refused:
        read_script("iptables -A INPUT -m owner --uid-owner 0\niptables -F")
    assert refused.value.line == 1


def test_a_script_for_the_other_family_alone_is_refused() -> None:
    with pytest.raises(RuleSyntaxError, match="every command here is for IPv6") as refused:
        read_script("ip6tables -A INPUT -j DROP\n")
    assert "family=6" in refused.value.cure
    assert not read_script("# nothing\n")
