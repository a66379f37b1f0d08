"""The tables at each hook, derived from priorities."""

from __future__ import annotations

import pytest

from iptlab import Hook, TableName, hooks_of, tables_at


@pytest.mark.parametrize(
    ("hook", "tables"),
    [
        (Hook.PREROUTING, "raw mangle nat"),
        (Hook.INPUT, "mangle filter security nat"),
        (Hook.FORWARD, "mangle filter security"),
        (Hook.OUTPUT, "raw mangle nat filter security"),
        (Hook.POSTROUTING, "mangle nat"),
    ],
)
def test_tables_are_visited_in_the_kernels_order(hook: Hook, tables: str) -> None:
    assert " ".join(tables_at(hook)) == tables


@pytest.mark.parametrize(
    ("table", "hooks"),
    [
        (TableName.RAW, "PREROUTING OUTPUT"),
        (TableName.MANGLE, "PREROUTING INPUT FORWARD OUTPUT POSTROUTING"),
        (TableName.NAT, "PREROUTING INPUT OUTPUT POSTROUTING"),
        (TableName.FILTER, "INPUT FORWARD OUTPUT"),
        (TableName.SECURITY, "INPUT FORWARD OUTPUT"),
    ],
)
def test_each_table_has_its_built_in_chains(table: TableName, hooks: str) -> None:
    assert " ".join(hooks_of(table)) == hooks
