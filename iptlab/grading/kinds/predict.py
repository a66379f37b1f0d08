"""Say beforehand what will come out: a verdict, a path, an order, a number, a packet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from iptlab.errors import PacketError
from iptlab.grading.exercise import Exercise, agree, plain, shortened
from iptlab.grading.result import Evidence, Result
from iptlab.packet import Packet
from iptlab.simulate.trace import HookVisit

# what can become of a packet at a firewall, as choices
FATES = ("ACCEPT", "DROP", "REJECT")


@dataclass(frozen=True, kw_only=True)
class Predict(Exercise):
    """Say beforehand what will come out; ``truth`` asks the simulator.

    ``shows`` is the walk to observe: open beside a right answer, folded beside a wrong one.
    The truth may be a word, a number (fractions and decimals are the same if three digits
    are), a list (an answer may part its items with commas or arrows), or a Packet: then the
    answer is ``SRC:PORT -> DST:PORT`` as it is after all rewriting.
    """

    truth: Callable[[], object]
    choices: tuple[object, ...] = ()
    shows: Callable[[], Evidence] | None = None

    def model(self) -> object:
        truth = self.truth()
        return ends(truth) if isinstance(truth, Packet) else truth

    def judge(self, answer: object) -> Result:
        if self.choices and not any(agree(plain(answer), plain(one)) for one in self.choices):
            return self.unreadable(
                f"{shortened(answer)} is not among the answers. Write one of: "
                f"{', '.join(map(repr, self.choices))}.",
                "no-choice",
            )
        truth = self.model()
        try:
            given = self._read(answer)
        except PacketError as error:
            return self.unreadable(f"{error}"[:500], "no-packet")
        visits = (self.shows(),) if self.shows else ()
        if agree(given, plain(truth)):
            return self.correct(f"Yes: {_said(truth)}.", *visits)
        message = f"It is not {shortened(answer)}.{_how_far(given, plain(truth))}"
        return self.wrong(given, message, *visits, spoiler=bool(visits))

    def _read(self, answer: object) -> object:
        truth = self.truth()
        if isinstance(truth, Packet):
            return plain(ends(_packet(answer, truth)))
        if isinstance(truth, list | tuple) and isinstance(answer, str):
            parts = [part.strip() for part in re.split(r",|->|→|\n", answer.strip().strip("[]()"))]
            spaced = " " not in "".join(map(str, truth))
            return plain(parts[0].split() if len(parts) == 1 and spaced else parts)
        return plain(answer)


def _said(truth: object) -> str:
    """The truth in a sentence: a list as a chain of its items."""
    if isinstance(truth, tuple) or (isinstance(truth, list) and truth and type(truth[0]) is str):
        return " -> ".join(map(str, truth))
    return str(truth)


def _how_far(given: object, truth: object) -> str:
    """How far a list is right, without a word of what comes next."""
    if not isinstance(given, tuple) or not isinstance(truth, tuple):
        return ""
    pairs = zip(given, truth, strict=False)
    right = next((n for n, (one, two) in enumerate(pairs) if not agree(one, two)), None)
    if right is None:
        return " It is right as far as it goes, but " + (
            "something is missing." if len(given) < len(truth) else "there is too much of it."
        )
    return f" The first {right} are right." if right > 1 else ""


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
    """The packet that an answer means; its protocol may be left out, for it never changes."""
    if isinstance(answer, list | tuple) and len(answer) == 2:
        answer = " -> ".join(map(str, answer))
    if not isinstance(answer, str) or "->" not in answer:
        raise PacketError("The answer is a packet as text: SRC:PORT -> DST:PORT, in quotes.")
    words = answer.replace("->", " -> ").split()
    if not re.match(r"[0-9a-fA-F]*[.:\[]", words[0]):
        words = words[1:]
    return replace(Packet.parse(f"{str(truth).split()[0]} {' '.join(words)}"), mark=truth.mark)
