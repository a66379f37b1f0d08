"""A found packet played in the simulator: what really becomes of it under a rule set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from iptlab.errors import CannotCompare
from iptlab.grading.asking import taken_apart
from iptlab.grading.outcomes import DRAWN, ONES, Beside, Bits, Hops, Outcome, View, counted, drawn
from iptlab.grading.scope import Entry, Logs, Scope
from iptlab.grading.supposing import Choosing, Supposed
from iptlab.netfilter.actions import Side
from iptlab.netfilter.context import (
    CannotTell,
    Connection,
    Context,
    CtState,
    PacketSet,
    Tuple,
)
from iptlab.netfilter.extension import Target
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.rules import Rule, Table
from iptlab.packet import Packet, Protocol, TcpFlags
from iptlab.ruleset import Ruleset
from iptlab.simulate.chance import Chooser, scripts
from iptlab.simulate.journey import Fate, Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.trace import Asked, HookVisit, TableVisit
from iptlab.simulate.walk import walk
from iptlab.syntax.save import Dump
from iptlab.targets.classify import Classify
from iptlab.targets.log import Log

Tables = Mapping[TableName, Table]
Evidence = HookVisit | Journey


@dataclass(frozen=True)
class Case:
    """A packet in its place; ``supposed`` are answers to questions that nobody can decide.

    Of a later packet of a connection ``after`` is the first one.
    """

    packet: Packet
    entry: Entry
    hook: Hook
    in_interface: str = ""
    out_interface: str = ""
    ctstate: CtState = CtState.NEW
    link: str = "unicast"
    supposed: tuple[tuple[str, bool], ...] = ()
    connmark: int | None = None
    mtu: int | None = None
    after: Case | None = None
    view: View = View.FIRST

    def context(self, sets: Mapping[str, PacketSet]) -> Context:
        """What rules may ask of the packet at a single hook."""
        return Context(
            hook=self.hook,
            in_interface=self.in_interface,
            out_interface=self.out_interface,
            ctstate=self.ctstate,
            connection=self._connection(),
            link=self.link,
            sets=sets,
            mtu=self.mtu,
        )

    def _connection(self) -> Connection | None:
        """The packet's connection, if somebody asks for its mark."""
        if self.connmark is None or self.ctstate in (CtState.INVALID, CtState.UNTRACKED):
            return None
        ends = Tuple(self.packet.src, self.packet.dst)
        back = Tuple(self.packet.dst, self.packet.src)
        return Connection(self.packet.protocol, ends, back, mark=self.connmark)


@dataclass(frozen=True)
class Play:
    """One way that chance may go, and what came of it."""

    outcome: Outcome
    probability: Fraction
    evidence: Evidence

    @property
    def visits(self) -> tuple[TableVisit, ...]:
        """The tables that the packet was taken through."""
        evidence = self.evidence
        return evidence.tables if isinstance(evidence, HookVisit) else tuple(evidence.visits())


_MOST_ASKED = 20_000  # rules, in all the ways that chance may go


def play(tables: Tables, case: Case, scope: Scope) -> tuple[Play, ...]:
    """Everything that may become of the packet, each with its exact probability."""
    tables = supposing(tables, dict(case.supposed))
    if case.entry is Entry.HOOK:
        plays = _walks(tables, case, scope)
    else:
        plays = _journeys(choosing(tables), case, scope)
    found: list[Play] = []
    asked = 0
    for one in plays:
        found.append(one)
        asked += sum(len(visit.records) for visit in one.visits)
        if asked > _MOST_ASKED:
            raise CannotCompare("so many rules of chance", "a packet may go too many ways")
    return tuple(found)


def chances(plays: tuple[Play, ...], scope: Scope) -> dict[Outcome, Fraction]:
    """The outcomes as far as they count, and how likely each is."""
    likely: dict[Outcome, Fraction] = {}
    for one in plays:
        outcome = counted(one.outcome, scope.aspects)
        likely[outcome] = likely.get(outcome, 0) + one.probability
    return likely


def supposing(tables: Tables, answers: Mapping[str, bool]) -> Tables:
    """The tables with the answers put in place of the questions."""

    def supposed(rule: Rule) -> Rule:
        try:
            free = {match: text for match, text in taken_apart(rule).free if text in answers}
        except CannotCompare:  # then no packet comes to it
            return rule
        if not free:
            return rule
        matches = [Supposed(m, answers[free[m]]) if m in free else m for m in rule.matches]
        return replace(rule, matches=tuple(matches))

    if not answers:
        return tables
    return {name: _with_rules(table, supposed) for name, table in tables.items()}


def choosing(tables: Tables) -> Tables:
    """The tables in which chance picks one of several addresses."""

    def chosen(rule: Rule) -> Rule:
        target = rule.target
        if target is None or target.name not in ("DNAT", "SNAT"):
            return rule
        return replace(rule, target=Choosing(target))

    nat = tables.get(TableName.NAT)
    return {**tables, TableName.NAT: _with_rules(nat, chosen)} if nat else tables


def _with_rules(table: Table, change: Callable[[Rule], Rule]) -> Table:
    """The table with each rule as ``change`` makes it."""
    new = {
        name: replace(chain, rules=rules)
        for name, chain in table.chains.items()
        if (rules := tuple(map(change, chain.rules))) != chain.rules
    }
    return replace(table, chains={**table.chains, **new}) if new else table


# --- one hook ---


def _walks(tables: Tables, case: Case, scope: Scope) -> Iterator[Play]:
    context = case.context(scope.known_sets)
    for script in scripts():
        visit = walk(tables, case.packet, context.choosing(script))
        assert not isinstance(visit.verdict, CannotTell), visit.verdict
        asked = [one.translate for one in visit.tables if one.translate is not None]
        reply = visit.deciding.reply if visit.tables else ""
        came = Outcome(visit.verdict, reply, logged=_logged(visit.tables, scope))
        if visit.accepted:
            came = _came("ACCEPT", visit.result, beside=_beside(visit.result, visit.tables, case))
            came = came._replace(
                asked=asked[-1] if asked else None, logged=_logged(visit.tables, scope)
            )
        yield Play(came, script.probability, visit)


def _came(verdict: str, packet: Packet, interface: str = "", *, beside: Beside) -> Outcome:
    """The outcome of a packet that came through."""
    ends = (int(packet.src), int(packet.dst), packet.sport, packet.dport)
    return Outcome(verdict, "", interface, *ends, ONES, packet.mark, beside=beside)


def _beside(packet: Packet, visits: Sequence[TableVisit], case: Case) -> Beside:
    """What the packet carries in the end besides addresses, ports and the mark."""
    known = visits[-1].context.connection if visits else None
    targets = _targets(visits)
    classes = [str(one.traffic_class) for one in targets if isinstance(one, Classify)]
    return Beside(
        Bits(0xFF, packet.tos),
        Hops(0, packet.ttl, packet.ttl),
        known.mark if known else case.connmark,
        packet.mss,
        traffic_class=classes[-1] if classes else "",
    )


def _targets(visits: Sequence[TableVisit]) -> Iterator[Target | None]:
    """The targets of all rules that matched."""
    for visit in visits:
        for record in visit.records:
            if isinstance(record, Asked) and record.answer is True:
                yield record.chain.rules[record.number - 1].target


def _logged(visits: Sequence[TableVisit], scope: Scope) -> frozenset[str]:
    """What counts of the lines that rules wrote about the packet."""
    if scope.logs is Logs.NOTHING:
        return frozenset()
    logs = (target for target in _targets(visits) if isinstance(target, Log))
    counts = scope.logs is Logs.PREFIXES
    return frozenset(log.prefix.text if log.prefix and counts else "" for log in logs)


# --- a whole host ---

_ARRIVED = {Fate.DELIVERED: "DELIVER", Fate.FORWARDED: "FORWARD", Fate.SENT: "SEND"}


def _journeys(tables: Tables, case: Case, scope: Scope) -> Iterator[Play]:
    machine = machine_for(tables, case, scope)

    def act(machine: Machine, choose: Chooser) -> Journey:
        return begun(machine, case, choose)

    for outcome in machine.outcomes(act):
        journey = outcome.journey
        assert journey.fate is not Fate.UNKNOWN, journey.reason
        yield Play(came_of(journey, case, scope), journey.probability, journey)


def begun(machine: Machine, case: Case, choose: Chooser) -> Journey:
    """The packet's journey through the machine."""
    if case.entry is Entry.SENT:
        return machine.send(case.packet, choose=choose)
    return machine.receive(case.in_interface, case.packet, choose=choose)


def came_of(journey: Journey, case: Case, scope: Scope) -> Outcome:
    """What became of a packet on a host, as far as it counts."""
    logged = _logged(tuple(journey.visits()), scope)
    if journey.fate is Fate.REJECTED:
        return Outcome("REJECT", journey.rejection, logged=logged)
    if journey.exit is None:
        return Outcome("DROP", logged=logged)
    beside = _beside(journey.exit, tuple(journey.visits()), case)
    came = _came(_ARRIVED[journey.fate], journey.exit, journey.interface, beside=beside)
    came = came._replace(logged=logged)
    for visit in journey.visits():
        if (lot := _lot(visit)) is not None:
            source = visit.translate is not None and visit.translate.side is Side.SOURCE
            came = came._replace(sport=lot) if source else came._replace(dport=lot)
    return came


def _lot(visit: TableVisit) -> int | None:
    """What stands for the port if the kernel draws it by lot."""
    wanted, packet = visit.translate, visit.packet
    if wanted is None or packet.sport is None or wanted.base is not None:
        return None
    anyhow, source = wanted.random or wanted.random_fully, wanted.side is Side.SOURCE
    if wanted.ports is None:
        return DRAWN if anyhow and source else None
    first, last = wanted.ports
    fits = first <= (packet.sport if source else packet.dport or 0) <= last
    return drawn(first, last) if first < last and (anyhow or (source and not fits)) else None


def machine_for(tables: Tables, case: Case, scope: Scope) -> Machine:
    """The host with the rules, and with the packet's connection open if it belongs to one.

    Such a connection was opened before the rules were loaded.
    """
    assert scope.host is not None
    family = case.packet.family
    machine = Machine(scope.host.with_rules(Ruleset(family=family)))
    if case.ctstate is CtState.ESTABLISHED:
        _open(machine, case)
    machine.load(Ruleset(Dump(dict(tables)), family))
    return machine


def _open(machine: Machine, case: Case) -> None:
    """Let the first packet of the connection pass, and its answer."""
    first, back = case.packet, case.packet.reply()
    if first.protocol == Protocol.TCP:
        first = replace(first, flags=TcpFlags.SYN)
        back = replace(back, flags=TcpFlags.SYN | TcpFlags.ACK)
    if first.icmp is not None:
        back = replace(back, icmp=replace(first.icmp, type=ECHO_REPLY[first.protocol]))
    journey = (
        machine.send(first)
        if case.entry is Entry.SENT
        else machine.receive(case.in_interface, first)
    )
    if journey.fate is Fate.DELIVERED:
        machine.send(back)
    elif journey.accepted:
        machine.receive(journey.interface, back)


ECHO_REPLY = {int(Protocol.ICMP): 0, int(Protocol.ICMPV6): 129}
