"""The counters of rules and policies, as packets make them go up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from iptlab.netfilter.rules import Chain, Counters, Table
from iptlab.ruleset import Ruleset
from iptlab.simulate.journey import Place

Counts = Mapping[Place, Counters]


def counted(rules: Ruleset, counts: Counts) -> Ruleset:
    """The rules with what has been counted added to their counters."""
    tables = {name: _table(table, counts) for name, table in rules.tables.items()}
    return replace(rules, dump=replace(rules.dump, tables=tables))


def _table(table: Table, counts: Counts) -> Table:
    chains = {name: _chain(table, chain, counts) for name, chain in table.chains.items()}
    return replace(table, chains=chains)


def _chain(table: Table, chain: Chain, counts: Counts) -> Chain:
    rules = tuple(
        replace(rule, counters=rule.counters.plus(counts[place])) if place in counts else rule
        for number, rule in enumerate(chain.rules, start=1)
        for place in (Place(table.name, chain.name, number),)
    )
    policy = counts.get(Place(table.name, chain.name), Counters())
    return replace(chain, rules=rules, counters=chain.counters.plus(policy))
