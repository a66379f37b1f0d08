"""The engine beside the plain walk, and beside the kernel, in one run.

Run with ``python tests/benchmarks/walk.py``; ``--kernel`` adds the kernel, whose tools take
a minute to load the biggest rules into a network namespace of their own. ``--packets N``
compares instead all that the engine and the plain walk tell about N packets for each set.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1]))

from firewalls import Maker, client, host, service, services, visitor
from twins import differences

from iptlab import Ruleset, TableName
from iptlab.netfilter.context import Context
from iptlab.netfilter.hooks import Backend
from iptlab.packet import Packet
from iptlab.simulate.engine import Engine
from iptlab.simulate.walk import walk_table

Situations = list[tuple[Packet, Context]]


@dataclass(frozen=True)
class RuleSet:
    """Rules, the table to walk through, packets for it, and how much faster we want to be."""

    name: str
    text: Callable[[], str]
    table: TableName
    packet: Maker
    goal: float

    def situations(self, count: int) -> Situations:
        """Packets, the same ones in every run."""
        random = Random(1)
        return [self.packet(random) for _ in range(count)]


SERVICES = (100, 1_000, 10_000)
SETS = [
    RuleSet("host 60", lambda: host(60), TableName.FILTER, visitor, 2.5),
    RuleSet("host 1,000", lambda: host(1_000), TableName.FILTER, visitor, 8),
    *(
        RuleSet(f"services {n:,}", lambda n=n: services(n), TableName.NAT, client(n), goal)  # type: ignore[misc]
        for n, goal in zip(SERVICES, (10, 80, 800), strict=True)
    ),
]


def micros(walk: Callable[..., object], table: object, situations: Situations) -> float:
    """Processor microseconds for each packet."""
    gc.collect()
    start = time.process_time()
    for packet, context in situations:
        walk(table, packet, context)
    return (time.process_time() - start) / len(situations) * 1e6


def compare(one: RuleSet) -> float:
    """Print a row of the table; the answer is the engine's microseconds a packet.

    That is once all chains have been read. Before, packets come to some that have not.
    """
    rules = Ruleset.parse(one.text())
    engine = Engine(rules.tables)
    packets = one.situations(6_000)
    first = micros(engine.walk_table, one.table, packets[:1]) / 1e3
    early = micros(engine.walk_table, one.table, packets[1:1_000])
    size = sum(len(c.rules) for t in rules.tables.values() for c in t.chains.values())
    gc.freeze()
    micros(engine.walk_table, one.table, packets[1_000:3_000])
    ours, plain = [], []
    few = packets[3_000 : 3_010 + 200_000 // (size + 1_000)]
    for n in range(3):
        ours.append(micros(engine.walk_table, one.table, packets[3_000 + n * 1_000 :][:1_000]))
        plain.append(micros(walk_table, rules.tables[one.table], few))
    visited = statistics.mean(len(engine.walk_table(one.table, *each).events) for each in few)
    fast, slow = statistics.median(ours), statistics.median(plain)
    print(
        f"{one.name:<16}{size:>8,}{visited:>9.0f}{first:>10.1f}{early:>10.1f}{slow:>11.0f}"
        f"{fast:>11.1f}{slow / fast:>9.1f}{one.goal:>7.1f}",
        flush=True,
    )
    gc.unfreeze()
    return fast


# --- the kernel ---

SENDS = 2_000


def kernel(count: int, backend: Backend) -> float | None:
    """What the first packet to a random Service costs the kernel, without the rest, in us."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rules"
        file.write_text(services(count, "udp"))
        namespace = ["unshare", *["--map-root-user"] * (os.geteuid() != 0), "--net"]
        inside = ["--inside", str(file), str(count), backend]
        command = [*namespace, sys.executable, __file__, *inside]
        env = os.environ | {"XTABLES_LOCKFILE": str(Path(folder) / "lock")}
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=900)
    if done.returncode:
        print(done.stderr.strip().split("\n")[-1])
        return None
    with_rules, without = json.loads(done.stdout)
    return float(with_rules - without)


def inside(file: str, count: int, backend: str) -> None:
    """In the namespace: send with the rules loaded, then with the tables emptied."""
    for command in (
        "ip tuntap add mode tun out0",
        "ip address add 192.0.2.1/24 dev out0",
        "ip link set out0 up",
        "ip route add default dev out0",
        f"iptables-{backend}-restore {file}",
    ):
        subprocess.run(command.split(), check=True, capture_output=True)
    with_rules = send(count)
    for option in "FX":
        subprocess.run([f"iptables-{backend}", "-t", "nat", f"-{option}"], check=True)
    print(json.dumps([with_rules, send(count)]))


def send(count: int) -> float:
    """Processor microseconds to send a connection's first packet, the best of five rounds."""
    random, best = Random(2), float("inf")
    targets = [(service(n), 80) for n in range(count)]
    for _ in range(5):
        batches = [random.sample(targets, min(count, SENDS)) for _ in range(-(-SENDS // count))]
        with_socket = [(socket.socket(type=socket.SOCK_DGRAM), batch) for batch in batches]
        start = time.process_time()
        for sender, batch in with_socket:
            for target in batch:
                sender.sendto(b"", target)
        best = min(best, (time.process_time() - start) / sum(map(len, batches)))
        for sender, _ in with_socket:
            sender.close()
    return best * 1e6


# --- agreement ---


def agree(one: RuleSet, packets: int) -> None:
    """Print about how many packets the engine and the plain walk agree in everything."""
    engine = Engine(Ruleset.parse(one.text()).tables)
    found = (differences(engine, one.table, *each) for each in one.situations(packets))
    wrong = [each for each in found if each]
    print(f"{one.name:<16}{packets - len(wrong):>8,} of {packets:,} agree", *wrong[:1], flush=True)


def main() -> None:
    """Read the options and print a table."""
    options = argparse.ArgumentParser(description="The engine beside the plain walk.")
    options.add_argument("--packets", type=int, help="compare what is told of so many packets")
    options.add_argument("--sets", nargs="*", help="only sets with these words in their names")
    options.add_argument("--kernel", action="store_true", help="measure the kernel too")
    options.add_argument("--inside", nargs=3, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.inside:
        file, count, backend = given.inside
        return inside(file, int(count), backend)
    chosen = [one for one in SETS if not given.sets or any(w in one.name for w in given.sets)]
    if given.packets:
        for one in chosen:
            agree(one, given.packets)
        return None
    print(
        f"{'rules':<16}{'number':>8}{'visited':>9}{'first ms':>10}{'early us':>10}{'plain us':>11}"
        f"{'engine us':>11}{'ratio':>9}{'goal':>7}"
    )
    ours = {one.name: compare(one) for one in chosen}
    if given.kernel:
        report(ours)
    return None


def report(ours: dict[str, float]) -> None:
    """Print how both grow with the number of Services."""
    print(f"\n{'first packet':<16}{'back end':>10}{'kernel us':>11}{'engine us':>11}{'ratio':>9}")
    for count, backend in product(SERVICES, Backend):
        engine = ours[f"services {count:,}"]
        if theirs := kernel(count, backend):
            print(
                f"services {count:<7,}{backend:>10}{theirs:>11.1f}{engine:>11.1f}"
                f"{engine / theirs:>9.2f}",
                flush=True,
            )
    growth = ours["services 10,000"] / ours["services 100"]
    print(f"engine, 10,000 Services / 100 Services: {growth:.2f}")


if __name__ == "__main__":
    main()
