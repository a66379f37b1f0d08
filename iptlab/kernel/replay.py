"""Packets sent through rules in the real kernel, and all that it did with each of them.

What comes out is what the recordings in ``tests/data`` hold, in their words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from iptlab.kernel.counters import Counters
from iptlab.kernel.frames import Packet, build, parse
from iptlab.kernel.netlink import Sighting
from iptlab.kernel.netns import Namespace
from iptlab.kernel.probes import PROBE_GROUP

Place = tuple[str, str, int | str]
Expect = dict[str, Any]


class RefusedError(Exception):
    """iptables-restore did not accept the rules; the text is what it said."""


@dataclass
class Walk:
    """The way of one packet, as the probes saw it, in order."""

    path: list[list[str | None]] = field(default_factory=list)
    trace: list[Place] = field(default_factory=list)
    left: list[Sighting] = field(default_factory=list)

    def leaves(self, hook: str) -> Sighting | None:
        """Where the packet left ``hook`` with all rules behind it."""
        return next((seen for seen in reversed(self.left) if seen.hook == hook), None)

    def awaits(self, interface: str | None) -> bool:
        """Whether this packet went out to come in again by ``interface``."""
        hooks = [step[0] for step in self.path]
        if "OUTPUT" not in hooks or "PREROUTING" in hooks:
            return False
        return any(seen.out_interface == interface for seen in self.left)


def walks(sightings: Iterable[Sighting], *, local: bool) -> list[Walk]:
    """The packet sent and those made because of it, each with what was seen of it.

    A new packet of the box itself shows by entering OUTPUT; while it is on its way the
    older ones stand still. What comes in again by lo is the oldest one that left by it.
    """
    found = [Walk()]
    current = found[0]
    for seen in sightings:
        if seen.group != PROBE_GROUP:
            if seen.prefix.startswith("TRACE: "):
                current.trace.append(_traced(seen.prefix))
            continue
        if seen.prefix == "leave":
            current.left.append(seen)
            continue
        if seen.hook == "OUTPUT" and (current.path or not local):
            current = Walk()
            found.append(current)
        elif seen.hook == "PREROUTING" and (found[0].path or local):
            current = next((w for w in found if w.awaits(seen.in_interface)), current)
        current.path.append([seen.hook, seen.in_interface, seen.out_interface])
    return found


def _traced(prefix: str) -> Place:
    """Table, chain and number of one TRACE line; ``_settled`` makes words of the last."""
    table, rest = prefix.removeprefix("TRACE: ").strip().split(":", 1)
    chain, _, number = rest.rsplit(":", 2)
    return table, chain, int(number)


def _settled(place: Place, counters: Counters) -> Place:
    """TRACE numbers the end of a chain as if it were its last rule.

    Kernel: net/ipv4/netfilter/ip_tables.c, get_chainname_rulenum()
    """
    table, chain, number = place
    state = counters.chains[table, chain]
    if isinstance(number, int) and number > len(state.counts):
        return table, chain, "return" if state.policy == "-" else "policy"
    return place


class Replay:
    """Rules in the real kernel through which packets can be sent one by one."""

    def __init__(self, box: Namespace, rules: str, ipsets: str = "") -> None:
        self.box = box
        self.traced = box.backend == "legacy"
        loaded = box.ask("load", rules=rules, ipsets=ipsets)
        if loaded["status"]:
            raise RefusedError(loaded["stderr"])
        self.counters = Counters(loaded["saved"])
        self.start = self.counters
        self.frames: list[tuple[str, bytes]] = []

    def send(self, packet: Packet) -> Expect:
        """Send one packet; everything seen of it, in the words of the recordings."""
        seen = self.box.ask("send", packet=packet)
        before, self.counters = self.counters, Counters(seen["saved"])
        self.frames = [(link, bytes.fromhex(data)) for link, data in seen["frames"]]
        links = {link for link, _ in self.frames}
        local = packet["inject"] == "local"
        first, *others = walks((Sighting(*one) for one in seen["sightings"]), local=local)
        hits, policies = self.counters.hits(before), self.counters.policies(before)
        found = self._fate(first, links, local=local, counted=hits + policies)
        if seen["send_error"]:
            found["send_error"] = seen["send_error"]
        found |= {"path": first.path, "hits": hits, "policies": policies}
        if self.traced:
            found["trace"] = self._trace(first)
        if others:
            found["generated"] = [self._generated(walk, links) for walk in others]
        if seen["log"]:
            found["log"] = [_without_id(line, packet) for line in seen["log"]]
        return found | {"conntrack": seen["conntrack"]}

    def _trace(self, walk: Walk) -> list[list[int | str]]:
        return [list(_settled(place, self.counters)) for place in walk.trace]

    def _generated(self, walk: Walk, links: set[str]) -> Expect:
        found = self._fate(walk, links, local=True, counted=[])
        if found.pop("dropped_by", None) or found["fate"].startswith("rejected"):
            found["fate"] = "dropped"  # the recordings do not say by whom
        found["path"] = walk.path
        return found | ({"trace": self._trace(walk)} if self.traced else {})

    def _fate(
        self, walk: Walk, links: set[str], *, local: bool, counted: list[list[Any]]
    ) -> Expect:
        """How the packet ended, and what it looked like then."""
        inside, outside = walk.leaves("INPUT"), walk.leaves("POSTROUTING")
        if outside and outside.out_interface in links:
            word = "sent" if local else "forwarded"
            return {"fate": f"{word}:{outside.out_interface}", "exit": _exit(outside)}
        if inside:
            return {"fate": "delivered-local", "exit": _exit(inside)}
        place = self._last_place(walk, counted)
        verdict = self.counters.deed_at(*place) if place else ""
        if place and verdict.startswith("REJECT "):
            return {"fate": f"rejected:{verdict.removeprefix('REJECT ')}"}
        by = list(place) if place and verdict == "DROP" else "kernel"
        return {"fate": "dropped", "dropped_by": by}

    def _last_place(self, walk: Walk, counted: list[list[Any]]) -> Place | None:
        """The rule or policy that had the last word on the packet.

        Without TRACE the counters must tell: a rule or policy that drops and counted, in
        the chain of the last hook if there is one, else in a user's chain.
        """
        if self.traced:
            return _settled(walk.trace[-1], self.counters) if walk.trace else None
        places: list[Place] = [
            (table, chain, rest[0] if len(rest) == 3 else "policy")
            for table, chain, *rest in counted
        ]
        final = [p for p in places if re.match("DROP|REJECT", self.counters.deed_at(*p))]
        hook = walk.path[-1][0] if walk.path else None
        here = [place for place in final if place[1] == hook]
        users = [place for place in final if self.counters.chains[place[:2]].policy == "-"]
        return next(iter(here + users), None)


def _exit(seen: Sighting) -> Packet:
    return parse(bytes.fromhex(seen.packet)) | {"mark": seen.mark}


def _without_id(line: str, packet: Packet) -> str:
    """The line with the IP identification that the box chose by itself as 0."""
    own = int.from_bytes(build(packet)[4:6], "big") if packet["ip"] == 4 else None
    found = re.search(r" ID=(\d+)", line)
    if found and own is not None and int(found[1]) != own:
        return line[: found.start()] + " ID=0" + line[found.end() :]
    return line
