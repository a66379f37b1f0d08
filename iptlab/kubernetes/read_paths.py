"""From rules to the ways that they make for Services.

Nothing is known here but rules: those of a simulated node, of a real one's iptables-save, or
ones that somebody wrote by hand. A way in is the first rule that asks for a port; behind it
every jump to a chain that leads to DNAT is an edge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from iptlab.errors import IptlabError
from iptlab.kubernetes import names
from iptlab.kubernetes.paths import Edge, Kind, Numbered, Paths, Point
from iptlab.matches.comment import Comment
from iptlab.matches.recent import Recent
from iptlab.matches.statistic import Statistic
from iptlab.names import protocol_names
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.rules import Chain, Jump, Rule
from iptlab.ruleset import Ruleset
from iptlab.simulate.chance import simple
from iptlab.targets.dnat import Dnat

_REFUSING = (names.SERVICES, names.EXTERNAL_SERVICES, names.PROXY_FIREWALL)
# what a chain is for, in the few words that a picture has room for
_NOTES = {
    "KUBE-SVC-": "all endpoints",
    "KUBE-SVL-": "endpoints on this node",
    "KUBE-EXT-": "from outside",
    "KUBE-FW-": "source ranges",
}
_NOBODY: Mapping[str, str] = {}


def read_paths(rules: Ruleset, owners: Mapping[str, str] = _NOBODY) -> tuple[Paths, ...]:
    """The ways of all Services in a node's rules; ``owners`` says whose an address is."""
    found = _Reading(rules, owners).services()
    if not found:
        raise IptlabError(
            "these rules have no way in to a Service: no rule asks for a port and leads to DNAT. "
            'Give a node\'s rules, such as lab.cluster.rules("node1")'
        )
    return found


@dataclass
class _Growing:
    """A Service's ways as far as they were read."""

    points: dict[str, Point] = field(default_factory=dict)
    edges: dict[Edge, None] = field(default_factory=dict)


class _Reading:
    """Rules on their way to become ways."""

    def __init__(self, rules: Ruleset, owners: Mapping[str, str]) -> None:
        self.owners = owners
        self.filter, self.nat = (
            rules.tables[name].chains if name in rules.tables else {}
            for name in (TableName.FILTER, TableName.NAT)
        )
        self.known: dict[str, bool] = {}
        self.found: dict[str, _Growing] = {}

    def services(self) -> tuple[Paths, ...]:
        """All Services, sorted by name."""
        for hook in (Hook.PREROUTING, Hook.OUTPUT):
            if hook in self.nat:
                self._enter(hook)
        for name in _REFUSING:
            for one in _numbered(TableName.FILTER, self.filter.get(name)):
                if one.rule.target and one.rule.target.name in ("DROP", "REJECT"):
                    self._refuse(one)
        return tuple(
            Paths(name, one.points, tuple(one.edges)) for name, one in sorted(self.found.items())
        )

    def _enter(self, name: str) -> None:
        """Look for ways in, through chains that no port has been asked for yet."""
        for one in _numbered(TableName.NAT, self.nat[name]):
            if self._leads(one.rule):
                if _port(one.rule):
                    growing, door = self._door(one)
                    self._link(growing, Edge(door, self._goal(growing, one), one))
                elif isinstance(one.rule.target, Jump):
                    self._enter(one.rule.target.chain)

    def _leads(self, rule: Rule) -> bool:
        """Whether the rule leads to DNAT."""
        if isinstance(rule.target, Jump):
            name = rule.target.chain
            if name not in self.known:
                self.known[name] = any(self._leads(one) for one in self.nat[name].rules)
            return self.known[name]
        return isinstance(rule.target, Dnat)

    def _door(self, one: Numbered) -> tuple[_Growing, str]:
        """The way in that a rule is, and the Service that it belongs to."""
        said = _comment(one.rule)
        port, _, kind = said.partition(" ")
        where = _where(one.rule)
        service, _, name = port.partition(":")
        growing = self.found.setdefault(service or where, _Growing())
        if one.table is TableName.NAT:
            kind = kind or ("node port" if one.rule.header.dst is None else "")
        else:
            kind = ""
        note = ", ".join(filter(None, (kind, name)))
        growing.points.setdefault(where, Point(where, Kind.DOOR, where, note))
        return growing, where

    def _goal(self, growing: _Growing, one: Numbered) -> str:
        """The point that a rule leads to; what lies behind it is read when it is met first."""
        target = one.rule.target
        if isinstance(target, Dnat):
            return self._end(growing, str(target.to), str(target.to), (one,))
        assert isinstance(target, Jump), "what leads to DNAT is DNAT or a jump"
        name = target.chain
        if name not in growing.points:
            rules = tuple(_numbered(TableName.NAT, self.nat[name]))
            last = [each.rule.target for each in rules if isinstance(each.rule.target, Dnat)]
            if len(last) == 1 and not any(self._jumps_on(each.rule) for each in rules):
                return self._end(growing, name, str(last[0].to), rules)
            note = next((said for start, said in _NOTES.items() if name.startswith(start)), "")
            growing.points[name] = Point(name, Kind.CHAIN, name, note, rules)
            self._spread(growing, name, rules)
        return name

    def _jumps_on(self, rule: Rule) -> bool:
        return isinstance(rule.target, Jump) and self._leads(rule)

    def _end(self, growing: _Growing, id_: str, place: str, rules: tuple[Numbered, ...]) -> str:
        """An endpoint, with whose address it is."""
        owner = self.owners.get(place.strip("[").partition("]")[0].rpartition(":")[0] or place, "")
        growing.points.setdefault(id_, Point(id_, Kind.END, place, owner, rules))
        return id_

    def _spread(self, growing: _Growing, chain: str, rules: tuple[Numbered, ...]) -> None:
        """The edges that leave a chain, each with the share that chance leaves to it."""
        left = Fraction(1)
        again: dict[str, Numbered] = {}
        rest = ""
        for one in rules:
            if not self._leads(one.rule):
                continue
            goal = self._goal(growing, one)
            if any(isinstance(match, Recent) for match in one.rule.matches):
                again[goal] = one
                continue
            drawn, claims = _drawn(one.rule)
            if claims:
                self._link(growing, Edge(chain, goal, one, when=" and ".join(claims)))
                rest = "is anything else"
                continue
            share = simple(left * drawn)
            self._link(growing, Edge(chain, goal, one, share, drawn, left, rest, again.get(goal)))
            left -= share

    def _refuse(self, one: Numbered) -> None:
        """A rule of the filter table that refuses packets to a Service."""
        growing, door = self._door(one)
        assert one.rule.target is not None, "only rules with a target refuse"
        title = one.rule.target.name
        # "has no endpoints"; "traffic not accepted by KUBE-FW-..."
        why = _comment(one.rule).partition(" ")[2].removeprefix("has ").partition(" by ")[0]
        stop = f"{title} {why}"
        growing.points.setdefault(stop, Point(stop, Kind.STOP, title, why, (one,)))
        translated = any(edge.start == door for edge in growing.edges)
        self._link(growing, Edge(door, stop, one, when="is not translated" * translated))

    def _link(self, growing: _Growing, edge: Edge) -> None:
        growing.edges[edge] = None


def _numbered(table: TableName, chain: Chain | None) -> Iterator[Numbered]:
    """The rules of a chain with their places."""
    if chain is not None:
        for number, rule in enumerate(chain.rules, start=1):
            yield Numbered(table, chain.name, number, rule)


def _drawn(rule: Rule) -> tuple[Fraction, list[str]]:
    """The chance that a rule draws, and what else it asks for."""
    drawn = Fraction(1)
    for match in rule.matches:
        if isinstance(match, Statistic) and match.probability:
            chance = simple(match.probability.value.fraction)
            drawn *= 1 - chance if match.probability.negated else chance
    kept = (one for one in rule.matches if not isinstance(one, Statistic) or not one.probability)
    # the way in has asked for the protocol, or it could not have asked for a port
    header = replace(rule.header, protocol=None)
    return drawn, replace(rule, header=header, matches=tuple(kept)).claims()


def _comment(rule: Rule) -> str:
    """The comment, if it is about a Service: such a one begins with its name."""
    said = next((one.comment.text for one in rule.matches if isinstance(one, Comment)), "")
    return said if "/" in said.partition(" ")[0] else ""


def _port(rule: Rule) -> str:
    """The destination port that a rule asks for; empty if it asks for none."""
    return next(
        (
            str(given.value)
            for match in rule.matches
            for declared, given in match.given()
            if declared.name == "--dport" and not given.negated
        ),
        "",
    )


def _where(rule: Rule) -> str:
    """The address, port and protocol that a rule asks for: ``10.96.0.80:80/tcp``."""
    header = rule.header
    address = str(header.dst.value).removesuffix("/32").removesuffix("/128") if header.dst else "*"
    shown = f"[{address}]" if ":" in address else address
    protocol = protocol_names().get(header.named_protocol, "any")
    return f"{shown}:{_port(rule)}/{protocol}"
