"""The counters of rules and policies, as packets make them go up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from iptlab.netfilter.rules import Chain, Counters, Table
from iptlab.ruleset import Ruleset
from iptlab.simulate.journey import Place
from iptlab.syntax.chains import with_chains

Counts = Mapping[Place, Counters]


def counted(rules: Ruleset, counts: Counts) -> Ruleset:
    """The rules with what has been counted added to their counters."""
    tables = {name: _table(table, counts) for name, table in rules.tables.items()}
    return replace(rules, dump=replace(rules.dump, tables=tables))


def _table(table: Table, counts: Counts) -> Table:
    """The table with its counted chains; the others are not even looked at."""
    counting = {place.chain for place in counts if place.table == table.name}
    changed = {name: _chain(table, table.chains[name], counts) for name in counting}
    return replace(table, chains=with_chains(table.chains, changed)) if changed else table


def _chain(table: Table, chain: Chain, counts: Counts) -> Chain:
    rules = tuple(
        replace(rule, counters=rule.counters.plus(counts[place])) if place in counts else rule
        for number, rule in enumerate(chain.rules, start=1)
        for place in (Place(table.name, chain.name, number),)
    )
    policy = counts.get(Place(table.name, chain.name), Counters())
    return replace(chain, rules=rules, counters=chain.counters.plus(policy))
