"""Records rule sets and packets in the real kernel, and checks recordings against it.

Run as one of::

    python tests/record_kernel.py FILE ... -o FOLDER                 make them anew
    python tests/record_kernel.py --random SEED --count N -o FOLDER  draw rules and packets
    python tests/record_kernel.py --check PLACE [--backend nft]      compare with what is stored

FILE is a scenario (tests/scenarios/*.rules), a report that ``iptlab verify`` wrote, or a
recording: it needs topology or machine, family, rules and packets, and may have ipsets and
sysctl; the README in tests/data/kernel-golden.tar.xz tells the rest of the format. A machine
of a recording's own goes into FOLDER/topologies.json. PLACE is a folder or such an archive.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tarfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from random_rules import Dice, Rules, World
from random_traffic import Traffic
from scenario import draft as read_scenario

from iptlab.kernel.netns import Namespace
from iptlab.kernel.replay import RefusedError, Replay

Recording = dict[str, Any]

ARCHIVE = Path(__file__).parent / "data" / "kernel-golden.tar.xz"
CATEGORIES = (
    *("fate", "dropped_by", "exit", "path", "hits", "policies", "trace", "generated"),
    *("log", "conntrack", "send_error"),
)
UNSORTED = ("hits", "policies", "conntrack")


def topologies() -> dict[str, Any]:
    """The machines that recordings name."""
    with tarfile.open(ARCHIVE) as files:
        text = files.extractfile("kernel-golden/topologies.json")
        assert text is not None
        return json.loads(text.read())


TOPOLOGIES = topologies()


def replay(one: Recording, backend: str, *, log: bool) -> Recording:
    """What the kernel does, with one back end, with the packets of a recording."""
    machine, sysctl = one.get("machine") or TOPOLOGIES[one["topology"]], one.get("sysctl")
    with Namespace(machine, one["family"], backend=backend, sysctl=sysctl, log=log) as box:
        rules = Replay(box, one["rules"], one.get("ipsets", ""))
        made: Recording = {"saved": rules.counters.plain, "packets": []}
        for n, step in enumerate(one["packets"], 1):
            time.sleep(step.get("wait", 0))
            kept = {key: step[key] for key in ("packet", "wait") if key in step}
            made["packets"].append({"n": n, **kept, "expect": rules.send(step["packet"])})
        tables = list(rules.counters.blocks)
        listed = box.ask("list", tables=tables)
        return made | {"final": {"save_counters": rules.counters.text, "list": listed}}


def comparable(expect: Recording, category: str, backend: str) -> Any:
    """One category of what was observed, without what does not count in a comparison."""
    value = expect.get(category)
    if category in UNSORTED:
        return sorted(value or [], key=json.dumps)
    if category == "trace" and backend == "nft":
        return None  # in another order by design
    if category == "generated" and value:
        # of several, older recordings told all steps with the first
        steps = [step for packet in value for step in packet.get("trace", ())]
        rest = [{k: v for k, v in packet.items() if k != "trace"} for packet in value]
        return [*rest, steps if backend == "legacy" else None]
    return value


def differences(old: Recording, new: Recording, backend: str) -> list[str]:
    """The categories in which two observations of one packet differ."""
    return [
        category
        for category in CATEGORIES
        if comparable(old, category, backend) != comparable(new, category, backend)
    ]


def record(one: Recording, *, log: bool = True) -> Recording:
    """The recording of ``one``: with both back ends, cut where chance decides."""
    first, again, other = (replay(one, kind, log=log) for kind in ("legacy", "legacy", "nft"))
    apart: list[Recording] = []
    for a, b, c in zip(first["packets"], again["packets"], other["packets"], strict=True):
        backends = differences(a["expect"], c["expect"], "nft")
        chance = differences(a["expect"], b["expect"], "legacy")
        chance = chance or sorted({"exit", "conntrack"} & set(backends))
        if chance:
            why = f"packet {a['n']} is not deterministic ({', '.join(chance)})"
            cut = one | {"packets": one["packets"][: a["n"] - 1]}
            cut |= {"truncated": f"{why}; recorded up to the packet before it"}
            return record(cut, log=log)
        if backends:
            values = {key: c["expect"].get(key) for key in backends}
            apart.append({"n": a["n"], "keys": backends, "nft": values})
    made = {k: one[k] for k in ("format", "name", "about", "topology", "machine") if k in one}
    made |= {"family": one["family"]}
    made |= {k: one[k] for k in ("ipsets", "sysctl", "rules", "truncated") if k in one}
    made["saved"] = first["saved"]
    if other["saved"] != first["saved"]:
        made["saved_nft"] = other["saved"]
    made |= {"packets": first["packets"], "final": first["final"]}
    return made | ({"backend_differences": apart} if apart else {})


def draft(name: str) -> Recording:
    """A random rule set and the packets sent through it, drawn from its name."""
    dice = Dice(name)
    topology = dice.pick(("router", "router", "host", "multiwan", "docker", "k8s"))
    family = 6 if dice.chance(22) else 4
    world = World(topology, TOPOLOGIES[topology], family)
    rules = Rules(dice, world)
    one: Recording = {"format": 1, "name": name, "about": "", "topology": topology}
    one |= {"family": family, "rules": rules.text}
    if rules.ipsets:
        one["ipsets"] = rules.ipsets
    with Namespace(TOPOLOGIES[topology], family) as box:
        traffic = Traffic(dice, world, rules.hints, Replay(box, rules.text, rules.ipsets).send)
        traffic.run(dice.randint(10, 22))
    return one | {"packets": [{"packet": packet} for packet in traffic.packets]}


def drafts(seed: int) -> Iterator[Recording]:
    """Random rule sets that load, without end."""
    number = 0
    while True:
        number += 1
        try:
            yield draft(f"random-{seed}-{number:03}")
        except RefusedError as error:
            print(f"random-{seed}-{number:03} is refused: {error}", file=sys.stderr)


def write(one: Recording, place: Path) -> None:
    """Store a recording under its name, and a machine of its own with the others there."""
    place.mkdir(parents=True, exist_ok=True)
    if "machine" in one:
        file = place / "topologies.json"
        machines = json.loads(file.read_text()) if file.exists() else {}
        machines[one["name"]] = one["machine"]
        file.write_text(json.dumps(machines, indent=1) + "\n")
        one = {k: v for k, v in one.items() if k != "machine"} | {"topology": one["name"]}
    (place / f"{one['name']}.json").write_text(json.dumps(one, indent=1) + "\n")


@cache
def stored(place: Path) -> dict[str, Recording]:
    """The recordings in a folder or an archive, by name."""
    if place.is_dir():
        texts = [file.read_bytes() for file in sorted(place.rglob("*.json"))]
    else:
        with tarfile.open(place) as archive:
            files = [archive.extractfile(m) for m in archive if m.name.endswith(".json")]
            texts = [file.read() for file in files if file]
    read = [json.loads(text) for text in texts]
    return {one["name"]: one for one in read if isinstance(one, dict) and "packets" in one}


class Tally:
    """How much of what is stored came out again, by category."""

    def __init__(self) -> None:
        self.right: Counter[str] = Counter()
        self.total: Counter[str] = Counter()
        self.wrong: dict[str, list[str]] = defaultdict(list)

    def count(self, category: str, place: str, *, equal: bool) -> None:
        """One more comparison."""
        self.total[category] += 1
        self.right[category] += equal
        if not equal:
            self.wrong[category].append(place)

    def compare(self, one: Recording, backend: str, *, log: bool) -> None:
        """Record ``one`` again and compare."""
        made = replay(one, backend, log=log)
        name, nft = one["name"], backend == "nft"
        saved = one.get("saved_nft", one["saved"]) if nft else one["saved"]
        self.count("saved", name, equal=saved == made["saved"])
        if not nft and "final" in one:
            self.count("final", name, equal=one["final"] == made["final"])
        apart = {d["n"]: d["nft"] for d in one.get("backend_differences", ()) if nft}
        for old, new in zip(one["packets"], made["packets"], strict=True):
            expect = old["expect"] | apart.get(old["n"], {})
            bad = differences(expect, new["expect"], backend)
            for category in CATEGORIES:
                if (category in expect or category in bad) and (category != "log" or log):
                    place = f"{name}:{old['n']}"
                    self.count(category, place, equal=category not in bad)

    def __str__(self) -> str:
        return "\n".join(
            f"{category:12}{self.right[category]:6} of {total:5}  "
            + " ".join(self.wrong[category][:6])
            for category, total in self.total.items()
        )


def check(place: Path, backend: str, only: str, *, log: bool) -> bool:
    """Record everything in ``place`` again and print how much is equal."""
    chosen = [one for name, one in stored(place).items() if re.search(only, name)]
    tally, start = Tally(), time.perf_counter()
    for one in chosen:
        tally.compare(one, backend, log=log)
    packets = sum(len(one["packets"]) for one in chosen)
    seconds = time.perf_counter() - start
    print(tally)
    print(f"{backend}: {len(chosen)} recordings, {packets} packets, {seconds:.1f} s")
    return tally.right == tally.total


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("-o", dest="output", type=Path, default=Path())
    parser.add_argument("--random", type=int, metavar="SEED")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--check", type=Path, metavar="PLACE")
    parser.add_argument("--backend", choices=("legacy", "nft"), default="legacy")
    parser.add_argument("--only", default="", help="a pattern that names must match")
    parser.add_argument("--no-log", action="store_true", help="leave the kernel's log alone")
    args = parser.parse_args()
    if args.check:
        return not check(args.check, args.backend, args.only, log=not args.no_log)
    for file in args.files:
        scenario = file.suffix == ".rules"
        one = read_scenario(file) if scenario else json.loads(file.read_text())
        write(record(one, log=not args.no_log), args.output)
    if args.random is not None:
        for _, one in zip(range(args.count), drafts(args.random), strict=False):
            write(record(one, log=not args.no_log), args.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
