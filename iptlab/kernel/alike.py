"""What simulator and kernel say of one packet, in the same words, and whether it is the same.

The words are those of recordings, whose format the README in ``tests/data`` explains.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from iptlab.names import protocol_names
from iptlab.netfilter.context import Connection, Tuple
from iptlab.netfilter.hooks import Backend
from iptlab.packet import Family, Packet, Protocol
from iptlab.simulate.journey import Fate, Journey
from iptlab.simulate.machine import Machine

Json = dict[str, Any]

# `looped_back` is not compared: recordings leave it out even where `path` shows the loop
CATEGORIES = (
    *("fate", "dropped_by", "send_error", "exit", "path", "hits", "policies", "trace"),
    *("generated", "log", "conntrack"),
)
_FATES = {Fate.DELIVERED: "delivered-local", Fate.DROPPED: "dropped"}


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
    return [str(journey.by.table), str(journey.by.chain), journey.by.number or "policy"]


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
    entry |= {"zone": known.zones[0]} if known.zones[0] else {}
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


def _logged(line: str) -> str:
    """A line of the log; an ICMPv6 error that the machine makes is labelled by a secret of it.

    Kernel: include/net/ipv6.h (ip6_make_flowlabel)
    """
    return _OWN_LABEL(r"\g<1>0", line.rstrip())


# a line about such an error, up to its label
_OWN_LABEL = re.compile(r"(IN= OUT=\S+ .*?FLOWLBL=)\d+(?= PROTO=ICMPv6 TYPE=[1-4]\b)").sub


def same(category: str, ours: Any, theirs: Any, backend: Backend = Backend.LEGACY) -> bool:
    """Whether both say the same in a category; nft tells the steps of a walk in another order."""
    if category == "trace" and backend is Backend.NFT:
        return True
    if category == "exit":
        return same_header(ours, theirs)
    if category == "generated":
        if len(ours) != len(theirs):
            return False
        # some recordings put the steps of several packets on the first of them
        mine, yours = ([step for one in side for step in one["trace"]] for side in (ours, theirs))
        return (mine == yours or backend is Backend.NFT) and all(
            same_header(a["exit"], b["exit"]) and (a["fate"], a["path"]) == (b["fate"], b["path"])
            for a, b in zip(ours, theirs, strict=True)
        )
    if category == "log":
        return list(map(_logged, ours)) == list(map(_logged, theirs))
    return bool(ours == theirs)
