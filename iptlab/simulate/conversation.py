"""Conversations between machines: a process reaches out, the other side answers, both close.

Every packet of it really crosses the network, so that rules may stop each of them.

Simplified: of TCP's segments only the first one is sent again if nobody answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from iptlab.netfilter.context import Owner
from iptlab.packet import Family, IcmpType, Packet, Protocol, TcpFlags
from iptlab.simulate import answer
from iptlab.simulate.chance import Chooser
from iptlab.simulate.links import Listener
from iptlab.simulate.machine import ROOT
from iptlab.simulate.transit import KERNEL, NOBODY
from iptlab.simulate.trips import Attempt, Result, Trip

if TYPE_CHECKING:
    from iptlab.simulate.network import Network

# echo request and echo reply
ECHO = {Family.IPV4: (IcmpType(8), IcmpType(0)), Family.IPV6: (IcmpType(128), IcmpType(129))}
_PORT_UNREACHABLE = {Family.IPV4: IcmpType(3, 3), Family.IPV6: IcmpType(1, 4)}
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
        IcmpType(1, 3): Result.NO_ROUTE,
        IcmpType(1, 4): Result.REFUSED,
        **{IcmpType(1, code): Result.PROHIBITED for code in (1, 5, 6)},
        IcmpType(3, 0): Result.NO_ROUTE,
    },
}
# errors whose number a program is told by another word than most that end like this
# kernel: net/ipv4/icmp.c (icmp_err_convert), net/ipv6/icmp.c (tab_unreach)
_ERRNO = {
    Family.IPV4: {IcmpType(3, 2): "ENOPROTOOPT"},
    Family.IPV6: {IcmpType(1, code): "EACCES" for code in (1, 5, 6)},
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
# seconds after which a SYN is sent once more, and after which the kernel gives up
# kernel: Documentation/networking/ip-sysctl.rst (tcp_syn_retries = 6, tcp_syn_linear_timeouts = 4)
_SYN_AGAIN = (1, 1, 1, 1, 1, 2, 4, 8, 16, 32)
SYN_GIVEN_UP = 131
# seconds until a machine believes that a neighbour is not there: three questions, one a second
# kernel: net/core/neighbour.c (neigh_timer_handler), man page: arp(7)
NEIGHBOUR_GIVEN_UP = 3


class Segment(NamedTuple):
    """A TCP segment of a connection that stands; ``ours`` if the side that opened it sends it."""

    ours: bool
    flags: TcpFlags
    seq: int
    ack: int
    payload: bytes = b""

    def on(self, packet: Packet) -> Packet:
        """The packet that carries it, between the ends of another one."""
        bare = replace(packet, flags=self.flags, seq=self.seq, ack=self.ack, mss=None)
        return sized(replace(bare, payload=self.payload, length=0))


# bytes of the TCP options that Linux sends: with a SYN for the segment size, selective
# acknowledgements, timestamps and the window's scale, else timestamps alone
# kernel: net/ipv4/tcp_output.c (tcp_syn_options, tcp_established_options)
_OPTIONS = {True: 20, False: 12}
# what an Ethernet frame leaves for a segment
_SEGMENT = {Family.IPV4: 1460, Family.IPV6: 1440}


def sized(packet: Packet) -> Packet:
    """A TCP segment with the options that Linux would send."""
    syn = bool(packet.flags & TcpFlags.SYN)
    mss = _SEGMENT[packet.family] if syn else None
    bare = replace(packet, mss=None, payload=packet.payload or b"", length=0)
    return replace(bare, mss=mss, length=bare.length + _OPTIONS[syn])


@dataclass
class Conversation:
    """A process on ``machine`` that begins with ``packet``, and all that came of it by now."""

    network: Network
    machine: str
    packet: Packet
    choose: Chooser | None = None
    trips: list[Trip] = field(default_factory=list)

    # --- the first packet ---

    def begin(self, patience: float) -> Attempt:
        """Send the first packet, and with TCP again until it is answered or patience ends.

        Without patience no time passes.
        """
        attempt = self._once()
        if attempt.result is Result.NO_ROUTE and any(trip.lost for trip in self.trips):
            self.network.wait(min(patience, NEIGHBOUR_GIVEN_UP))
            early = 0 < patience < NEIGHBOUR_GIVEN_UP
            return replace(attempt, result=Result.TIMED_OUT) if early else attempt
        tcp = self.packet.protocol == Protocol.TCP
        left = min(patience, SYN_GIVEN_UP) if tcp else patience
        for pause in _SYN_AGAIN if tcp else ():
            if attempt.result is not Result.TIMED_OUT or pause > left:
                break
            left -= pause
            self.network.wait(pause)
            attempt = self._once()
        if attempt.result is Result.TIMED_OUT:
            self.network.wait(left)
        return attempt

    def _once(self) -> Attempt:
        packet = self.packet
        trip = self._send(self.machine, packet)
        error = trip.legs[0].journey.error
        if error and (error != "EPERM" or packet.protocol not in _PATIENT):
            return replace(self._told(), result=_SEND_ERRORS[error], error=error)
        if not trip.arrived:
            return self._told()
        server, journey = trip.last
        got = journey.exit
        assert got is not None
        silent = self.network[server].host.sysctl("ipv4/icmp_echo_ignore_all")
        if got.protocol == Protocol.ICMP and silent:
            return self._told()
        listener = self.network.listener(server, got)
        back, by = _answer(got, listener, self.network[server].ttl(got.family))
        self._send(server, back, by)
        attempt = self._told()
        if attempt.result is not Result.CONNECTED:
            return replace(attempt, seen=got)
        if packet.protocol == Protocol.TCP:
            ack = sized(replace(packet, flags=TcpFlags.ACK, seq=1, ack=1))
            last = self._send(self.machine, ack)
            if any(one.flags & TcpFlags.RST for one in _delivered(self.machine, [last])):
                return replace(attempt, trips=tuple(self.trips), result=Result.REFUSED, seen=got)
        return replace(
            attempt,
            trips=tuple(self.trips),
            server=server,
            listener=listener.name if listener else "",
            seen=got,
        )

    def _send(self, machine: str, packet: Packet, owner: Owner = ROOT) -> Trip:
        trip = self.network.send(machine, packet, owner=owner, choose=self.choose)
        self.trips.append(trip)
        return trip

    def _told(self) -> Attempt:
        """What the process has heard by now about its first packet."""
        for got in _delivered(self.machine, self.trips):
            if got.quoted is not None and _same_flow(got.quoted, self.packet):
                assert got.icmp is not None
                family = self.packet.family
                result = _ERRORS[family].get(got.icmp, Result.NO_ROUTE)
                # a process that pings reads the message itself
                error = "" if self.packet.icmp else _ERRNO[family].get(got.icmp, "")
                return Attempt(self.packet, tuple(self.trips), result, answer=got, error=error)
            if got.quoted is None and _same_flow(got.reply(), self.packet):
                result = Result.REFUSED if got.flags & TcpFlags.RST else Result.CONNECTED
                return Attempt(self.packet, tuple(self.trips), result, answer=got)
        return Attempt(self.packet, tuple(self.trips), Result.TIMED_OUT)

    # --- after a TCP handshake ---

    def talk(self, opened: Attempt, said: str, times: int = 1) -> Attempt:
        """Say something on a connection that stands and hear the answer; the server then closes.

        The server speaks HTTP: a head, and what the listener says. It keeps the connection for
        as many ``times`` as the same is said.
        """
        assert opened.seen is not None
        listener = self.network.listener(opened.server, opened.seen)
        body = listener.text if listener else ""
        segments, mine, theirs, heard = [], 1, 1, ""
        for left in range(times - 1, -1, -1):
            heard = f"{_HEAD.format(len(body.encode()), _LAST if not left else '')}{body}"
            segments.append(Segment(True, _PUSH, mine, theirs, said.encode()))
            mine += len(said.encode())
            segments.append(Segment(False, _PUSH, theirs, mine, heard.encode()))
            theirs += len(heard.encode())
            segments.append(Segment(True, TcpFlags.ACK, mine, theirs))
        segments += [
            Segment(False, _FIN, theirs, mine),
            Segment(True, _FIN, mine, theirs + 1),
            Segment(False, TcpFlags.ACK, theirs + 1, mine + 1),
        ]
        through = self._say(opened, tuple(segments))
        trips = (*opened.trips, *self.trips)
        if through < 2:  # what is lost later, the process no longer notices
            return replace(opened, trips=trips, result=self._broken())
        return replace(opened, trips=trips, heard=heard)

    def close(self, opened: Attempt) -> Attempt:
        """Close a connection on which nothing was said, and so does the server."""
        last = Segment(True, TcpFlags.ACK, 2, 2)
        self._say(opened, (Segment(True, _FIN, 1, 1), Segment(False, _FIN, 1, 2), last))
        return replace(opened, trips=(*opened.trips, *self.trips))

    def _say(self, opened: Attempt, segments: tuple[Segment, ...]) -> int:
        """Send segments to and fro until one does not get through; how many did."""
        assert opened.seen is not None
        ttl = self.network[opened.server].ttl(opened.packet.family)
        back = replace(opened.seen.reply(), ttl=ttl, mark=0)
        for number, one in enumerate(segments):
            here, there = self.machine, opened.server
            sender, receiver = (here, there) if one.ours else (there, here)
            trip = self._send(sender, one.on(self.packet if one.ours else back))
            if not trip.arrived or trip.last.machine != receiver:
                return number
        return len(segments)

    def _broken(self) -> Result:
        """What a process is told whose segments do not get through; no ICMP error ends it."""
        told = self._told()
        reset = told.answer is not None and told.answer.flags & TcpFlags.RST
        return Result.REFUSED if reset else Result.TIMED_OUT


_HEAD = "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{}\r\n"
_LAST = "Connection: close\r\n"
_PUSH = TcpFlags.PSH | TcpFlags.ACK
_FIN = TcpFlags.FIN | TcpFlags.ACK


def _delivered(machine: str, trips: list[Trip] | tuple[Trip, ...]) -> Iterator[Packet]:
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


def _answer(packet: Packet, listener: Listener | None, ttl: int) -> tuple[Packet, Owner]:
    """What comes back from a machine that a packet was delivered to, and who sends it."""
    back = replace(packet.reply(), ttl=ttl, mark=0, id=0)
    if packet.icmp is not None:
        return replace(back, icmp=ECHO[packet.family][1]), KERNEL
    if packet.protocol == Protocol.TCP and listener:
        answered = replace(back, flags=TcpFlags.SYN | TcpFlags.ACK, ack=packet.seq + 1)
        return sized(answered), ROOT
    if packet.protocol == Protocol.TCP:
        reset = answer.reset(packet, ttl)
        assert reset is not None
        return reset, NOBODY
    if packet.protocol == Protocol.SCTP:
        chunk = "INIT_ACK" if listener else "ABORT"
        return replace(back, chunks=(chunk,), vtag=packet.init_tag, init_tag=1), ROOT
    if listener and packet.payload is not None:
        return replace(back, payload=listener.text.encode(), length=0), ROOT
    if listener:
        return back, ROOT
    return answer.error(packet, _PORT_UNREACHABLE[packet.family], packet.dst, ttl), KERNEL
