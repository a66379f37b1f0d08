"""Give a packet that one thing lets through and another one stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from iptlab.errors import IptlabError
from iptlab.grading.exercise import Exercise
from iptlab.grading.fates import Ground, ending, read_packet
from iptlab.grading.result import Result
from iptlab.simulate.situation import Situation


@dataclass(frozen=True, kw_only=True)
class SupplyPacket(Exercise):
    """Give a packet that each of the rule sets, hosts or clusters treats as wanted.

    ``wanted`` are words of an Ending, in the same order. For rules and hosts the answer is a
    packet in its place, for a cluster a connection: ``client -> http://node-a:30080``.
    Where there are variants ``example`` is a right answer.
    """

    rules: tuple[tuple[str, Callable[[], Ground]], ...]
    wanted: tuple[str, ...]
    example: str = ""

    def model(self) -> object:
        return self.example or None

    @cached_property
    def _grounds(self) -> tuple[Ground, ...]:
        """What packets are sent to; nothing that is sent changes it."""
        return tuple(ground() for _, ground in self.rules)

    def judge(self, answer: object) -> Result:
        if not isinstance(answer, str):
            return self.unreadable("The answer is a packet as text, in quotes.", "not-text")
        try:
            sent = read_packet(self._grounds[0], answer)
            endings = [ending(ground, sent) for ground in self._grounds]
        except IptlabError as error:
            return self.unreadable(f"{error}"[:500], "no-packet")
        names = [name for name, _ in self.rules]
        facts = tuple((name, one.said) for name, one in zip(names, endings, strict=True))
        for name, one, wanted in zip(names, endings, self.wanted, strict=True):
            if one.word != wanted:
                message = f"Your packet should get {wanted} from {name}, and does not."
                return self.wrong(sent, message, one.evidence, facts=facts)
        return self.correct("Your packet does it.", *(e.evidence for e in endings), facts=facts)


def sends(is_so: Callable[[Situation], bool]) -> Callable[[object], bool]:
    """The mistake of a packet about which that is so."""
    return lambda answer: isinstance(answer, Situation) and is_so(answer)
