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

from iptlab.names import protocol_names
from iptlab.netfilter.context import Connection, Owner, Tuple
from iptlab.netfilter.hooks import Backend
from iptlab.packet import Family, Packet, Protocol
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host, Interface
from iptlab.simulate.journey import Fate, Journey
from iptlab.simulate.machine import START, Machine
from iptlab.simulate.routing import PolicyRule, Route
from iptlab.syntax.command import run
from iptlab.syntax.ipset import read_sets
from iptlab.wire import decode

Json = dict[str, Any]
# `looped_back` is not compared: recordings leave it out even where `path` shows the loop
CATEGORIES = (
    *("fate", "dropped_by", "send_error", "exit", "path", "hits", "policies", "trace"),
    *("generated", "log", "conntrack"),
)
ORDER = ("raw", "mangle", "nat", "filter", "security")
_FATES = {Fate.DELIVERED: "delivered-local", Fate.DROPPED: "dropped"}
_STATUSES = {"EXPECTED", "SEEN_REPLY", "ASSURED", "SRC_NAT", "DST_NAT"}


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


# --- our journey in the recording's words ---


def observed(journey: Journey, machine: Machine) -> Json:
    """Everything that is compared, category by category."""
    counts = journey.counted()
    ours: Json = {
        "fate": _fate(journey),
        "dropped_by": _dropped_by(journey),
        "send_error": journey.error or None,
        "exit": _header(journey.exit) if journey.exit else None,
        "path": _path(journey),
        "hits": sorted([*p, *counts[p]] for p in counts if p.number),
        "policies": sorted([p.table, p.chain, *counts[p]] for p in counts if not p.number),
        "trace": [list(event) for event in journey.trace()],
        "generated": list(_generated(journey)),
        "log": list(journey.log),
        "traced": [line.rstrip() for line in journey.traced],
        "conntrack": sorted(map(_connection, machine.connections()), key=_sorting),
    }
    return ours


def _generated(journey: Journey) -> Iterator[Json]:
    """What the machine sent because of a packet, and because of what it sent.

    The recordings do not tell a rejected packet from a dropped one here.
    """
    for one in journey.generated:
        yield {
            "fate": _fate(one).replace(f"rejected:{one.rejection}", "dropped"),
            "path": _path(one),
            "exit": _header(one.exit) if one.exit else None,
            "trace": [list(event) for event in one.trace()],
        }
        yield from _generated(one)


def _fate(journey: Journey) -> str:
    if journey.fate is Fate.REJECTED:
        return f"rejected:{journey.rejection}"
    if journey.fate in (Fate.FORWARDED, Fate.SENT):
        return f"{journey.fate}:{journey.interface}"
    return _FATES.get(journey.fate, str(journey.fate))


def _dropped_by(journey: Journey) -> list[object] | str | None:
    if journey.fate is not Fate.DROPPED:
        return None
    if journey.by is None:
        return "kernel"
    return [journey.by.table, journey.by.chain, journey.by.number or "policy"]


def _path(journey: Journey) -> list[list[str | None]]:
    return [[str(one[0]), one[1] or None, one[2] or None] for one in journey.path]


def _name(protocol: int) -> str:
    named = {one: one.name.lower() for one in Protocol} | {47: "gre"}
    return named.get(protocol, str(protocol)) if protocol not in (50, 51) else str(protocol)


def _header(packet: Packet) -> Json:
    """The fields of a packet that left."""
    head: Json = {
        "src": str(packet.src),
        "dst": str(packet.dst),
        "ttl": packet.ttl,
        "tos": packet.tos,
        "len": packet.length,
        "df": packet.df,
        "proto": packet.protocol,
        "mark": packet.mark,
        "sport": packet.sport,
        "dport": packet.dport,
        "seq": packet.seq,
        "ack": packet.ack,
        "win": packet.window,
        "flags": set(str(packet.flags).split(",")),
        "mss": packet.mss,
        "data": _size_of_data(packet),
        "type": packet.icmp.type if packet.icmp else None,
        "code": packet.icmp.code if packet.icmp else None,
        "icmp_id": packet.echo_id,
        "icmp_seq": packet.echo_seq,
        "mtu": packet.mtu,
        "vtag": packet.vtag,
        "chunk": ",".join(packet.chunks).partition(":")[0],
    }
    head["inner"] = _header(packet.quoted) if packet.quoted else None
    return head


def _size_of_data(packet: Packet) -> int:
    """The bytes after the headers that recordings know."""
    if packet.icmp is not None:
        return packet.length - 8 - (20 if packet.family is Family.IPV4 else 40)
    return len(packet.payload or b"") + 8 * (packet.protocol == Protocol.ESP)


def expected(recorded: Json) -> Json:
    """What was measured, in the same words."""
    theirs: Json = {name: recorded.get(name) for name in (*CATEGORIES, "traced")}
    theirs["exit"] = _measured(recorded["exit"]) if "exit" in recorded else None
    theirs["hits"] = sorted(recorded["hits"])
    theirs["policies"] = sorted(recorded["policies"])
    theirs["log"] = recorded.get("log", [])
    theirs["conntrack"] = sorted(recorded["conntrack"], key=_sorting)
    theirs["generated"] = [
        {
            "fate": one["fate"],
            "path": one["path"],
            "exit": _measured(one["exit"]) if "exit" in one else None,
            "trace": one.get("trace", []),
        }
        for one in recorded.get("generated", [])
    ]
    return theirs


def _measured(header: Json) -> Json:
    numbers = {name: number for number, name in protocol_names().items()}
    numbers |= {"icmpv6": 58, "udplite": 136}
    found = dict(header)
    word = str(found["proto"])
    found["proto"] = int(word) if word.isdecimal() else numbers[word]
    if "flags" in found:
        found["flags"] = set(found["flags"].split(","))
    if "inner" in found:
        found["inner"] = _measured(found["inner"])
    return found


def same_header(ours: Json | None, theirs: Json | None) -> bool:
    """Whether two headers agree in every field that was measured."""
    if ours is None or theirs is None:
        return ours is theirs
    return all(
        same_header(ours[name], value) if name == "inner" else ours[name] == value
        for name, value in theirs.items()
    )


def _connection(known: Connection) -> Json:
    entry: Json = {
        "proto": _name(known.protocol),
        "orig": _ends(known.original, known.protocol),
        "reply": _ends(known.reply, known.protocol),
        "status": [word for word in _ORDERED if word in known.status],
    }
    entry |= {"state": known.state} if known.state else {}
    entry |= {"mark": known.mark} if known.mark else {}
    one_way = known.zones[0] != known.zones[1]  # such zones were not recorded
    entry |= {} if one_way or not known.zones[0] else {"zone": known.zones[0]}
    return entry


_GRE = 47
_ORDERED = ("EXPECTED", "SEEN_REPLY", "ASSURED", "SRC_NAT", "DST_NAT")


def _ends(one: Tuple, protocol: int) -> Json:
    ends: Json = {"src": str(one.src), "dst": str(one.dst)}
    if protocol in (Protocol.ICMP, Protocol.ICMPV6):
        kind, code = divmod(one.dport, 256)
        return {**ends, "type": kind, "code": code, "id": one.sport}
    if protocol in (Protocol.TCP, Protocol.UDP, Protocol.SCTP, Protocol.UDPLITE, _GRE):
        return {**ends, "sport": one.sport, "dport": one.dport}
    return ends


def _sorting(entry: Json) -> str:
    return json.dumps(entry, sort_keys=True)


# --- comparing ---


class Disagreement(NamedTuple):
    """One thing that came out differently."""

    where: str
    packet: int
    category: str
    ours: object
    theirs: object


def same(category: str, ours: Any, theirs: Any) -> bool:
    """Whether both say the same in a category."""
    if category == "exit":
        return same_header(ours, theirs)
    if category == "generated":
        if len(ours) != len(theirs):
            return False
        # some recordings put the steps of several packets on the first of them
        mine, yours = ([step for one in side for step in one["trace"]] for side in (ours, theirs))
        return mine == yours and all(
            same_header(a["exit"], b["exit"]) and (a["fate"], a["path"]) == (b["fate"], b["path"])
            for a, b in zip(ours, theirs, strict=True)
        )
    if category == "log":
        return [line.rstrip() for line in ours] == [line.rstrip() for line in theirs]
    return bool(ours == theirs)


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
