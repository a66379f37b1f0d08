"""Replay recordings of a real kernel and compare every packet's journey with ours.

``python tests/kernel_golden.py PATH…`` takes folders, single files or ``.tar.xz`` archives of
recordings (their README explains the format), compares category by category, prints a table
and exits with 1 if anything disagrees. With ``-v`` every disagreement is shown.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_interface
from pathlib import Path
from typing import Any, NamedTuple

from iptlab.kernel.alike import CATEGORIES, expected, observed, same
from iptlab.netfilter.context import Owner
from iptlab.netfilter.hooks import Backend
from iptlab.packet import Family, Packet
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host, Interface
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import START, Machine
from iptlab.simulate.routing import PolicyRule, Route
from iptlab.syntax.command import run
from iptlab.syntax.ipset import read_sets
from iptlab.wire import decode

Json = dict[str, Any]
ORDER = ("raw", "mangle", "nat", "filter", "security")


# --- reading recordings ---


class Recording(NamedTuple):
    """One recorded rule set, and the machine that it ran on."""

    where: str
    data: Json
    topology: Json


def recordings(path: Path) -> Iterator[Recording]:
    """Every recording in a folder, a file or an archive."""
    texts = dict(_texts(path))
    found = {name: json.loads(text) for name, text in texts.items()}
    named = [data for name, data in found.items() if name.endswith("topologies.json")]
    topologies = named[0] if named else _beside(path)
    for name, data in sorted(found.items()):
        if isinstance(data, dict) and "packets" in data and "topology" in data:
            yield Recording(name, data, topologies[data["topology"]])


def _texts(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for file in sorted(path.rglob("*.json")):
            yield str(file.relative_to(path)), file.read_bytes()
    elif path.suffix == ".json":
        yield path.name, path.read_bytes()
    else:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.name.endswith(".json") and (file := archive.extractfile(member)):
                    yield member.name, file.read()


def _beside(path: Path) -> Json:
    """The machines' descriptions, in a folder above a path that has none itself."""
    for folder in path.resolve().parents:
        if (file := folder / "topologies.json").is_file():
            read: Json = json.loads(file.read_bytes())
            return read
    with tarfile.open(Path(__file__).parent / "data" / "kernel-golden.tar.xz") as archive:
        (member,) = (one for one in archive if one.name.endswith("topologies.json"))
        read = json.loads(archive.extractfile(member).read())  # type: ignore[union-attr]
        return read


def machine_of(one: Recording, backend: Backend = Backend.LEGACY) -> Machine:
    """The machine under test with the recording's rules loaded."""
    data, topology = one.data, one.topology
    links = tuple(
        Interface(
            link["name"],
            tuple(map(ip_interface, link["addrs"] + link.get("addrs6", []))),
            f"02:00:00:00:{number:02x}:01",
        )
        for number, link in enumerate(topology["links"], start=1)
    )
    routes = [Route.parse(text) for text in topology.get("routes", [])]
    routes += [Route.parse(text, Family.IPV6) for text in topology.get("routes6", [])]
    policy = [PolicyRule.parse(text) for text in topology.get("rules", [])]
    policy += [PolicyRule.parse(text, Family.IPV6) for text in topology.get("rules6", [])]
    sets = read_sets(data["ipsets"]) if data.get("ipsets") else {}
    family = Family(data["family"])
    host = Host(
        links,
        tuple(routes),
        tuple(policy),
        {**topology.get("sysctl", {}), **data.get("sysctl", {})},
        sets,
        {family: Ruleset.parse(data["rules"], family, sets=sets)},
        backend=backend,
    )
    return Machine(host, now=datetime.fromisoformat(data["now"]) if "now" in data else START)


def packet_of(recorded: Json) -> Packet:
    """The packet that was sent."""
    return replace(decode(bytes.fromhex(recorded["hex"])), mark=recorded.get("mark", 0))


def sent(machine: Machine, recorded: Json, choose: Any = None) -> Journey:
    """What the machine does with the packet."""
    packet = packet_of(recorded)
    if recorded["inject"] == "local":
        owner = Owner(recorded.get("uid", 0), recorded.get("gid", 0))
        return machine.send(packet, owner=owner, choose=choose)
    number = list(machine.host.by_name).index(recorded["inject"])
    return machine.receive(
        recorded["inject"],
        packet,
        link=recorded.get("link", "unicast"),
        mac=recorded.get("smac", f"02:00:00:00:{number:02x}:fe"),
        choose=choose,
    )


# --- comparing ---


class Disagreement(NamedTuple):
    """One thing that came out differently."""

    where: str
    packet: int
    category: str
    ours: object
    theirs: object


def replay(
    one: Recording, backend: Backend = Backend.LEGACY
) -> Iterator[tuple[str, Disagreement | None]]:
    """Every comparison of a recording: its category, and what disagreed."""
    machine = machine_of(one, backend)
    for recorded in _recorded(one, backend):
        machine.wait(recorded.get("wait", 0.004))
        if one.data.get("random"):
            journey, machine = _as_drawn(machine, recorded)
        else:
            journey = sent(machine, recorded["packet"])
        ours, theirs = observed(journey, machine), expected(recorded["expect"])
        more = ["traced"] if "traced" in recorded["expect"] else []
        for category in (*recorded.get("keys", CATEGORIES), *more):
            fine = same(category, ours[category], theirs[category])
            where = (one.where, recorded["n"], category)
            yield (
                category,
                None if fine else Disagreement(*where, ours[category], theirs[category]),
            )
    if backend is Backend.LEGACY:
        yield from _final(one, machine)


def _recorded(one: Recording, backend: Backend) -> Iterator[Json]:
    """The packets with what was measured; of nft, where something is known to differ, that."""
    apart = {each["n"]: each for each in one.data.get("backend_differences", ())}
    for recorded in one.data["packets"]:
        if backend is Backend.LEGACY:
            yield recorded
        elif (each := apart.get(recorded["n"])) is None:
            yield recorded | {"keys": ()}
        else:
            measured = {key: value for key, value in each["nft"].items() if value is not None}
            expect = {k: v for k, v in recorded["expect"].items() if k not in each["keys"]}
            yield recorded | {"keys": each["keys"], "expect": expect | measured}


def _as_drawn(machine: Machine, recorded: Json) -> tuple[Journey, Machine]:
    """The outcome of chance whose hits are the recorded ones, or else any."""
    wanted = sorted(recorded["expect"]["hits"])
    for outcome in machine.outcomes(lambda m, choose: sent(m, recorded["packet"], choose)):
        counts = outcome.journey.counted()
        if sorted([*p, *counts[p]] for p in counts if p.number) == wanted:
            break
    return outcome.journey, outcome.machine


def _final(one: Recording, machine: Machine) -> Iterator[tuple[str, Disagreement | None]]:
    final: Mapping[str, Any] = one.data.get("final") or {}
    family = Family(one.data["family"])
    rules = machine.rules(family)
    if "save_counters" in final:
        ours, theirs = _blocks(rules.save(counters=True)), _blocks(final["save_counters"])
        fine = ours == theirs
        yield "final", None if fine else Disagreement(one.where, 0, "final", ours, theirs)
    tool = "iptables" if family is Family.IPV4 else "ip6tables"
    for table, theirs in (final.get("list") or {}).items():
        argv = [tool, "-t", table, "-L", "-n", "-v", "--line-numbers"]
        ours = run(rules.tables, argv, family).stdout
        fine = ours == theirs
        yield "final", None if fine else Disagreement(one.where, 0, "final", ours, theirs)


def _blocks(text: str) -> str:
    blocks = {block.split("\n")[0][1:]: block for block in re.findall(r"\*.*?COMMIT\n", text, re.S)}
    return "".join(blocks[name] for name in ORDER if name in blocks)


def _apart(ours: Any, theirs: Any) -> tuple[object, object]:
    """Of two lists what only one of them has; anything else as it is."""
    if isinstance(ours, list) and isinstance(theirs, list):
        return [x for x in ours if x not in theirs], [x for x in theirs if x not in ours]
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return {k: ours[k] for k in ours if k in theirs and ours[k] != theirs[k]}, theirs
    return ours, theirs


def main(arguments: list[str]) -> int:
    """Replay everything that is named and print the table."""
    verbose = "-v" in arguments
    compared: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    truncated = packets = files = 0
    wrong: list[Disagreement] = []
    for path in [Path(word) for word in arguments if word != "-v"]:
        for one in recordings(path):
            files += 1
            packets += len(one.data["packets"])
            truncated += "truncated" in one.data
            for category, disagreement in replay(one):
                compared[category] += 1
                agreed[category] += disagreement is None
                wrong += [disagreement] if disagreement else []
    for one_wrong in wrong if verbose else wrong[:10]:
        print(f"{one_wrong.where}, packet {one_wrong.packet}, {one_wrong.category}:")
        ours, theirs = _apart(one_wrong.ours, one_wrong.theirs)
        print(f"  ours:   {ours}\n  theirs: {theirs}")
    print(f"{files} recordings, {packets} packets, 0 skipped")
    print(f"{truncated} recordings end early, where the kernel began to draw lots (truncated)")
    for category in (*CATEGORIES, "traced", "final"):
        print(f"{category:<12}{compared[category]:>8} compared {agreed[category]:>8} agreed")
    return 1 if wrong or not compared else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
