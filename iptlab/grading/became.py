"""What became of a packet, in words, and which rules did it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from iptlab.grading.outcomes import DRAWN, Outcome
from iptlab.grading.replay import Play
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Rule
from iptlab.packet import Family, Packet
from iptlab.simulate.trace import Asked, TableVisit


def told(play: Play, packet: Packet) -> str:
    """What became of a packet, how likely that was, and which rules did it."""
    words = became(play, packet)
    return f"{words} {why}" if (why := because(play)) else words


def became(play: Play, packet: Packet) -> str:
    """What became of a packet and how likely that was, without the rules that did it."""
    words = outcome_words(play.outcome, packet) + _written(play.outcome.logged)
    if play.probability != 1:
        words += f" with probability {_chance(play.probability)}"
    return words


def _written(logged: frozenset[str]) -> str:
    """What the log says, if that counts."""
    prefixes = [f'with prefix "{prefix}"' if prefix else "" for prefix in sorted(logged)]
    return f", logged {' and '.join(prefixes)}".rstrip() if logged else ""


def _chance(chance: Fraction) -> str:
    simple = chance.limit_denominator(1000)
    return str(simple) if abs(simple - chance) < Fraction(1, 10**8) else f"{float(chance):.6g}"


def outcome_words(outcome: Outcome, packet: Packet) -> str:
    """The end of a packet's way, and what was changed in it."""
    words = outcome.verdict + (f" with {outcome.reply}" if outcome.reply else "")
    if outcome.interface:
        words += f" out {outcome.interface}"
    if outcome.verdict in ("DROP", "REJECT"):
        return words
    changes = []
    for name, port in (("dst", "dport"), ("src", "sport")):
        before, number = getattr(packet, port), getattr(outcome, port)
        address = type(packet.src)(getattr(outcome, name))
        moved = "" if number == before else _port(number)
        if address != getattr(packet, name):
            changes.append(f"new {name} {address}{moved}")
        elif moved:
            changes.append(f"new {name}{moved}")
    if outcome.asked:
        changes.append(outcome.asked.note)
    if outcome.xor != packet.mark:
        changes.append(f"mark {outcome.xor:#x}")
    changes += _beside(outcome, packet)
    return f"{words} ({', '.join(changes)})" if changes else words


def _port(number: int | None) -> str:
    if number is None:
        return ""
    first, last = divmod(-1 - number, 1 << 16)
    if number == DRAWN:
        return ", port drawn by lot"
    return f" port {number}" if number >= 0 else f", port drawn by lot from {first} to {last}"


def _beside(outcome: Outcome, packet: Packet) -> Iterator[str]:
    """What was changed besides addresses, ports and the mark."""
    beside = outcome.beside
    if beside.connmark:
        yield f"connection mark {beside.connmark:#x}"
    if beside.tos.xor != packet.tos:
        yield f"tos {beside.tos.xor:#04x}"
    # every router takes one off
    if beside.ttl.low != packet.ttl - (outcome.verdict == "FORWARD"):
        yield f"{'ttl' if packet.family is Family.IPV4 else 'hop limit'} {beside.ttl.low}"
    if beside.mss != packet.mss:
        yield f"mss {beside.mss}"
    if beside.traffic_class:
        yield f"traffic class {beside.traffic_class}"


def because(play: Play) -> str:
    """The rule or policy that decided, and the rules that changed the packet before."""
    visits = play.visits
    if not visits:
        return ""
    stopped = play.outcome.verdict in ("DROP", "REJECT")
    filters = [visit for visit in visits if visit.table is TableName.FILTER]
    deciding = visits[-1] if stopped or not filters else filters[-1]
    said = f"by {deciding.decided_by}"
    if (rule := _decider(deciding)) is not None:
        said += f": {rule}"
    changes = [] if stopped else [text for visit in visits for text in _changes(visit, deciding)]
    return "; ".join([said, *changes])


def _decider(visit: TableVisit) -> Rule | None:
    last = visit.records[-1]
    return last.chain.rules[last.number - 1] if isinstance(last, Asked) else None


def _changes(visit: TableVisit, deciding: TableVisit) -> Iterator[str]:
    """The rules of a visit that changed something: their notes say what."""
    for record in visit.records:
        if not isinstance(record, Asked) or record.answer is not True or not record.note:
            continue
        rule = record.chain.rules[record.number - 1]
        if visit is not deciding or rule is not _decider(deciding):
            yield f"{record.note} by {visit.table} {record.chain.name} {record.number}: {rule}"
