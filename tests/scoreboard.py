"""What was compared with the real kernel, counted anew: the table in the README.

Run it as ``python tests/scoreboard.py`` for the recordings, with ``--seconds N`` for random
rules in the real kernel too; ``--write`` puts the table into the README.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fuzz_kernel import fuzz
from kernel_golden import recordings, replay

from iptlab.netfilter.hooks import Backend

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
ARCHIVES = sorted((ROOT / "tests" / "data").glob("kernel-*.tar.xz"))
_PLACE = re.compile(r"(?<=<!-- scoreboard -->\n).*?(?=<!-- /scoreboard -->)", re.S)


@dataclass(frozen=True)
class Row:
    """One line of the table: what was compared, how much of it, and how much agreed."""

    what: str
    rule_sets: int
    packets: int
    wrong: int

    def __str__(self) -> str:
        agreed = f"{self.packets - self.wrong:,} of {self.packets:,}"
        return f"| {self.what} | {self.rule_sets:,} | {agreed} |"


def replayed() -> Iterator[Row]:
    """The recordings that travel with the tests, archive by archive."""
    for archive in ARCHIVES:
        read = list(recordings(archive))
        wrong = {(one.where, found.packet) for one in read for _, found in replay(one) if found}
        packets = sum(len(one.data["packets"]) for one in read)
        what = f"recordings in `{archive.name.partition('.')[0]}`, every respect"
        yield Row(what, len(read), packets, len(wrong))


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    head = "| simulator against the kernel | rule sets | packets that agree |\n|---|---|---|\n"
    return head + "".join(f"{row}\n" for row in rows)


def shown() -> str:
    """The table that stands in the README."""
    found = _PLACE.search(README.read_text())
    assert found is not None
    return found[0]


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--seed", default="scoreboard")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    start = time.perf_counter()
    rows = list(replayed())
    spent, packets = time.perf_counter() - start, sum(row.packets for row in rows)
    print(table(rows) + f"\nreplayed with {1000 * spent / packets:.2f} ms a packet")
    if args.seconds:
        score = fuzz(args.seed, args.seconds, None)
        each = ", ".join(f"{score.packets[one]:,} {one}" for one in Backend)
        print(f"random rules and packets: {score} ({each})")
        if score.wrong:
            return 1
    if args.write:
        text = README.read_text()
        README.write_text(_PLACE.sub(lambda _: table(rows), text))
    return 1 if any(row.wrong for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
