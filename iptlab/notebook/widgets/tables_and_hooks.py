"""Which table is asked at which hook, in which order, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from traitlets import List, Unicode

from iptlab.errors import IptlabError
from iptlab.html import Html, element, table
from iptlab.netfilter.hooks import CONNTRACK, SINCE, Backend, Hook, TableName, priority, tables_at
from iptlab.notebook.widgets.base import Widget, script, style

# man page: iptables(8), TABLES
_PURPOSE = {
    TableName.RAW: "before connection tracking: which packets it leaves alone (NOTRACK, CT)",
    TableName.MANGLE: "changes packets: mark, TOS, TTL, the MSS of TCP",
    TableName.NAT: "other addresses and ports; only a connection's first packet is asked about",
    TableName.FILTER: "may it pass? The table that iptables means if you name none",
    TableName.SECURITY: "marks for SELinux and its like (SECMARK, CONNSECMARK)",
}
_TRACKING = "connection tracking"
_ABOUT = "no table: it finds the packet's connection, and confirms a new one when all is over"
# kernel: net/netfilter/nf_conntrack_proto.c (ipv4_conntrack_ops)
_FINDS, _CONFIRMS = (Hook.PREROUTING, Hook.OUTPUT), (Hook.INPUT, Hook.POSTROUTING)


class TablesAndHooks(Widget):
    """The tables and the hooks they serve, with the priorities that order them.

    With the back end ``nft`` the table security has another place. ``selected`` is a hook, whose
    order is shown.
    """

    _esm = script("tables_and_hooks")
    _css = style("tables_and_hooks")
    title = Unicode("Tables and hooks").tag(sync=True)
    hooks: List[Any] = List([str(hook) for hook in Hook]).tag(sync=True)
    rows: List[Any] = List().tag(sync=True)
    selected = Unicode().tag(sync=True)

    def __init__(self, backend: str = Backend.LEGACY) -> None:
        """The matrix of a back end: ``legacy`` or ``nft``."""
        known = Backend.named(backend)
        if known is None:
            raise IptlabError(f"{backend!r} is no back end; they are {' and '.join(Backend)}")
        first, *others = (_row(one, known) for one in TableName)
        super().__init__(rows=[first, _tracking(), *others])

    def static(self) -> Html:
        head = ("table", *self.hooks, "what it is for")
        rows = [(row["name"], *_cells(row, self.hooks), row["about"]) for row in self.rows]
        note = "A number is the priority at the hook; the lower one is asked earlier."
        return element("div", table(self.title, head, rows), element("p", note))

    def __str__(self) -> str:
        """The matrix as text: each hook with what is asked there, in order."""
        lines = [self.title]
        for hook in self.hooks:
            asked = [(row["cells"][hook], row["name"]) for row in self.rows if hook in row["cells"]]
            asked.sort(key=lambda one: one[0]["order"])
            names = (f"{name} ({cell['priority']})" for cell, name in asked)
            lines.append(f"  {hook:<12} {', '.join(names)}")
        return "\n".join(lines)


def _row(name: TableName, backend: Backend) -> dict[str, Any]:
    cells = {
        str(hook): {
            "priority": str(priority(name, hook, backend)),
            "order": _order(name, hook, backend),
            "since": SINCE.get(name, {}).get(hook, ""),
        }
        for hook in Hook
        if name in tables_at(hook)
    }
    return {"name": str(name), "about": _PURPOSE[name], "cells": cells}


def _order(name: TableName, hook: Hook, backend: Backend) -> int:
    """Its turn at the hook; connection tracking has a turn too, as the second or the last."""
    turns = [priority(one, hook, backend) for one in tables_at(hook, backend)]
    turns += [CONNTRACK] * (hook in _FINDS)
    return sorted(turns).index(priority(name, hook, backend)) + 1


def _tracking() -> dict[str, Any]:
    cells = {
        str(hook): {
            "priority": str(CONNTRACK) if hook in _FINDS else "last",
            "order": 2 if hook in _FINDS else len(tables_at(hook)) + 1,
            "since": "",
        }
        for hook in (*_FINDS, *_CONFIRMS)
    }
    return {"name": _TRACKING, "about": _ABOUT, "cells": cells}


def _cells(row: dict[str, Any], hooks: list[str]) -> Iterator[str]:
    for cell in (row["cells"].get(hook) for hook in hooks):
        since = f" (since {cell['since']})" if cell and cell["since"] else ""
        yield f"{cell['priority']}{since}" if cell else ""
