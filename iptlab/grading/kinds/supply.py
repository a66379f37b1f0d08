"""Give a packet that one thing lets through and another one stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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

    def judge(self, answer: object) -> Result:
        if not isinstance(answer, str):
            return self.unreadable(
                "The answer is a packet or connection as text, in quotes.", "not-text"
            )
        grounds = [(name, ground()) for name, ground in self.rules]
        try:
            sent = read_packet(grounds[0][1], answer)
            endings = [ending(ground, sent) for _, ground in grounds]
        except IptlabError as error:
            return self.unreadable(f"{error}"[:500], "no-packet")
        named = zip(grounds, endings, strict=True)
        facts = tuple((name, one.said) for (name, _), one in named)
        for (name, _), one, wanted in zip(grounds, endings, self.wanted, strict=True):
            if one.word != wanted:
                message = _not_so(name, wanted)
                return self.wrong(sent, message, one.evidence, facts=facts)
        what = "connection" if isinstance(grounds[0][1], Cluster) else "packet"
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
