"""A comparison told in words: the packet, what was expected, what came out, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from iptlab.grading.outcomes import DRAWN, Outcome
from iptlab.grading.replay import Case, Play
from iptlab.grading.scope import Entry, Scope
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Rule
from iptlab.packet import Family, Packet
from iptlab.shown import Shown
from iptlab.simulate.trace import Asked, TableVisit

# how fields are called in a sentence
_CALLED = {
    **{"in_interface": "in interface", "out_interface": "out interface"},
    **{"icmp": "icmp type", "fragment": ""},
    "connmark": "connection mark",
}


@dataclass(frozen=True)
class Alike:
    """For one field, which other values the packet may have without the difference going away.

    ``said`` are those values in words; empty if any will do.
    """

    field: str
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference(Shown):
    """A packet that two rule sets treat differently, with the proof from the simulator.

    ``others`` tells of other packets that they treat so; it is asked if somebody wants to know.
    """

    case: Case
    expected: tuple[Play, ...]
    actual: tuple[Play, ...]
    others: Callable[[], Iterable[Alike]] = field(default=tuple, repr=False, compare=False)

    @cached_property
    def alike(self) -> tuple[Alike, ...]:
        """For each field, for which other values of it the difference stays."""
        return tuple(self.others())

    @property
    def situation(self) -> str:
        """The packet and what is known about it, in one line."""
        later = self.case
        if later.after is None:
            return ", ".join(self._placed(later))
        words = [str(later.packet)]
        words += ["sent from here" if later.entry is Entry.SENT else f"in {later.in_interface}"]
        return f"{', '.join(self._placed(later.after))}; {later.view}: {', '.join(words)}"

    def _placed(self, case: Case) -> list[str]:
        """A packet and where it is."""
        words = [str(case.packet)]
        if case.entry is Entry.HOOK:
            words.insert(0, f"at {case.hook}")
        if case.entry is Entry.SENT:
            words.append("sent from here")
        words += [f"in {case.in_interface}"] if case.in_interface else []
        words += [f"out {case.out_interface}"] if case.out_interface else []
        words.append(f"ctstate {case.ctstate}")
        words += [f"connection mark {case.connmark:#x}"] if case.connmark else []
        words += [f"link {case.link}"] if case.link != "unicast" else []
        matters = {one.field for one in self.alike}
        words += [
            f"when `{text}' {'matches' if yes else 'does not match'}"
            for text, yes in case.supposed
            if text in matters or not self.alike
        ]
        return words

    @property
    def sides(self) -> tuple[tuple[Play, ...], tuple[Play, ...]]:
        """What may become of the packet, as expected and in fact."""
        return self.expected, self.actual

    def lines(self, names: tuple[str, str] = ("expected", "yours")) -> Iterator[str]:
        """The difference as text; ``names`` are those of the two rule sets."""
        yield self.situation
        width = max(map(len, names)) + 1
        ends = [{(one.outcome, one.probability) for one in plays} for plays in self.sides]
        shared = ends[0] & ends[1]
        for name, plays in zip(names, self.sides, strict=True):
            label = f"{name}:"
            for play in sorted(plays, key=lambda play: -play.probability):
                if (play.outcome, play.probability) not in shared:
                    yield f"  {label:<{width}} {told(play, self.case.packet)}"
                    label = ""
        if shared:
            yield f"  {_ends(len(shared))} alike"
        if alike := self.same_for:
            yield f"  {alike}"

    @property
    def same_for(self) -> str:
        """For which other packets the same difference holds."""
        supposed = dict(self.case.supposed)
        fields = [one for one in self.alike if one.field not in supposed]
        every = [_CALLED.get(one.field, one.field) for one in fields if not one.said]
        only = [
            f"{_CALLED.get(one.field, one.field)} {' or '.join(one.said)}".lstrip()
            for one in fields
            if one.said
        ]
        parts = [f" for any {', '.join(every)}"] if every else []
        parts += [f" only with {'; '.join(only)}"] if only else []
        return f"the same{', but'.join(parts)}" if parts else ""

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def as_dict(self) -> dict[str, object]:
        """The difference as JSON takes it."""
        return {
            "situation": self.situation,
            "packet": str(self.case.packet),
            "entry": self.case.entry,
            "hook": self.case.hook,
            "in_interface": self.case.in_interface,
            "out_interface": self.case.out_interface,
            "ctstate": self.case.ctstate,
            "supposed": dict(self.case.supposed),
            "expected": [_play_dict(play, self.case.packet) for play in self.expected],
            "actual": [_play_dict(play, self.case.packet) for play in self.actual],
            "same_for": {one.field: list(one.said) or "any" for one in self.alike},
        }


@dataclass(frozen=True)
class Comparison(Shown):
    """The answer of a comparison: a difference, or on which packets there is none.

    ``classes`` is how many kinds of packets the rules can tell apart at most. ``tried`` is how
    many packets were only tried out where not all could be looked at; then nothing is proved.
    ``open`` says what else could not be compared.
    """

    scope: Scope
    difference: Difference | None = None
    classes: int = 0
    tried: int = 0
    open: str = ""

    @property
    def same(self) -> bool:
        """Whether no difference was found."""
        return self.difference is None

    @property
    def proven(self) -> bool:
        """Whether the answer is certain for the whole scope."""
        return self.difference is not None or not (self.tried or self.open)

    def then(self, other: Comparison) -> Comparison:
        """Both answers as one, for packets of this one's kinds and of the other's."""
        return Comparison(
            self.scope,
            self.difference or other.difference,
            self.classes + other.classes,
            self.tried + other.tried,
            self.open or other.open,
        )

    def __str__(self) -> str:
        if self.difference:
            return str(self.difference)
        if self.tried:
            return (
                f"no difference on {self.tried:,} packets, of {_about(self.classes)} kinds that "
                "the rules could tell apart; not proven"
            )
        if not self.classes:
            return "the same rules"
        kinds = f"{_about(self.classes)} kinds of packets"
        if self.open:
            return f"the same for {kinds}; not proven for {self.open}"
        return f"the same for every packet (proved for {kinds})"

    def as_dict(self) -> dict[str, object]:
        """The answer as JSON takes it."""
        return {
            "same": self.same,
            "proven": self.proven,
            "classes": self.classes,
            "tried": self.tried,
            "open": self.open,
            "difference": self.difference.as_dict() if self.difference else None,
        }


def _ends(number: int) -> str:
    return "one more end is" if number == 1 else f"{number} more ends are"


def _about(number: int) -> str:
    """A large number as one says it: ``2.1 million``."""
    for size, name in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million")):
        if number >= size:
            said = number / size
            return f"{said:,.1f} {name}" if said < 10_000 else f"more than 10,000 {name}"
    return f"{number:,}"


# --- what became of a packet ---


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


def _play_dict(play: Play, packet: Packet) -> dict[str, object]:
    visits = play.visits
    return {
        "outcome": outcome_words(play.outcome, packet),
        "verdict": play.outcome.verdict,
        "probability": str(play.probability),
        "because": because(play),
        "decided_by": visits[-1].decided_by if visits else "",
        "evidence": play.evidence.as_dict(),
    }
