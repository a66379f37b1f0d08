"""Give a packet that one thing lets through and another one stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from iptlab.errors import IptlabError
from iptlab.grading.exercise import Exercise
from iptlab.grading.fates import Ground, ending, read_packet
from iptlab.grading.result import Result
from iptlab.kubernetes.cluster import Cluster
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
            return self.unreadable(
                "The answer is a packet or connection as text, in quotes.", "not-text"
            )
        try:
            sent = read_packet(self._grounds[0], answer)
            endings = [ending(ground, sent) for ground in self._grounds]
        except IptlabError as error:
            return self.unreadable(f"{error}"[:500], "no-packet")
        names = [name for name, _ in self.rules]
        facts = tuple((name, one.said) for name, one in zip(names, endings, strict=True))
        for name, one, wanted in zip(names, endings, self.wanted, strict=True):
            if one.word != wanted:
                message = _not_so(name, wanted)
                return self.wrong(sent, message, one.evidence, facts=facts)
        what = "connection" if isinstance(self._grounds[0], Cluster) else "packet"
        return self.correct(f"Your {what} does it.", *(e.evidence for e in endings), facts=facts)


# what a connection should do, by the word for its end
_SHOULD = {"connected": "succeed", "connection refused": "be refused", "timed out": "time out"}


def _not_so(name: str, wanted: str) -> str:
    """What is not as it should be."""
    if wanted in _SHOULD:
        return f'Your connection should {_SHOULD[wanted]} in the case "{name}". This is not so.'
    return f"Your packet should get {wanted} from {name}, and does not."


def sends(is_so: Callable[[Situation], bool]) -> Callable[[object], bool]:
    """The mistake of a packet about which that is so."""
    return lambda answer: isinstance(answer, Situation) and is_so(answer)
