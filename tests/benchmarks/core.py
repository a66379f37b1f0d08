"""Import, parse and walk, each beside something every Python has, in one run.

Run with ``python tests/benchmarks/core.py``. Ratios hold on a noisy machine; the times
beside them are only for orientation.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial

from iptlab import Ruleset, Situation
from iptlab.simulate.walk import walk

SIZES = (60, 1_000, 10_000)


def cpu(work: Callable[[], object], runs: int = 5) -> float:
    """Median processor time of one call, in seconds."""
    times = []
    for _ in range(runs):
        gc.collect()
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def import_seconds(module: str) -> float:
    """Median processor time of a fresh interpreter that imports ``module``."""
    program = (
        f"import time; a = time.process_time(); import {module}; print(time.process_time() - a)"
    )
    runs = [subprocess.check_output([sys.executable, "-c", program]) for _ in range(7)]
    return statistics.median(map(float, runs))


def dump(size: int) -> str:
    """A firewall of ``size`` rules in one chain, each about another address and port."""
    rules = "".join(
        f"-A INPUT -s 10.{n >> 8 & 255}.{n & 255}.0/24 -i eth{n % 4} -p tcp -m tcp "
        f"--dport {n % 60_000 + 1024} -j ACCEPT\n"
        for n in range(size)
    )
    return f"*filter\n:INPUT DROP [0:0]\n{rules}COMMIT\n"


def naive_loop(text: str) -> int:
    """The least that anybody does with a dump: cut every line into words."""
    return sum(len(line.split()) for line in text.split("\n"))


def search(lines: list[str]) -> int:
    """The least that anybody does to find a rule: look for its words in every line."""
    return sum("-s 172.16.0.9/32" in line for line in lines)


def memory(text: str) -> float:
    """Bytes that a parsed dump keeps."""
    tracemalloc.start()
    kept = Ruleset.parse(text)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return size


def row(what: str, ours: float, beside: float, unit: str) -> None:
    """One line of the table."""
    print(f"{what:<38}{ours:>10.3f} {beside:>10.3f} {unit:<8}{ours / beside:>8.1f}")


def main() -> None:
    """Print the table."""
    print(f"{'what':<38}{'ours':>10} {'beside':>10} {'unit':<8}{'ratio':>8}")
    milliseconds = [import_seconds(module) * 1e3 for module in ("iptlab", "json")]
    row("import iptlab / import json", *milliseconds, "ms")
    knock = Situation.parse("in eth9 tcp 172.16.0.9:4000 -> 10.0.0.1:22 SYN")
    for size in SIZES:
        per_rule = 1e6 / size
        text = dump(size)
        ours, beside = cpu(partial(Ruleset.parse, text)), cpu(partial(naive_loop, text))
        row(f"parse {size:,} / split words", ours * per_rule, beside * per_rule, "us/rule")
        tables = Ruleset.parse(text).tables
        ours = cpu(partial(walk, tables, knock.packet, knock.context))
        beside = cpu(partial(search, text.split("\n")))
        row(f"walk {size:,} / search lines", ours * per_rule, beside * per_rule, "us/rule")
    print(f"memory of a parsed rule: {memory(dump(10_000)) / 10_000:.0f} bytes")


if __name__ == "__main__":
    main()
