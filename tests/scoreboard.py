"""What was compared with the real kernel, counted anew: the table in the README.

Run it as ``python tests/scoreboard.py`` for the recordings, with ``--seconds N`` for random
rules in the real kernel too; ``--write`` puts the table into the README, where the row about
random rules stays as it is if none were drawn.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fuzz_kernel import Score, fuzz
from kernel_golden import recordings, replay

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
ARCHIVES = sorted((ROOT / "tests" / "data").glob("kernel-*.tar.xz"))
_PLACE = re.compile(r"(?<=<!-- scoreboard -->\n).*?(?=<!-- /scoreboard -->)", re.S)


@dataclass(frozen=True)
class Row:
    """One line of the table: what was compared, how much of it, how much agreed, and its cost.

    ``seconds`` are those of the processor that the simulator took for all of it, and, if the kernel
    was asked, how long it took, tools included.
    """

    what: str
    rule_sets: int
    packets: int
    wrong: int
    seconds: tuple[float, ...]

    @property
    def counted(self) -> str:
        """All but the cost, which is another one every time."""
        agreed = f"{self.packets - self.wrong:,} of {self.packets:,}"
        return f"| {self.what} | {self.rule_sets:,} | {agreed} |"

    def __str__(self) -> str:
        costs = [f"{1000 * spent / max(self.packets, 1):.1f} ms" for spent in self.seconds]
        return f"{self.counted} {' | '.join([*costs, '-'][:2])} |"


def replayed() -> Iterator[Row]:
    """The recordings that travel with the tests, archive by archive."""
    for archive in ARCHIVES:
        read, start = list(recordings(archive)), time.process_time()
        wrong = {(one.where, found.packet) for one in read for _, found in replay(one) if found}
        packets = sum(len(one.data["packets"]) for one in read)
        what = f"recordings in `{archive.name.partition('.')[0]}`, every respect"
        yield Row(what, len(read), packets, len(wrong), (time.process_time() - start,))


RANDOM = "random rules and traffic, each with both back ends of the kernel"


def drawn(score: Score) -> Row:
    """What the fuzzer compared."""
    spent = score.seconds["simulator"], score.seconds["kernel"]
    return Row(RANDOM, score.rule_sets, score.packets.total(), len(score.wrong), spent)


def table(rows: Iterable[Row | str]) -> str:
    """The rows as Markdown."""
    head = "| simulator against the kernel | rule sets | packets that agree "
    head += "| simulator, a packet | kernel, a packet |\n|---|---|---|---|---|\n"
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
    rows = list(replayed())
    rows += [drawn(fuzz(args.seed, args.seconds, None))] if args.seconds else []
    print(table(rows))
    if any(row.wrong for row in rows):
        return 1
    if args.write:
        kept = [] if args.seconds else [one for one in shown().splitlines() if RANDOM in one]
        README.write_text(_PLACE.sub(lambda _: table([*rows, *kept]), README.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
