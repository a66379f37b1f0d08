"""Many packets through the same tables: the answers of the plain walk."""

from __future__ import annotations

from collections.abc import Mapping

from iptlab.netfilter.context import Context
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Table
from iptlab.packet import Packet
from iptlab.simulate.trace import TableVisit
from iptlab.simulate.walk import walk_table


class Engine:
    """Tables made ready for many packets."""

    def __init__(self, tables: Mapping[TableName, Table]) -> None:
        self.tables = tables

    def walk_table(self, name: TableName, packet: Packet, context: Context) -> TableVisit:
        """Take a packet through one table's chain of ``context.hook``."""
        return walk_table(self.tables[name], packet, context)

    def with_tables(self, tables: Mapping[TableName, Table]) -> Engine:
        """The same for other tables."""
        return Engine(tables)
