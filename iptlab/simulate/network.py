"""Machines joined by links: packets cross them hop by hop, and listeners answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from ipaddress import ip_address
from typing import NamedTuple

from iptlab.errors import PacketError
from iptlab.netfilter.context import Owner
from iptlab.packet import Address, Family, IcmpType, Packet, Protocol, TcpFlags
from iptlab.simulate import answer
from iptlab.simulate.chance import Chooser, scripts
from iptlab.simulate.journey import Fate, Journey, Kind
from iptlab.simulate.machine import ROOT, START, Machine
from iptlab.simulate.transit import KERNEL, NOBODY

_PORT_UNREACHABLE = {Family.IPV4: IcmpType(3, 3), Family.IPV6: IcmpType(1, 4)}
_HOST_UNREACHABLE = {Family.IPV4: IcmpType(3, 1), Family.IPV6: IcmpType(1, 3)}
_ECHO = {Family.IPV4: (IcmpType(8), IcmpType(0)), Family.IPV6: (IcmpType(128), IcmpType(129))}
# the first source port that connections here get, so that every run is the same
_FIRST_PORT = 40_000
# more hops than any network here has: a packet that takes them all goes in circles
_MOST_HOPS = 64


class Plug(NamedTuple):
    """A machine's interface, as an end of a link."""

    machine: str
    interface: str

    def __str__(self) -> str:
        return f"{self.machine} {self.interface}"


@dataclass(frozen=True, slots=True)
class Listener:
    """A process that waits for connections or datagrams; without an address on all of them.

    ``says`` is the text that it answers with, for those who want to read it.
    """

    machine: str
    protocol: int
    port: int
    name: str = ""
    address: Address | None = None
    says: str = ""

    def hears(self, machine: str, packet: Packet) -> bool:
        """Whether a packet delivered on that machine is for this process."""
        here = (machine, packet.protocol, packet.dport) == (self.machine, self.protocol, self.port)
        return here and self.address in (None, packet.dst)


class Leg(NamedTuple):
    """A packet's journey on one machine of its trip."""

    machine: str
    journey: Journey

    def rewrites(self) -> Iterator[str]:
        """What NAT changed of the packet: ``PREROUTING: dst: 10.0.0.1 becomes 10.0.0.2``."""
        for station in self.journey.stations:
            if station.kind is Kind.NAT and station.at is not None:
                yield f"{station.at.hook}: {station.changed()}"

    def __str__(self) -> str:
        return f"on {self.machine}: {self.journey.conclusion}"


@dataclass(frozen=True)
class Trip:
    """One packet's way over all machines; ``caused`` are the trips of answers such as errors.

    ``lost`` says why it left a machine and reached no other.
    """

    legs: tuple[Leg, ...]
    lost: str = ""
    caused: tuple[Trip, ...] = ()

    @property
    def last(self) -> Leg:
        """Where it ended."""
        return self.legs[-1]

    @property
    def arrived(self) -> bool:
        """Whether a process got it."""
        return self.last.journey.fate is Fate.DELIVERED and not self.lost

    def lines(self) -> Iterator[str]:
        """A line for each machine, then what it caused."""
        yield self.legs[0].journey.situation
        for leg in self.legs:
            yield f"  {leg}"
            yield from (f"    {line}" for line in leg.rewrites())
        if self.lost:
            yield f"  lost: {self.lost}"
        for trip in self.caused:
            yield "  because of it:"
            yield from (f"    {line}" for line in trip.lines())

    def __str__(self) -> str:
        return "\n".join(self.lines())


class Result(StrEnum):
    """What a program sees of an attempt to reach something."""

    CONNECTED = "connected"
    REFUSED = "connection refused"
    TIMED_OUT = "timed out"
    NO_ROUTE = "no route to host"
    UNREACHABLE = "network is unreachable"
    PROHIBITED = "operation not permitted"


# what a program is told for each error, by type and code; man page: icmp(7), connect(2)
_ERRORS: dict[Family, dict[IcmpType, Result]] = {
    Family.IPV4: {
        IcmpType(3, 0): Result.UNREACHABLE,
        IcmpType(3, 2): Result.REFUSED,
        IcmpType(3, 3): Result.REFUSED,
        **{IcmpType(3, code): Result.NO_ROUTE for code in (1, 9, 10, 13)},
        IcmpType(11, 0): Result.NO_ROUTE,
    },
    Family.IPV6: {
        IcmpType(1, 0): Result.UNREACHABLE,
        IcmpType(1, 1): Result.NO_ROUTE,
        IcmpType(1, 3): Result.NO_ROUTE,
        IcmpType(1, 4): Result.REFUSED,
        IcmpType(1, 5): Result.NO_ROUTE,
        IcmpType(1, 6): Result.NO_ROUTE,
        IcmpType(3, 0): Result.NO_ROUTE,
    },
}
_SEND_ERRORS = {
    "EPERM": Result.PROHIBITED,
    "EACCES": Result.PROHIBITED,
    "ENETUNREACH": Result.UNREACHABLE,
    "EHOSTUNREACH": Result.NO_ROUTE,
    "EINVAL": Result.NO_ROUTE,
}


# protocols whose programs are not told that rules dropped a packet: the kernel will try again
# kernel: net/ipv4/tcp_output.c (tcp_connect), net/sctp/output.c (sctp_packet_transmit)
_PATIENT = (Protocol.TCP, Protocol.SCTP)


@dataclass(frozen=True)
class Attempt:
    """An attempt to reach something: every packet of it in order, and what came of it.

    ``server`` is the machine that answered, ``listener`` the process there, ``seen`` the first
    packet as that process saw it.
    """

    packet: Packet
    trips: tuple[Trip, ...]
    result: Result
    server: str = ""
    listener: str = ""
    seen: Packet | None = None
    probability: Fraction = Fraction(1)

    def __str__(self) -> str:
        lines = [line for trip in self.trips for line in trip.lines()]
        by = f" to {self.listener or self.server}" if self.server else ""
        return "\n".join([*lines, f"{self.result}{by}"])


@dataclass(frozen=True)
class Link:
    """A wire or a switch: every plug hears what another one sends to it.

    ``known`` are more plugs, by addresses that are known beforehand; so their machines need
    not be asked who they are, and can wait to be made until something comes to them.
    """

    plugs: tuple[Plug, ...]
    known: Mapping[Address, Plug] = field(default_factory=dict)

    @classmethod
    def of(cls, *plugs: str) -> Link:
        """A link from words: ``Link.of("router eth1", "laptop eth0")``."""
        return cls(tuple(Plug(*plug.split()) for plug in plugs))

    @cached_property
    def joined(self) -> frozenset[Plug]:
        """Every plug that is in it."""
        return frozenset((*self.plugs, *self.known.values()))


def _nobody(name: str) -> Machine | None:
    """Nobody is asleep."""
    return None


@dataclass
class Network:
    """Machines by name, the links between them, and who listens where.

    ``wake`` makes a machine that nothing came to before; None if there is none of that name.
    """

    machines: dict[str, Machine]
    links: tuple[Link, ...] = ()
    listeners: tuple[Listener, ...] = ()
    ports: dict[str, int] = field(default_factory=dict)
    now: datetime = START
    wake: Callable[[str], Machine | None] = _nobody
    _listening: dict[str, list[Listener]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse plugs that no machine has, and those that are in two links."""
        for one in self.listeners:
            self._listening.setdefault(one.machine, []).append(one)
        seen: set[Plug] = set()
        for plug in (plug for link in self.links for plug in link.plugs):
            if plug in seen:
                raise PacketError(f"{plug} is plugged in twice")
            if plug.interface not in self[plug.machine].host.by_name:
                raise PacketError(f"{plug.machine} has no interface {plug.interface}")
            seen.add(plug)

    def __getitem__(self, name: str) -> Machine:
        """A machine, whose clock is put right first."""
        machine = self.machines.get(name) or self.wake(name)
        if machine is None:
            known = ", ".join(self.machines)
            raise PacketError(f"there is no machine {name} here; there are {known}")
        self.machines[name] = machine
        if machine.now < self.now:
            machine.wait((self.now - machine.now).total_seconds())
        return machine

    # --- one packet ---

    def send(
        self,
        machine: str,
        packet: Packet | str,
        *,
        owner: Owner = ROOT,
        choose: Chooser | None = None,
    ) -> Trip:
        """A process sends a packet; it goes on until it is delivered or lost."""
        return self._follow(machine, self[machine].send(packet, owner=owner, choose=choose), choose)

    def receive(self, plug: Plug, packet: Packet | str, *, choose: Chooser | None = None) -> Trip:
        """A packet comes out of nowhere into an interface, and goes on from there."""
        journey = self[plug.machine].receive(plug.interface, packet, choose=choose)
        return self._follow(plug.machine, journey, choose)

    def _follow(self, machine: str, journey: Journey, choose: Chooser | None) -> Trip:
        legs, caused, lost = (
            [Leg(machine, journey)],
            list(self._caused(machine, journey, choose)),
            "",
        )
        while journey.fate in (Fate.SENT, Fate.FORWARDED) and not lost:
            there = self._neighbour(Plug(machine, journey.interface), journey)
            if there is None:
                lost = f"nobody on that link has the address {journey.next_hop}"
                caused += self._unreachable(machine, journey, choose)
            elif len(legs) == _MOST_HOPS:
                lost = "it goes in circles"
            else:
                assert journey.exit is not None
                machine = there.machine
                arriving = replace(journey.exit, mark=0)
                journey = self[machine].receive(there.interface, arriving, choose=choose)
                legs.append(Leg(machine, journey))
                caused += self._caused(machine, journey, choose)
        return Trip(tuple(legs), lost, tuple(caused))

    def _caused(self, machine: str, journey: Journey, choose: Chooser | None) -> Iterator[Trip]:
        """The trips of what a machine sent because of a packet."""
        for one in journey.generated:
            yield self._follow(machine, one, choose)

    def _neighbour(self, plug: Plug, journey: Journey) -> Plug | None:
        """Who on the link has the address of the next hop."""
        address = journey.next_hop
        link = next((link for link in self.links if plug in link.joined), None)
        if link is None or address is None:
            return None
        if address in link.known:
            return link.known[address]
        others = (other for other in link.plugs if other != plug)
        # a machine answers for any address of its own (arp_ignore 0)
        return next((one for one in others if self[one.machine].host.owns(address)), None)

    def _unreachable(
        self, machine: str, journey: Journey, choose: Chooser | None
    ) -> Iterator[Trip]:
        """The error of a machine that waited in vain for its neighbour."""
        packet = journey.exit
        assert packet is not None
        if not answer.deserves_error(packet):
            return
        here = self[machine]
        back = here.host.route_out(replace(packet, src=packet.dst, dst=packet.src, mark=0))
        if back is not None and back.source is not None:
            kind = _HOST_UNREACHABLE[packet.family]
            told = here.send(
                answer.error(packet, kind, back.source, 64), owner=KERNEL, choose=choose
            )
            yield self._follow(machine, told, choose)

    # --- conversations ---

    def connect(
        self,
        machine: str,
        address: str,
        port: int,
        *,
        protocol: int = Protocol.TCP,
        choose: Chooser | None = None,
    ) -> Attempt:
        """Open a TCP connection, or with UDP or SCTP send the first packet and await an answer."""
        packet = self._first(machine, ip_address(address), protocol, port)
        if packet.protocol == Protocol.SCTP:
            packet = replace(packet, chunks=("INIT",), init_tag=_FIRST_PORT)
        return self._attempt(machine, packet, choose)

    def ping(self, machine: str, address: str, *, choose: Chooser | None = None) -> Attempt:
        """Send an echo request and await the answer."""
        to = ip_address(address)
        protocol = Protocol.ICMP if to.version == 4 else Protocol.ICMPV6
        return self._attempt(machine, self._first(machine, to, protocol, 0), choose)

    def outcomes(self, act: Callable[[Network, Chooser], Attempt]) -> Iterator[Attempt]:
        """Everything that chance may make of ``act``, each with its exact probability.

        The network itself stays as it is.
        """
        for script in scripts():
            attempt = act(self.copy(), script)
            yield replace(attempt, probability=script.probability)

    def copy(self) -> Network:
        """Another network in the same state."""
        twin = copy(self)
        twin.machines = {name: machine.copy() for name, machine in self.machines.items()}
        twin.ports = dict(self.ports)
        return twin

    def wait(self, seconds: float) -> None:
        """Let time pass on every machine; each notices when it is next asked for something."""
        self.now += timedelta(seconds=seconds)

    def _first(self, machine: str, to: Address, protocol: int, port: int) -> Packet:
        """The first packet of a conversation, from a new port of the machine's own address."""
        host = self[machine].host
        probe = Packet(to, to, protocol)
        route = host.route_out(probe)
        source = route.source if route and route.source else to
        number = self.ports[machine] = self.ports.get(machine, _FIRST_PORT - 1) + 1
        packet = Packet(source, to, protocol)
        if protocol in (Protocol.ICMP, Protocol.ICMPV6):
            return replace(packet, icmp=_ECHO[packet.family][0], echo_id=number, echo_seq=1)
        flags = TcpFlags.SYN if protocol == Protocol.TCP else TcpFlags.NONE
        return replace(packet, sport=number, dport=port, flags=flags)

    def _attempt(self, machine: str, packet: Packet, choose: Chooser | None) -> Attempt:
        trip = self.send(machine, packet, choose=choose)
        trips = [trip]
        error = trip.legs[0].journey.error
        if error and (error != "EPERM" or packet.protocol not in _PATIENT):
            return Attempt(packet, (trip,), _SEND_ERRORS[error])
        if not trip.arrived:
            return Attempt(packet, (trip,), self._told(machine, packet, trips))
        server, journey = trip.last
        got = journey.exit
        assert got is not None
        here = self._listening.get(server, ())
        listener = next((one for one in here if one.hears(server, got)), None)
        back, by = _answer(got, open_=listener is not None)
        trips.append(self.send(server, back, owner=by, choose=choose))
        result = self._told(machine, packet, trips)
        if result is not Result.CONNECTED:
            return Attempt(packet, tuple(trips), result, seen=got)
        if packet.protocol == Protocol.TCP:
            last = replace(packet, flags=TcpFlags.ACK, seq=1, ack=1)
            trips.append(self.send(machine, last, choose=choose))
        name = listener.name if listener else ""
        return Attempt(packet, tuple(trips), result, server, name, got)

    def _told(self, machine: str, packet: Packet, trips: Iterable[Trip]) -> Result:
        """What the program that sent ``packet`` has heard by now."""
        for got in _delivered(machine, trips):
            if got.quoted is not None:
                if _same_flow(got.quoted, packet):
                    return _ERRORS[packet.family].get(_kind(got), Result.NO_ROUTE)
            elif _same_flow(got.reply(), packet):
                return Result.REFUSED if got.flags & TcpFlags.RST else Result.CONNECTED
        return Result.TIMED_OUT


def _kind(packet: Packet) -> IcmpType:
    assert packet.icmp is not None
    return packet.icmp


def _delivered(machine: str, trips: Iterable[Trip]) -> Iterator[Packet]:
    """What processes of a machine have got."""
    for trip in trips:
        last = trip.last
        if trip.arrived and last.machine == machine and last.journey.exit is not None:
            yield last.journey.exit
        yield from _delivered(machine, trip.caused)


def _same_flow(one: Packet, other: Packet) -> bool:
    """Whether two packets go from the same end to the same end."""
    mine, yours = ((p.src, p.dst, p.protocol, p.sport, p.dport, p.echo_id) for p in (one, other))
    return mine == yours


def _answer(packet: Packet, *, open_: bool) -> tuple[Packet, Owner]:
    """What comes back from a machine that a packet was delivered to, and who sends it."""
    back = replace(packet.reply(), ttl=64, mark=0, id=0)
    if packet.icmp is not None:
        return replace(back, icmp=_ECHO[packet.family][1]), KERNEL
    if packet.protocol == Protocol.TCP and open_:
        return replace(back, flags=TcpFlags.SYN | TcpFlags.ACK, ack=packet.seq + 1), ROOT
    if packet.protocol == Protocol.TCP:
        reset = answer.reset(packet, 64)
        assert reset is not None
        return reset, NOBODY
    if packet.protocol == Protocol.SCTP:
        chunk = "INIT_ACK" if open_ else "ABORT"
        return replace(back, chunks=(chunk,), vtag=packet.init_tag, init_tag=1), ROOT
    if open_:
        return back, ROOT
    return answer.error(packet, _PORT_UNREACHABLE[packet.family], packet.dst, 64), KERNEL
