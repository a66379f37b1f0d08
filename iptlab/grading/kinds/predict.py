"""Say beforehand what will come out: a verdict, a path, an order, a number, a packet."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from numbers import Rational

from iptlab.errors import PacketError
from iptlab.grading.exercise import Exercise, agree, plain, shortened
from iptlab.grading.result import Evidence, Result
from iptlab.packet import ARROW, Packet
from iptlab.simulate.trace import HookVisit

# what can become of a packet at a firewall, as choices
FATES = ("ACCEPT", "DROP", "REJECT")


@dataclass(frozen=True, kw_only=True)
class Predict(Exercise):
    """Say beforehand what will come out; ``truth`` asks the simulator, which is done once.

    ``shows`` is the walk to observe: open beside a right answer, folded beside a wrong one.
    The truth may be a word, a number (fractions and decimals are the same if three digits
    are), a list (an answer may part its items with commas or arrows), a set (a list in any
    order; misconceptions get it sorted), or a Packet: then the answer is ``SRC:PORT -> DST:PORT``
    as it is after all rewriting.
    """

    truth: Callable[[], object]
    choices: tuple[object, ...] = ()
    shows: Callable[[], Evidence] | None = None

    def model(self) -> object:
        return _written(self._known)

    @cached_property
    def _known(self) -> object:
        """The truth."""
        return self.truth()

    @cached_property
    def _shown(self) -> tuple[Evidence, ...]:
        """The walk to observe, if there is one."""
        return (self.shows(),) if self.shows else ()

    def judge(self, answer: object) -> Result:
        truth = self._known
        if self.choices and not any(agree(_read(answer, one), plain(one)) for one in self.choices):
            return self.unreadable(
                f"{shortened(answer)} is not among the answers. Write one of: "
                f"{', '.join(map(repr, self.choices))}.",
                "no-choice",
            )
        if isinstance(answer, Set) and isinstance(truth, Sequence) and not isinstance(truth, str):
            return self.unreadable("In { } there is no order: write a list in [ ].", "no-order")
        try:
            given = _read(answer, truth)
        except PacketError as error:
            return self.unreadable(f"{error}"[:500], "no-packet")
        if (complaint := _no_number(given, truth)) and not self.mistake(given):
            return self.unreadable(complaint, "no-number")
        wanted = plain(_written(truth))
        if agree(given, wanted):
            return self.correct(f"Yes: {_said(truth)}.", *self._shown)
        how_far = _how_many if isinstance(truth, Set) else _how_far
        message = f"It is not {shortened(answer)}.{how_far(given, wanted)}{_moved(given, wanted)}"
        return self.wrong(given, message, *self._shown, spoiler=bool(self._shown))


def _written(truth: object) -> object:
    """The truth as an answer is written: a packet by its ends, a set in order."""
    if isinstance(truth, Set):
        return sorted(truth, key=str)
    return ends(truth) if isinstance(truth, Packet) else truth


def _read(answer: object, truth: object) -> object:
    """The answer as a plain value, where the truth is of that kind."""
    if isinstance(truth, Packet):
        return plain(ends(_packet(answer, truth)))
    if isinstance(truth, list | tuple):
        several = _items(answer, truth)
        if not (isinstance(several, list | tuple) and _numbers(truth)):
            return plain(several)
        return tuple(map(_amount, several))
    if isinstance(truth, Set):
        several = _items(answer, truth)
        several = several if isinstance(several, list | tuple | Set) else [several]
        alike = _amount if _numbers(truth) else plain
        return tuple(sorted(set(map(alike, several)), key=str))
    if isinstance(answer, list | tuple | Set) and len(answer) == 1:
        (answer,) = answer
    return _amount(answer) if _numbers([truth]) else plain(answer)


def _numbers(truths: Collection[object]) -> bool:
    return bool(truths) and all(isinstance(one, Rational) for one in truths)


# a number, what it counts or what it is the number of: "4 rules", "rule 4"
_AMOUNT = re.compile(r"(?:(?:rule|line)s? )?([0-9][0-9./]*)(?: [a-z]+)?").fullmatch


def _amount(answer: object) -> object:
    """A number as answers are compared, also if a word says what it counts."""
    value = plain(answer)
    found = _AMOUNT(value.strip("[](){}")) if isinstance(value, str) else None
    return plain(found[1]) if found else value


def _no_number(given: object, truth: object) -> str:
    """What to write in place of what is no number; empty if none is wanted, or if it is one."""
    several = isinstance(truth, list | tuple | Set)
    if not _numbers(truth if several else [truth]):  # type: ignore[arg-type]
        return ""
    parts = given if several and isinstance(given, tuple) else (given,)
    if all(isinstance(part, int | Fraction) for part in parts):
        return ""
    whole = isinstance(truth, int)
    return (
        "The answer is a list of numbers: write for example [1, 4]."
        if several
        else f"The answer is a number: write it in digits, such as {'7' if whole else '3/4'}."
    )


_BETWEEN = re.compile(rf",\s*and\s|,|\s(?:and|&)\s|\n|{ARROW.pattern}")


def _items(answer: object, truth: Collection[object]) -> object:
    """Several things, also if they were written as text."""
    if not isinstance(answer, str):
        return answer
    parts = [part.strip() for part in _BETWEEN.split(answer.strip().strip("[](){}"))]
    spaced = " " not in "".join(map(str, truth))
    return parts[0].split() if len(parts) == 1 and spaced else parts


def _said(truth: object) -> str:
    """The truth in a sentence: a list as a chain of its items."""
    if isinstance(truth, Set):
        return ", ".join(sorted(map(str, truth)))
    if isinstance(truth, tuple) or (isinstance(truth, list) and truth and type(truth[0]) is str):
        return " -> ".join(map(str, truth))
    return str(_written(truth))


def _moved(given: object, truth: object) -> str:
    """A word if a list has all that it should have, but in another order."""
    if not isinstance(given, tuple) or not isinstance(truth, tuple):
        return ""
    alike = sorted(map(str, given)) == sorted(map(str, truth))
    return " All of them belong there, but in another order." if alike else ""


def _how_many(given: object, truth: object) -> str:
    """How much of a set is right."""
    assert isinstance(given, tuple)
    assert isinstance(truth, tuple)
    right = len(set(given) & set(truth))
    return f" Right: {right} of {len(given)}. Missing: {len(truth) - right}."


def _how_far(given: object, truth: object) -> str:
    """How far a list is right, without a word of what comes next; or which part of a packet."""
    if not isinstance(given, tuple) or not isinstance(truth, tuple):
        return _where(given, truth)
    pairs = zip(given, truth, strict=False)
    right = next((n for n, (one, two) in enumerate(pairs) if not agree(one, two)), None)
    if right is None:
        return " It is right as far as it goes, but " + (
            "something is missing." if len(given) < len(truth) else "there is too much of it."
        )
    return f" The first {right} are right." if right > 1 else ""


_PARTS = ("source address", "source port", "destination address", "destination port")
_ENDS = re.compile(r"(\S+):(\d+) -> (\S+):(\d+)").fullmatch


def _where(given: object, truth: object) -> str:
    """Which parts of a packet's ends are to be looked at again, if any of them is right."""
    mine, wanted = (_ENDS(one) if isinstance(one, str) else None for one in (given, truth))
    if not (mine and wanted):
        return ""
    pairs = zip(_PARTS, mine.groups(), wanted.groups(), strict=True)
    off = [part for part, one, two in pairs if one != two]
    return f" Look again at the {' and the '.join(off)}." if len(off) < len(_PARTS) else ""


def ends(packet: Packet) -> str:
    """Where a packet comes from and goes to: ``192.168.1.7:4000 -> 10.0.0.5:80``."""
    return f"{_place(packet.src, packet.sport)} -> {_place(packet.dst, packet.dport)}"


def decider(visit: HookVisit) -> int | str:
    """The number of the rule that decided, or the word policy."""
    number = visit.decided_by.rpartition(" ")[2]
    return int(number) if number.isdecimal() else number


def lists(*items: str) -> Callable[[object], bool]:
    """The mistake of a list with one of these in it."""
    return lambda answer: isinstance(answer, tuple) and bool(_folded(items) & _folded(answer))


def omits(*items: str) -> Callable[[object], bool]:
    """The mistake of a list without one of these."""
    return lambda answer: isinstance(answer, tuple) and not _folded(items) <= _folded(answer)


def _folded(items: Iterable[object]) -> set[str]:
    return {str(item).casefold() for item in items}


def _place(address: object, port: int | None) -> str:
    text = f"[{address}]" if ":" in str(address) and port is not None else str(address)
    return text if port is None else f"{text}:{port}"


def _packet(answer: object, truth: Packet) -> Packet:
    """The packet that an answer means by its ends: ``in eth0 tcp`` before them is not asked for."""
    if isinstance(answer, list | tuple) and len(answer) == 2:
        answer = " -> ".join(map(str, answer))
    before, *after = ARROW.split(answer.strip(), maxsplit=1) if isinstance(answer, str) else [""]
    if not (before and any(after)):
        raise PacketError("The answer is a packet as text: SRC:PORT -> DST:PORT, in quotes.")
    protocol, source = str(truth).split()[0], before.split()[-1]
    return replace(Packet.parse(f"{protocol} {source} -> {after[0]}"), mark=truth.mark)
