"""Say what becomes of packets on a node: where they go, how likely, and from whom they seem."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from string import ascii_lowercase

from iptlab.errors import IptlabError
from iptlab.grading import Exercise, Result
from iptlab.grading.exercise import agree, plain
from iptlab.simulate.journey import Fate, Journey
from iptlab.simulate.machine import Machine

REJECT, DROP, UNTOUCHED = "REJECT", "DROP", "UNTOUCHED"
KEPT, REWRITTEN = "kept", "rewritten"
_ALONE = {Fate.DROPPED: DROP, Fate.REJECTED: REJECT}
_PART = re.compile(
    r"(?:(?P<chance>\d+/\d+|\d*\.?\d+):?\s+)?(?P<place>\d+(?:\.\d+){3}:\d+)\s+(?P<source>[a-z]+)"
)
_SHAPE = (
    '"1/2 10.1.1.5:80 kept, 1/2 10.1.2.6:80 rewritten" (chance, place, and what becomes of the '
    'source), "REJECT", "DROP" or "UNTOUCHED"'
)

# how likely each end is; an end is REJECT, DROP, UNTOUCHED, or a place and what the source is
Ends = Mapping[str, Fraction]


@dataclass(frozen=True)
class Said:
    """What was said of one packet, and what is so."""

    given: Ends
    truth: Ends

    @property
    def right(self) -> bool:
        """Whether it is so; decimals count as the fractions they are near."""
        return self.given.keys() == self.truth.keys() and all(
            agree(chance, self.truth[end]) for end, chance in self.given.items()
        )

    @property
    def same_places(self) -> bool:
        """Whether it is right about the places, and wrong about something else."""
        return _places(self.given) == _places(self.truth)


@dataclass(frozen=True, kw_only=True)
class Fates(Exercise):
    """Say of each packet what becomes of it on a machine.

    The answer is a list with a text for each: ``"1/2 10.1.1.5:80 kept, ..."``, where every
    place is as likely as all others if no chance is written, or a word. Misconceptions are
    asked with the first wrong text, as ``Said``.
    """

    packets: tuple[str, ...]
    machine: Callable[[], Machine]

    @cached_property
    def journeys(self) -> tuple[tuple[Journey, ...], ...]:
        """Every way of every packet."""
        machine = self.machine()
        return tuple(machine.journeys(packet) for packet in self.packets)

    @cached_property
    def truth(self) -> tuple[Ends, ...]:
        """What becomes of each packet."""
        return tuple(map(_ends, self.journeys))

    def model(self) -> object:
        return [told(ends) for ends in self.truth]

    def judge(self, answer: object) -> Result:
        count = len(self.packets)
        if not isinstance(answer, list | tuple) or len(answer) != count:
            return self.unreadable(f"The answer is a list of {count} texts.", "no-list")
        said = []
        for letter, text, truth in zip(ascii_lowercase, answer, self.truth, strict=False):
            try:
                said.append(Said(read_ends(str(text)), truth))
            except IptlabError as error:
                return self.unreadable(f"Packet {letter}: {error}", "unreadable")
        wrong = [number for number, one in enumerate(said) if not one.right]
        if not wrong:
            return self.correct(f"All {count} packets fare as you say, however chance decides.")
        first, *_ = wrong
        message = f"Right: {count - len(wrong)} of {count}. This one is not:"
        facts = (("packet", f"{ascii_lowercase[first]}: {self.packets[first]}"),)
        walks = self.journeys[first][:1]
        return self.wrong(said[first], message, *walks, facts=facts, spoiler=True)


def read_ends(text: str) -> Ends:
    """What a text says of a packet; an IptlabError says how to write it.

    >>> read_ends("10.1.1.5:80 kept, 10.1.2.6:80 kept")
    {'10.1.1.5:80 kept': Fraction(1, 2), '10.1.2.6:80 kept': Fraction(1, 2)}
    """
    if text.strip().upper() in (REJECT, DROP, UNTOUCHED):
        return {text.strip().upper(): Fraction(1)}
    parts = [_PART.fullmatch(one.strip().lower()) for one in re.split(r"[,;\n]", text)]
    if not all(one and one["source"] in (KEPT, REWRITTEN) for one in parts):
        raise IptlabError(f"`{text[:80]}' cannot be read. Write {_SHAPE}.")
    found: dict[str, Fraction] = {}
    for one in filter(None, parts):
        end = f"{one['place']} {one['source']}"
        if end in found:
            raise IptlabError(f"{one['place']} is there twice.")
        chance = plain(one["chance"]) if one["chance"] else Fraction(1, len(parts))
        if not isinstance(chance, int | Fraction):
            raise IptlabError(f"{one['chance']} is no chance.")
        found[end] = Fraction(chance)
    return found


def told(ends: Ends) -> str:
    """The text that says it."""
    if len(ends) == 1:
        return next(iter(ends))
    return ", ".join(f"{chance.limit_denominator(100)} {end}" for end, chance in ends.items())


def _ends(journeys: tuple[Journey, ...]) -> Ends:
    found: dict[str, Fraction] = {}
    for one in journeys:
        end = _end(one)
        found[end] = found.get(end, Fraction(0)) + one.probability
    return found


def _end(journey: Journey) -> str:
    before, after = journey.packet, journey.exit
    if after is None:
        return _ALONE[journey.fate]
    if (after.dst, after.dport) == (before.dst, before.dport):
        return UNTOUCHED
    source = KEPT if after.src == before.src else REWRITTEN
    return f"{after.dst}:{after.dport} {source}"


def _places(ends: Ends) -> set[str]:
    return {end.split()[0] for end in ends}


# --- mistakes that people make ---


def overlooks_filter(answer: object) -> bool:
    """A backend where a rule of table filter has stopped the packet, or the wrong kind of no."""
    return isinstance(answer, Said) and bool(answer.truth.keys() & {REJECT, DROP})


def reads_chances_off(answer: object) -> bool:
    """The numbers of the rules, each of which is only for what has passed those above."""
    return isinstance(answer, Said) and answer.same_places and sum(answer.given.values()) != 1


def mixes_up_sources(answer: object) -> bool:
    """The right places, but a source that is rewritten where it is kept, or the reverse."""
    return (
        isinstance(answer, Said)
        and answer.same_places
        and answer.given.keys() != answer.truth.keys()
    )


def takes_too_many(answer: object) -> bool:
    """More backends than the rules lead to."""
    return isinstance(answer, Said) and _places(answer.given) > _places(answer.truth)


def takes_too_few(answer: object) -> bool:
    """Fewer backends than the rules lead to."""
    return isinstance(answer, Said) and _places(answer.given) < _places(answer.truth)
