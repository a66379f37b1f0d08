"""Packets sent through rules in the real kernel, and all that it did with each of them.

What comes out is what the recordings in ``tests/data`` hold, in their words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from iptlab.errors import IptlabError
from iptlab.kernel.counters import Counters
from iptlab.kernel.frames import Packet, build, parse
from iptlab.kernel.netlink import Sighting
from iptlab.kernel.netns import Namespace
from iptlab.kernel.probes import PROBE_GROUP, PROBE_TABLE
from iptlab.syntax.tokens import restore_words

Place = tuple[str, str, int | str]
Expect = dict[str, Any]


class RefusedError(IptlabError):
    """Rules that are not loaded: iptables-restore refused them, or they reach too far."""


# what a rule could do outside the namespace, by a word that it then has
_REACHING = {
    r"-[46fhnvx]*M.*|--mo(d(p(r(o(be?)?)?)?)?)?(=.*)?": "would run a program",
    "--object-pinned(=.*)?": "would read a file",
    "AUDIT": "would write to the machine's audit log",
    "IDLETIMER": "would make a timer that the whole machine sees",
    "LED": "would switch lights of the machine",
}
_SET_LINE = re.compile(r"((create|add) [^-].*?( -exist)?|COMMIT|\s*|#.*)")


def refuse_reaching(rules: str, ipsets: str) -> None:
    r"""Refuse text by which the tools would touch more than the namespace.

    >>> refuse_reaching("*filter\n-A INPUT --modprobe=/bin/x -m foo\n", "")
    Traceback (most recent call last):
    iptlab.kernel.replay.RefusedError: line 2: --modprobe=/bin/x would run a program: leave it out
    """
    for number, line in enumerate(rules.splitlines(), 1):
        for word, _, _, _ in restore_words(line):
            for pattern, deed in _REACHING.items():
                if re.fullmatch(pattern, word, re.DOTALL):
                    raise RefusedError(f"line {number}: {word} {deed}: leave it out")
    for number, line in enumerate(ipsets.splitlines(), 1):
        if not _SET_LINE.fullmatch(line):
            raise RefusedError(f"line {number} of the sets: only create and add may stand here")


@dataclass
class Walk:
    """The way of one packet, as the probes saw it, in order."""

    path: list[list[str | None]] = field(default_factory=list)
    trace: list[tuple[str, str, str, int]] = field(default_factory=list)
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
    nft tells of a rule after it ran, so its steps name the packet; the probes say which.
    """
    found = [Walk()]
    current = found[0]
    owners = {0: current}
    for seen in sightings:
        if seen.group == PROBE_GROUP and seen.prefix == "enter":
            current = _who_enters(seen, found, current, local=local)
            current.path.append([seen.hook, seen.in_interface, seen.out_interface])
            owners[0] = current
        elif seen.group == PROBE_GROUP:
            current.left.append(seen)
        elif seen.prefix.startswith("TRACE: "):
            step = _traced(seen.prefix)
            if step[0] == PROBE_TABLE:
                owners[seen.owner] = current
            else:
                owners[seen.owner].trace.append(step)
    return found


def _who_enters(seen: Sighting, found: list[Walk], current: Walk, *, local: bool) -> Walk:
    if seen.hook == "OUTPUT" and (current.path or not local):
        found.append(Walk())
        return found[-1]
    if seen.hook == "PREROUTING" and (found[0].path or local):
        return next((walk for walk in found if walk.awaits(seen.in_interface)), current)
    return current


def _traced(prefix: str) -> tuple[str, str, str, int]:
    """Table, chain, kind and number of one TRACE line."""
    table, rest = prefix.removeprefix("TRACE: ").strip().split(":", 1)
    chain, kind, number = rest.rsplit(":", 2)
    return table, chain, kind, int(number)


class Replay:
    """Rules in the real kernel through which packets can be sent one by one."""

    def __init__(self, box: Namespace, rules: str, ipsets: str = "") -> None:
        self.box = box
        refuse_reaching(rules, ipsets)
        loaded = box.ask("load", rules=rules, ipsets=ipsets)
        if loaded["status"]:
            raise RefusedError(loaded["stderr"])
        self.counters = Counters(loaded["saved"])
        self.frames: list[tuple[str, bytes]] = []
        self._handles = {(table, chain): numbers for table, chain, numbers in loaded["handles"]}

    def send(self, packet: Packet) -> Expect:
        """Send one packet; everything seen of it, in the words of the recordings."""
        seen = self.box.ask("send", packet=packet)
        before, self.counters = self.counters, Counters(seen["saved"])
        self.frames = [(link, bytes.fromhex(data)) for link, data in seen["frames"]]
        links = {link for link, _ in self.frames}
        local = packet["inject"] == "local"
        first, *others = walks((Sighting(*one) for one in seen["sightings"]), local=local)
        found = self._fate(first, links, local=local)
        if seen["send_error"]:
            found["send_error"] = seen["send_error"]
        found |= {"path": first.path, "hits": self.counters.hits(before)}
        found |= {"policies": self.counters.policies(before), "trace": self._trace(first)}
        if others:
            found["generated"] = [self._generated(walk, links) for walk in others]
        logged = any(self.counters.deed_at(*place) == "LOG" for *place, _, _ in found["hits"])
        if seen["log"] and logged:  # other namespaces' lines go to the same log
            found["log"] = [_without_id(line, packet) for line in seen["log"]]
        return found | {"conntrack": seen["conntrack"]}

    def _trace(self, walk: Walk) -> list[list[int | str]]:
        return [list(place) for place in map(self._place, walk.trace) if place]

    def _place(self, step: tuple[str, str, str, int]) -> Place | None:
        """The rule, or the end of a chain, that one step of TRACE means.

        Kernel: net/ipv4/netfilter/ip_tables.c, get_chainname_rulenum() numbers the end of a
        chain as if it were its last rule. nft tells twice of the end of a built-in chain.
        """
        table, chain, kind, number = step
        state = self.counters.chains[table, chain]
        end: Place = (table, chain, "return" if state.policy == "-" else "policy")
        if self.box.backend == "legacy":
            return (table, chain, number) if number <= len(state.counts) else end
        if number:
            return table, chain, self._handles[table, chain].index(number) + 1
        return end if state.policy == "-" or kind == "policy" else None

    def _generated(self, walk: Walk, links: set[str]) -> Expect:
        found = self._fate(walk, links, local=True)
        if found.pop("dropped_by", None) or found["fate"].startswith("rejected"):
            found["fate"] = "dropped"  # the recordings do not say by whom
        return found | {"path": walk.path, "trace": self._trace(walk)}

    def _fate(self, walk: Walk, links: set[str], *, local: bool) -> Expect:
        """How the packet ended, and what it looked like then."""
        inside, outside = walk.leaves("INPUT"), walk.leaves("POSTROUTING")
        if outside and outside.out_interface in links:
            word = "sent" if local else "forwarded"
            return {"fate": f"{word}:{outside.out_interface}", "exit": _exit(outside)}
        if inside:
            return {"fate": "delivered-local", "exit": _exit(inside)}
        place = next(filter(None, map(self._place, reversed(walk.trace))), None)
        deed = self.counters.deed_at(*place) if place else ""
        if deed.startswith("REJECT "):
            return {"fate": f"rejected:{deed.removeprefix('REJECT ')}"}
        by = list(place) if place and deed == "DROP" else "kernel"
        return {"fate": "dropped", "dropped_by": by}


def _exit(seen: Sighting) -> Packet:
    return parse(bytes.fromhex(seen.packet)) | {"mark": seen.mark}


def _without_id(line: str, packet: Packet) -> str:
    """The line with the IP identification that the box chose by itself as 0."""
    own = int.from_bytes(build(packet)[4:6], "big") if packet["ip"] == 4 else None
    found = re.search(r" ID=(\d+)", line)
    if found and own is not None and int(found[1]) != own:
        return line[: found.start()] + " ID=0" + line[found.end() :]
    return line
