"""Rule sets recorded from a real kernel: what iptables-save and iptables -L made of them.

``tests/data/kernel-golden.tar.xz`` holds the recordings; its README explains the format.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from iptlab import Ruleset
from iptlab.errors import RuleError
from iptlab.packet import Family
from iptlab.syntax.clauses import Clauses
from iptlab.syntax.command import run
from iptlab.syntax.grammar import Place
from iptlab.syntax.ipset import read_sets
from iptlab.syntax.rule import read_command
from iptlab.syntax.tokens import restore_words

ARCHIVE = Path(__file__).parent / "data" / "kernel-golden.tar.xz"
ORDER = ("raw", "mangle", "nat", "filter", "security")


@cache
def recordings() -> dict[str, dict[str, Any]]:
    """Every recorded rule set by its name."""
    with tarfile.open(ARCHIVE) as archive:
        files = [m for m in archive if re.search(r"/(scenario|random)/.*\.json$", m.name)]
        read = [json.loads(archive.extractfile(m).read()) for m in files]  # type: ignore[union-attr]
    return {one["name"]: one for one in read}


def saved_blocks(text: str) -> str:
    """The tables of a dump in the recordings' order."""
    blocks = {block.split("\n")[0][1:]: block for block in re.findall(r"\*.*?COMMIT\n", text, re.S)}
    return "".join(blocks[name] for name in ORDER if name in blocks)


@pytest.mark.parametrize("name", recordings())
def test_a_rule_set_is_saved_as_the_real_tool_saves_it(name: str) -> None:
    one = recordings()[name]
    sets = read_sets(one["ipsets"]) if one.get("ipsets") else {}
    rules = Ruleset.parse(one["rules"], one["family"], sets=sets)
    assert saved_blocks(rules.save(counters=False)) == one["saved"]


@pytest.mark.parametrize("name", [n for n, one in recordings().items() if "final" in one])
def test_a_rule_set_with_counters_is_listed_as_the_real_tool_lists_it(name: str) -> None:
    one = recordings()[name]
    tool = "iptables" if one["family"] == 4 else "ip6tables"
    family = Family(one["family"])
    loaded = run({}, [f"{tool}-restore", "-c"], family, one["final"]["save_counters"])
    assert loaded.status == 0
    for table, wanted in one["final"]["list"].items():
        argv = [tool, "-t", table, "-L", "-n", "-v", "--line-numbers"]
        assert run(loaded.tables, argv, family).stdout == wanted


def lines() -> Iterator[tuple[Family, str]]:
    """Every rule line of the recordings, as written and as saved."""
    for one in recordings().values():
        for line in (one["rules"] + one["saved"]).split("\n"):
            if line.startswith("-A"):
                yield Family(one["family"]), line


def test_the_quick_reader_of_plain_lines_reads_what_the_full_one_reads() -> None:
    quick = {family: Clauses(family) for family in Family}
    chains = {
        m for one in recordings().values() for m in re.findall(r"^:(\S+)", one["saved"], re.M)
    }
    taken = 0
    for family, line in lines():
        known = quick[family].rule(line, chains)
        if known is not None:
            command = read_command(restore_words(line), Place(1, line), family, chains)
            assert (known[0], (known[1],)) == (command.chain, command.rules)
            taken += 1
    assert taken > 4000


LATE = """
-A INPUT -m tcp -p tcp -d 10.0.0.1 --dport 80 -j ACCEPT
-A INPUT -m tcp -p tcp --dport 80 ! -s 10.0.0.0/8 -i eth0 -j ACCEPT
-A INPUT -m tcp --dport 80 -p tcp -j ACCEPT
-A INPUT -m multiport --dports 80,81 -p tcp -j ACCEPT
-A INPUT -m multiport -p tcp --dports 80,81 -j ACCEPT
-A INPUT -m multiport --dports 80,81 -m tcp -p tcp -j ACCEPT
-A INPUT -m comment --comment x -m tcp -p tcp -j ACCEPT
-A INPUT -m comment --comment "a -s 10.0.0.1 b" -s 10.0.0.2 -j ACCEPT
-A INPUT -m comment --comment "a -s 10.0.0.1 b" -j ACCEPT
-A INPUT -m comment --comment -s -d 10.0.0.1 -j ACCEPT
-A INPUT -m comment --comment -p tcp -j ACCEPT
-A INPUT -p tcp -m tcp -p tcp -j ACCEPT
-A INPUT -p udp -m udp -p tcp -j ACCEPT
-A INPUT -m udp -p tcp -j ACCEPT
-A INPUT -m mark ! --mark 1 ! -d 10.0.0.1 -j ACCEPT
-A INPUT -m addrtype --dst-type LOCAL ! -d 127.0.0.0/8 -j ACCEPT
-A INPUT -m comment --comment x -d 10.0.0.1 -d 10.0.0.2 -j ACCEPT
-A INPUT -m comment --comment x -o eth0 -j ACCEPT
-A INPUT -m comment --comment x -s nonsense -j ACCEPT
-A INPUT -m comment --comment x ! -s ! 10.0.0.1 -j ACCEPT
"""


@pytest.mark.parametrize("line", LATE.split("\n")[1:-1])
def test_the_quick_reader_moves_no_option_that_the_full_one_reads_otherwise(line: str) -> None:
    known = Clauses(Family.IPV4).rule(line, {"INPUT"})
    try:
        full = read_command(restore_words(line), Place(1, line), Family.IPV4, {"INPUT"}, "filter")
    except RuleError:
        assert known is None
    else:
        assert known is None or (known[0], (known[1],)) == (full.chain, full.rules)
