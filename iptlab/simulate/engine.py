"""Many packets through the same tables: the answers of the plain walk, from an index."""

from __future__ import annotations

from collections.abc import Mapping

from iptlab.netfilter.context import Context
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Table
from iptlab.packet import Packet
from iptlab.simulate.index import Facts, ReadyChain, TakenApart
from iptlab.simulate.questions import Made, Questions
from iptlab.simulate.trace import TableVisit
from iptlab.simulate.walk import TableWalk


class Engine:
    """Tables made ready for many packets, each chain when the first one comes to it."""

    def __init__(self, tables: Mapping[TableName, Table]) -> None:
        self.tables = tables
        self._ready = {name: _MayMatch(table) for name, table in tables.items()}

    def walk_table(self, name: TableName, packet: Packet, context: Context) -> TableVisit:
        """Take a packet through one table's chain of ``context.hook``."""
        return TableWalk(self._ready[name], packet, context).run()

    def with_tables(self, tables: Mapping[TableName, Table]) -> Engine:
        """The same for other tables; chains that did not change stay ready."""
        engine = Engine(tables)
        for name, ready in self._ready.items():
            if name in tables:
                engine._ready[name] = ready.kept_for(tables[name])
        return engine


class _MayMatch(Questions[Facts]):
    """Only rules are asked that may match a packet with such facts."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        apart = TakenApart()
        self.chains: Made[str, ReadyChain] = Made(
            lambda name: ReadyChain(table.chains[name], apart)
        )

    def facts(self, packet: Packet, context: Context) -> Facts:
        return Facts.of(packet, context)

    def kept_for(self, table: Table) -> _MayMatch:
        """The same for another table, which may share chains with this one."""
        other = _MayMatch(table)
        for name, ready in self.chains.items():
            if table.chains.get(name) is ready.chain:
                other.chains[name] = ready
        return other
