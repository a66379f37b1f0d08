"""Scenario files that describe a machine: what their ``#>`` lines say, and the machine itself.

The lines before the first packet make the machine::

    #> host eth0 203.0.113.2/24 eth1 192.168.1.1/24    interfaces with their addresses
    #> route default via 203.0.113.1 dev eth0          as ``ip route add`` takes it
    #> rule pref 100 fwmark 0x1 lookup 7               as ``ip rule add`` takes it
    #> sysctl ipv4/ip_forward=1                        a path below /proc/sys/net
    #> set create web hash:ip timeout 60               as ``ipset restore`` takes it

The others happen on it, one after another::

    #> in eth0 PACKET : CONCLUSION                     a packet arrives
    #> in eth0 link broadcast PACKET : CONCLUSION      in a frame to everybody
    #> send uid 1000 PACKET : CONCLUSION               a process of the machine sends one
    #> answer CONCLUSION                               what the machine sent because of the last
    #> log LINE                                        a line that LOG wrote about the last
    #> wait 30                                         so many seconds pass

CONCLUSION is the last line of the journey. iptables-restore takes all of it as comments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from ipaddress import ip_interface
from itertools import pairwise
from pathlib import Path
from typing import Any

from iptlab.kernel.boxes import description, words_of
from iptlab.netfilter.context import Owner
from iptlab.packet import Family, Packet
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host, Interface
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.routing import PolicyRule, Route
from iptlab.simulate.situation import Situation
from iptlab.syntax.ipset import read_sets

FOLDER = Path(__file__).parent / "scenarios"
# the machine of files about rules alone
ROUTER = """#> host eth0 10.0.0.1/24 eth1
#> route default dev eth0
#> route 10.0.9.0/24 dev eth1
#> sysctl ipv4/ip_forward=1
"""


@dataclass(frozen=True)
class Act:
    """One thing that happens: a packet from ``interface`` or from here, or time passing."""

    line: int
    packet: str = ""
    interface: str = ""
    link: str = "unicast"
    uid: int = 0
    gid: int = 0
    seconds: float = 0
    wanted: str = ""
    answers: tuple[str, ...] = ()
    log: tuple[str, ...] = ()

    def on(self, machine: Machine) -> Journey:
        """What becomes of the packet on a machine."""
        if self.interface:
            number = list(machine.host.by_name).index(self.interface)
            mac = f"02:00:00:00:{number:02x}:fe"
            return machine.receive(self.interface, self.packet, link=self.link, mac=mac)
        return machine.send(self.packet, owner=Owner(self.uid, self.gid))

    def words(self, host: Host) -> dict[str, Any]:
        """Its packet in the words of recordings."""
        where = f"in {self.interface} " * bool(self.interface)
        words = words_of(host, where + self.packet)
        words.pop("smac", None)  # the neighbour's own
        words |= {"link": self.link} if self.link != "unicast" else {}
        return words | {name: n for name, n in (("uid", self.uid), ("gid", self.gid)) if n}


@dataclass(frozen=True)
class Scenario:
    """A rule set, the machine that has it, and what happens there."""

    name: str
    rules: str
    links: tuple[tuple[str, tuple[str, ...]], ...]
    routes: tuple[str, ...]
    policy: tuple[str, ...]
    sysctls: tuple[tuple[str, int], ...]
    sets: str
    acts: tuple[Act, ...]

    @property
    def family(self) -> Family:
        """The family of its packets."""
        return Packet.parse(next(act.packet for act in self.acts if act.packet)).family

    def machine(self) -> Machine:
        """The machine as the file describes it."""
        sets = read_sets(self.sets) if self.sets else {}
        links = tuple(
            Interface(name, tuple(map(ip_interface, addresses)), f"02:00:00:00:{number:02x}:01")
            for number, (name, addresses) in enumerate(self.links, start=1)
        )
        host = Host(
            links,
            tuple(Route.parse(text, self.family) for text in self.routes),
            tuple(PolicyRule.parse(text, self.family) for text in self.policy),
            dict(self.sysctls),
            sets,
            {self.family: Ruleset.parse(self.rules, self.family, sets=sets)},
        )
        return Machine(host)

    def recording(self) -> dict[str, Any]:
        """What ``record_kernel.py`` needs to record it: the machine, rules and packets."""
        host = self.machine().host
        packets = [
            {"packet": act.words(host)} | ({"wait": before.seconds} if before.seconds else {})
            for before, act in pairwise((Act(0), *self.acts))
            if act.packet
        ]
        lines = [line for line in self.rules.splitlines() if not line.startswith("#")]
        made: dict[str, Any] = {"format": 1, "name": self.name, "family": int(self.family)}
        made |= {"machine": description(host), "rules": "".join(f"{line}\n" for line in lines)}
        return made | ({"ipsets": self.sets} if self.sets else {}) | {"packets": packets}


def askable(text: str) -> list[tuple[str, str]]:
    """Situation and conclusion of the lines about rules alone that a real machine can be asked.

    No packet is answered there, so what is said of connections in another state is left out.
    """
    lines = re.findall("^#> (.*) : (.*)", text, re.M)
    return [one for one in lines if "ctstate" not in one[0] and "SYN,ACK" not in one[0]]


def draft(file: Path) -> dict[str, Any]:
    """What a file says, as a recording to be made; one about rules alone gets a router."""
    text, acts = file.read_text(), []
    if "#> host " in text:
        return read(file).recording()
    for number, (told, _) in enumerate(askable(text), 1):
        situation = Situation.parse(told)
        link = situation.context.in_interface
        acts.append(Act(number, str(situation.packet), "" if link in ("", "lo") else link))
    parts = _read(file.stem, ROUTER)
    return replace(parts, rules=text, acts=tuple(acts)).recording()


def scenarios() -> tuple[Scenario, ...]:
    """All files that describe a machine."""
    found = (read(file) for file in sorted(FOLDER.glob("*.rules")))
    return tuple(one for one in found if one.links)


def read(file: Path) -> Scenario:
    """One file; it has no ``links`` if it describes no machine."""
    return _read(file.stem, file.read_text())


def _read(name: str, text: str) -> Scenario:
    numbered = enumerate(text.splitlines(), start=1)
    lines = [(number, line[2:].strip()) for number, line in numbered if line.startswith("#>")]
    parts: dict[str, list[str]] = {}
    acts: list[Act] = []
    for number, line in lines:
        word, _, rest = line.partition(" ")
        match word:
            case "answer":
                acts[-1] = replace(acts[-1], answers=(*acts[-1].answers, rest))
            case "log":
                acts[-1] = replace(acts[-1], log=(*acts[-1].log, rest))
            case "in" | "send" | "wait":
                acts.append(_act(number, word, rest))
            case _:
                parts.setdefault(word, []).append(rest)
    return Scenario(
        name,
        text,
        tuple(link for words in parts.get("host", []) for link in _links(words.split())),
        tuple(parts.get("route", ())),
        tuple(parts.get("rule", ())),
        tuple((path, int(value)) for path, _, value in map(_split, parts.get("sysctl", ()))),
        "".join(f"{line}\n" for line in parts.get("set", ())),
        tuple(acts),
    )


def _split(words: str) -> tuple[str, str, str]:
    return words.partition("=")


def _links(words: list[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Names of interfaces, each with the addresses behind it."""
    links: list[tuple[str, tuple[str, ...]]] = []
    for word in words:
        if "/" in word:
            links[-1] = (links[-1][0], (*links[-1][1], word))
        else:
            links.append((word, ()))
    return tuple(links)


def _act(number: int, word: str, rest: str) -> Act:
    if word == "wait":
        return Act(number, seconds=float(rest))
    situation, _, wanted = rest.partition(" : ")
    words = situation.split()
    interface = words.pop(0) if word == "in" else ""
    act = Act(number, interface=interface, wanted=wanted)
    while words[0] in ("link", "uid", "gid"):
        name, value = words.pop(0), words.pop(0)
        match name:
            case "link":
                act = replace(act, link=value)
            case "uid":
                act = replace(act, uid=int(value))
            case _:
                act = replace(act, gid=int(value))
    return replace(act, packet=" ".join(words))
