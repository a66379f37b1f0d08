"""All benchmarks in one command, each number beside something else in the same run.

``python tests/benchmarks`` runs the scripts beside this file one after the other and prints
what they print; ``--write`` stores it as ``docs/benchmarks.md`` with the day and the kind of
machine. ``pip install 'iptlab[benchmark]'`` adds the columns that need z3; where the real tools
or network namespaces are missing, their columns are, and without a browser its section is.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PAGE = HERE.parents[1] / "docs" / "benchmarks.md"


class Benchmark(NamedTuple):
    """A script, what it measures, and what its ratios should be."""

    words: str
    title: str
    goal: str


BENCHMARKS = (
    Benchmark(
        "core.py",
        "Import, parse, walk, beside what every Python has",
        "none, for orientation",
    ),
    Benchmark(
        "parse.py --cluster",
        "Reading dumps, beside the real tools testing the same file",
        "at most 0.8 of `iptables-legacy-restore --test`; to the first traced packet at most 0.2 "
        "of `iptables-nft-restore --test`; at most 700 bytes a rule",
    ),
    Benchmark(
        "walk.py --kernel",
        "A traced packet, beside a plain walk over every rule and beside the kernel",
        "a first packet among 10,000 Services costs at most 3 times what it costs among 100, and "
        "no more than in the kernel; the other goals are in the table",
    ),
    Benchmark(
        "compare.py",
        "Two rule sets compared on every packet, beside z3 and beside parsing",
        "exercises at most 0.2 of z3, large rule sets at most 1; kube-proxy's rules at most 25 "
        "times parsing them",
    ),
    Benchmark(
        "kube_proxy.py",
        "Writing kube-proxy's rules, beside hashing their names",
        "a full sync at most 4 times hashing, a change at most 0.02 of a full sync",
    ),
    Benchmark(
        "widgets.py",
        "What a widget costs in JupyterLab, beside an empty one and a button that only counts",
        "a step needs no kernel, and takes no longer while the kernel computes",
    ),
    Benchmark("learner.py", "What a learner costs a shared machine", "for planning only"),
)


def printed(benchmark: Benchmark) -> str:
    """What a benchmark prints, read as it is run."""
    name, *options = benchmark.words.split()
    env = os.environ | {"PYTHONPATH": str(HERE.parents[1])}
    done = subprocess.run(
        [sys.executable, HERE / name, *options], stdout=subprocess.PIPE, text=True, env=env
    )
    if done.returncode:
        raise SystemExit(f"{benchmark.words} ended with status {done.returncode}")
    return done.stdout.rstrip()


def section(benchmark: Benchmark) -> str:
    """A benchmark as a part of the page."""
    command = f"`python tests/benchmarks/{benchmark.words}`"
    shown = f"```text\n{printed(benchmark)}\n```"
    return f"## {benchmark.title}\n\n{command}. Goal: {benchmark.goal}.\n\n{shown}\n"


def machine() -> str:
    """The kind of machine, in words that name none."""
    cores = f"{os.cpu_count()} shared cores ({platform.machine()})"
    return f"{cores}, {platform.system()}, Python {platform.python_version()}"


def main() -> None:
    """Run all benchmarks and print, or store, the page."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--write", action="store_true", help=f"store {PAGE.name}")
    given = options.parse_args()
    head = (
        "# Benchmarks\n\nRatios compare two things in one run and hold on a busy machine; times "
        f"are only for orientation.\nMade by `python tests/benchmarks --write` on {date.today()}, "
        f"{machine()}.\n"
    )
    parts = [head]
    for benchmark in BENCHMARKS:
        if benchmark.words == "widgets.py" and not (CHROMIUM and find_spec("playwright")):
            continue
        parts.append(section(benchmark))
        print(parts[-1], flush=True)
    if given.write:
        PAGE.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
