"""What a node's kernel holds after a sync: hooks made, restore text loaded.

Source: kubernetes/pkg/proxy/iptables/proxier.go (syncProxyRules), pkg/util/iptables
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from iptlab.kubernetes.fixed_rules import CANARY_TABLES, HOOKS
from iptlab.kubernetes.names import CANARY
from iptlab.kubernetes.sync import Sync
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Table
from iptlab.packet import Family
from iptlab.ruleset import Ruleset
from iptlab.syntax.chains import collector_paused
from iptlab.syntax.command import run
from iptlab.syntax.restore import Restoration, RestoreOptions
from iptlab.syntax.save import Dump

Tables = Mapping[TableName, Table]


def load(sync: Sync, before: Ruleset | None = None) -> Ruleset:
    """The rules of a machine after a sync; without ``before`` it is a fresh one."""
    tables = before.tables if before else _fresh(sync.family)
    if before and sync.full:
        tables = _hooked(tables, sync.family)
    options = RestoreOptions(flush=False, counters=True)
    restoration = Restoration(tables, sync.family, options)
    with collector_paused():
        restoration.read(sync.text)
    return Ruleset(Dump(restoration.tables), sync.family)


@cache
def _fresh(family: Family) -> Tables:
    """A fresh machine with the hooks made."""
    return _hooked({name: Table.empty(name) for name in _ORDER}, family)


_ORDER = (TableName.FILTER, TableName.MANGLE, TableName.NAT)


def _hooked(tables: Tables, family: Family) -> Tables:
    """The tables with the canary and the jumps to kube-proxy's chains, each made if missing."""
    tool = "iptables" if family is Family.IPV4 else "ip6tables"
    for table in CANARY_TABLES:
        tables = run(tables, [tool, "-t", table, "-N", CANARY], family).tables
    for hook in HOOKS:
        start = [tool, "-t", hook.table]
        tables = run(tables, [*start, "-N", hook.target], family).tables
        for chain in hook.chains:
            words = [*hook.words(), "-j", hook.target]
            if run(tables, [*start, "-C", chain, *words], family).status:
                tables = run(tables, [*start, "-I", chain, *words], family).tables
    return tables
