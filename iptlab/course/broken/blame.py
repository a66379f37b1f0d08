"""Find the guilty line on a node of a broken cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from iptlab.course.broken.cases import Case
from iptlab.grading import FindLine, Result
from iptlab.grading.kinds.find import Trial
from iptlab.packet import Family
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Place


@dataclass(frozen=True, kw_only=True)
class BlameNode(FindLine):
    """Find the guilty line of a node's rules, and a packet that proves it.

    ``twin`` are the rules of the node if it were healthy. A line that is among them too has
    done what it was told, so it is never the guilty one. Packets go all the way through.
    """

    rules: str = ""
    reference: str = ""
    case: Case
    node: str
    twin: Callable[[], Ruleset]

    @cached_property
    def machine(self) -> Host:
        machine = self.case.lab()[self.node]
        return machine.host.with_rules(machine.rules())

    @cached_property
    def broken(self) -> Ruleset:
        return self.machine.rules[Family(self.family)]

    @cached_property
    def mended(self) -> Ruleset:
        return self.twin()

    def _verdict(self, trial: Trial) -> Result:
        place = trial.place
        if trial.fares_wrongly and self._is_healthy(place):
            message = f"{place} is there on a healthy node too."
            return self.wrong((str(place), trial.sent), message, trial.now.evidence)
        return super()._verdict(trial)

    def _is_healthy(self, place: Place) -> bool:
        """Whether a healthy node has the same rule in the same chain."""
        chains = [
            one.table(place.table).chains.get(place.chain) for one in (self.broken, self.mended)
        ]
        here, there = ([str(rule) for rule in chain.rules] if chain else [] for chain in chains)
        return bool(place.number) and here[place.number - 1] in there
