"""What a change of the cluster does to a node's rules and tracked connections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from iptlab.kubernetes.config import Config
from iptlab.kubernetes.conntrack import Connection
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.lines import Reason
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.provenance import Provenance, RuleOrigin
from iptlab.packet import Family


@dataclass(frozen=True)
class ShareChange:
    """An endpoint that stays, and gets another share of a chain's new connections.

    The rules say it otherwise: with a share of 1/3 the first of three has probability 1/3,
    the second 1/2, and the last none at all.
    """

    before: RuleOrigin
    after: RuleOrigin
    shares: tuple[Fraction, Fraction]

    def __str__(self) -> str:
        port, backend = self.after.port, self.after.backend
        whom = f"{backend.text if backend else ''} of {port.name if port else ''}"
        return f"{whom} in {self.after.chain}: {self.shares[0]} before, {self.shares[1]} now"


@dataclass(frozen=True)
class Difference:
    """The rules that went and came, the shares that changed, the connections cut.

    ``connections`` are the UDP entries that kube-proxy deletes, because the endpoint that
    answered is gone.
    """

    gone: tuple[RuleOrigin, ...] = ()
    come: tuple[RuleOrigin, ...] = ()
    shares: tuple[ShareChange, ...] = ()
    connections: tuple[Connection, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gone or self.come or self.shares or self.connections)

    def __str__(self) -> str:
        return "\n".join(self._page()) or "Nothing changes."

    def _page(self) -> Iterator[str]:
        parts: tuple[tuple[str, Iterable[object]], ...] = (
            ("Rules that go:", self.gone),
            ("Rules that come:", self.come),
            ("Shares of new connections that change:", self.shares),
            ("Connections that conntrack must forget:", self.connections),
        )
        for title, items in parts:
            told = [f"  {item}" for item in items]
            if told:
                yield title
                yield from told


def difference(
    before: Manifests,
    after: Manifests,
    config: Config | None = None,
    family: Family = Family.IPV4,
    *,
    connections: Iterable[Connection] = (),
) -> Difference:
    """What a running proxy changes when the cluster goes from one state to another."""
    proxy = Proxy(config, family)
    proxy.sync(before)
    old = Provenance.of(proxy).rules
    deleted = proxy.sync(after, connections=connections).deleted
    new = Provenance.of(proxy).rules
    shares = tuple(_share_changes(old, new))
    stay = {id(rule) for change in shares for rule in (change.before, change.after)}
    return Difference(
        tuple(rule for rule in _without(old, new) if id(rule) not in stay),
        tuple(rule for rule in _without(new, old) if id(rule) not in stay),
        shares,
        deleted,
    )


def _share_changes(old: Iterable[RuleOrigin], new: Iterable[RuleOrigin]) -> Iterator[ShareChange]:
    """The endpoints that a chain balances over before and after, but differently."""
    before, after = _balanced(old), _balanced(new)
    for chain in sorted(before.keys() & after.keys()):
        shares = (Fraction(1, len(before[chain])), Fraction(1, len(after[chain])))
        if shares[0] == shares[1]:
            continue
        for end in sorted(before[chain].keys() & after[chain].keys()):
            yield ShareChange(before[chain][end], after[chain][end], shares)


def _balanced(rules: Iterable[RuleOrigin]) -> dict[str, dict[str, RuleOrigin]]:
    """The balancing rules by chain and endpoint."""
    found: dict[str, dict[str, RuleOrigin]] = {}
    for rule in rules:
        if rule.reason is Reason.BALANCE and rule.backend:
            found.setdefault(rule.chain, {})[rule.backend.text] = rule
    return found


def _without(some: Iterable[RuleOrigin], others: Iterable[RuleOrigin]) -> list[RuleOrigin]:
    """The rules that the others do not have, or have less often."""
    there = Counter((rule.table, rule.text) for rule in others)
    found = []
    for rule in some:
        if there[rule.table, rule.text]:
            there[rule.table, rule.text] -= 1
        else:
            found.append(rule)
    return found
