"""Records rule sets and packets in the real kernel, and checks recordings against it.

    python tests/record_kernel.py RULES.json ... -o FOLDER     record anew
    python tests/record_kernel.py --check FOLDER               compare with what is stored
    python tests/record_kernel.py --random SEED --count N -o FOLDER

The format of the files is described beside the recordings in ``tests/data``.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tarfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from iptlab.kernel.netns import Namespace
from iptlab.kernel.replay import Replay

Recording = dict[str, Any]
CATEGORIES = ("fate", "dropped_by", "exit", "path", "hits", "policies", "trace", "generated",
              "log", "conntrack", "send_error", "looped_back")


def topologies() -> dict[str, Any]:
    archive = Path(__file__).parent / "data" / "kernel-golden.tar.xz"
    with tarfile.open(archive) as files:
        return json.loads(files.extractfile("kernel-golden/topologies.json").read())


TOPOLOGIES = topologies()


def replay(one: Recording, backend: str, *, log: bool) -> Recording:
    """The recording made anew with one back end."""
    machine = TOPOLOGIES[one["topology"]]
    made: Recording = {"packets": []}
    with Namespace(machine, one["family"], backend=backend, sysctl=one.get("sysctl"), log=log) as box:
        rules = Replay(box, one["rules"], one.get("ipsets", ""))
        made["saved"] = rules.counters.plain
        for packet in one["packets"]:
            made["packets"].append({**packet, "expect": rules.send(packet["packet"])})
        tables = list(rules.counters.blocks)
        made["final"] = {"save_counters": rules.counters.text, "list": box.ask("list", tables=tables)}
    return made


def stored(place: Path) -> dict[str, Recording]:
    if place.is_dir():
        found = [(file.name, file.read_bytes()) for file in sorted(place.rglob("*.json"))]
    else:
        with tarfile.open(place) as archive:
            found = [
                (m.name, archive.extractfile(m).read()) for m in archive if m.name.endswith(".json")
            ]
    read = [json.loads(data) for _, data in found]
    return {one["name"]: one for one in read if isinstance(one, dict) and "packets" in one}


def comparable(category: str, value: Any) -> Any:
    if category in ("hits", "policies", "conntrack"):
        return sorted(value or [], key=json.dumps)
    return value


def generated_trace(expect: Recording) -> list[Any]:
    return [place for one in expect.get("generated", ()) for place in one.get("trace", ())]


def differences(old: Recording, new: Recording, backend: str) -> list[str]:
    found = []
    for category in CATEGORIES:
        a, b = old.get(category), new.get(category)
        if category == "generated" and a and b:
            if backend == "legacy" and generated_trace(old) != generated_trace(new):
                found.append("generated trace")
            a, b = ([{k: v for k, v in one.items() if k != "trace"} for one in x] for x in (a, b))
        if category == "trace" and backend != "legacy":
            continue
        if comparable(category, a) != comparable(category, b):
            found.append(category)
    return found


def check(place: Path, backends: list[str], only: str, verbose: bool) -> bool:
    right: Counter[tuple[str, str]] = Counter()
    total: Counter[tuple[str, str]] = Counter()
    wrong: dict[tuple[str, str], list[str]] = defaultdict(list)
    seconds, packets, files = 0.0, 0, 0
    for name, one in stored(place).items():
        if not re.search(only, name):
            continue
        for backend in backends:
            start = time.perf_counter()
            made = replay(one, backend, log=True)
            seconds += time.perf_counter() - start
            files += 1
            saved = one.get("saved_nft", one["saved"]) if backend == "nft" else one["saved"]
            patches = {d["n"]: d["nft"] for d in one.get("backend_differences", ())}
            results = [("saved", saved, made["saved"])]
            if backend == "legacy" and "final" in one:
                results += [(f"final {k}", one["final"][k], made["final"][k]) for k in one["final"]]
            for what, a, b in results:
                total[backend, what] += 1
                right[backend, what] += a == b
                if a != b:
                    wrong[backend, what].append(name)
                    if verbose:
                        print(name, what, a, b, sep="\n")
            for old, new in zip(one["packets"], made["packets"], strict=True):
                packets += 1
                expect = old["expect"] | (patches.get(old["n"], {}) if backend == "nft" else {})
                bad = differences(expect, new["expect"], backend)
                for category in CATEGORIES:
                    if category in expect or category in new["expect"]:
                        total[backend, category] += 1
                        right[backend, category] += category not in bad
                for category in bad:
                    wrong[backend, category].append(f"{name} {old['n']}")
                    if verbose:
                        print(name, old["n"], category, json.dumps(old["packet"]))
                        print("  old", json.dumps(expect.get(category.split()[0])))
                        print("  new", json.dumps(new["expect"].get(category.split()[0])))
    for key, number in total.items():
        print(f"{key[0]:7} {key[1]:20} {right[key]:5} of {number:5}", *wrong[key][:6])
    print(f"{files} replays, {packets} packets, {seconds:.1f} s, {seconds / max(packets, 1) * 1000:.1f} ms a packet")
    return right == total


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--backend", action="append")
    parser.add_argument("-v", action="store_true")
    args = parser.parse_args()
    check(args.check, args.backend or ["legacy"], args.only, args.v)
