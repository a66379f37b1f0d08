"""Parsing a dump beside the real tools testing the same file, in one run.

Run with ``python tests/benchmarks/parse.py``; ``--cluster`` adds a dump of 10,000 Services.
A dump's chains are read in full when they are first looked at; ``longest`` is what that
costs for the longest chain, as a share of the parse. Where ``unshare`` and the tools are missing
only our own times are printed. The tools run in a network namespace of their own and only
test the file (``--test``): nothing is loaded.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from pathlib import Path

from kube_proxy import cluster

from iptlab import Ruleset
from iptlab.kubernetes.kube_proxy import Proxy

SIZES = (1_000, 10_000, 100_000)
CLUSTER = 38 * 10_564  # about as many rules as kube-proxy makes for 10,000 Services
TOOLS = ("iptables-legacy-restore", "iptables-nft-restore")


def host(size: int) -> str:
    """A flat firewall: ``size`` rules about addresses, ports, states and interfaces."""
    shapes = (
        "-A INPUT -s 10.{a}.{b}.0/24 -i eth{c} -p tcp -m tcp --dport {d} -j ACCEPT",
        "-A INPUT -s 172.{c}.{b}.0/24 -p tcp -m multiport --dports 80,443,{d}"
        " -m conntrack --ctstate NEW -j ACCEPT",
        "-A FORWARD -s 10.{a}.{b}.7/32 -d 10.1.{b}.{a}/32 -p udp -m udp --dport {d} -j DROP",
        '-A INPUT -s 192.168.{b}.0/24 -m comment --comment "rule {n}" -j DROP',
    )
    rules = (
        shapes[n % 4].format(n=n, a=n >> 8 & 255, b=n & 255, c=n % 5, d=n * 7919 % 65536)
        for n in range(size)
    )
    chains = ":INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    return "*filter\n" + chains + "\n".join(rules) + "\nCOMMIT\n"


def services(size: int) -> str:
    """A nat table as for Kubernetes Services: about ``size`` rules, twelve backends a Service."""
    chains, rules = [], []
    for n in range(size // 38 or 1):
        service, name = f"KUBE-SVC-{n:016d}", f"ns{n % 50}/svc{n}:http"
        ip = f"10.96.{n >> 8 & 255}.{n & 255}/32"
        say = f'-m comment --comment "{name} cluster IP" -m tcp --dport 80'
        chains.append(service)
        rules.append(f"-A KUBE-SERVICES -d {ip} -p tcp {say} -j {service}")
        rules.append(f"-A {service} ! -s 10.244.0.0/16 -d {ip} -p tcp {say} -j KUBE-MARK-MASQ")
        for m in range(12):
            pod, end = f"10.244.{n & 255}.{m + 1}", f"KUBE-SEP-{n:013d}{m:03d}"
            chance = f" -m statistic --mode random --probability {1 / (12 - m):.11f}" * (m < 11)
            chains.append(end)
            rules += [
                f'-A {service} -m comment --comment "{name} -> {pod}:8080"{chance} -j {end}',
                f'-A {end} -s {pod}/32 -m comment --comment "{name}" -j KUBE-MARK-MASQ',
                f'-A {end} -p tcp -m comment --comment "{name}" -m tcp'
                f" -j DNAT --to-destination {pod}:8080",
            ]
    declared = "".join(
        f":{name} - [0:0]\n" for name in ("KUBE-MARK-MASQ", "KUBE-SERVICES", *chains)
    )
    first = "-A PREROUTING -j KUBE-SERVICES\n-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000\n"
    return f"*nat\n{declared}{first}" + "\n".join(rules) + "\nCOMMIT\n"


def kube_proxy(size: int) -> str:
    """What kube-proxy itself writes for about ``size`` rules; of a large cluster, few comments."""
    return Proxy().sync(cluster(size // 38 or 1)).text


def ours(text: str) -> float:
    """Processor seconds of one parse."""
    start = time.process_time()
    Ruleset.parse(text)
    return time.process_time() - start


def longest(text: str) -> float:
    """Processor seconds of reading the last table's longest chain, once the dump is parsed."""
    lines = text.rpartition("\n*")[2].split("\n")
    chains = Counter(line.split(" ", 2)[1] for line in lines if line.startswith("-A"))
    ((name, count),) = chains.most_common(1)
    *_, table = Ruleset.parse(text).tables.values()
    start = time.process_time()
    assert len(table.chains[name].rules) == count
    return time.process_time() - start


def theirs(tool: str, file: Path) -> float | None:
    """Processor seconds of the tool testing the file; None if it cannot be run here."""
    if not (shutil.which("unshare") and shutil.which(tool)):
        return None
    namespace = ["unshare", *["--map-root-user"] * (os.geteuid() != 0), "--net"]
    env = os.environ | {"XTABLES_LOCKFILE": str(file.with_suffix(".lock"))}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([*namespace, tool, "--test", str(file)], env=env, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return None if done.returncode else spent


def memory(text: str) -> float:
    """Bytes that a parsed dump keeps."""
    tracemalloc.start()
    kept = Ruleset.parse(text)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return size


def row(name: str, text: str, file: Path) -> str:
    """One row of the table; ratios are ours / theirs, pair by pair."""
    count = text.count("\n-A ")
    file.write_text(text)
    spent: list[float] = []
    ratios: dict[str, list[float]] = {tool: [] for tool in TOOLS}
    for _ in range(7 if count < 50_000 else 3 if count < 200_000 else 1):
        spent.append(ours(text))
        for tool in TOOLS:
            if (beside := theirs(tool, file)) is not None:
                ratios[tool].append(spent[-1] / beside)
    each = statistics.median(spent)
    medians = (statistics.median(r) if r else float("nan") for r in ratios.values())
    return (
        f"{f'{name} {count:,}':<20}{each / count * 1e6:>9.1f}{memory(text) / count:>8.0f}"
        f"{longest(text) / each:>9.2f}" + "".join(f"{median:>28.2f}" for median in medians)
    )


def main() -> None:
    """Print a row for each kind of dump and size."""
    tools = "".join(f"{f'/ {tool}':>28}" for tool in TOOLS)
    print(f"{'dump':<20}{'us/rule':>9}{'B/rule':>8}{'longest':>9}{tools}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rules"
        for make in (host, services, kube_proxy):
            for size in SIZES:
                print(row(make.__name__, make(size), file), flush=True)
        if "--cluster" in sys.argv:
            print(row("services", services(CLUSTER), file), flush=True)


if __name__ == "__main__":
    main()
