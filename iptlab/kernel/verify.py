"""The same rules and packets in the simulator and in the real kernel, laid side by side."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from iptlab.errors import FileError, PacketError
from iptlab.kernel.alike import CATEGORIES, Json, expected, observed, same
from iptlab.kernel.boxes import description, words_of
from iptlab.kernel.chance import lowest_ports, outcomes
from iptlab.kernel.frames import build
from iptlab.kernel.netns import Namespace
from iptlab.kernel.replay import Replay
from iptlab.netfilter.hooks import Backend
from iptlab.packet import Family
from iptlab.ruleset import Ruleset
from iptlab.shown import Shown
from iptlab.simulate.chance import Chooser
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Fate, Journey
from iptlab.simulate.machine import Machine
from iptlab.syntax.ipset import write_sets
from iptlab.wire import decode

NEIGHBOUR = "02:00:00:00:00:fe"
_EXAMPLE = "udp 10.0.0.9:53 -> 10.0.0.1:53"
# where what a report needs is written
REPORT = "iptlab-report.json"
# the lines of LOG rules would need the log of the whole machine
COMPARED = tuple(name for name in CATEGORIES if name != "log")


@dataclass(frozen=True)
class Comparison:
    """One packet in one back end: the simulator's journey, and what the kernel did.

    ``different`` names what does not agree; ``seconds`` are the simulator's and the kernel's.
    """

    situation: str
    backend: Backend
    journey: Journey
    ours: Json
    theirs: Json
    different: tuple[str, ...]
    seconds: tuple[float, float]

    @property
    def told(self) -> bool:
        """Whether the simulator had an answer."""
        return self.journey.fate is not Fate.UNKNOWN

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """What was compared: its name, the simulator's word, the kernel's, and how they agree."""
        for name in COMPARED:
            mine, yours = (_shown(name, side[name]) for side in (self.ours, self.theirs))
            apart = name in self.different
            if apart or name in ("fate", "path", "hits", "exit", "conntrack"):
                yield name, mine, yours, "DIFFERENT" if apart else "same"

    def __str__(self) -> str:
        lines = [f"{self.situation}  [{self.backend}]"]
        if not self.told:
            return f"{lines[0]}\n  the simulator cannot tell: {self.journey.reason}"
        for name, mine, yours, how in self.rows():
            lines.append(f"  {name:<10} {how:<9}  {mine}")
            lines += [f"  {'':<10} {'kernel:':<9}  {yours}"] * (how != "same")
        return "\n".join(lines)


@dataclass(frozen=True)
class Verification(Shown):
    """Packets laid side by side; ``report`` is what a disagreement is reported with."""

    comparisons: tuple[Comparison, ...]
    report: Json

    @property
    def agrees(self) -> bool:
        """Whether simulator and kernel agree about every packet."""
        return all(one.told and not one.different for one in self.comparisons)

    @property
    def disagrees(self) -> bool:
        """Whether something came out differently, which is a mistake of iptlab's."""
        return any(one.told and one.different for one in self.comparisons)

    @property
    def conclusion(self) -> str:
        """How it went in one line."""
        wrong = sum(bool(one.told and one.different) for one in self.comparisons)
        if wrong:
            told = f"{wrong} of {len(self.comparisons)} comparisons disagree: the kernel is right, "
            told += "and this is a bug of iptlab; please report it with the file that "
            return told + "save_report(FILE) writes"
        if not self.agrees:
            return "the simulator cannot tell everything; see above"
        return f"simulator and kernel agree in all {len(self.comparisons)} comparisons"

    def save_report(self, file: str | Path) -> None:
        """Write rules, packets and what the kernel did, all that a report needs."""
        place = Path(file)
        try:
            place.write_text(json.dumps(self.report, indent=1) + "\n")
        except OSError as error:
            if place.is_file():
                place.unlink()  # half a report helps nobody
            raise FileError(f"{file} cannot be written: {error.strerror}") from None

    def __str__(self) -> str:
        return "\n".join([*map(str, self.comparisons), self.conclusion])

    def as_dict(self) -> dict[str, object]:
        """The verification as JSON takes it."""
        found = [
            {
                "situation": one.situation,
                "backend": one.backend,
                "different": list(one.different),
                "simulator": {name: _shown(name, one.ours[name]) for name in COMPARED},
                "kernel": {name: _shown(name, one.theirs[name]) for name in COMPARED},
            }
            for one in self.comparisons
        ]
        return {"agrees": self.agrees, "conclusion": self.conclusion, "comparisons": found}


def verify(
    host: Host, packets: str | Iterable[str], *, backends: Sequence[str] = tuple(Backend)
) -> Verification:
    """Send packets through a host's rules in the simulator and in the real kernel.

    A packet is a line such as ``in eth0 tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN``, or one sent from
    the host itself, without ``in``. KernelUnavailable says why the kernel cannot be asked here.
    """
    lines = _lines(packets)
    sent = [words_of(host, line) for line in lines]
    families = {words["ip"] for words in sent}
    if len(families) > 1:
        raise PacketError("some packets are IPv4 and some IPv6; verify one family at a time")
    family = Family(families.pop())
    rules = host.rules.get(family) or Ruleset(family=family)
    ask = _Question(host, family, rules.save(), write_sets(host.sets), tuple(lines), tuple(sent))
    found = [one for backend in backends for one in ask.compared(Backend(backend))]
    return Verification(tuple(found), ask.report(found))


def _lines(packets: object) -> list[str]:
    """The packets that are meant, a line each; PacketError if there is none."""
    some = packets if isinstance(packets, Iterable) and not isinstance(packets, str) else [packets]
    lines = []
    for one in some:
        if not isinstance(one, str):
            raise PacketError(f"`{one!r:.60}' is no line of text; write for example {_EXAMPLE}")
        lines.append(one)
    if not lines:
        raise PacketError(f"there is no packet to send; write for example {_EXAMPLE}")
    return lines


@dataclass(frozen=True)
class _Question:
    """What both are asked."""

    host: Host
    family: Family
    rules: str
    sets: str
    lines: tuple[str, ...]
    packets: tuple[Json, ...]

    def compared(self, backend: Backend) -> Iterator[Comparison]:
        """Each packet in both, one after another."""
        machine = Machine(replace(self.host, backend=backend), now=datetime.now(UTC))
        machine_there, family = description(self.host), int(self.family)
        with Namespace(machine_there, family, backend=backend) as box:
            kernel = Replay(box, self.rules, self.sets)
            lows, last = lowest_ports(self.rules), time.monotonic()
            for line, words in zip(self.lines, self.packets, strict=True):
                start = time.monotonic()
                machine.wait(start - last)
                expect = kernel.send(words)
                last, between = start, time.monotonic()
                theirs = expected(expect)
                one, after = _fitting(machine, words, theirs, (backend, lows))
                if one.different:  # what ended while the kernel was at work ends here too
                    machine.wait(between - start)
                    last = between
                    one, after = _fitting(machine, words, theirs, (backend, lows))
                machine = after
                spent = (time.monotonic() - between, between - start)
                yield replace(one, situation=line, seconds=spent)

    def report(self, found: Sequence[Comparison]) -> Json:
        """A recording in the format of those in ``tests/data``, with the machine beside it."""
        now = datetime.now(UTC).isoformat()
        made: Json = {"format": 1, "name": "report", "about": "iptlab verify", "now": now}
        made |= {"machine": description(self.host), "family": int(self.family)}
        made |= {"rules": self.rules} | ({"ipsets": self.sets} if self.sets else {})
        made["packets"] = [
            {"n": n, "packet": words} for n, words in enumerate(self.packets, start=1)
        ]
        made["different"] = [
            {
                "packet": one.situation,
                "backend": one.backend,
                "simulator": {name: _plain(one.ours[name]) for name in one.different},
                "kernel": {name: _plain(one.theirs[name]) for name in one.different},
            }
            for one in found
            if one.different
        ]
        return made


def _fitting(
    machine: Machine, words: Json, theirs: Json, how: tuple[Backend, Sequence[int]]
) -> tuple[Comparison, Machine]:
    """The outcome of chance that agrees with the kernel, or else the first one."""
    backend, lows = how
    packet = replace(decode(build(words)), mark=words.get("mark", 0))

    def act(copy: Machine, choose: Chooser) -> Journey:
        if words["inject"] == "local":
            return copy.send(packet, choose=choose)
        return copy.receive(words["inject"], packet, mac=NEIGHBOUR, choose=choose)

    first: tuple[Comparison, Machine] | None = None
    for outcome in outcomes(machine, act, theirs, lows):
        ours = observed(outcome.journey, outcome.machine)
        apart = tuple(n for n in COMPARED if not same(n, ours[n], theirs[n], backend))
        one = Comparison("", backend, outcome.journey, ours, theirs, apart, (0, 0))
        if not apart:
            return one, outcome.machine
        first = first or (one, outcome.machine)
    assert first is not None
    return first


# --- in words ---


def _shown(name: str, value: Any) -> str:
    """One category in few words."""
    if value is None or value == []:
        return "-"
    match name:
        case "path":
            return ", ".join(
                " ".join(filter(None, (hook, into and f"in {into}", out and f"out {out}")))
                for hook, into, out in value
            )
        case "hits" | "policies" | "trace":
            return ", ".join(" ".join(map(str, one[:3])) for one in value)
        case "exit":
            return _header(value)
        case "conntrack":
            return "; ".join(map(_connection, value))
        case "generated":
            return "; ".join(f"{one['fate']} {_header(one['exit'])}" for one in value)
    return str(value)


def _header(fields: Json | None) -> str:
    if fields is None:
        return "-"
    ends = [
        f"{fields[end]}" + (f":{fields[port]}" if fields.get(port) is not None else "")
        for end, port in (("src", "sport"), ("dst", "dport"))
    ]
    return (
        f"{' -> '.join(ends)} ttl={fields['ttl']} tos={fields['tos']:#x} mark={fields['mark']:#x}"
    )


def _connection(entry: Json) -> str:
    ways = (
        f"{one['src']}:{one.get('sport', '')}->{one['dst']}:{one.get('dport', '')}"
        for one in (entry["orig"], entry["reply"])
    )
    status = ",".join(entry["status"])
    words = (entry["proto"], entry.get("state"), " ".join(ways), status and f"[{status}]")
    return " ".join(filter(None, words))


def _plain(value: Any) -> Any:
    """The value as JSON takes it."""
    return json.loads(json.dumps(value, default=lambda one: sorted(map(str, one))))
