"""Every row of tests/rules/*.t: a rule as written, as iptables-save prints it, or as refused.

A line ``*table CHAIN`` (with `` 6`` for ip6tables) says where the rows below it stand. A row is
``written ; saved ; OK`` (``=``: saved as written) or ``written ; part of the message ; FAIL``;
without a message it is the kernel that refuses, with exit status 1. The ipsets s1 (hash:ip), s2
(hash:ip,port), m1 (hash:ip skbinfo) and s6 (hash:ip family inet6) exist, and the rate
estimators e1 and e2.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from iptlab import Ruleset, RulesetError, RuleSyntaxError

FILES = sorted((Path(__file__).parent / "rules").rglob("*.t"))


class Row(NamedTuple):
    """One row and where it stands; ``middle`` is the saved form or a part of the message."""

    table: str
    chain: str
    family: int
    written: str
    middle: str
    verdict: str

    @property
    def saved(self) -> str:
        """The rule as iptables-save prints it, with its chain."""
        text = self.written if self.middle == "=" else self.middle
        return f"-A {self.chain} {text}".rstrip()


def rows(file: Path) -> Iterator[Row]:
    """The rows of a file."""
    table, chain, family = "filter", "INPUT", 4
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("*"):
            table, chain, *six = line[1:].split()
            family = 6 if six else 4
        elif line and not line.startswith("#"):
            written, middle, verdict = (part.strip() for part in f" {line}".split(" ; "))
            assert verdict in ("OK", "FAIL"), line
            yield Row(table, chain, family, written, middle, verdict)


def dump(*rows: Row) -> str:
    """A dump of these rules, which stand in the same table."""
    lines = [f"-A {row.chain} {row.written}".rstrip() for row in rows]
    return "\n".join([f"*{rows[0].table}", *lines, "COMMIT\n"])


def rules_of(saved: str) -> list[str]:
    """The rules in iptables-save's text."""
    return [line for line in saved.splitlines() if line.startswith("-A ")]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_rules_are_saved_and_refused_as_the_file_says(file: Path) -> None:
    for row in rows(file):
        if row.verdict == "OK":
            saved = Ruleset.parse(dump(row), row.family).save()
            assert rules_of(saved) == [row.saved]
            assert Ruleset.parse(saved, row.family).save() == saved
        else:
            refusal = RuleSyntaxError if row.middle else RulesetError
            with pytest.raises(refusal) as refused:
                Ruleset.parse(dump(row), row.family)
            assert row.middle in f"{refused.value.cause}\n{refused.value.tool}", row


@pytest.mark.kernel
@pytest.mark.parametrize("family", [4, 6])
def test_the_real_tools_say_the_same(family: int, tmp_path: Path) -> None:
    """Accepted rows of one file, table and chain are loaded together."""
    refused: list[Row] = []
    accepted: dict[tuple[Path, str, str], list[Row]] = defaultdict(list)
    for file in FILES:
        for row in (row for row in rows(file) if row.family == family):
            place = accepted[file, row.table, row.chain] if row.verdict == "OK" else refused
            place.append(row)
    groups = [group for group in accepted.values() if group]
    dumps = [*map(dump, refused), *(dump(*group) for group in groups)]
    said = real_answers(family, dumps, tmp_path)
    for row in refused:
        status, text = next(said)
        assert (status, row.middle in text) == (2 if row.middle else 1, True), (row, text)
    for group in groups:
        status, text = next(said)
        assert status == 0, (group[0], text)
        assert rules_of(text) == [row.saved for row in group]


def real_answers(family: int, dumps: list[str], place: Path) -> Iterator[tuple[int, str]]:
    """Exit status and output of iptables-legacy-restore, and of -save after success."""
    tool = "iptables-legacy" if family == 4 else "ip6tables-legacy"
    for program in ("unshare", f"{tool}-restore", "ipset"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    for number, text in enumerate(dumps):
        (place / str(number)).write_text(text, encoding="utf-8")
    other = "ip6tables-legacy" if family == 4 else "iptables-legacy"
    script = f"""
        for n in e1 e2; do
            {other} -A INPUT -j RATEEST --rateest-name $n --rateest-i 250ms --rateest-e 1s || exit
        done
        ipset create s1 hash:ip && ipset create s2 hash:ip,port || exit
        ipset create m1 hash:ip skbinfo && ipset create s6 hash:ip family inet6 || exit
        for n in $(seq 0 {len(dumps) - 1}); do
            {tool}-restore < $n > $n.out 2>&1; echo $? > $n.status
            if [ $(cat $n.status) = 0 ]; then {tool}-save -t $(sed -n 's/^.//p;q' $n) > $n.out; fi
        done"""
    namespace = ["unshare", *["--map-root-user"] * (os.geteuid() != 0), "--net"]
    env = os.environ | {"XTABLES_LOCKFILE": str(place / "lock")}
    ran = subprocess.run([*namespace, "sh", "-c", script], cwd=place, env=env, capture_output=True)
    if ran.returncode:
        pytest.skip(f"no network namespace: {ran.stderr.decode(errors='replace').strip()}")
    for number in range(len(dumps)):
        status = int((place / f"{number}.status").read_text())
        yield status, (place / f"{number}.out").read_text(encoding="utf-8", errors="replace")
