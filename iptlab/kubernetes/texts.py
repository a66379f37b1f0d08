"""The restore text of all Services, kept so that a small change is a small work.

Each Service's part is one text, and the parts stand in dictionaries whose order is the
order of writing: a whole table is one join, however many Services there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from iptlab.kubernetes.lines import Lines
from iptlab.kubernetes.port_rules import Plan, own_chains, own_rules, shared_rules
from iptlab.kubernetes.tracker import ServiceId


@dataclass
class Texts:
    """By Service: its filter rules, its nat rules in shared chains and all, its own chains."""

    filter: dict[ServiceId, str] = field(default_factory=dict)
    shared: dict[ServiceId, str] = field(default_factory=dict)
    whole: dict[ServiceId, str] = field(default_factory=dict)
    chains: dict[ServiceId, str] = field(default_factory=dict)

    def write(self, service: ServiceId, plans: Iterable[Plan]) -> None:
        """Make a Service's texts from its ports."""
        filter_, shared, whole, chains = [], [], [], []
        for plan in plans:
            rules = list(shared_rules(plan))
            filter_.append(joined(rules, "filter"))
            shared.append(joined(rules, "nat"))
            whole += [shared[-1], joined(own_rules(plan), "nat")]
            chains.append(declared(own_chains(plan)))
        self.filter[service] = "".join(filter_)
        self.shared[service] = "".join(shared)
        self.whole[service] = "".join(whole)
        self.chains[service] = "".join(chains)

    def drop(self, service: ServiceId) -> None:
        """Forget a Service that is gone."""
        for texts in self._all():
            texts.pop(service, None)

    def sort(self) -> None:
        """Put the Services into the order of writing."""
        for texts in self._all():
            ordered = sorted(texts.items())
            texts.clear()
            texts.update(ordered)

    def _all(self) -> tuple[dict[ServiceId, str], ...]:
        return self.filter, self.shared, self.whole, self.chains

    def chain_names(self, service: ServiceId) -> list[str]:
        """The names of a Service's own chains."""
        lines = self.chains.get(service, "").splitlines()
        return [line[1:].split(" ", 1)[0] for line in lines]

    def chain_lines(self, written: Collection[ServiceId]) -> Iterable[str]:
        """The declarations of the chains that are written."""
        if len(written) == len(self.chains):
            return self.chains.values()
        return [self.chains[service] for service in sorted(written)]

    def nat_rules(self, written: Collection[ServiceId]) -> Iterable[str]:
        """The nat rules of all Services; those in own chains only of what is written."""
        if len(written) == len(self.whole):
            return self.whole.values()
        return {**self.shared, **{service: self.whole[service] for service in written}}.values()


def joined(rules: Iterable[Lines], table: str) -> str:
    """The text of those rules that are for the table."""
    return ended([text for lines in rules if lines.table == table for text in lines.texts])


def declared(chains: Iterable[str]) -> str:
    """The lines that make chains, and empty them if they are there."""
    return ended([f":{chain} - [0:0]" for chain in chains])


def ended(lines: Iterable[str]) -> str:
    """The lines as one text, each with its end."""
    text = "\n".join(lines)
    return f"{text}\n" if text else ""
