"""A machine at work: packets come, are tracked, asked about, rewritten and sent on.

The order of everything is the kernel's: at each hook the tables and connection tracking in the
order of their priorities, between hooks the routing decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from random import Random

from iptlab.errors import PacketError
from iptlab.netfilter.actions import Translate, Verdict, Whose
from iptlab.netfilter.context import CannotTell, Connection, Context, CtState, Memory, Owner
from iptlab.netfilter.hooks import CONNTRACK, PRIORITY, Hook, TableName, tables_at
from iptlab.netfilter.rules import Chain, Counters, Table
from iptlab.netfilter.values import Network
from iptlab.packet import Address, Family, IcmpType, Packet
from iptlab.ruleset import Ruleset
from iptlab.simulate import answer, nat
from iptlab.simulate.conntrack import (
    INVALID,
    UNTRACKED,
    ConntrackTable,
    Flow,
    NatSide,
    Settings,
    Tracked,
    Zone,
    attached,
)
from iptlab.simulate.engine import Engine
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Fate, Journey, Kind, Pass, Place, Station
from iptlab.simulate.logline import log_line
from iptlab.simulate.nat import SIDE, Range
from iptlab.simulate.routing import NO_ROUTE, SEND_ERRORS, Decision
from iptlab.simulate.routing import Kind as Route
from iptlab.simulate.tcp import Tcp, closing
from iptlab.simulate.trace import Asked, TableVisit
from iptlab.targets.log import Log

# when the clock of every machine starts
START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
# the ICMP error for each kind of route that leads nowhere
# kernel: net/ipv4/route.c (ip_error), net/ipv6/route.c (ip6_pkt_drop)
_ERRORS: dict[Family, dict[Route | None, IcmpType]] = {
    Family.IPV4: {
        None: IcmpType(3, 0),
        Route.UNREACHABLE: IcmpType(3, 1),
        Route.PROHIBIT: IcmpType(3, 13),
    },
    Family.IPV6: {
        None: IcmpType(1, 0),
        Route.UNREACHABLE: IcmpType(1, 0),
        Route.PROHIBIT: IcmpType(1, 1),
    },
}
_TIME_EXCEEDED = {Family.IPV4: IcmpType(11, 0), Family.IPV6: IcmpType(3, 0)}
_LOCALHOST: dict[Family, Address] = {
    Family.IPV4: IPv4Address("127.0.0.1"),
    Family.IPV6: IPv6Address("::1"),
}
_NOBODY = Owner(None, None, has_socket=False)
_KERNEL = Owner(None, None)
_NO_ZONE = Zone()
Chooser = Callable[[Fraction], bool]


@cache
def _steps(hook: Hook) -> tuple[TableName | None, ...]:
    """What runs at a hook, in order of priority; None stands for connection tracking."""
    steps: list[tuple[int, TableName | None]] = [(PRIORITY[t][hook], t) for t in tables_at(hook)]
    if hook in (Hook.PREROUTING, Hook.OUTPUT):
        steps.append((CONNTRACK, None))
    return tuple(step for _, step in sorted(steps, key=lambda one: one[0]))


@dataclass
class _Transit:
    """A packet on its way: what the kernel keeps beside its bytes (struct sk_buff)."""

    packet: Packet
    entry: str
    owner: Owner
    choose: Chooser
    link: str = "unicast"
    mac: str = ""
    decision: Decision | None = None
    tracked: Tracked = INVALID
    seen: bool = False
    zones: Zone = _NO_ZONE
    stations: list[Station] = field(default_factory=list)
    path: list[Pass] = field(default_factory=list)
    generated: list[Journey] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    came: Packet = field(init=False)
    looped: bool = False
    error: str = ""

    def __post_init__(self) -> None:
        self.came = self.packet

    def ended(
        self,
        fate: Fate,
        *,
        interface: str = "",
        by: Place | None = None,
        reason: str = "",
        rejection: str = "",
    ) -> Journey:
        """The journey, now that it is over."""
        through = fate in (Fate.DELIVERED, Fate.FORWARDED, Fate.SENT)
        return Journey(
            packet=self.came,
            entry=self.entry,
            stations=tuple(self.stations),
            path=tuple(self.path),
            fate=fate,
            interface=interface,
            exit=self.packet if through else None,
            by=by,
            reason=reason,
            error="" if through else self.error,
            rejection=rejection,
            looped_back=self.looped,
            generated=tuple(self.generated),
            log=tuple(self.log),
        )


class Machine:
    """A host that runs: its clock, connection table, counters and what its rules remember.

    >>> machine = Machine(Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24"))
    >>> machine.receive("eth1", "udp 192.168.1.9:4000 -> 8.8.8.8:53").interface
    'eth0'
    """

    def __init__(self, host: Host, *, seed: int = 0, now: datetime = START) -> None:
        self.host = host
        self.now = now
        self.sets = dict(host.sets)
        self.memory = Memory()
        self.counted: dict[Family, dict[Place, tuple[int, int]]] = {f: {} for f in Family}
        self.conntrack = ConntrackTable(
            Settings(
                loose=bool(host.sysctl("netfilter/nf_conntrack_tcp_loose")),
                liberal=bool(host.sysctl("netfilter/nf_conntrack_tcp_be_liberal")),
                checksum=bool(host.sysctl("netfilter/nf_conntrack_checksum")),
            )
        )
        self._random = Random(seed)
        self._engines = {
            family: Engine(host.rules[family].tables if family in host.rules else {})
            for family in Family
        }

    # --- what one does with a machine ---

    def receive(
        self,
        interface: str,
        packet: Packet | str,
        *,
        link: str = "unicast",
        mac: str = "",
        choose: Chooser | None = None,
    ) -> Journey:
        """A packet arrives from outside.

        ``link`` says to whom the frame was sent: unicast (to this machine), broadcast, multicast
        or otherhost. ``mac`` is the hardware address of the last sender.
        """
        if interface not in self.host.by_name:
            known = ", ".join(self.host.by_name)
            raise PacketError(f"there is no interface {interface} here; there are {known}")
        t = _Transit(_read(packet), interface, _NOBODY, choose or self._draw, link)
        t.mac = mac or "02:00:00:00:00:fe"
        if reason := self._refused_unseen(t.packet, link):
            return t.ended(Fate.DROPPED, reason=reason)
        return self._arrive(t, interface)

    def send(
        self, packet: Packet | str, *, owner: Owner | None = None, choose: Chooser | None = None
    ) -> Journey:
        """A process of this machine sends a packet; by default root's."""
        t = _Transit(_read(packet), "", owner or Owner(0, 0), choose or self._draw)
        return self._originate(t)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self.conntrack.expire(self.now.timestamp())

    def outcomes(self, act: Callable[[Machine, Chooser], Journey]) -> Iterator[Outcome]:
        """Everything that chance may make of ``act``, each with its exact probability.

        The machine itself stays as it is; every outcome has one of its own.
        """
        waiting: list[tuple[bool, ...]] = [()]
        while waiting:
            script = _Script(waiting.pop())
            machine = self.copy()
            journey = act(machine, script)
            chance = script.probability
            yield Outcome(replace(journey, probability=chance), machine)
            waiting += script.others()

    def journeys(self, interface: str, packet: Packet | str) -> tuple[Journey, ...]:
        """Every way an arriving packet may take; with an empty ``interface`` one sent from here."""
        one = _read(packet)

        def act(machine: Machine, choose: Chooser) -> Journey:
            if interface:
                return machine.receive(interface, one, choose=choose)
            return machine.send(one, choose=choose)

        return tuple(outcome.journey for outcome in self.outcomes(act))

    def copy(self) -> Machine:
        """Another machine in the same state, which goes its own way from here."""
        twin = Machine.__new__(Machine)
        twin.__dict__.update(self.__dict__)
        twin.sets = dict(self.sets)
        twin.counted = {family: dict(counts) for family, counts in self.counted.items()}
        twin.conntrack = self.conntrack.copy()
        twin._random = Random()
        twin._random.setstate(self._random.getstate())
        return twin

    def load(self, rules: Ruleset) -> None:
        """Replace the rules of one family; connections stay, counters start as the rules say."""
        self.host = replace(self.host, rules={**self.host.rules, rules.family: rules})
        self._engines[rules.family] = self._engines[rules.family].with_tables(rules.tables)
        self.counted[rules.family] = {}

    def rules(self, family: int = 4) -> Ruleset:
        """The rules as they stand now, with their counters."""
        loaded = self.host.rules.get(Family(family)) or Ruleset(family=Family(family))
        counts = self.counted[loaded.family]
        tables = {name: _counted(table, counts) for name, table in loaded.tables.items()}
        return replace(loaded, dump=replace(loaded.dump, tables=tables))

    def connections(self) -> tuple[Connection, ...]:
        """The entries of the connection table, oldest first."""
        self.conntrack.expire(self._seconds)
        return tuple(flow.seen(reply=False, now=self._seconds) for flow in self.conntrack)

    # --- the kernel's path ---

    @property
    def _seconds(self) -> float:
        return self.now.timestamp()

    def _draw(self, chance: Fraction) -> bool:
        return self._random.random() < chance

    def _draw_port(self) -> int:
        return self._random.getrandbits(16)

    def _refused_unseen(self, packet: Packet, link: str) -> str:
        """Why a packet is dropped before any hook sees it; empty if it is not.

        Kernel: net/ipv4/ip_input.c (ip_rcv_core), net/ipv6/ip6_input.c (ip6_rcv_core)
        """
        if link == "otherhost":
            return "the frame is for another machine"
        if packet.family is Family.IPV6:
            if packet.src.is_multicast:
                return "a multicast address cannot be a source"
            if packet.src.is_loopback or packet.dst.is_loopback:
                return "::1 never comes from outside"
        return ""

    def _arrive(self, t: _Transit, interface: str) -> Journey:
        """From PREROUTING on; a looped packet keeps the decision it was sent with."""
        destination = t.packet.dst
        if stopped := self._hook(t, Pass(Hook.PREROUTING, interface)):
            return stopped
        again = t.decision is None or t.packet.dst != destination
        if again and (stopped := self._route_in(t, interface)):
            return stopped
        assert t.decision is not None
        if t.decision.kind is not Route.UNICAST:
            if stopped := self._hook(t, Pass(Hook.INPUT, interface)):
                return stopped
            return t.ended(Fate.DELIVERED)
        return self._forward(t, interface)

    def _route_in(self, t: _Transit, interface: str) -> Journey | None:
        """The routing decision for a packet from outside; a journey if that ends it.

        Kernel: net/ipv4/route.c (ip_route_input_slow), net/ipv6/route.c (ip6_route_input)
        """
        packet = t.packet
        decision, reason, error = self._decide(packet, interface)
        t.decision = decision
        note = reason if decision is None else str(decision)
        self._station(t, Kind.ROUTING, "routing", None, packet, note)
        if decision is not None:
            return None
        if error is not None:
            self._tell(t, error, interface)
        return t.ended(Fate.DROPPED, reason=reason)

    def _decide(
        self, packet: Packet, interface: str
    ) -> tuple[Decision | None, str, IcmpType | None]:
        """Where a packet from outside goes; or why nowhere, and what its sender is told."""
        judge = _martian_v4 if packet.family is Family.IPV4 else _martian_v6
        if reason := judge(self.host, packet, interface):
            return None, reason, None
        if packet.dst.is_multicast:
            if self.host.listens_to(packet.dst, interface):
                return Decision(Route.MULTICAST, interface), "", None
            return None, f"nobody here listens to the group {packet.dst}", None
        found = self.host.routing[packet.family].look_up(packet, interface)
        if packet.dst == _EVERYBODY:
            found = Decision(Route.BROADCAST, interface)
        if packet.dst == _LOCALHOST[Family.IPV6] and interface != "lo":
            found = None  # kernel: net/ipv6/route.c (rt6_need_strict)
        kind = found.kind if found else None
        if found and kind in (Route.LOCAL, Route.BROADCAST, Route.MULTICAST):
            return found, "", None
        if not self.host.forwards(packet.family):
            return None, "it is for another machine, and forwarding is off", None
        if found and kind is Route.UNICAST:
            return found, "", None
        return None, _no_way(found), _ERRORS[packet.family].get(kind)

    def _forward(self, t: _Transit, interface: str) -> Journey:
        """On to another machine.

        Kernel: net/ipv4/ip_forward.c (ip_forward), net/ipv6/ip6_output.c (ip6_forward)
        """
        packet, decision = t.packet, t.decision
        assert decision is not None
        if t.link != "unicast":
            reason = f"the frame was a {t.link}, and those are not forwarded"
            return t.ended(Fate.DROPPED, reason=reason)
        if packet.ttl <= 1:
            self._tell(t, _TIME_EXCEEDED[packet.family], interface)
            return t.ended(Fate.DROPPED, reason="its time to live is over")
        if packet.family is Family.IPV6 and (packet.src.is_link_local or not int(packet.src)):
            if packet.src.is_link_local:
                self._tell(t, IcmpType(1, 2), interface)
            return t.ended(Fate.DROPPED, reason="its source is known on its own link only")
        t.packet = replace(packet, ttl=packet.ttl - 1)
        self._station(t, Kind.FORWARDING, "forwarding", None, packet, f"out {decision.interface}")
        if stopped := self._hook(t, Pass(Hook.FORWARD, interface, decision.interface)):
            return stopped
        return self._leave(t, Fate.FORWARDED)

    def _originate(self, t: _Transit) -> Journey:
        """A packet of this machine's own: routed first, then OUTPUT."""
        found = self.host.route_out(t.packet)
        if found is None or found.kind in SEND_ERRORS:
            t.error = SEND_ERRORS[found.kind] if found else NO_ROUTE
            return t.ended(Fate.DROPPED, reason=_no_way(found))
        t.decision = found
        self._station(t, Kind.ROUTING, "routing", None, t.packet, str(found))
        t.error = "EPERM"
        if stopped := self._hook(t, Pass(Hook.OUTPUT, "", found.interface)):
            return stopped
        return self._leave(t, Fate.SENT)

    def _leave(self, t: _Transit, fate: Fate) -> Journey:
        """POSTROUTING and out; what is for this machine itself comes in again through lo."""
        decision = t.decision
        assert decision is not None
        if decision.kind is Route.LOCAL:
            if stopped := self._hook(t, Pass(Hook.POSTROUTING, "", decision.interface)):
                return stopped
            t.mac, t.error, t.owner = "", "", _NOBODY
            t.seen = t.tracked.ctstate is not CtState.INVALID
            return self._arrive(t, "lo")
        if fate is Fate.SENT and self._loops_back(t, decision):
            self._loop_back(t, decision)
        # a forwarded packet still has the device it came by; kernel: ip_output (indev)
        came_by = t.entry if fate is Fate.FORWARDED else ""
        if stopped := self._hook(t, Pass(Hook.POSTROUTING, came_by, decision.interface)):
            return stopped
        return t.ended(fate, interface=decision.interface)

    def _loops_back(self, t: _Transit, decision: Decision) -> bool:
        """Whether this machine hears what it sends to many (ip_mc_output)."""
        if decision.kind is Route.MULTICAST:
            return self.host.listens_to(t.packet.dst, decision.interface)
        return decision.kind is Route.BROADCAST

    def _loop_back(self, t: _Transit, decision: Decision) -> None:
        """A copy goes through POSTROUTING and comes in by the interface that it leaves by."""
        copy = _Transit(t.packet, "", t.owner, t.choose, str(decision.kind))
        copy.decision, copy.tracked = decision, t.tracked
        copy.seen = t.tracked.ctstate is not CtState.INVALID
        copy.stations, copy.path = t.stations, t.path
        copy.generated, copy.log = t.generated, t.log
        if self._hook(copy, Pass(Hook.POSTROUTING, "", decision.interface)):
            return
        copy.owner = _NOBODY
        t.looped = self._arrive(copy, decision.interface).fate is Fate.DELIVERED

    # --- one hook ---

    def _hook(self, t: _Transit, here: Pass) -> Journey | None:
        """Everything that is registered at a hook, in order; a journey if that ends it."""
        t.path.append(here)
        tables = self._engines[t.packet.family].tables
        for step in _steps(here.hook):
            if step is None:
                self._track(t, here)
            elif step in tables:
                work = self._nat if step is TableName.NAT else self._table
                if stopped := work(t, here, step):
                    return stopped
        if here.hook in (Hook.INPUT, Hook.POSTROUTING):
            return self._confirm(t, here)
        return None

    def _context(self, t: _Transit, here: Pass) -> Context:
        return Context(
            hook=here.hook,
            in_interface=here.in_interface,
            out_interface=here.out_interface,
            ctstate=t.tracked.ctstate,
            connection=self._known(t),
            link=t.link,
            mac=t.mac,
            owner=t.owner,
            now=self.now,
            address_types=self.host.address_types,
            sets=self.sets,
            choose=t.choose,
            memory=self.memory,
            mtu=min(
                self.host.by_name[name].mtu
                for name in (here.in_interface or "lo", here.out_interface or "lo")
            ),
        )

    def _known(self, t: _Transit) -> Connection | None:
        flow = t.tracked.flow
        return flow.seen(reply=t.tracked.reply, now=self._seconds) if flow else None

    def _table(self, t: _Transit, here: Pass, name: TableName) -> Journey | None:
        """A walk through a table; its effects on packet, flow, sets and memory."""
        before, context = t.packet, self._context(t, here)
        visit = self._engines[before.family].walk_table(name, before, context)
        t.packet = visit.packet
        self._remember(t, context, visit)
        self._note(t, here, visit, before, context.connection)
        if stopped := self._stopped(t, here, visit):
            return stopped
        if name is TableName.MANGLE and here.hook is Hook.OUTPUT and _rerouted(before, t.packet):
            return self._reroute(t)
        return None

    def _remember(self, t: _Transit, before: Context, visit: TableVisit) -> None:
        after = visit.context
        self.memory = after.memory
        if after.sets is not before.sets and after.sets is not None:
            self.sets = dict(after.sets)  # type: ignore[arg-type]
        flow = t.tracked.flow
        if flow and after.connection is not None:
            flow.mark = after.connection.mark
        if after.ctstate is CtState.UNTRACKED and not t.seen:
            t.tracked, t.seen = UNTRACKED, True
        t.zones = Zone(*after.zones)

    def _note(
        self, t: _Transit, here: Pass, visit: TableVisit, before: Packet, known: Connection | None
    ) -> None:
        """Count what matched, log what is to be logged, and keep the station."""
        counts = self.counted[before.family]
        for step in visit.matched():
            _count(counts, Place(visit.table, step.chain, step.number), step.packet)
            if isinstance(step.rule.target, Log):
                mac = self._frame_to(t, here.in_interface)
                t.log.append(log_line(step.rule.target, step.packet, step.context, mac))
        if visit.policy:
            _count(counts, Place(visit.table, visit.chain), visit.packet)
        t.stations.append(
            Station(
                Kind.TABLE,
                f"{visit.table} {visit.chain}",
                here,
                before,
                t.packet,
                t.tracked.ctstate,
                known,
                self._known(t),
                visit,
            )
        )

    def _frame_to(self, t: _Transit, interface: str) -> str:
        """The hardware address that the frame was sent to; groups have one of their own.

        Source: RFC 1112, section 6.4; RFC 2464, section 7
        """
        if t.link == "broadcast":
            return "ff:ff:ff:ff:ff:ff"
        if t.link == "multicast" and t.packet.family is Family.IPV4:
            return (0x01005E000000 | int(t.packet.dst) & 0x7FFFFF).to_bytes(6).hex(":")
        if t.link == "multicast":
            return (0x333300000000 | int(t.packet.dst) & 0xFFFFFFFF).to_bytes(6).hex(":")
        return self.host.by_name[interface].mac if interface else ""

    def _stopped(self, t: _Transit, here: Pass, visit: TableVisit) -> Journey | None:
        """The end, if a rule or policy wants it."""
        verdict = visit.verdict
        if verdict is Verdict.ACCEPT:
            return None
        by = _decider(visit)
        if isinstance(verdict, CannotTell):
            return t.ended(Fate.UNKNOWN, by=by, reason=verdict.reason)
        if verdict is Verdict.DROP:
            return t.ended(Fate.DROPPED, by=by)
        self._reject(t, here, visit.reply)
        return t.ended(Fate.REJECTED, by=by, rejection=visit.reply)

    # --- connection tracking and NAT ---

    def _track(self, t: _Transit, here: Pass) -> None:
        if t.seen:
            return
        t.seen = True
        t.tracked = self.conntrack.track(t.packet, here.hook, t.zones, self._seconds)
        self._station(t, Kind.CONNTRACK, "conntrack", here, t.packet, _said(t.tracked))

    def _nat(self, t: _Transit, here: Pass, name: TableName) -> Journey | None:
        """The nat table: asked once per flow and side, then the packet is rewritten.

        Kernel: net/netfilter/nf_nat_core.c (nf_nat_inet_fn)
        """
        flow, side = t.tracked.flow, SIDE[here.hook]
        if flow is None:
            return None
        if t.tracked.ctstate is CtState.RELATED and t.packet.quoted is not None:
            return self._nat_error(t, here, flow)
        drawn = False
        if t.tracked.ctstate in (CtState.NEW, CtState.RELATED) and side not in flow.settled:
            before, context = t.packet, self._context(t, here)
            visit = self._engines[before.family].walk_table(name, before, context)
            t.packet = visit.packet
            self._remember(t, context, visit)
            self._note(t, here, visit, before, context.connection)
            if stopped := self._stopped(t, here, visit):
                return stopped
            bound = self._bind(t, here, flow, visit.translate)
            if bound is None:
                by = _decider(visit)
                return t.ended(Fate.DROPPED, reason=f"{by} finds no address to translate to")
            drawn = bound.drawn
        elif self._moved_away(t, here, flow):
            self.conntrack.remove(flow)
            return t.ended(Fate.DROPPED, reason="its masqueraded connection left by another way")
        put = nat.rewrite(t.packet, flow, side, reply=t.tracked.reply)
        if put is None:
            return t.ended(Fate.DROPPED, reason="GRE of this version cannot be translated")
        return self._rewritten(t, here, put, drawn=drawn)

    def _bind(
        self, t: _Transit, here: Pass, flow: Flow, wanted: Translate | None
    ) -> nat.Binding | None:
        side = SIDE[here.hook]
        if flow.confirmed:
            return nat.Binding(False)
        if wanted is None:
            return nat.keep(self.conntrack, flow, side, self._draw_port)
        if wanted.addresses is Whose.OUTGOING:
            flow.masqueraded = here.out_interface
        wished = self._range(t, here, wanted)
        return nat.bind(self.conntrack, flow, side, wished, self._draw_port) if wished else None

    def _range(self, t: _Transit, here: Pass, wanted: Translate) -> Range | None:
        """The addresses and ports that a target means here; None if an interface has none.

        Kernel: net/netfilter/nf_nat_masquerade.c, nf_nat_redirect.c, xt_NETMAP.c
        """
        routing = self.host.routing[t.packet.family]
        found: Address | None
        match wanted.addresses:
            case Whose.OUTGOING:
                assert t.decision is not None
                found = routing.address_of(here.out_interface, t.packet.dst, t.decision.via)
            case Whose.INCOMING if here.hook is Hook.OUTPUT:
                found = _LOCALHOST[t.packet.family]
            case Whose.INCOMING:
                own = [a for name, a in routing.addresses if name == here.in_interface]
                found = own[0].ip if own else None
            case Network() as network:
                end = t.packet.dst if SIDE[here.hook] is NatSide.DST else t.packet.src
                number = int(end) & ~network.mask | network.address
                found = type(end)(number)
            case addresses:
                return Range.of(wanted, addresses)
        return Range.of(wanted, (found, found)) if found else None

    def _moved_away(self, t: _Transit, here: Pass, flow: Flow) -> bool:
        """Whether a masqueraded connection would leave by another interface than it began."""
        elsewhere = flow.masqueraded not in ("", here.out_interface)
        return elsewhere and here.hook is Hook.POSTROUTING and not t.tracked.reply

    def _nat_error(self, t: _Transit, here: Pass, flow: Flow) -> Journey | None:
        put_back = nat.rewrite_error(t.packet, flow, SIDE[here.hook], reply=t.tracked.reply)
        if put_back is None:
            return t.ended(Fate.DROPPED, reason="a redirect about a translated connection")
        return self._rewritten(t, here, put_back)

    def _rewritten(
        self, t: _Transit, here: Pass, packet: Packet, *, drawn: bool = False
    ) -> Journey | None:
        """Note what NAT did; in OUTPUT a new destination asks for another look at the route."""
        flow, before, t.packet = t.tracked.flow, t.packet, packet
        if packet != before:
            what = "translated back" if t.tracked.reply else "translated"
            by_lot = ", to a port drawn at random" if drawn else ""
            self._station(t, Kind.NAT, "nat", here, before, what + by_lot)
        assert flow is not None
        ends, back = (flow.original, flow.reply)[:: -1 if t.tracked.reply else 1]
        if here.hook is Hook.OUTPUT and ends.dst != back.src:
            return self._reroute(t)
        return None

    def _confirm(self, t: _Transit, here: Pass) -> Journey | None:
        """The first packet of a flow got through: from now on the table knows the flow."""
        flow = t.tracked.flow
        if flow is None or flow.confirmed or t.tracked.reply:
            return None
        if not self.conntrack.confirm(flow, self._seconds):
            reason = "another connection has the same ends already"
            return t.ended(Fate.DROPPED, reason=reason)
        self._station(t, Kind.CONFIRM, "conntrack", here, t.packet, "the connection is kept")
        return None

    # --- routing again, and answering ---

    def _reroute(self, t: _Transit) -> Journey | None:
        """A second look at the route, because OUTPUT changed what it depends on."""
        found = self.host.route_out(t.packet)
        if found is None or found.kind in SEND_ERRORS:
            t.error = SEND_ERRORS[found.kind] if found else NO_ROUTE
            return t.ended(Fate.DROPPED, reason="after OUTPUT there is no route to it")
        localnet = self.host.sysctl("ipv4/conf/{}/route_localnet", found.interface)
        if t.packet.src.is_loopback and found.interface != "lo" and not localnet:
            t.error = SEND_ERRORS[Route.BLACKHOLE]
            reason = "a loopback address may not leave this machine (route_localnet is off)"
            return t.ended(Fate.DROPPED, reason=reason)
        if found != t.decision:
            self._station(t, Kind.ROUTING, "routing again", None, t.packet, str(found))
        t.decision = found
        return None

    def _reject(self, t: _Transit, here: Pass, kind: str) -> None:
        """Answer as REJECT wants it, if an answer is due."""
        if kind != answer.RESET:
            if t.packet.intact or t.packet.protocol in answer.UNCHECKED:
                self._tell(t, answer.REJECTIONS[kind], here.in_interface)
            return
        flow = t.tracked.flow
        ttl = self.host.sysctl("ipv4/ip_default_ttl")
        assert t.decision is not None
        if t.decision.kind in (Route.BROADCAST, Route.MULTICAST):
            return
        if (sent := answer.reset(t.packet, ttl)) is None:
            return
        if flow and flow.confirmed and isinstance(flow.progress, Tcp):
            flow.progress = closing(flow.progress)
        self._generate(t, sent, _NOBODY)

    def _tell(self, t: _Transit, kind: IcmpType, interface: str) -> None:
        """Send an ICMP error about the packet, unless none may be sent.

        Kernel: net/ipv4/icmp.c (icmp_send), net/ipv6/icmp.c (icmp6_send)
        """
        packet = t.packet
        to_many = t.decision and t.decision.kind in (Route.BROADCAST, Route.MULTICAST)
        if t.link != "unicast" or to_many or not answer.deserves_error(packet):
            return
        back = replace(packet, src=packet.dst, dst=packet.src, mark=0)
        source: Address | None = packet.dst
        if not (t.decision and t.decision.kind is Route.LOCAL):
            found = self.host.route_out(back)
            source = found.source if found else None
        if source is not None:
            ttl = self.host.sysctl("ipv4/ip_default_ttl")
            self._generate(t, answer.error(packet, kind, source, ttl), _KERNEL)

    def _generate(self, t: _Transit, packet: Packet, owner: Owner) -> None:
        """Send a packet because of another one, to whose flow it belongs."""
        new = _Transit(packet, "", owner, t.choose)
        new.tracked = attached(t.tracked)
        new.seen = new.tracked.flow is not None
        journey = self._originate(new)
        t.log += journey.log
        t.generated.append(journey)

    def _station(
        self, t: _Transit, kind: Kind, name: str, at: Pass | None, before: Packet, note: str
    ) -> None:
        known = self._known(t)
        state = t.tracked.ctstate
        t.stations.append(
            Station(kind, name, at, before, t.packet, state, known, known, None, note)
        )


# --- small facts ---

_EVERYBODY = IPv4Address("255.255.255.255")


def _read(packet: Packet | str) -> Packet:
    return Packet.parse(packet) if isinstance(packet, str) else packet


def _no_way(found: Decision | None) -> str:
    return f"the route to it is a {found.kind} route" if found else "there is no route to it"


def _zeronet(address: Address) -> bool:
    return int(address) >> 24 == 0


def _martian_v4(host: Host, packet: Packet, interface: str) -> str:
    """Why an IPv4 packet's addresses cannot have come from there; empty if they can.

    Kernel: net/ipv4/route.c (ip_route_input_slow, ip_mc_validate_source)
    """
    src, dst = packet.src, packet.dst
    localnet = host.sysctl("ipv4/conf/{}/route_localnet", interface)
    if src.is_multicast or src == _EVERYBODY:
        return f"{src} cannot be a source"
    if src.is_loopback and not localnet:
        return "a loopback address never comes from outside (route_localnet is off)"
    if _zeronet(src):
        joined = dst.is_multicast and int(dst) >> 8 == _LOCAL_GROUPS
        asks = dst == _EVERYBODY or (not int(src) and not int(dst)) or joined
        return "" if asks else f"{src} cannot be a source"
    if _zeronet(dst):
        return f"{dst} cannot be a destination"
    if dst.is_loopback and not localnet:
        return "a loopback address cannot be reached from outside (route_localnet is off)"
    return _spoofed(host, packet, interface)


_LOCAL_GROUPS = int(IPv4Address("224.0.0.0")) >> 8


def _spoofed(host: Host, packet: Packet, interface: str) -> str:
    """Why the source address is not believed; empty if it is.

    Kernel: net/ipv4/fib_frontend.c (fib_validate_source)
    """
    routing = host.routing[Family.IPV4]
    accepts = host.sysctl("ipv4/conf/{}/accept_local", interface)
    strict = host.sysctl("ipv4/conf/{}/rp_filter", interface)
    if not strict and not routing.rules:
        own = packet.src in routing.own and not accepts
        return "its source is an address of this machine (accept_local is off)" if own else ""
    back = routing.look_up(Packet(packet.dst, packet.src, packet.protocol), interface)
    if back is None:
        return "there is no way back to its source (rp_filter)" if strict else ""
    if back.kind is not Route.UNICAST and not (back.kind is Route.LOCAL and accepts):
        return f"its source leads to a {back.kind} route"
    if strict == 1 and back.interface != interface:
        return f"the way back to its source leads out through {back.interface} (rp_filter)"
    return ""


def _martian_v6(host: Host, packet: Packet, interface: str) -> str:
    """The same for IPv6, where nearly everything may come."""
    return "" if int(packet.dst) else f"{packet.dst} cannot be a destination"


def _rerouted(before: Packet, after: Packet) -> bool:
    """Whether mangle OUTPUT changed what routing looks at (ipt_mangle_out)."""
    return (before.src, before.dst, before.mark, before.tos) != (
        after.src,
        after.dst,
        after.mark,
        after.tos,
    )


def _decider(visit: TableVisit) -> Place:
    """The rule or policy that ended a walk."""
    last = visit.records[-1]
    if visit.policy or not isinstance(last, Asked):
        return Place(visit.table, visit.chain)
    return Place(visit.table, last.chain.name, last.number)


def _count(counts: dict[Place, tuple[int, int]], place: Place, packet: Packet) -> None:
    packets, octets = counts.get(place, (0, 0))
    counts[place] = packets + 1, octets + packet.length


def _counted(table: Table, counts: Mapping[Place, tuple[int, int]]) -> Table:
    """A table with what has been counted added to its counters."""

    def more(counters: Counters, place: Place) -> Counters:
        packets, octets = counts.get(place, (0, 0))
        return Counters(counters.packets + packets, counters.bytes + octets)

    def chain(one: Chain) -> Chain:
        rules = tuple(
            replace(rule, counters=more(rule.counters, Place(table.name, one.name, number)))
            for number, rule in enumerate(one.rules, start=1)
        )
        policy = more(one.counters, Place(table.name, one.name))
        return replace(one, rules=rules, counters=policy)

    return replace(table, chains={name: chain(one) for name, one in table.chains.items()})


def _said(tracked: Tracked) -> str:
    """What connection tracking found, in words."""
    match tracked.ctstate:
        case CtState.NEW if tracked.flow and tracked.flow.confirmed:
            return "NEW: a connection that nobody has answered yet"
        case CtState.NEW:
            return "NEW: the first packet of a connection"
        case CtState.RELATED:
            return "RELATED: about another connection"
        case CtState.ESTABLISHED:
            return "ESTABLISHED: part of a connection that goes both ways"
        case CtState.UNTRACKED:
            return "UNTRACKED"
    return f"INVALID: {tracked.why}"


# --- chance ---


@dataclass(frozen=True)
class Outcome:
    """One way that chance may go: the journey, and the machine after it."""

    journey: Journey
    machine: Machine


class _Script:
    """Answers to questions of chance: those given first, then yes wherever yes is possible."""

    def __init__(self, given: tuple[bool, ...]) -> None:
        self.given = given
        self.asked: list[tuple[Fraction, bool]] = []

    def __call__(self, chance: Fraction) -> bool:
        place = len(self.asked)
        said = self.given[place] if place < len(self.given) else chance > 0
        self.asked.append((chance, said))
        return said

    @property
    def probability(self) -> Fraction:
        """How likely it is that chance answers so."""
        result = Fraction(1)
        for chance, said in self.asked:
            result *= chance if said else 1 - chance
        return result

    def others(self) -> Iterator[tuple[bool, ...]]:
        """The scripts that differ from this one at a question that was not given."""
        answers = tuple(said for _, said in self.asked)
        for place in range(len(self.given), len(answers)):
            if 0 < self.asked[place][0] < 1:
                yield (*answers[:place], False)
