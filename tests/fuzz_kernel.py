"""Whether simulator and real kernel agree about random rules and random packets.

Run it as ``python tests/fuzz_kernel.py --seconds N --seed S``. Every rule set meets its
packets in both back ends. A disagreement is shrunk to the fewest rules and packets that
still show it, and written as a recording, which ``--keep`` adds to tests/data.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kernel_golden import Recording, machine_of, sent
from random_extensions import WideRules
from random_packets import WideTraffic
from random_rules import Dice, World
from record_kernel import TOPOLOGIES, record

from iptlab.errors import IptlabError
from iptlab.kernel.alike import CATEGORIES, expected, observed, same
from iptlab.kernel.chance import lowest_ports, outcomes
from iptlab.kernel.netns import Namespace
from iptlab.kernel.replay import RefusedError, Replay
from iptlab.netfilter.hooks import Backend
from iptlab.simulate.journey import Fate

Json = dict[str, Any]

KEPT = Path(__file__).parent / "data" / "kernel-fuzz.tar.xz"
TOPOLOGY_SHARES = ("router",) * 3 + ("host", "multiwan", "docker", "k8s")
# how often a disagreement is asked for again: where lots decide it does not come every time
AGAIN = 4
# switches that a machine may have besides those of its topology
SWITCHES = (
    *({"ipv4/conf/all/rp_filter": 1}, {"ipv4/conf/all/rp_filter": 2}),
    *({"netfilter/nf_conntrack_tcp_loose": 0}, {"netfilter/nf_conntrack_tcp_be_liberal": 1}),
    *({"ipv4/conf/all/route_localnet": 1}, {"ipv4/conf/all/accept_local": 1}),
    *({"ipv4/fwmark_reflect": 1, "ipv6/fwmark_reflect": 1}, {"ipv4/ip_default_ttl": 100}),
    *({"netfilter/nf_conntrack_checksum": 0}, {"ipv4/ip_forward": 0}),
)


@dataclass(frozen=True)
class Wrong:
    """The first thing in which the two disagree."""

    packet: int
    category: str
    ours: object
    theirs: object

    def __str__(self) -> str:
        told = f"packet {self.packet}, {self.category}"
        return f"{told}\n  simulator: {self.ours}\n  kernel:    {self.theirs}"


class DisagreementError(Exception):
    """Simulator and kernel disagree."""

    def __init__(self, wrong: Wrong) -> None:
        super().__init__(str(wrong))
        self.wrong = wrong


class UndecidedError(Exception):
    """The simulator says that it cannot tell, and so nothing is compared."""


class Duel:
    """One rule set in the simulator and in the kernel, which get the same packets."""

    def __init__(self, one: Json, backend: Backend, box: Namespace) -> None:
        self.backend = backend
        self.machine, refusal = None, ""
        topology = TOPOLOGIES[one["topology"]]
        try:
            self.machine = machine_of(Recording(one["name"], one, topology), backend)
        except IptlabError as error:
            refusal = str(error)
        try:
            self.replay = Replay(box, one["rules"], one.get("ipsets", ""))
        except RefusedError as error:
            if self.machine and backend is Backend.NFT:
                # the language is that of the legacy tool, which has loaded these rules before
                print(f"{one['name']}: nft refuses what legacy loads: {error}")
            elif self.machine:
                wrong = Wrong(0, "load", "rules are read", str(error))
                raise DisagreementError(wrong) from None
            raise
        if not self.machine:
            raise DisagreementError(Wrong(0, "load", refusal, "rules are loaded"))
        self.lows = lowest_ports(one["rules"])
        self.count, self.last = 0, time.monotonic()
        self.spent = Counter[str]()
        self.categories = [name for name in CATEGORIES if name != "log"]

    def send(self, packet: Json) -> Json:
        """Send a packet through both; what the kernel did, if the simulator says the same."""
        sent_at = time.monotonic()
        expect = self.replay.send(packet)
        seen_at = time.monotonic()
        self.spent["kernel"] += seen_at - sent_at
        self.count += 1
        start = time.process_time()
        wrong = self._compare(packet, expected(expect), sent_at)
        if wrong:  # what ended while the kernel was at work ends here too
            wrong = self._compare(packet, expected(expect), seen_at)
        self.spent["simulator"] += time.process_time() - start
        if wrong:
            raise DisagreementError(wrong)
        return expect

    def _compare(self, packet: Json, theirs: Json, now: float) -> Wrong | None:
        assert self.machine is not None
        self.machine.wait(now - self.last)
        self.last = now
        first: Wrong | None = None
        for outcome in outcomes(
            self.machine, lambda m, choose: sent(m, packet, choose), theirs, self.lows
        ):
            if outcome.journey.fate is Fate.UNKNOWN:
                raise UndecidedError(outcome.journey.reason)
            wrong = self._wrong(observed(outcome.journey, outcome.machine), theirs)
            if wrong is None:
                self.machine = outcome.machine
                return None
            first = first or wrong
        return first

    def _wrong(self, ours: Json, theirs: Json) -> Wrong | None:
        for category in self.categories:
            mine, yours = ours[category], theirs[category]
            if not same(category, mine, yours, self.backend):
                return Wrong(self.count, category, mine, yours)
        return None


def duel(
    one: Json, backend: Backend, drive: Callable[[Duel], None]
) -> tuple[Duel | None, Wrong | None]:
    """Let ``drive`` send packets; the first disagreement, if there is one."""
    topology, meeting = TOPOLOGIES[one["topology"]], None
    with Namespace(topology, one["family"], backend=backend, sysctl=one.get("sysctl")) as box:
        try:
            meeting = Duel(one, backend, box)
            drive(meeting)
        except DisagreementError as error:
            return meeting, error.wrong
        except UndecidedError as error:
            print(f"{one['name']}: the simulator cannot tell: {error}")
        except RefusedError:
            pass  # both refuse these rules
    return meeting, None


def again(one: Json, backend: Backend) -> Wrong | None:
    """Send the packets of a recording through both."""

    def drive(meeting: Duel) -> None:
        for step in one["packets"]:
            meeting.send(step["packet"])

    return duel(one | {"now": datetime.now(UTC).isoformat()}, backend, drive)[1]


# --- drawing ---


def drawn(name: str) -> tuple[Json, Dice, World, WideRules]:
    """A machine with random rules."""
    dice = Dice(name)
    topology, family = dice.pick(TOPOLOGY_SHARES), 6 if dice.chance(30) else 4
    world = World(topology, TOPOLOGIES[topology], family)
    rules = WideRules(dice, world)
    one: Json = {"format": 1, "name": name, "about": "", "topology": topology, "family": family}
    one |= {"rules": rules.text} | ({"ipsets": rules.ipsets} if rules.ipsets else {})
    if dice.chance(20):
        one["sysctl"] = dice.pick(SWITCHES)
    return one, dice, world, rules


@dataclass
class Score:
    """What was compared so far."""

    packets: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    rule_sets: int = 0
    wrong: list[str] = field(default_factory=list)
    passing: list[str] = field(default_factory=list)

    def add(self, meeting: Duel | None, backend: Backend) -> None:
        """Count what one meeting compared."""
        if meeting:
            self.packets[backend] += meeting.count
            self.seconds.update(meeting.spent)

    def __str__(self) -> str:
        total = self.packets.total()
        each = " ".join(f"{count} {name}" for name, count in self.packets.items())
        costs = ", ".join(
            f"{1000 * spent / max(total, 1):.2f} ms {side}" for side, spent in self.seconds.items()
        )
        told = f"{self.rule_sets} rule sets, {total} packets ({each})"
        told += f", {len(self.wrong)} disagreements, {len(self.passing)} that did not come again"
        return f"{told}; a packet costs {costs}"


def meet(name: str, score: Score) -> Iterator[tuple[Json, Backend, Wrong]]:
    """Draw one rule set, send packets through it in both back ends; what disagrees."""
    one, dice, world, rules = drawn(name)
    one["now"] = datetime.now(UTC).isoformat()
    packets: list[Json] = []

    def drive(meeting: Duel) -> None:
        traffic = WideTraffic(dice, world, rules.hints, meeting.send)
        traffic.packets = packets
        traffic.run(dice.randint(12, 60))

    meeting, wrong = duel(one, Backend.LEGACY, drive)
    score.rule_sets += 1
    score.add(meeting, Backend.LEGACY)
    one |= {"packets": [{"packet": packet} for packet in packets]}
    if wrong:
        yield one, Backend.LEGACY, wrong
        return
    yield from _meet_nft(one, score)


def _meet_nft(one: Json, score: Score) -> Iterator[tuple[Json, Backend, Wrong]]:
    def drive(meeting: Duel) -> None:
        for step in one["packets"]:
            meeting.send(step["packet"])

    one["now"] = datetime.now(UTC).isoformat()
    meeting, wrong = duel(one, Backend.NFT, drive)
    score.add(meeting, Backend.NFT)
    if wrong:
        yield one, Backend.NFT, wrong


# --- shrinking ---


def shrunk(one: Json, backend: Backend, wrong: Wrong) -> Json:
    """The smallest recording found that still disagrees in the same category."""

    def bad(other: Json) -> bool:
        try:
            found = again(other, backend)
        except IptlabError:
            return False
        return found is not None and found.category == wrong.category

    one = one | {"packets": one["packets"][: wrong.packet] if wrong.packet else []}
    if not bad(one):
        return one
    while True:
        size = len(json.dumps(one))
        for part in (_packets, _rules, _sets, _words):
            one = part(one, bad)
        if len(json.dumps(one)) == size:
            return one


Bad = Callable[[Json], bool]


def _fewest(parts: list[Any], fits: Callable[[list[Any]], bool]) -> list[Any]:
    """As few of the parts as still fit, by leaving out ever smaller rows of them."""
    row = max(len(parts) // 2, 1)
    while parts:
        at = 0
        while at < len(parts):
            fewer = parts[:at] + parts[at + row :]
            if fits(fewer):
                parts = fewer
            else:
                at += row
        if row == 1:
            break
        row //= 2
    return parts


def _packets(one: Json, bad: Bad) -> Json:
    return one | {"packets": _fewest(one["packets"], lambda few: bad(one | {"packets": few}))}


def _rules(one: Json, bad: Bad) -> Json:
    """Fewer tables and rules; nft counts for a policy only where its line stands in the text."""
    blocks = re.findall(r"^\*.*?^COMMIT\n", one["rules"], re.S | re.M)
    blocks = _fewest(blocks, lambda few: bad(one | {"rules": "".join(few)}))
    lines = "".join(blocks).splitlines(keepends=True)
    spare = [n for n, line in enumerate(lines) if re.match(r"-|:\S+ - ", line)]
    fixed = set(range(len(lines))) - set(spare)

    def text(few: list[int]) -> str:
        return "".join(lines[n] for n in sorted(fixed | set(few)))

    return one | {"rules": text(_fewest(spare, lambda few: bad(one | {"rules": text(few)})))}


def _sets(one: Json, bad: Bad) -> Json:
    for name in ("sysctl", "ipsets"):
        fewer = {key: value for key, value in one.items() if key != name}
        if name in one and bad(fewer):
            one = fewer
    if "ipsets" not in one:
        return one
    lines = one["ipsets"].splitlines()
    lines = _fewest(lines, lambda few: bad(one | {"ipsets": "\n".join([*few, ""])}))
    return one | {"ipsets": "\n".join([*lines, ""])}


def _words(one: Json, bad: Bad) -> Json:
    """The rules with fewer options in each."""
    lines = one["rules"].splitlines()
    for at, line in enumerate(lines):
        if not line.startswith("-A"):
            continue
        pieces = re.split(r" (?=! -|(?<!!)(?<! !) ?-)", line)

        def text(pieces: list[str], at: int = at) -> str:
            changed = [*lines[:at], " ".join(pieces), *lines[at + 1 :]]
            return "".join(f"{line}\n" for line in changed)

        head, rest = pieces[0], pieces[1:]
        rest = _fewest(rest, lambda few: bad(one | {"rules": text([head, *few])}))  # noqa: B023
        lines[at] = " ".join([head, *rest])
    return one | {"rules": "".join(f"{line}\n" for line in lines)}


# --- what is kept ---


def keep(files: Sequence[Path]) -> None:
    """Add recordings to those that every test run replays."""
    texts: dict[str, bytes] = {}
    if KEPT.exists():
        with tarfile.open(KEPT) as archive:
            for member in archive:
                if found := archive.extractfile(member):
                    texts[member.name] = found.read()
    texts |= {f"fuzz/{file.name}": file.read_bytes() for file in files}
    with tarfile.open(KEPT, "w:xz") as archive:
        for name, text in sorted(texts.items()):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))


def fuzz(seed: str, seconds: float, place: Path | None, most: int = 1) -> Score:
    """Compare until the time is over or enough was found; disagreements go to ``place``."""
    score, number, end = Score(), 0, time.monotonic() + seconds
    while time.monotonic() < end and len(score.wrong) < most:
        number += 1
        for one, backend, wrong in meet(f"fuzz-{seed}-{number:04}", score):
            if not any(again(one, backend) for _ in range(AGAIN)):
                # a tick of the kernel's clock between two packets
                score.passing.append(f"{one['name']} {backend}: {wrong}")
                print(f"only once: {score.passing[-1]}", flush=True)
                continue
            score.wrong.append(f"{one['name']} {backend}: {wrong}")
            print(score.wrong[-1], flush=True)
            if place:
                small = shrunk(one, backend, wrong)
                print(small["rules"], *(step["packet"] for step in small["packets"]), sep="\n")
                place.mkdir(parents=True, exist_ok=True)
                made = record(small, log=False) if wrong.packet else small
                file = place / f"{one['name']}-{backend}.json"
                file.write_text(json.dumps(made, indent=1) + "\n")
                print(f"written to {file}", flush=True)
    return score


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--most", type=int, default=1, help="stop after so many disagreements")
    parser.add_argument("-o", dest="output", type=Path, help="where disagreements are written")
    parser.add_argument("--keep", nargs="+", type=Path, metavar="FILE")
    args = parser.parse_args()
    if args.keep:
        keep(args.keep)
        return 0
    score = fuzz(args.seed, args.seconds, args.output, args.most)
    print(score)
    return 1 if score.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
