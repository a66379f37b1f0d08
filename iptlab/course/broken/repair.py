"""Mend a cluster by commands: judged by what people see afterwards, not by what was typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address

from iptlab.console.lab import Lab
from iptlab.course.broken.typed import type_in
from iptlab.errors import IptlabError
from iptlab.grading import Exercise, Result
from iptlab.packet import Protocol
from iptlab.simulate.network import Attempt

MOST_LINES = 40


@dataclass(frozen=True)
class Probe:
    """A connection that somebody tries once the cluster is mended; ``says`` is why it must work.

    ``wanted`` is what the client must see, however chance decides: ``connected``, ``timed
    out``. ``source`` is whom the server must take for the client, if that matters.
    """

    says: str
    client: str
    to: str
    wanted: str = "connected"
    source: str = ""

    def attempts(self, lab: Lab) -> Iterator[Attempt]:
        """Everything that may come of it."""
        return lab.cluster.outcomes(self.client, self.to)

    def met(self, attempt: Attempt) -> bool:
        """Whether it ended as wanted."""
        seen = str(attempt.seen.src) if attempt.seen else ""
        return str(attempt.result) == self.wanted and self.source in ("", seen)

    @property
    def sent(self) -> str:
        """The connection in words."""
        return f"{self.client} -> {self.to}"

    @property
    def hoped(self) -> str:
        """The end in words."""
        return self.wanted + (f", and the server sees {self.source}" if self.source else "")


@dataclass(frozen=True)
class Question(Probe):
    """A question over UDP that always comes from the same ``port``; ``to`` is an address."""

    port: int = 0

    def attempts(self, lab: Lab) -> Iterator[Attempt]:
        name = next((one for one in lab.hosts if one.endswith(f"/{self.client}")), "")
        if not name:
            raise IptlabError(f"there is no pod {self.client} any more")
        first = lab.network.copy().first(name, ip_address(self.to), Protocol.UDP, 53)
        packet = replace(first, sport=self.port)
        return lab.network.outcomes(lambda n, choose: n.attempt(name, packet, choose=choose))

    @property
    def sent(self) -> str:
        return f"{self.client}, from udp port {self.port} -> {self.to}:53"


@dataclass(frozen=True, kw_only=True)
class Repair(Exercise):
    """Mend a cluster: type commands until everything that ``probes`` try ends as it should.

    The answer is a text: ``node2# iptables …``, or ``kubectl …`` without a machine. ``lab``
    makes the broken cluster; ``cure`` is a right answer. Misconceptions are asked with the Lab
    as the commands have left it.
    """

    lab: Callable[[], Lab]
    probes: tuple[Probe, ...]
    cure: str

    def model(self) -> object:
        return self.cure

    def judge(self, answer: object) -> Result:
        if not isinstance(answer, str):
            return self.unreadable("The answer is commands as text, in quotes.", "not-text")
        if len(answer.splitlines()) > MOST_LINES:
            return self.unreadable(f"{MOST_LINES} lines are enough.", "too-long")
        lab = self.lab()
        try:
            failed = type_in(lab, answer)
        except IptlabError as error:
            return self.unreadable(f"{error}"[:500], "no-machine")
        if failed is not None:
            return self.wrong(failed, f"A command fails, and nothing after it is typed:\n{failed}")
        missed = (self._tried(lab, probe) for probe in self.probes)
        return next(filter(None, missed), None) or self.correct(
            f"All {len(self.probes)} connections end as they should."
        )

    def _tried(self, lab: Lab, probe: Probe) -> Result | None:
        """What to say if a connection does not end as it should, however chance decides."""
        try:
            attempts = (one for one in probe.attempts(lab) if not probe.met(one))
            attempt = next(attempts, None)
        except IptlabError as error:
            facts = (("connection", probe.sent), ("your cluster", f"{error}"[:500]))
            return self.wrong(lab, f"{probe.says} Nobody can try that now:", facts=facts)
        return self._missed(lab, probe, attempt) if attempt else None

    def _missed(self, lab: Lab, probe: Probe, attempt: Attempt) -> Result:
        reached = attempt.seen if str(attempt.result) == "connected" else None
        seen = f", and the server sees {reached.src}" if reached else ""
        facts = (
            ("connection", probe.sent),
            ("wanted", probe.hoped),
            ("your cluster", f"{attempt.result}{seen}"),
        )
        return self.wrong(lab, f"{probe.says} This is not so yet:", attempt, facts=facts)


def leaves(probe: Probe) -> Callable[[object], bool]:
    """The mistake of a cluster in which this may happen."""

    def shows(answer: object) -> bool:
        try:
            return isinstance(answer, Lab) and any(map(probe.met, probe.attempts(answer)))
        except IptlabError:  # what was typed has left no such Service or pod
            return False

    return shows
