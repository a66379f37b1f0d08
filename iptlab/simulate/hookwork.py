"""What happens at one hook: tables, connection tracking and NAT in the order of priorities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from random import Random

from iptlab.netfilter.actions import Translate, Verdict, Whose
from iptlab.netfilter.context import (
    CannotTell,
    Connection,
    Context,
    CtState,
    Memory,
    PacketSet,
    Tuple,
)
from iptlab.netfilter.hooks import CONNTRACK, Backend, Hook, TableName, priority, tables_at
from iptlab.netfilter.networks import Network
from iptlab.netfilter.rules import ZERO, Counters
from iptlab.packet import Address, Family, Packet
from iptlab.simulate import nat
from iptlab.simulate.arrival import Refusal, depart
from iptlab.simulate.conntrack import UNTRACKED, ConntrackTable, Flow, NatSide, Tracked, Zone
from iptlab.simulate.engine import Engine
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Fate, Journey, Kind, Pass, Place, Station
from iptlab.simulate.logline import frame_to, log_line
from iptlab.simulate.nat import SIDE, Range
from iptlab.simulate.trace import Asked, TableVisit
from iptlab.simulate.tracing import marks, trace_lines
from iptlab.simulate.transit import Transit
from iptlab.targets.log import Log

_LOCALHOST: dict[Family, Address] = {
    Family.IPV4: IPv4Address("127.0.0.1"),
    Family.IPV6: IPv6Address("::1"),
}

# what is sent to some groups of IPv6 is redirected to an address of that scope only
# kernel: net/netfilter/nf_nat_redirect.c (nf_nat_redirect_ipv6_usable)
_SCOPED_GROUPS = (0xFF01, 0xFF02, 0xFF05)
_COMPLAINTS = 5.0


@dataclass
class State:
    """Everything of a machine that packets change, beside its host, which they do not."""

    host: Host
    now: datetime
    conntrack: ConntrackTable
    random: Random
    engines: dict[Family, Engine]
    memory: Memory = field(default_factory=Memory)
    sets: dict[str, PacketSet] = field(default_factory=dict)
    complaints: dict[Address, tuple[float, float]] = field(default_factory=dict)
    counts: dict[Family, dict[Place, Counters]] = field(
        default_factory=lambda: {family: {} for family in Family}
    )

    @property
    def seconds(self) -> float:
        """The time as a number of seconds."""
        return self.now.timestamp()

    def may_complain(self, sender: Address) -> bool:
        """Whether a sender is told once more that there is no route: 5 times, then every second.

        Kernel: net/ipv4/route.c (ip_error, ip_rt_error_burst, ip_rt_error_cost)
        """
        left, at = self.complaints.get(sender, (_COMPLAINTS, self.seconds))
        left = min(left + self.seconds - at, _COMPLAINTS)
        due = left >= 1
        self.complaints[sender] = (left - due, self.seconds)
        return due

    def known(self, tracked: Tracked) -> Connection | None:
        """What is known of a packet's connection."""
        flow = tracked.flow
        return flow.seen(reply=tracked.reply, now=self.seconds) if flow else None


@cache
def _steps(hook: Hook, backend: Backend) -> tuple[TableName | None, ...]:
    """What runs at a hook, in order of priority; None stands for connection tracking."""
    steps: list[tuple[int, TableName | None]]
    steps = [(priority(table, hook, backend), table) for table in tables_at(hook, backend)]
    if hook in (Hook.PREROUTING, Hook.OUTPUT):
        steps.append((CONNTRACK, None))
    return tuple(step for _, step in sorted(steps, key=lambda one: one[0]))


Reject = Callable[[Transit, Pass, str], None]


class HookWork:
    """One packet at one hook; ``reject`` sends the answer that a REJECT wants."""

    def __init__(self, state: State, t: Transit, here: Pass, reject: Reject) -> None:
        self.state = state
        self.t = t
        self.here = here
        self.reject = reject
        self.engine = state.engines[t.packet.family]

    def run(self) -> Journey | None:
        """Everything that is registered here, in order; a journey if that ends it."""
        self.t.path.append(self.here)
        for step in _steps(self.here.hook, self.state.host.backend):
            if step is None:
                self._track()
            elif step in self.engine.tables:
                stopped = self._nat() if step is TableName.NAT else self._table(step)
                if stopped:
                    return stopped
        return self._confirm() if self.here.hook in (Hook.INPUT, Hook.POSTROUTING) else None

    # --- tables ---

    def _table(self, name: TableName) -> Journey | None:
        """A walk through a table; mangle in OUTPUT may change what routing looks at."""
        before = self.t.packet
        visit, stopped = self._walk(name)
        if stopped:
            return stopped
        rerouting = name is TableName.MANGLE and self.here.hook is Hook.OUTPUT
        if rerouting and _routed_by(before) != _routed_by(visit.packet):
            return self._reroute()
        return None

    def _walk(self, name: TableName) -> tuple[TableVisit, Journey | None]:
        """Walk through a table and keep what came of it; a journey if it ended there."""
        t, state, context = self.t, self.state, self._context()
        before = t.packet
        visit = self.engine.walk_table(name, before, context)
        t.packet = visit.packet
        self._remember(context, visit.context)
        self._count(visit)
        self._trace(visit)
        station = f"{visit.table} {visit.chain}"
        known = now = context.connection
        if visit.context.connection is not known:
            now = state.known(t.tracked)
        ctstate = t.tracked.ctstate
        t.stations.append(
            Station(Kind.TABLE, station, self.here, before, t.packet, ctstate, known, now, visit)
        )
        return visit, self._stopped(visit)

    def _context(self) -> Context:
        t, state, here = self.t, self.state, self.here
        names = (here.in_interface or "lo", here.out_interface or "lo")
        return Context(
            hook=here.hook,
            in_interface=here.in_interface,
            out_interface=here.out_interface,
            ctstate=t.tracked.ctstate,
            connection=state.known(t.tracked),
            link=t.link,
            mac=t.mac,
            owner=t.owner,
            now=state.now,
            address_types=state.host.address_types,
            way_back=state.host.way_back,
            sets=state.sets,
            choose=t.choose,
            memory=state.memory,
            zones=t.zones if t.seen or t.settled else None,
            standing=self._standing,
            mtu=min(state.host.by_name[name].mtu for name in names),
        )

    def _standing(self, protocol: int, zone: int, ends: Tuple) -> str | None:
        return self.state.conntrack.standing(protocol, zone, ends, self.state.seconds)

    def _remember(self, before: Context, after: Context) -> None:
        """Keep what rules changed besides the packet."""
        t, state = self.t, self.state
        state.memory = after.memory
        if after.sets is not before.sets and after.sets is not None:
            state.sets = dict(after.sets)
        if t.tracked.flow and after.connection is not None:
            t.tracked.flow.mark = after.connection.mark
        if after.ctstate is CtState.UNTRACKED and not t.seen:
            t.tracked, t.seen = UNTRACKED, True
        t.zones = Zone(*after.zones) if after.zones else t.zones

    def _count(self, visit: TableVisit) -> None:
        """Count what matched, and write what is to be logged."""
        t, counts = self.t, self.state.counts[self.t.packet.family]
        for step in visit.matched():
            place = Place(visit.table, step.chain, step.number)
            counts[place] = counts.get(place, ZERO).plus(Counters(1, step.packet.length))
            if isinstance(step.rule.target, Log):
                to = self._frame_to(step.packet)
                t.log.append(log_line(step.rule.target, step.packet, step.context, to))
        if visit.policy:
            place = Place(visit.table, visit.chain)
            counts[place] = counts.get(place, ZERO).plus(Counters(1, visit.packet.length))

    def _frame_to(self, packet: Packet) -> str:
        """The hardware address that the packet's frame was sent to."""
        own = self.state.host.by_name[self.here.in_interface or "lo"].mac
        return frame_to(own, self.t.link, packet)

    def _trace(self, visit: TableVisit) -> None:
        """Write what TRACE logs of a walk."""
        t = self.t
        if t.marked or (visit.table is TableName.RAW and marks(visit)):
            to = self._frame_to(visit.packet)
            t.traced += trace_lines(visit, traced=t.marked, destination_mac=to)
            t.marked = True

    def _stopped(self, visit: TableVisit) -> Journey | None:
        """The end, if a rule or policy wants it."""
        verdict = visit.verdict
        if verdict is Verdict.ACCEPT:
            return None
        by = _decider(visit)
        if isinstance(verdict, CannotTell):
            return self.t.ended(Fate.UNKNOWN, verdict.reason, by=by)
        if verdict is Verdict.DROP:
            return self.t.ended(Fate.DROPPED, by=by)
        self.reject(self.t, self.here, visit.reply)
        return self.t.ended(Fate.REJECTED, by=by, rejection=visit.reply)

    # --- connection tracking ---

    def _track(self) -> None:
        t, state = self.t, self.state
        if t.seen:
            return
        t.seen = True
        t.tracked = state.conntrack.track(t.packet, self.here.hook, t.zones, state.seconds)
        known = state.known(t.tracked)
        t.note(Kind.CONNTRACK, "conntrack", self.here, _said(t.tracked), known=known)

    def _confirm(self) -> Journey | None:
        """The first packet of a flow got through: from now on the table knows the flow."""
        t, flow = self.t, self.t.tracked.flow
        if flow is None or flow.confirmed or t.tracked.reply:
            return None
        if not self.state.conntrack.confirm(flow, self.state.seconds):
            return t.ended(Fate.DROPPED, "another connection has the same ends already")
        known = self.state.known(t.tracked)
        t.note(Kind.CONFIRM, "conntrack", self.here, "the connection is kept", known=known)
        return None

    # --- NAT ---

    def _nat(self) -> Journey | None:
        """The nat table: asked once per flow and side, then the packet is rewritten.

        Kernel: net/netfilter/nf_nat_core.c (nf_nat_inet_fn)
        """
        t, side = self.t, SIDE[self.here.hook]
        flow, state, reply = t.tracked.flow, t.tracked.ctstate, t.tracked.reply
        if flow is None:
            return None
        if state is CtState.RELATED and t.packet.quoted is not None:
            put = nat.rewrite_error(t.packet, flow, side, reply=reply)
            return self._rewritten(flow, put, "a redirect about a translated connection")
        drawn = False
        if state in (CtState.NEW, CtState.RELATED) and side not in flow.settled:
            visit, stopped = self._walk(TableName.NAT)
            if stopped:
                return stopped
            bound = self._bind(flow, visit.translate)
            if bound is None:
                reason = f"{_decider(visit)} finds no address to translate to"
                return t.ended(Fate.DROPPED, reason)
            drawn = bound.drawn
        elif self._moved_away(flow):
            self.state.conntrack.remove(flow)
            return t.ended(Fate.DROPPED, "its masqueraded connection left by another way")
        put = nat.rewrite(t.packet, flow, side, reply=reply)
        return self._rewritten(flow, put, "GRE of this version cannot be translated", drawn=drawn)

    def _bind(self, flow: Flow, wanted: Translate | None) -> nat.Binding | None:
        table, side = self.state.conntrack, SIDE[self.here.hook]
        if flow.confirmed:
            return nat.Binding(False)
        if wanted is None:
            return nat.keep(table, flow, side, self._draw_port)
        if wanted.addresses is Whose.OUTGOING:
            flow.masqueraded = self.here.out_interface
        wished = self._range(wanted)
        return nat.bind(table, flow, side, wished, self._draw_port) if wished else None

    def _draw_port(self) -> int:
        return self.state.random.getrandbits(16)

    def _range(self, wanted: Translate) -> Range | None:
        """The addresses and ports that a target means here; None if an interface has none.

        Kernel: net/netfilter/nf_nat_masquerade.c, nf_nat_redirect.c, xt_NETMAP.c
        """
        packet, here = self.t.packet, self.here
        routing = self.state.host.routing[packet.family]
        found: Address | None
        match wanted.addresses:
            case Whose.OUTGOING:
                via = self.t.decision.via if self.t.decision else None
                found = routing.address_of(here.out_interface, packet.dst, via)
            case Whose.INCOMING if here.hook is Hook.OUTPUT:
                found = _LOCALHOST[packet.family]
            case Whose.INCOMING:
                scoped = packet.dst.is_link_local or int(packet.dst) >> 112 in _SCOPED_GROUPS
                own = [
                    one
                    for name, one in routing.addresses
                    if name == here.in_interface and (one.ip.is_link_local or not scoped)
                ]
                found = own[0].ip if own else None
            case Network() as network:
                end = packet.dst if SIDE[here.hook] is NatSide.DST else packet.src
                found = type(end)(int(end) & ~network.mask | network.address)
            case addresses:
                return Range.of(wanted, addresses)
        return Range.of(wanted, (found, found)) if found else None

    def _moved_away(self, flow: Flow) -> bool:
        """Whether a masqueraded connection would leave by another interface than it began."""
        elsewhere = flow.masqueraded not in ("", self.here.out_interface)
        leaving = self.here.hook is Hook.POSTROUTING and not self.t.tracked.reply
        return elsewhere and leaving

    def _rewritten(
        self, flow: Flow, put: Packet | None, otherwise: str, *, drawn: bool = False
    ) -> Journey | None:
        """Go on with the packet as NAT made it, or end if it could not.

        In OUTPUT a new destination asks for another look at the route.
        """
        t = self.t
        if put is None:
            return t.ended(Fate.DROPPED, otherwise)
        before, t.packet = t.packet, put
        if put != before:
            what = "translated back" if t.tracked.reply else "translated"
            what += ", to a port drawn at random" if drawn else ""
            known = self.state.known(t.tracked)
            t.note(Kind.NAT, "nat", self.here, what, before=before, known=known)
        ends, back = flow.original, flow.reply
        if t.tracked.reply:
            ends, back = back, ends
        if self.here.hook is Hook.OUTPUT and ends.dst != back.src:
            return self._reroute()
        return None

    def _reroute(self) -> Journey | None:
        """A second look at the route, because OUTPUT changed what it depends on.

        Kernel: net/ipv4/netfilter.c (ip_route_me_harder), net/ipv4/route.c (__mkroute_output)
        """
        t = self.t
        found = depart(self.state.host, t.packet)
        if isinstance(found, Refusal):
            t.error = found.told
            return t.ended(Fate.DROPPED, found.reason)
        if found != t.decision:
            t.note(Kind.ROUTING, "routing again", self.here, str(found))
        t.decision = found
        return None


def _routed_by(packet: Packet) -> tuple[object, ...]:
    """What mangle OUTPUT must not change without another look at the route (ipt_mangle_out)."""
    return packet.src, packet.dst, packet.mark, packet.tos


def _decider(visit: TableVisit) -> Place:
    """The rule or policy that ended a walk."""
    last = visit.records[-1]
    if visit.policy or not isinstance(last, Asked):
        return Place(visit.table, visit.chain)
    return Place(visit.table, last.chain.name, last.number)


def _said(tracked: Tracked) -> str:
    """What connection tracking found, in words."""
    match tracked.ctstate:
        case CtState.NEW if tracked.flow and tracked.flow.confirmed:
            return "NEW: a connection that nobody has answered yet"
        case CtState.NEW:
            return "NEW: the first packet of a connection"
        case CtState.RELATED:
            return "RELATED: an error about another connection"
        case CtState.ESTABLISHED:
            return "ESTABLISHED: part of a connection that goes both ways"
        case CtState.UNTRACKED:
            return "UNTRACKED"
    return f"INVALID: {tracked.why}"
