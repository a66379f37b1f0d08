"""Later packets of a connection played in the simulator, after the first one came through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from iptlab.grading.outcomes import Outcome, View
from iptlab.grading.replay import (
    ECHO_REPLY,
    Case,
    Play,
    Tables,
    begun,
    came_of,
    choosing,
    machine_for,
    supposing,
)
from iptlab.grading.scope import Entry, Scope
from iptlab.netfilter.context import CtState
from iptlab.packet import Family, Packet, Protocol, TcpFlags
from iptlab.simulate.chance import Chooser
from iptlab.simulate.journey import Fate, Journey
from iptlab.simulate.machine import Machine

# what replies are like: with TCP options as Linux sends them
REPLY_LENGTH = {Family.IPV4: 60, Family.IPV6: 80}
REPLY_TTL = 64

Ends = tuple[Outcome, ...]  # what became of the packets before
Onward = Mapping[Ends, tuple[Case, tuple[Play, ...]]]


def play_on(tables: Tables, first: Case, view: View, scope: Scope) -> Onward:
    """A later packet of the connection and its plays, for each end of the packets before it.

    Probabilities are those of the later packet alone.
    """
    tables = choosing(supposing(tables, dict(first.supposed)))
    machine = machine_for(tables, first, scope)
    found: dict[Ends, tuple[Case, list[Play]]] = {}
    told: list[tuple[Case, Journey]] = []

    def act(machine: Machine, choose: Chooser) -> Journey:
        told[:] = [(first, begun(machine, first, choose))]
        turns = (View.REPLY,) if view is View.REPLY else (View.REPLY, View.LATER)
        for turn in turns:
            if told[-1][1].accepted:
                case = _next(first, told[0][1], turn, scope)
                told.append((case, begun(machine, case, choose)))
        return told[-1][1]

    for outcome in machine.outcomes(act):
        *before, (case, journey) = told
        if case.view is view:
            ends = tuple(came_of(one, where, scope) for where, one in before)
            came = _by_lot(came_of(journey, case, scope), ends[0], before[0][1].exit)
            play = Play(came, outcome.journey.probability, outcome.journey)
            found.setdefault(ends, (case, []))[1].append(play)
    return {ends: (case, _alone(plays)) for ends, (case, plays) in found.items()}


def _by_lot(came: Outcome, first: Outcome, exit_: Packet | None) -> Outcome:
    """The end with what stands for a port that was drawn by lot for the first packet."""
    assert exit_ is not None
    drawn = {exit_.sport: first.sport, exit_.dport: first.dport}
    drawn = {port: lot for port, lot in drawn.items() if lot is not None and lot < 0}
    return came._replace(
        sport=drawn.get(came.sport, came.sport), dport=drawn.get(came.dport, came.dport)
    )


def _alone(plays: list[Play]) -> tuple[Play, ...]:
    """The plays as if only they could happen."""
    all_ = sum((play.probability for play in plays), Fraction(0))
    return tuple(replace(play, probability=play.probability / all_) for play in plays)


def _next(first: Case, journey: Journey, view: View, scope: Scope) -> Case:
    """The reply to the first packet, or what its sender sends then."""
    case = replace(first, ctstate=CtState.ESTABLISHED, after=first, view=view)
    if view is View.LATER:
        return replace(case, packet=_of_tcp(first.packet, TcpFlags.ACK))
    assert journey.exit is not None
    here = journey.fate is Fate.DELIVERED
    return replace(
        case,
        packet=_answered(journey.exit, scope.mark or 0, first.packet.mss),
        entry=Entry.SENT if here else Entry.RECEIVED,
        in_interface="" if here else journey.interface,
    )


def _answered(packet: Packet, mark: int, mss: int | None) -> Packet:
    """What whoever got the packet answers."""
    answer = replace(_of_tcp(packet.reply(), TcpFlags.SYN | TcpFlags.ACK), mss=mss)
    if packet.icmp is not None:
        answer = replace(answer, icmp=replace(packet.icmp, type=ECHO_REPLY[packet.protocol]))
    length = REPLY_LENGTH[packet.family]
    return replace(answer, mark=mark, tos=0, ttl=REPLY_TTL, length=length)


def _of_tcp(packet: Packet, flags: TcpFlags) -> Packet:
    return replace(packet, flags=flags, mss=None) if packet.protocol == Protocol.TCP else packet
