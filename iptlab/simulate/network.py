"""Machines joined by links: packets cross them hop by hop, and listeners answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import ip_address

from iptlab.errors import PacketError
from iptlab.netfilter.context import Owner
from iptlab.packet import Address, Family, IcmpType, Packet, Protocol, TcpFlags
from iptlab.simulate import answer
from iptlab.simulate.chance import Chooser, scripts
from iptlab.simulate.conversation import ECHO, Conversation, sized
from iptlab.simulate.journey import Fate, Journey
from iptlab.simulate.links import Link, Listener, Plug
from iptlab.simulate.machine import ROOT, START, Machine
from iptlab.simulate.transit import KERNEL
from iptlab.simulate.trips import Attempt, Leg, Result, Trip

# what one needs besides to build a network and to read what came of it
__all__ = ["Attempt", "Leg", "Link", "Listener", "Network", "Plug", "Result", "Trip"]

_HOST_UNREACHABLE = {Family.IPV4: IcmpType(3, 1), Family.IPV6: IcmpType(1, 3)}
# the first source port that connections here get, so that every run is the same
_FIRST_PORT = 40_000
# more hops than any network here has: a packet that takes them all goes in circles
_MOST_HOPS = 64


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
                mac = self[machine].host.by_name[journey.interface].mac
                machine = there.machine
                arriving = replace(journey.exit, mark=0)
                journey = self[machine].receive(there.interface, arriving, mac=mac, choose=choose)
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
        return next((one for one in others if self._answers(one, address)), None)

    def _answers(self, plug: Plug, address: Address) -> bool:
        """Whether a machine says there that it has the address: any of its own (arp_ignore 0)."""
        host = self[plug.machine].host
        return host.by_name[plug.interface].up and host.owns(address)

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
        packet = self.first(machine, ip_address(address), protocol, port)
        return self.attempt(machine, packet, choose=choose)

    def ping(self, machine: str, address: str, *, choose: Chooser | None = None) -> Attempt:
        """Send an echo request and await the answer."""
        to = ip_address(address)
        protocol = Protocol.ICMP if to.version == 4 else Protocol.ICMPV6
        return self.attempt(machine, self.first(machine, to, protocol, 0), choose=choose)

    def first(self, machine: str, to: Address, protocol: int, port: int) -> Packet:
        """The first packet of a conversation, from a new port of the machine's own address."""
        host = self[machine].host
        route = host.route_out(Packet(to, to, protocol))
        # without a way out no address is chosen either
        source = (route.source or to) if route else type(to)(0)
        number = self.ports[machine] = self.ports.get(machine, _FIRST_PORT - 1) + 1
        packet = Packet(source, to, protocol, ttl=self[machine].ttl(Family(to.version)))
        if protocol in (Protocol.ICMP, Protocol.ICMPV6):
            return replace(packet, icmp=ECHO[packet.family][0], echo_id=number, echo_seq=1)
        packet = replace(packet, sport=number, dport=port)
        if protocol == Protocol.TCP:
            return sized(replace(packet, flags=TcpFlags.SYN))
        if protocol == Protocol.SCTP:
            return replace(packet, chunks=("INIT",), init_tag=_FIRST_PORT)
        return packet

    def attempt(
        self,
        machine: str,
        packet: Packet,
        *,
        choose: Chooser | None = None,
        patience: float = 0,
    ) -> Attempt:
        """Send a first packet, and await an answer for so many seconds of the clock here."""
        return Conversation(self, machine, packet, choose).begin(patience)

    def talk(
        self,
        machine: str,
        opened: Attempt,
        said: str,
        *,
        times: int = 1,
        choose: Chooser | None = None,
    ) -> Attempt:
        """Say something on a TCP connection, hear the answer, and close it on both sides."""
        return Conversation(self, machine, opened.packet, choose).talk(opened, said, times)

    def close(self, machine: str, opened: Attempt, *, choose: Chooser | None = None) -> Attempt:
        """Close a TCP connection on which nothing was said."""
        return Conversation(self, machine, opened.packet, choose).close(opened)

    def listener(self, machine: str, packet: Packet) -> Listener | None:
        """The process that a packet is for that was delivered on a machine."""
        here = self._listening.get(machine, ())
        return next((one for one in here if one.hears(machine, packet)), None)

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
