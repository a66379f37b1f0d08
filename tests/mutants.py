"""The grader put to the test: rule sets with one small change each, and rewrites without any.

Run with ``python tests/mutants.py --count 1200 --seed 0``. A change that makes a difference
must be found, and the simulator must confirm it; a change of which the grader says that it
makes none is tried on many packets that know nothing of the grader's atoms; a rewrite must
never be called a difference. Exit status 1 if any of this fails.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from ipaddress import ip_address, ip_network
from itertools import islice
from pathlib import Path
from random import Random

from dumps import access_list, kube_proxy

from iptlab.errors import CannotCompare, IptlabError
from iptlab.grading.bout import Bout
from iptlab.grading.common import CERTAIN, Ground
from iptlab.grading.compare import compare, entries
from iptlab.grading.flows import Flows
from iptlab.grading.onward import play_on
from iptlab.grading.outcomes import Beside, Bits, Hops, Outcome, View
from iptlab.grading.reconcile import alike
from iptlab.grading.replay import Case, chances, play
from iptlab.grading.sample import Thing
from iptlab.grading.scope import Scope
from iptlab.grading.symbolic import Treatment
from iptlab.packet import Protocol, TcpFlags
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host, interfaces
from iptlab.simulate.routing import Route
from iptlab.syntax.ipset import read_sets

FOLDER = Path(__file__).parent / "compared"
ROUTER = Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24")
SERVER = Host.server("192.0.2.1/24")
NODE = Host(
    interfaces([("eth0", ["192.0.2.1/24"]), ("cni0", ["10.244.0.1/16"])]),
    (Route.parse("default via 192.0.2.254 dev eth0"),),
    sysctls={"ipv4/ip_forward": 1},
)
SETS = """
create guests hash:net
add guests 192.168.1.128/25
add guests 192.168.1.200 nomatch
create offered hash:ip,port
add offered 192.168.1.10,80
add offered 192.168.1.10,443
add offered 192.168.1.11,udp:53
add offered 192.168.1.11,icmp:echo-request
create barred hash:net,iface
add barred 198.51.100.0/24,eth0
"""
# where a rule set is at home; one hook after another if it is not here
SCOPES = {
    "nat-router": Scope(host=ROUTER),
    "untracked-dns": Scope(host=SERVER),
    "balancer": Scope(host=Host.router(lan="10.0.0.1/24", wan="203.0.113.2/24")),
    "kube-proxy": Scope(host=NODE),
    "masked": Scope(mark=None),
    "nat-ranges": Scope(host=ROUTER),
    "connection-marks": Scope(host=ROUTER),
    "published-sets": Scope(host=replace(ROUTER, sets=read_sets(SETS))),
    "router-v6": Scope(host=Host.router(lan="fd00:1::1/64", wan="2001:db8:1::1/64")),
}


@dataclass(frozen=True)
class Reference:
    """A rule set to change."""

    name: str
    text: str
    scope: Scope
    family: int = 4

    def read(self, text: str) -> Ruleset:
        """The rule set, or a changed one."""
        return Ruleset.parse(text, self.family)


def references() -> Iterator[Reference]:
    """All rule sets: those in files, and two that are made."""
    for file in sorted(FOLDER.glob("*.rules")):
        family = 6 if file.stem.endswith("-v6") else 4
        yield Reference(file.stem, file.read_text(), SCOPES.get(file.stem, Scope()), family)
    yield Reference("kube-proxy", str(Ruleset.parse(kube_proxy(2, 3))), SCOPES["kube-proxy"])
    acl = str(Ruleset.parse(access_list(40)))
    yield Reference("access-list", acl, Scope())


# --- small changes ---


def _number(lot: Random, word: str) -> str:
    return str(max(1, int(word) + lot.choice((-1, 1, 10, 1000))))


def _prefix(lot: Random, word: str) -> str:
    address, _, length = word.partition("/")
    most = ip_address(address).max_prefixlen
    new = min(most, max(0, int(length) + lot.choice((-8, -1, 1, 8))))
    return str(ip_network(f"{address}/{new}", strict=False))


def _address(lot: Random, word: str) -> str:
    return str(ip_address(int(ip_address(word)) ^ 1 << lot.randrange(8)))


# what is looked for in a line, and what may stand there instead
WORDS: tuple[tuple[str, Callable[[Random, re.Match[str]], str]], ...] = (
    (r"-j ACCEPT$", lambda r, m: f"-j {r.choice(('DROP', 'RETURN'))}"),
    (r"-j DROP$", lambda r, m: f"-j {r.choice(('ACCEPT', 'RETURN'))}"),
    (r"-j RETURN$", lambda r, m: "-j ACCEPT"),
    (r"--reject-with \S+", lambda r, m: "--reject-with icmp-host-unreachable"),
    (r"-j (?=[A-Z-]+$)", lambda r, m: "-g "),
    (r"-g ", lambda r, m: "-j "),
    (r"(?<=port )\d+", lambda r, m: _number(r, m[0])),
    (r"(?<=ports )\d+", lambda r, m: _number(r, m[0])),
    (r"(?<=:)\d+(?= |$)", lambda r, m: _number(r, m[0])),
    (r"(?<=-[sd] )[0-9a-f.:]+/\d+", lambda r, m: _prefix(r, m[0])),
    (r"[0-9.]+(?=:\d+$)", lambda r, m: _address(r, m[0])),
    (r"-s (?=[0-9a-f]*[.:])", lambda r, m: "-d "),
    (r"-d (?=[0-9a-f]*[.:])", lambda r, m: "-s "),
    (r"(?<=-i )\S+", lambda r, m: r.choice(("eth0", "eth1", "lo", "eth+"))),
    (r"(?<=-o )\S+", lambda r, m: r.choice(("eth0", "eth1", "ppp+"))),
    (r"-p tcp -m tcp", lambda r, m: "-p udp -m udp"),
    (r"-p udp -m udp", lambda r, m: "-p tcp -m tcp"),
    (r"(?<=state )[A-Z,]+", lambda r, m: r.choice(("NEW", "ESTABLISHED", "RELATED,ESTABLISHED"))),
    (r"(?<=mark 0x)[0-9a-f]+", lambda r, m: f"{int(m[0], 16) ^ 1 << r.randrange(4):x}"),
    (r"(?<=probability )0\.\d+", lambda r, m: f"{r.choice((0.1, 0.4, 0.75)):.11f}"),
    (r"(?<=-type )\d+", lambda r, m: _number(r, m[0])),
    (r"(?<= )(?=--(?:dport|sport|ctstate|mark|tcp-flags|dports) )", lambda r, m: "! "),
    (r"(?<= )(?=-[sdio] )", lambda r, m: "! "),
    (r"(?<=-set )\w+ ", lambda r, m: f"{r.choice(('guests', 'offered', 'barred'))} "),
    (r"(?<= )(?=--match-set )", lambda r, m: "! "),
    (r"(?<=origdst )[0-9.]+", lambda r, m: _address(r, m[0])),
    (r"--(?:save|restore)-mark", lambda r, m: r.choice(("--save-mark", "--restore-mark"))),
    (r"(?<=-tos 0x)[0-9a-f]+", lambda r, m: f"{int(m[0], 16) ^ 4 << r.randrange(5):x}"),
    (r"\d+\.\d+\.\d+\.\d+(?=[-:]\d)", lambda r, m: _address(r, m[0])),
    (r"(?<=[-:])\d+(?=-\d|$|/)", lambda r, m: _number(r, m[0])),
    (r"! ", lambda r, m: ""),
    (r" -[sdio] \S+", lambda r, m: ""),
    (r" --[ds]port \S+", lambda r, m: ""),
    (r"(?<= )ACCEPT(?= \[)", lambda r, m: "DROP"),
    (r"(?<= )DROP(?= \[)", lambda r, m: "ACCEPT"),
)


def mutant(text: str, lot: Random) -> str:
    """The dump with one small change; it may be one that iptables refuses."""
    lines = text.splitlines()
    rules = [at for at, line in enumerate(lines) if line.startswith("-A")]
    policies = [at for at, line in enumerate(lines) if re.match(r":\S+ (ACCEPT|DROP)", line)]
    at = lot.choice(rules)
    match lot.randrange(8):
        case 0:
            del lines[at]
        case 1 if at + 1 in rules:
            lines[at], lines[at + 1] = lines[at + 1], lines[at]
        case 2:
            other = lot.choice(rules)
            lines.insert(other, lines.pop(at))
        case _:
            at = lot.choice([*rules * 3, *policies])
            kinds = [(found, new) for look, new in WORDS for found in re.finditer(look, lines[at])]
            if kinds:
                found, new = lot.choice(kinds)
                line = lines[at]
                lines[at] = line[: found.start()] + new(lot, found) + line[found.end() :]
    return "\n".join(lines) + "\n"


# --- rewrites that change nothing ---


def rewrite(text: str, lot: Random) -> str | None:
    """The dump written in another way; None if this way does not fit there."""
    lines = text.splitlines()
    at = lot.choice([at for at, line in enumerate(lines) if line.startswith("-A")])
    new = lot.choice(REWRITES)(lines, at)
    return None if new is None else "\n".join(new) + "\n"


Lines = list[str]


def _cut(line: str) -> tuple[str, str, str]:
    """The chain, the tests and the target of a rule."""
    _, chain, rest = line.split(" ", 2)
    found = re.search(r"(^| )(-[jg] .*)$", rest)
    return (chain, rest[: found.start()], found[2]) if found else (chain, rest, "")


def _plain(line: str) -> bool:
    return "statistic" not in line and "-j MARK" not in line


def duplicated(lines: Lines, at: int) -> Lines | None:
    """A rule that decides stands there twice."""
    if not re.search(r"-j (ACCEPT|DROP)$", lines[at]) or "statistic" in lines[at]:
        return None
    return [*lines[:at], lines[at], *lines[at:]]


def swapped(lines: Lines, at: int) -> Lines | None:
    """Two neighbours change places that decide the same, or that no packet meets both."""
    one, two = lines[at], lines[at + 1] if at + 1 < len(lines) else ""
    if not two.startswith("-A ") or _cut(one)[0] != _cut(two)[0]:
        return None
    same = _cut(one)[2] == _cut(two)[2] in ("-j ACCEPT", "-j DROP") and "statistic" not in one + two
    apart = {"-p tcp", "-p udp"} == {found[0] for line in (one, two) if (found := _PROTOCOL(line))}
    return [*lines[:at], two, one, *lines[at + 2 :]] if same or apart else None


_PROTOCOL = re.compile(r"(?<!! )-p (tcp|udp)\b").search


def wrapped(lines: Lines, at: int) -> Lines | None:
    """A rule's target moves into a chain of its own."""
    chain, tests, target = _cut(lines[at])
    if not target or target.startswith("-g") or "RETURN" in target:
        return None
    protocol = found[0] + " " if (found := _PROTOCOL(tests)) else ""
    table = max(n for n, line in enumerate(lines[:at]) if line.startswith("*"))
    return [
        *lines[: table + 1],
        f":WRAPPED{len(lines)} - [0:0]",
        *lines[table + 1 : at],
        f"-A {chain} {tests} -j WRAPPED{len(lines)}",
        f"-A WRAPPED{len(lines)} {protocol}{target}",
        *lines[at + 1 :],
    ]


def split_prefix(lines: Lines, at: int) -> Lines | None:
    """A network in two halves."""
    found = re.search(r"(?<!! )(-[sd]) ([0-9a-f.:]+/\d+)(?= )", lines[at])
    if not found or not ip_address(found[2].partition("/")[0]) or not _plain(lines[at]):
        return None
    network = ip_network(found[2])
    if network.prefixlen == network.max_prefixlen:
        return None
    halves = [lines[at].replace(found[0], f"{found[1]} {half}", 1) for half in network.subnets()]
    return [*lines[:at], *halves, *lines[at + 1 :]]


def split_ports(lines: Lines, at: int) -> Lines | None:
    """A range of ports in two."""
    found = re.search(r"(?<!! )(--[ds]port) (\d+):(\d+)", lines[at])
    if not found or int(found[2]) == int(found[3]):
        return None
    low, high = int(found[2]), int(found[3])
    middle = (low + high) // 2
    parts = (f"{found[1]} {low}:{middle}", f"{found[1]} {middle + 1}:{high}")
    halves = [lines[at].replace(found[0], part, 1) for part in parts]
    return [*lines[:at], *halves, *lines[at + 1 :]]


def one_port_each(lines: Lines, at: int) -> Lines | None:
    """A list of ports as rules of one port or range each."""
    found = re.search(r"-m multiport (--[ds])ports (\S+)", lines[at])
    if not found:
        return None
    parts = (f"{found[1]}port {part}" for part in found[2].split(","))
    return [*lines[:at], *(lines[at].replace(found[0], part) for part in parts), *lines[at + 1 :]]


def as_last_rule(lines: Lines, at: int) -> Lines | None:
    """A policy as the last rule."""
    chain = _cut(lines[at])[0]
    table = max(n for n, line in enumerate(lines[:at]) if line.startswith("*"))
    end = next(n for n, line in enumerate(lines) if n > at and line == "COMMIT")
    policy = f":{chain} DROP [0:0]"
    # what is gone to for good, or returns from a built-in chain, takes the policy
    leaves = re.compile(rf" -g |^-A {chain} .*RETURN$").search
    if policy not in lines[table:at] or any(map(leaves, lines[table:end])):
        return None
    new = [*lines[:end], f"-A {chain} -j DROP", *lines[end:]]
    new[lines.index(policy, table)] = f":{chain} ACCEPT [0:0]"
    return new


def noted(lines: Lines, at: int) -> Lines:
    """A rule that only writes to the log."""
    chain, tests, _ = _cut(lines[at])
    return [*lines[:at], f"-A {chain} {tests} -j LOG --log-prefix seen", *lines[at:]]


def returned(lines: Lines, at: int) -> Lines | None:
    """A RETURN where the chain ends anyway, or on the way to the policy."""
    chain = _cut(lines[at])[0]
    end = next(n for n, line in enumerate(lines) if n > at and line == "COMMIT")
    return [*lines[:end], f"-A {chain} -j RETURN", *lines[end:]]


def turned_round(lines: Lines, at: int) -> Lines | None:
    """One test asked the other way round, in a chain that one returns from."""
    chain, tests, target = _cut(lines[at])
    found = re.search(r"(?<!! )-[sdio] \S+", tests)
    if not found or not target or target.startswith("-g") or "RETURN" in target:
        return None
    rest = " ".join((tests[: found.start()] + tests[found.end() :]).split())
    table = max(n for n, line in enumerate(lines[:at]) if line.startswith("*"))
    return [
        *lines[: table + 1],
        f":TURNED{len(lines)} - [0:0]",
        *lines[table + 1 : at],
        f"-A {chain} -j TURNED{len(lines)}",
        f"-A TURNED{len(lines)} ! {found[0]} -j RETURN",
        f"-A TURNED{len(lines)} {rest} {target}",
        *lines[at + 1 :],
    ]


REWRITES: tuple[Callable[[Lines, int], Lines | None], ...] = (
    *(duplicated, swapped, wrapped, split_prefix, split_ports),
    *(one_port_each, as_last_rule, noted, returned, turned_round),
)


# --- packets that know nothing of atoms ---


class Sender:
    """Packets at and beside the values that stand in a dump."""

    def __init__(self, text: str, family: int, lot: Random) -> None:
        self.lot = lot
        self.addresses = [0, 1 << (32 if family == 4 else 128) - 1]
        for word in re.findall(r"(?<![\w.:])[0-9a-f]*[.:][0-9a-f.:]+(?:/\d+)?", text):
            try:
                network = ip_network(word, strict=False)
            except ValueError:
                continue
            first, last = int(network[0]), int(network[-1])
            self.addresses += [first, last, first + 1, last + 1, first - 1, (first + last) // 2]
        for word in re.findall(r"(\d+\.\d+\.\d+\.\d+)(?=[-:]|$|/2)", text):
            self.addresses += [int(ip_address(word)) + step for step in (-1, 0, 1)]
        most = (1 << (32 if family == 4 else 128)) - 1
        self.addresses = [number for number in self.addresses if 0 <= number <= most]
        numbers = {int(word) for word in re.findall(r"(?<![\w.])\d{1,5}(?![\w.])", text)}
        self.numbers = [n + step for n in numbers for step in (-1, 0, 1) if 0 <= n + step < 65536]
        marks = {int(word, 16) for word in re.findall(r"0x([0-9a-f]+)", text)} | {0}
        self.marks = [*marks, *(mark ^ 1 for mark in marks)]
        self.names = sorted({*re.findall(r"-[io] ([\w]+)", text), "eth0", "eth1", "cni0", "ppp0"})
        self.family = family

    def packet(self) -> dict[str, Thing]:
        """The fields of a packet, whatever its protocol."""
        lot = self.lot
        icmp = 1 if self.family == 4 else 58
        return {
            "src": lot.choice(self.addresses),
            "dst": lot.choice(self.addresses),
            "protocol": lot.choice((6, 6, 17, 17, icmp, 132, 47)),
            "sport": lot.choice((lot.choice(self.numbers), 40_000)),
            "dport": lot.choice((lot.choice(self.numbers), lot.choice(self.numbers), 80)),
            "flags": lot.choice((2, 2, 16, lot.randrange(64))),
            "icmp": 256 * (lot.choice(self.numbers) % 256) + lot.choice((0, 0, 1, 13)),
            "in_interface": lot.choice(self.names),
            "out_interface": lot.choice(self.names),
            "ctstate": lot.choice(("NEW", "NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")),
            "mark": lot.choice(self.marks),
            "ttl": lot.choice((64, 4, 5, 1)),
            "tos": lot.choice((0, 0x10, 0x12, 0x50)),
            "length": max(60, lot.choice(self.numbers)),
            "link": lot.choice(("unicast", "broadcast")),
            "fragment": lot.choice((0, 0, 0, 100)),
        }


class Arena:
    """Where two rule sets are tried on one packet after another, or on one flow."""

    def __init__(self, one: Ruleset, two: Ruleset, ground: Ground, *, flows: bool = False) -> None:
        self.bout = Bout(one.tables, two.tables, ground)
        self.common = self.bout.prepared(flows=flows)
        self.region = self.bout.region.node(self.common)

    def drawn(self, sender: Sender, count: int) -> Iterator[tuple[Case, list[int]]]:
        """So many packets that count, or as many as are found."""
        found = (self.case(sender.packet(), sender.lot) for _ in range(30 * count))
        return islice((case for case in found if case is not None), count)

    def case(self, values: dict[str, Thing], lot: Random) -> tuple[Case, list[int]] | None:
        """The packet in its place and its atoms; None if it does not count."""
        space = self.common.space
        values = {name: values[name] for name in space.names if name in values}
        for axis in ("in_interface", "out_interface", "mark"):
            if axis in values and values[axis] not in (names := space.atoms[space.level[axis]]):
                values[axis] = lot.choice(names)
        values |= {text: lot.randrange(2) for text in space.wanted.opaque}
        places = space.places(values)
        if values.get("src") == values.get("dst") and self.bout.ground.ways:
            return None  # nobody can tell the direction of such a connection
        if not self.common.diagram.at(self.region, places):
            return None
        return self.bout.case(space, values), places

    def predicted(self, node: int, places: list[int], case: Case) -> dict[Outcome, Fraction]:
        """What a diagram says of the packet."""
        likely: dict[Outcome, Fraction] = {}
        end = self.common.diagram.at(node, places)
        chances = self.common.chances(self.common.diagram.end(end))
        for outcome, parts in chances.items():
            known = _concrete(outcome, case)
            likely[known] = likely.get(known, Fraction(0)) + Fraction(parts, CERTAIN)
        return likely


def _concrete(outcome: Outcome, case: Case) -> Outcome:
    """The outcome with the packet's own values where they stayed."""
    if outcome.verdict in ("DROP", "REJECT"):
        return outcome
    packet = case.packet
    own = {"src": int(packet.src), "dst": int(packet.dst)}
    own |= {"sport": packet.sport, "dport": packet.dport}
    kept = {name: value for name, value in own.items() if getattr(outcome, name) is None}
    mark = packet.mark & ~outcome.clear ^ outcome.xor
    beside = outcome.beside
    sizes = (packet.mss, beside.mss if packet.mss else None, case.mtu - 40 if beside.path else None)
    ttl = beside.ttl.applied(packet.ttl)
    if outcome.verdict == "FORWARD" and beside.ttl == Hops():
        ttl -= 1  # nobody asked for it
    beside = Beside(
        Bits(0xFF, beside.tos.applied(packet.tos)),
        Hops(0, ttl, ttl),
        case.connmark if beside.connmark is None else beside.connmark,
        min((size for size in sizes if size is not None), default=None),
        traffic_class=beside.traffic_class,
    )
    return outcome._replace(**kept, clear=0xFFFFFFFF, xor=mark, beside=beside)


def flow_disagreements(
    reference: Reference, rules: Ruleset, tries: int, lot: Random
) -> Iterator[str]:
    """The same for replies and what follows them, of so many first packets."""
    sender = Sender(str(rules), reference.family, lot)
    grounds = [one for one in entries(rules, rules, reference.scope) if one.ways]
    for ground in grounds:
        arena = FlowArena(rules, ground)
        for case, places in arena.drawn(sender, tries):
            came = arena.ends(case, places)
            for view in (View.REPLY, View.LATER):
                played = play_on(rules.tables, case, view, reference.scope)
                for ends, (later, plays) in played.items():
                    if ends[0] in came:
                        said = arena.foretold(came[ends[0]], ends, later, places)
                        real = chances(plays, reference.scope)
                        same = alike(said, real, Fraction(0))
                        yield "" if same else f"{later}\n  {said}\n  {real}"


class FlowArena(Arena):
    """Where one rule set is tried on the first packet of a connection, and on later ones."""

    def __init__(self, rules: Ruleset, ground: Ground) -> None:
        super().__init__(rules, rules, ground, flows=True)
        tables = (rules.tables, rules.tables)
        self.flows = Flows(tables, self.common, self.bout.region, ground.scope)
        self.region = self.flows.firsts
        self.first = self.flows.treatments[View.FIRST][0].node()

    def ends(self, case: Case, places: list[int]) -> dict[Outcome, Outcome]:
        """The tracked ends of a first packet as the diagram has them, by what it is in fact."""
        diagram = self.common.diagram
        chances = self.common.chances(diagram.end(diagram.at(self.first, places)))
        return {
            _concrete(one, case): one
            for one in chances
            if one.verdict in ("DELIVER", "FORWARD", "SEND") and not one.untracked
            if diagram.at(self.flows.believed(one), places)
        }

    def foretold(
        self, came: Outcome, ends: Sequence[Outcome], later: Case, places: list[int]
    ) -> dict[Outcome, Fraction]:
        """What the diagram says of a later packet, after these ends of the ones before."""
        assert later.after
        if later.view is View.LATER:
            node = self.flows.later(came, ends[1].beside.connmark or 0)[0]
            return self.predicted(node, places, later.after)
        said = self.predicted(self.flows.replies(came)[0], places, later.after)
        return {_turned(outcome): likely for outcome, likely in said.items()}


def _turned(outcome: Outcome) -> Outcome:
    """What is said of a reply in the first packet's terms, in its own."""
    _, _, _, src, dst, sport, dport, *_ = outcome
    return outcome._replace(src=dst, dst=src, sport=dport, dport=sport)


def refuted(reference: Reference, one: Ruleset, two: Ruleset, tries: int, lot: Random) -> str:
    """A packet on which two rule sets differ all the same; empty if none of ``tries`` does."""
    grounds = list(entries(one, two, reference.scope))
    sender = Sender(f"{one}{two}", reference.family, lot)
    for ground in grounds:
        arena = Arena(one, two, ground)
        for case, _ in arena.drawn(sender, tries // len(grounds)):
            left, right = (
                chances(play(rules.tables, case, reference.scope), reference.scope)
                for rules in (one, two)
            )
            if not alike(left, right, reference.scope.tolerance):
                return f"{case}\n  {left}\n  {right}"
            if (
                ground.ways
                and case.ctstate == "NEW"
                and (said := unlike(reference, one, two, case))
            ):
                return said
    return ""


def unlike(reference: Reference, one: Ruleset, two: Ruleset, first: Case) -> str:
    """A later packet of the connection that fares differently; empty if there is none."""
    packet, scope = first.packet, reference.scope
    echo = packet.icmp is None or packet.icmp.type in (8, 128)
    opens = packet.flags in (TcpFlags.SYN, TcpFlags.NONE) and packet.protocol != Protocol.SCTP
    for view in (View.REPLY, View.LATER) if echo and opens else ():
        left, right = (play_on(rules.tables, first, view, scope) for rules in (one, two))
        for ends in left.keys() & right.keys():
            fates = [chances(side[ends][1], scope) for side in (left, right)]
            if not alike(*fates, scope.tolerance):
                return f"{left[ends][0]}\n  {fates}"
    return ""


def disagreements(reference: Reference, rules: Ruleset, tries: int, lot: Random) -> Iterator[str]:
    """Packets of which the diagram says something else than the simulator; blank if it agrees."""
    sender = Sender(str(rules), reference.family, lot)
    for ground in entries(rules, rules, reference.scope):
        arena = Arena(rules, rules, ground)
        node = Treatment(rules.tables, arena.common).node()
        for case, places in arena.drawn(sender, tries):
            said = arena.predicted(node, places, case)
            real = chances(play(rules.tables, case, reference.scope), reference.scope)
            yield "" if alike(said, real, Fraction(0)) else f"{case}\n  {said}\n  {real}"


# --- the campaign ---


@dataclass
class Score:
    """What came out for one rule set."""

    mutants: int = 0
    different: int = 0
    rewrites: int = 0
    packets: int = 0
    flows: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)


def judge_mutant(reference: Reference, lot: Random, tries: int, score: Score) -> bool:
    """Make one mutant and compare it; whether there was one."""
    base = reference.read(reference.text)
    try:
        changed = reference.read(mutant(reference.text, lot))
    except IptlabError:
        return False
    score.mutants += 1
    try:
        found = compare(base, changed, reference.scope)
    except CannotCompare:
        score.refused += 1
        return True
    except AssertionError as error:
        score.wrong.append(f"unconfirmed: {error}\n{changed}")
        return True
    if found.open:
        score.refused += 1
        return True
    score.different += not found.same
    if found.same and (packet := refuted(reference, base, changed, tries, lot)):
        score.wrong.append(f"survivor: {packet}\n{changed}")
    return True


def judge_rewrite(reference: Reference, lot: Random, score: Score) -> bool:
    """Rewrite once or more and compare; whether that could be done."""
    text = reference.text
    for _ in range(lot.randrange(1, 4)):
        text = rewrite(text, lot) or text
    if text == reference.text:
        return False
    base, other = reference.read(reference.text), reference.read(text)
    score.rewrites += 1
    try:
        found = compare(base, other, reference.scope)
    except CannotCompare:
        score.refused += 1
        return True
    if found.difference or not found.proven:
        score.wrong.append(f"false alarm: {found}\n{other}")
    return True


@dataclass(frozen=True)
class Effort:
    """How much is tried for each rule set: mutants, and a third as many rewrites.

    ``tries`` are packets for each mutant that is said to be the same, ``packets`` those on
    which diagram and simulator must agree, and so they must on ``flows``.
    """

    count: int
    tries: int
    packets: int
    flows: int = 0
    seed: int = 0


def campaign(reference: Reference, effort: Effort) -> Score:
    """Put the grader to the test with changes of one rule set."""
    lot, score = Random(f"{reference.name} {effort.seed}"), Score()
    while score.mutants < effort.count:
        judge_mutant(reference, lot, effort.tries, score)
    while score.rewrites < effort.count // 3:
        judge_rewrite(reference, lot, score)
    for said in disagreements(reference, reference.read(reference.text), effort.packets, lot):
        score.packets += 1
        score.wrong += [f"disagreement: {said}"] if said else []
    for said in flow_disagreements(reference, reference.read(reference.text), effort.flows, lot):
        score.flows += 1
        score.wrong += [f"disagreement about a flow: {said}"] if said else []
    return score


def main() -> int:
    """Print the table; 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=1200, help="mutants of all rule sets together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tries", type=int, default=6000, help="packets for each `the same'")
    parser.add_argument("--packets", type=int, default=3000, help="packets for each rule set")
    parser.add_argument("--flows", type=int, default=200, help="flows for each rule set")
    parser.add_argument("--only", default="", help="the name of one rule set")
    given = parser.parse_args()
    known = [one for one in references() if given.only in one.name]
    print(f"{'rule set':<16} mutants different refused rewrites packets flows wrong")
    scores = []
    count = -(-given.count // len(known))
    for reference in known:
        score = campaign(
            reference, Effort(count, given.tries, given.packets, given.flows, given.seed)
        )
        scores.append(score)
        row = (score.mutants, score.different, score.refused, score.rewrites, score.packets)
        widths = (8, 10, 8, 9, 8, 6)
        cells = zip((*row, score.flows), widths, strict=True)
        numbers = "".join(f"{number:>{width}}" for number, width in cells)
        print(f"{reference.name:<16}{numbers}{len(score.wrong):>6}", flush=True)
        for text in score.wrong[:3]:
            print(text)
    wrong = sum(len(score.wrong) for score in scores)
    mutants, different, rewrites, packets, flows = (
        sum(getattr(score, name) for score in scores)
        for name in ("mutants", "different", "rewrites", "packets", "flows")
    )
    print(
        f"{mutants:,} mutants, {different:,} of them different and confirmed; {rewrites:,} "
        f"rewrites; {packets:,} packets; {flows:,} later packets of flows; {wrong} wrong"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
