"""What becomes of one packet, wherever an exercise sends it: rules, a host, a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import PacketError
from iptlab.grading.result import Evidence
from iptlab.kubernetes.cluster import Backend, Backends, Cluster
from iptlab.kubernetes.placement import CLIENT
from iptlab.packet import ARROW
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Fate, Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.situation import Situation, trace
from iptlab.simulate.trace import HookVisit

Ground = Ruleset | Host | Cluster
Sent = Situation | str

_WORDS = {Fate.DROPPED: "DROP", Fate.REJECTED: "REJECT", Fate.UNKNOWN: str(Fate.UNKNOWN)}


@dataclass(frozen=True)
class Ending:
    """How a packet fared: in one word, in a line, and the proof.

    The word is ACCEPT, DROP or REJECT, in a cluster what a client sees: ``connected``,
    ``connection refused``, ``timed out``. ``reply`` is the type of a REJECT.
    """

    word: str
    said: str
    evidence: Evidence
    reply: str = ""

    @property
    def outcome(self) -> str:
        """What becomes of it in full, but for the rule or policy that decided."""
        match self.evidence:
            case HookVisit(accepted=True, tables=visits, result=packet):
                asked = [one.translate.note for one in visits if one.translate]
                return f"{self.word}: {', '.join([str(packet), *asked])}"
            case Journey(accepted=True):
                return self.said
        return f"{self.word} with {self.reply}" if self.reply else self.word


def ending(ground: Ground, sent: Sent) -> Ending:
    """What becomes of it there; PacketError or ManifestError if it cannot be sent."""
    match ground:
        case Ruleset():
            visit = trace(ground, sent)
            reply = visit.deciding.reply if visit.tables else ""
            return Ending(str(visit.verdict), visit.conclusion, visit, reply)
        case Host():
            journey = Machine(ground).journey(str(sent))
            word = _WORDS.get(journey.fate, "ACCEPT")
            return Ending(word, journey.conclusion, journey, journey.rejection)
        case Cluster():
            return _connection(ground, str(sent))


def _connection(cluster: Cluster, sent: str) -> Ending:
    """A connection ``CLIENT -> SERVICE``; by chance it may have several ends."""
    client, *to = ARROW.split(sent.strip(), maxsplit=1)
    if not to:
        example = f"{CLIENT} -> http://{cluster.nodes[0]}:30080"
        raise PacketError(f"`{sent[:60]}' is no connection; write: {example}")
    attempts = list(cluster.outcomes(client, *to))
    words = sorted({str(one.result) for one in attempts})
    return Ending(" or ".join(words), told(Backends.of(attempts)), attempts[0])


def told(backends: tuple[Backend, ...]) -> str:
    """Who answers, in a line; a chance only where there are several."""
    return "; ".join(str(one).removeprefix("1: ") for one in backends)


def read_packet(ground: Ground, text: str) -> Sent:
    """A packet as an exercise's misconceptions see it: for rules a Situation, else the text."""
    return Situation.parse(text) if isinstance(ground, Ruleset) else text
