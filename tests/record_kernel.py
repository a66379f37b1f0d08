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
from iptlab.kernel.replay import RefusedError, Replay
from random_traffic import Dice, Rules, Traffic, World

Recording = dict[str, Any]
CATEGORIES = ("fate", "dropped_by", "exit", "path", "hits", "policies", "trace", "generated",
              "log", "conntrack", "send_error")


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


def draft(seed: str, log: bool) -> Recording | None:
    """A random rule set and the packets sent through it; None if it does not load."""
    dice = Dice(seed)
    topology = dice.pick(("router", "router", "host", "multiwan", "docker", "k8s"))
    family = 6 if dice.chance(22) else 4
    world = World(topology, TOPOLOGIES[topology], family)
    rules = Rules(dice, world)
    one: Recording = {"format": 1, "name": seed, "about": "", "topology": topology, "family": family}
    if rules.ipsets:
        one["ipsets"] = rules.ipsets
    one["rules"] = rules.text
    with Namespace(TOPOLOGIES[topology], family, log=log) as box:
        try:
            loaded = Replay(box, rules.text, rules.ipsets)
        except RefusedError as error:
            print(seed, "refused:", str(error).strip().splitlines()[0], file=sys.stderr)
            return None
        traffic = Traffic(dice, world, rules.hints, loaded.send)
        traffic.run(dice.randint(10, 22))
    one["packets"] = [{"n": n, "packet": p} for n, p in enumerate(traffic.packets, 1)]
    return one


def record(one: Recording, *, log: bool = True) -> Recording:
    """The recording of ``one``: with both back ends, cut where chance decides."""
    first, again = replay(one, "legacy", log=log), replay(one, "legacy", log=log)
    other = replay(one, "nft", log=log)
    apart: list[Recording] = []
    for a, b, c in zip(first["packets"], again["packets"], other["packets"], strict=True):
        chance = differences(a["expect"], b["expect"], "legacy")
        real = differences(a["expect"], c["expect"], "nft")
        if chance or {"exit", "conntrack"} & set(real):
            keys = ", ".join(sorted(chance or {"exit", "conntrack"} & set(real)))
            cut = one | {"packets": one["packets"][: a["n"] - 1]}
            cut["truncated"] = (
                f"packet {a['n']} is not deterministic ({keys}); recorded up to the packet before it"
            )
            return record(cut, log=log)
        if real:
            found = {key: c["expect"].get(key) for key in real}
            apart.append({"n": a["n"], "keys": real, "nft": found})
    saved = {"saved": first["saved"]}
    if other["saved"] != first["saved"]:
        saved["saved_nft"] = other["saved"]
    made = {k: v for k, v in one.items() if k not in ("packets", "saved", "saved_nft", "final")} | saved
    made |= {"packets": first["packets"], "final": first["final"]}
    return made | ({"backend_differences": apart} if apart else {})


def record_random(seed: int, count: int, place: Path) -> None:
    """Record ``count`` random rule sets whose names start with ``random-SEED``."""
    place.mkdir(parents=True, exist_ok=True)
    made, number = 0, 0
    while made < count:
        number += 1
        name = f"random-{seed}-{number:03}"
        one = draft(name, log=True)
        if one is None:
            continue
        try:
            one = record(one)
        except RefusedError as error:
            print(name, "refused by nft:", str(error).strip().splitlines()[0], file=sys.stderr)
            continue
        if len(one["packets"]) < 3:
            continue
        (place / f"{name}.json").write_text(json.dumps(one, indent=1) + "\n")
        made += 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--backend", action="append")
    parser.add_argument("-v", action="store_true")
    parser.add_argument("--random", type=int)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("-o", type=Path)
    parser.add_argument("files", nargs="*", type=Path)
    args = parser.parse_args()
    if args.random is not None:
        record_random(args.random, args.count, args.o)
    elif args.check:
        check(args.check, args.backend or ["legacy"], args.only, args.v)
