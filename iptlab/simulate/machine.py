"""A machine at work: packets come, are tracked, asked about, rewritten and sent on.

The order of everything is the kernel's: at each hook tables and connection tracking in the order
of their priorities, between hooks the routing decision.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random

from iptlab.errors import PacketError
from iptlab.matches.pkttype import TYPES
from iptlab.netfilter.context import Connection, CtState, Owner, PacketSet
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.ipset import IpSet
from iptlab.packet import Address, Family, IcmpType, Packet
from iptlab.ruleset import Ruleset
from iptlab.shown import Shown
from iptlab.simulate import answer
from iptlab.simulate.arrival import Refusal, decide, depart, no_way, unseen
from iptlab.simulate.chance import Chooser, scripts
from iptlab.simulate.conntrack import ConntrackTable, Settings, Zone, attached
from iptlab.simulate.counting import counted
from iptlab.simulate.engine import Engine
from iptlab.simulate.hookwork import HookWork, State
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Fate, Journey, Kind, Pass
from iptlab.simulate.routing import NO_ROUTE, SEND_ERRORS, Decision
from iptlab.simulate.routing import Kind as RouteKind
from iptlab.simulate.tcp import Tcp, closing
from iptlab.simulate.transit import KERNEL, NOBODY, Transit

# when the clock of every machine starts
START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
ROOT = Owner(0, 0)
_NEIGHBOUR = "02:00:00:00:00:fe"
_TIME_EXCEEDED = {Family.IPV4: IcmpType(11, 0), Family.IPV6: IcmpType(3, 0)}
# kernel: include/net/ipv6.h (IPV6_DEFAULT_HOPLIMIT)
_HOP_LIMIT = 64
_BEYOND_SCOPE = IcmpType(1, 2)
_TOO_BIG = {Family.IPV4: IcmpType(3, 4), Family.IPV6: IcmpType(2, 0)}
_TO_MANY = (RouteKind.BROADCAST, RouteKind.MULTICAST)


@dataclass(frozen=True)
class Outcome:
    """One way that chance may go: the journey, and the machine after it."""

    journey: Journey
    machine: Machine


class Machine(Shown):
    """A host that runs: its clock, connection table, counters and what its rules remember.

    >>> machine = Machine(Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24"))
    >>> machine.receive("eth1", "udp 192.168.1.9:4000 -> 8.8.8.8:53").interface
    'eth0'
    """

    def __init__(self, host: Host, *, seed: int = 0, now: datetime = START) -> None:
        self._state = State(
            host,
            now,
            ConntrackTable(_settings(host)),
            Random(seed),
            {f: Engine(host.rules[f].tables if f in host.rules else {}) for f in Family},
            sets={name: one.started(now.timestamp()) for name, one in host.sets.items()},
        )

    @property
    def host(self) -> Host:
        """The host as it is configured now."""
        return self._state.host

    def __str__(self) -> str:
        """The host, and how many connections it knows at what time."""
        known = len(self._state.conntrack)
        return f"{self.host}\n{self.now:%Y-%m-%d %H:%M:%S}, {known} connections known"

    @property
    def now(self) -> datetime:
        """The time on this machine's clock, which moves only by ``wait``."""
        return self._state.now

    # --- what one does with a machine ---

    def journey(self, situation: str | Packet, *, seed: int | None = None) -> Journey:
        """Take a packet through; ``in NAME PACKET`` arrives, any other is sent from here.

        With a ``seed``, chance starts from it: the same seed gives the same journey.
        """
        if seed is not None:
            self._state.random.seed(seed)
        interface, packet = _placed(situation)
        return self.receive(interface, packet) if interface else self.send(packet)

    def journeys(self, situation: str | Packet) -> tuple[Journey, ...]:
        """Every way the packet may take, each with its exact probability.

        The machine itself stays as it is.

        Simplified: a port that NAT draws by lot is one way and not thousands; the station says so.
        """
        interface, packet = _placed(situation)

        def act(machine: Machine, choose: Chooser) -> Journey:
            if interface:
                return machine.receive(interface, packet, choose=choose)
            return machine.send(packet, choose=choose)

        return tuple(outcome.journey for outcome in self.outcomes(act))

    def receive(
        self,
        interface: str,
        packet: Packet | str,
        *,
        link: str = "unicast",
        mac: str = _NEIGHBOUR,
        choose: Chooser | None = None,
    ) -> Journey:
        """A packet arrives from outside.

        ``link`` says to whom the frame was sent: unicast (to this machine), broadcast, multicast
        or otherhost. ``mac`` is the hardware address of the last sender.
        """
        if interface not in self.host.by_name:
            known = ", ".join(self.host.by_name)
            raise PacketError(f"there is no interface {interface} here; there are {known}")
        if link not in TYPES:
            raise PacketError(f"`{link}' is no type of frame; the types are {', '.join(TYPES)}")
        draw = choose or self._draw
        t = Transit(self.host, _read(packet), interface, NOBODY, draw, link, mac)
        if reason := unseen(t.packet, link):
            return t.ended(Fate.DROPPED, reason)
        return self._arrive(t, interface)

    def send(
        self, packet: Packet | str, *, owner: Owner = ROOT, choose: Chooser | None = None
    ) -> Journey:
        """A process of this machine sends a packet."""
        t = Transit(self.host, _read(packet), "", owner, choose or self._draw)
        if t.packet.fragment:
            return t.ended(Fate.DROPPED, unseen(t.packet, t.link))
        return self._originate(t)

    def wait(self, seconds: float) -> None:
        """Let time pass; it never goes back."""
        try:
            later = self.now + timedelta(seconds=seconds)
        except (OverflowError, ValueError):
            later = datetime.min.replace(tzinfo=UTC)
        if later < self.now:
            raise PacketError(f"wait({seconds}): write a number of seconds from 0 upwards")
        self._state.now = later
        self._state.conntrack.expire(self._state.seconds)

    def outcomes(self, act: Callable[[Machine, Chooser], Journey]) -> Iterator[Outcome]:
        """Everything that chance may make of ``act``, each with its exact probability.

        The machine itself stays as it is; every outcome has one of its own.
        """
        for script in scripts():
            machine = self.copy()
            journey = act(machine, script)
            yield Outcome(replace(journey, probability=script.probability), machine)

    @property
    def random(self) -> Random:
        """Where chance comes from."""
        return self._state.random

    def drawing_from(self, random: Random) -> Machine:
        """The machine itself, which from now on draws its lots from ``random``."""
        self._state.random = random
        return self

    def copy(self) -> Machine:
        """Another machine in the same state, which goes its own way from here."""
        twin, old = Machine.__new__(Machine), self._state
        twin._state = replace(
            old,
            conntrack=old.conntrack.copy(),
            random=copy(old.random),
            engines=dict(old.engines),
            sets=dict(old.sets),
            complaints=dict(old.complaints),
            counts={family: dict(counts) for family, counts in old.counts.items()},
        )
        return twin

    __copy__ = copy

    def load(self, rules: Ruleset | str, family: int = 4) -> None:
        """Replace the rules of one family; connections stay, counters start as the rules say."""
        state = self._state
        known = rules.family if isinstance(rules, Ruleset) else Family(family)
        state.host = state.host.with_rules(rules, known)
        state.engines[known] = state.engines[known].with_tables(state.host.rules[known].tables)
        state.counts[known] = {}

    @property
    def sets(self) -> Mapping[str, PacketSet]:
        """The ipsets by name, as packets and commands have left them."""
        return self._state.sets

    def load_sets(self, sets: Mapping[str, IpSet]) -> None:
        """Replace the ipsets; those whose elements end have deadlines on this machine's clock."""
        self._state.sets = dict(sets)
        self._state.host = replace(self.host, sets=sets)

    def configure(self, host: Host) -> None:
        """Change interfaces, routes and switches; rules, ipsets and connections stay."""
        self._state.host = replace(host, rules=self.host.rules, sets=self.host.sets)
        self._state.conntrack.settings = _settings(host)

    def rules(self, family: int = 4) -> Ruleset:
        """The rules as they stand now, with their counters."""
        known = Family(family)
        loaded = self.host.rules.get(known) or Ruleset(family=known)
        return counted(loaded, self._state.counts[known])

    def connections(self) -> tuple[Connection, ...]:
        """The entries of the connection table, oldest first."""
        state = self._state
        return tuple(flow.seen(reply=False, now=state.seconds) for flow in state.conntrack)

    def forget(self, gone: Collection[Connection]) -> None:
        """Remove entries from the connection table, as ``conntrack -D`` does."""
        ends = {(one.protocol, one.original) for one in gone}
        conntrack = self._state.conntrack
        for flow in [one for one in conntrack if (one.protocol, one.original) in ends]:
            conntrack.remove(flow)

    def _draw(self, chance: Fraction) -> bool:
        return self._state.random.random() < chance

    # --- the kernel's path ---

    def _hook(self, t: Transit, here: Pass) -> Journey | None:
        return HookWork(self._state, t, here, self._reject).run()

    def _arrive(self, t: Transit, interface: str) -> Journey:
        """From PREROUTING on; a looped packet keeps the decision it was sent with."""
        destination = t.packet.dst
        if stopped := self._hook(t, Pass(Hook.PREROUTING, interface)):
            return stopped
        again = t.decision is None or t.packet.dst != destination
        if again and (stopped := self._route_in(t, interface)):
            return stopped
        assert t.decision is not None
        if t.decision.kind is RouteKind.UNICAST:
            return self._forward(t, interface)
        if stopped := self._hook(t, Pass(Hook.INPUT, interface)):
            return stopped
        return t.ended(Fate.DELIVERED)

    def _route_in(self, t: Transit, interface: str) -> Journey | None:
        """The routing decision for a packet from outside; a journey if that ends it."""
        found = decide(self.host, t.packet, interface)
        if isinstance(found, Refusal):
            t.decision = None
            t.note(Kind.ROUTING, "routing", None, found.reason)
            if found.error is not None and self._may_complain(t.packet):
                self._tell(t, found.error)
            return t.ended(Fate.DROPPED, found.reason)
        t.decision = found
        here = f"{found.kind}, to this machine too" if found.kind in _TO_MANY else str(found)
        t.note(Kind.ROUTING, "routing", None, here)
        return None

    def _may_complain(self, packet: Packet) -> bool:
        """Whether a sender hears that there is no route; each time counts, in IPv4 only."""
        return packet.family is Family.IPV6 or self._state.may_complain(packet.src)

    def _forward(self, t: Transit, interface: str) -> Journey:
        """On to another machine.

        Kernel: net/ipv4/ip_forward.c (ip_forward), net/ipv6/ip6_output.c (ip6_forward)
        """
        packet, decision = t.packet, t.decision
        assert decision is not None
        if t.link != "unicast":
            return t.ended(Fate.DROPPED, f"the frame was a {t.link}, and those are not forwarded")
        if packet.ttl <= 1:
            self._tell(t, _TIME_EXCEEDED[packet.family])
            return t.ended(Fate.DROPPED, "its time to live is over")
        if packet.family is Family.IPV6 and (packet.src.is_link_local or not int(packet.src)):
            if packet.src.is_link_local:
                self._tell(t, _BEYOND_SCOPE)
            return t.ended(Fate.DROPPED, "its source is known on its own link only")
        mtu = self.host.by_name[decision.interface].mtu
        if packet.length > mtu and (packet.df or packet.family is Family.IPV6):
            self._tell(t, _TOO_BIG[packet.family], mtu=mtu)
            return t.ended(Fate.DROPPED, f"it is larger than {mtu} bytes and may not be cut")
        t.packet = replace(packet, ttl=packet.ttl - 1)
        t.note(Kind.FORWARDING, "forwarding", None, f"out {decision.interface}", before=packet)
        if stopped := self._hook(t, Pass(Hook.FORWARD, interface, decision.interface)):
            return stopped
        return self._leave(t, Fate.FORWARDED)

    def _originate(self, t: Transit, link: str = "") -> Journey:
        """A packet of this machine's own: routed first, then OUTPUT.

        A process writes the whole packet; its route is chosen before anybody looks at the source.
        With ``link`` it is for a neighbour behind that interface. In IPv4 a packet without a
        source gets one.

        Kernel: net/ipv4/raw.c (raw_send_hdrinc)
        """
        found = Decision(RouteKind.UNICAST, link) if link else self.host.route_out(t.packet)
        if found is None or found.kind in SEND_ERRORS:
            t.error = SEND_ERRORS[found.kind] if found else NO_ROUTE
            return t.ended(Fate.DROPPED, no_way(found))
        t.decision, before = found, t.packet
        if before.family is Family.IPV4 and not int(before.src) and found.source:
            t.packet = replace(before, src=found.source)
        t.note(Kind.ROUTING, "routing", None, str(found), before=before)
        t.error = "EPERM"
        if stopped := self._hook(t, Pass(Hook.OUTPUT, "", found.interface)):
            return stopped
        return self._leave(t, Fate.SENT)

    def _leave(self, t: Transit, fate: Fate) -> Journey:
        """POSTROUTING and out; what is for this machine itself comes in again through lo."""
        decision = t.decision
        assert decision is not None
        if fate is Fate.SENT and self._loops_back(t):
            self._loop_back(t)
        # a forwarded packet still has the device it came by; kernel: ip_output (indev)
        came_by = t.entry if fate is Fate.FORWARDED else ""
        if stopped := self._hook(t, Pass(Hook.POSTROUTING, came_by, decision.interface)):
            return stopped
        if decision.kind is not RouteKind.LOCAL:
            return t.ended(fate, interface=decision.interface)
        t.mac, t.error, t.owner = "", "", NOBODY
        # what belongs to nothing is looked up again, without the zone that CT gave it before;
        # kernel: net/netfilter/nf_conntrack_core.c (nf_conntrack_in)
        t.seen, t.zones = t.tracked.known, Zone()
        return self._arrive(t, "lo")

    def _loops_back(self, t: Transit) -> bool:
        """Whether this machine hears what it sends to many (ip_mc_output)."""
        assert t.decision is not None
        if t.decision.kind is RouteKind.MULTICAST:
            return self.host.listens_to(t.packet.dst, t.decision.interface)
        return t.decision.kind is RouteKind.BROADCAST

    def _loop_back(self, t: Transit) -> None:
        """A copy goes through POSTROUTING and comes in by the interface that it leaves by.

        The copy has no socket, and only what comes in again is known to be for many.

        Kernel: net/core/skbuff.c (skb_clone), net/core/dev.c (dev_loopback_xmit)
        """
        assert t.decision is not None
        twin = t.copy()
        if self._hook(twin, Pass(Hook.POSTROUTING, "", t.decision.interface)):
            return
        twin.link, twin.seen = str(t.decision.kind), twin.tracked.known
        t.looped = self._arrive(twin, t.decision.interface).fate is Fate.DELIVERED

    # --- answers ---

    def _reject(self, t: Transit, here: Pass, kind: str) -> None:
        """Answer as REJECT wants it, if an answer is due."""
        if kind != answer.RESET:
            if answer.adds_up(t.packet):
                self._tell(t, answer.REJECTIONS[kind])
            return
        sent = answer.reset(t.packet, self.ttl(t.packet.family))
        if sent is None or (t.decision and t.decision.kind in _TO_MANY):
            return
        flow = t.tracked.flow
        if flow and flow.confirmed and isinstance(flow.progress, Tcp):
            flow.progress = closing(flow.progress)
        self._generate(t, sent, NOBODY)

    def ttl(self, family: Family) -> int:
        """The time to live of what this machine sends."""
        return self.host.sysctl("ipv4/ip_default_ttl") if family is Family.IPV4 else _HOP_LIMIT

    def _tell(self, t: Transit, kind: IcmpType, *, mtu: int = 0) -> None:
        """Send an ICMP error about the packet, unless none may be sent.

        Kernel: net/ipv4/icmp.c (icmp_send), net/ipv6/icmp.c (icmp6_send)

        Simplified: the kernel sends only so many errors a second, here there is no limit; it labels
        those of IPv6 by a secret of its own, here the flow label is 0.
        """
        packet, decision = t.packet, t.decision
        to_many = decision is not None and decision.kind in _TO_MANY
        if t.link != "unicast" or to_many or not answer.deserves_error(packet):
            return
        source = packet.dst if decision and decision.kind is RouteKind.LOCAL else None
        if source is None:
            source = self._own_address(t, self._reflected(packet))
        if source is not None:
            error = answer.error(packet, kind, source, self.ttl(packet.family))
            beside = packet.src.version == 6 and packet.src.is_link_local
            link = t.entry if beside and not self.host.owns(packet.src) else ""
            self._generate(t, replace(error, mtu=mtu), KERNEL, link)

    def _own_address(self, t: Transit, mark: int) -> Address | None:
        """The address in whose name a router speaks.

        In IPv4 it is that of the way back, in IPv6 that of the interface the packet came by.
        """
        packet = t.packet
        if packet.family is Family.IPV6 and t.entry:
            return self.host.routing[packet.family].address_of(t.entry, packet.src)
        back = self.host.route_out(replace(packet, src=packet.dst, dst=packet.src, mark=mark))
        return back.source if back else None

    def _reflected(self, packet: Packet) -> int:
        """The mark of what is sent because of a packet (IP4_REPLY_MARK, IP6_REPLY_MARK)."""
        return packet.mark * self.host.sysctl(f"ipv{packet.family}/fwmark_reflect")

    def _generate(self, t: Transit, packet: Packet, owner: Owner, link: str = "") -> None:
        """Send a packet because of another one, to whose flow it belongs."""
        marked = replace(packet, mark=self._reflected(t.packet))
        if not link and isinstance(depart(self.host, marked), Refusal):
            return
        new = Transit(self.host, marked, "", owner, t.choose)
        new.tracked = attached(t.tracked)
        new.seen = new.tracked.flow is not None
        new.settled = t.tracked.ctstate is CtState.UNTRACKED
        journey = self._originate(new, link)
        t.log += journey.log
        t.traced += journey.traced
        t.generated.append(journey)


def _settings(host: Host) -> Settings:
    """The switches of connection tracking as the host has them."""
    return Settings(
        loose=bool(host.sysctl("netfilter/nf_conntrack_tcp_loose")),
        liberal=bool(host.sysctl("netfilter/nf_conntrack_tcp_be_liberal")),
        checksum=bool(host.sysctl("netfilter/nf_conntrack_checksum")),
    )


def _read(packet: Packet | str) -> Packet:
    return Packet.parse(packet) if isinstance(packet, str) else packet


def _placed(situation: str | Packet) -> tuple[str, Packet]:
    """The interface of ``in NAME PACKET``, empty for a packet alone, and the packet."""
    if isinstance(situation, Packet):
        return "", situation
    first, _, rest = situation.strip().partition(" ")
    if first != "in":
        return "", Packet.parse(situation)
    interface, _, packet = rest.strip().partition(" ")
    return interface, Packet.parse(packet)
