"""A comparison told in words: the packet, what was expected, what came out, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from iptlab.grading.became import because, outcome_words, told
from iptlab.grading.replay import Case, Play
from iptlab.grading.scope import Entry, Scope
from iptlab.packet import Packet
from iptlab.shown import Shown

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
