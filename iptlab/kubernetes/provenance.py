"""Which Service, port and endpoint a rule or chain is for, and why; and the way back.

Everything here is told of the rules as a full sync writes them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from iptlab.errors import ManifestError
from iptlab.kubernetes import names
from iptlab.kubernetes.endpoints import Backend
from iptlab.kubernetes.fixed_rules import HOOKS, closing_rules, opening_rules
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.lines import Line, Lines, Reason
from iptlab.kubernetes.port_rules import Plan, own_chains, own_rules, shared_rules
from iptlab.kubernetes.service_ports import ServicePort


@dataclass(frozen=True)
class RuleOrigin:
    """A rule by its place, whom it serves, and why it exists; ``number`` counts from 1."""

    table: str
    chain: str
    number: int
    text: str
    reason: Reason
    port: ServicePort | None = None
    backend: Backend | None = None

    @property
    def why(self) -> str:
        """The reason as one sentence."""
        if self.reason is Reason.HOOK:
            target = self.text.rsplit(" ", 1)[1]
            return f"Packets at {self.chain} visit {target}, which {names.role(target)}."
        return _told(self.reason.value, self.port, self.backend)

    def __str__(self) -> str:
        return f"{self.text}\n    {self.why}"


@dataclass(frozen=True)
class ChainOrigin:
    """A chain, whom it serves, what for, and which chains jump to it."""

    table: str
    name: str
    port: ServicePort | None
    backend: Backend | None
    users: tuple[str, ...]

    @property
    def why(self) -> str:
        """What the chain is for, without a subject: "spreads packets to ..."."""
        return _told(names.role(self.name), self.port, self.backend)

    def __str__(self) -> str:
        used = f"; used by {', '.join(self.users[:6])}" if self.users else ""
        more = f" and {len(self.users) - 6} more" if len(self.users) > 6 else ""
        return f"{self.name} {self.why}{used}{more}." if self.why else f"{self.name}."


def _told(sentence: str, port: ServicePort | None, backend: Backend | None) -> str:
    return sentence.format(port=f"{port.name}" if port else "", end=backend.text if backend else "")


@dataclass(frozen=True)
class Provenance:
    """All rules of a proxy with their origins, by chain in the order of their numbers."""

    rules: tuple[RuleOrigin, ...]
    plans: tuple[Plan, ...]

    @classmethod
    def of(cls, proxy: Proxy) -> Provenance:
        """The rules that the proxy's node has after the last sync."""
        plans = tuple(proxy.plans())
        counts: dict[tuple[str, str], int] = defaultdict(int)
        found = []
        for port, line in _lines(proxy, plans):
            counts[line.table, line.chain] += 1
            number = counts[line.table, line.chain]
            found.append(
                RuleOrigin(
                    line.table, line.chain, number, line.text, line.reason, port, line.backend
                )
            )
        return cls(tuple(found), plans)

    # --- from rules to Services ---

    def rule(self, table: str, chain: str, number: int) -> RuleOrigin:
        """The origin of a rule by its place; ManifestError if kube-proxy has none there."""
        some = self.by_chain.get((table, chain), ())
        if not 1 <= number <= len(some):
            raise ManifestError(
                f"kube-proxy has no rule {number} in chain {chain} of table {table}",
                cure=f"It has {len(some)} rules there.",
            )
        return some[number - 1]

    def chain(self, name: str, table: str = "nat") -> ChainOrigin:
        """The origin of a chain; ManifestError if it is none of kube-proxy's."""
        port, backend = self._owners.get(name, (None, None))
        if not names.role(name) or (name.startswith(names.PREFIXES) and port is None):
            raise ManifestError(
                f"kube-proxy makes no chain {name} for this cluster",
                cure="Look for chains of this sync with a name that begins with KUBE-.",
            )
        return ChainOrigin(table, name, port, backend, self.users.get((table, name), ()))

    @cached_property
    def by_chain(self) -> dict[tuple[str, str], tuple[RuleOrigin, ...]]:
        """The rules by table and chain."""
        found: dict[tuple[str, str], list[RuleOrigin]] = defaultdict(list)
        for rule in self.rules:
            found[rule.table, rule.chain].append(rule)
        return {key: tuple(some) for key, some in found.items()}

    @cached_property
    def users(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """By table and chain, the chains that jump there."""
        found: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        for rule in self.rules:
            *_, option, target = rule.text.rsplit(" ", 2)
            if option == "-j":
                found[rule.table, target][rule.chain] = None
        return {key: tuple(some) for key, some in found.items()}

    @cached_property
    def _owners(self) -> dict[str, tuple[ServicePort, Backend | None]]:
        owners: dict[str, tuple[ServicePort, Backend | None]] = {}
        for plan in self.plans:
            owners |= dict.fromkeys(own_chains(plan), (plan.port, None))
            for backend, name in zip(
                plan.choice.reachable, plan.endpoint_chains.values(), strict=True
            ):
                owners[name] = (plan.port, backend)
        return owners

    # --- from Services to rules ---

    def of_service(self, name: str) -> tuple[RuleOrigin, ...]:
        """The rules for a Service, ``namespace/name``, or one port of it, with ``:port``."""
        return tuple(
            rule
            for rule in self.rules
            if rule.port and name in (rule.port.name, "/".join(rule.port.id.owner))
        )

    def of_endpoint(self, text: str) -> tuple[RuleOrigin, ...]:
        """The rules for an endpoint, given as its address, or address and port."""
        return tuple(
            rule
            for rule in self.rules
            if rule.backend and text in (rule.backend.text, rule.backend.ip)
        )

    # --- all of it ---

    def __str__(self) -> str:
        """The tables, chains and rules, each with what it is for."""
        return "\n".join(self._page())

    def _page(self) -> Iterator[str]:
        for table in ("filter", "nat"):
            yield f"Table {table}"
            for (of, chain), rules in sorted(self.by_chain.items(), key=_builtin_first):
                if of == table:
                    yield ""
                    yield from self._chain_page(table, chain, rules)
            yield ""

    def _chain_page(self, table: str, chain: str, rules: tuple[RuleOrigin, ...]) -> Iterator[str]:
        told = str(self.chain(chain, table)) if chain.startswith("KUBE-") else f"{chain}."
        yield f"Chain {told}"
        for rule in rules:
            yield f"  {rule.number}. {rule.text}"
            yield f"     {rule.why}"


def _builtin_first(item: tuple[tuple[str, str], object]) -> tuple[str, bool, str]:
    (table, chain), _ = item
    return table, chain.startswith("KUBE-"), chain


def _lines(proxy: Proxy, plans: tuple[Plan, ...]) -> Iterator[tuple[ServicePort | None, Line]]:
    """Every line with its service port, in the order of a full sync; hooks first."""
    yield from ((None, line) for line in _hooks())
    yield from ((None, line) for line in _each(opening_rules(proxy.known_settings)))
    for plan in plans:
        yield from ((plan.port, line) for line in _each(shared_rules(plan)))
        yield from ((plan.port, line) for line in _each(own_rules(plan)))
    yield from ((None, line) for line in _each(closing_rules(proxy.known_settings)))


def _each(rules: Iterator[Lines]) -> Iterator[Line]:
    return (line for lines in rules for line in lines.each())


def _hooks() -> Iterator[Line]:
    """The jumps in built-in chains, as they stand on a fresh node: the last made is first."""
    for hook in reversed(HOOKS):
        for chain in hook.chains:
            yield Line(hook.table, f"-A {chain} {hook.rule()}", Reason.HOOK)
