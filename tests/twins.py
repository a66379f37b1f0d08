"""The engine and the plain walk side by side: in what they differ about a packet."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from firewalls import Dice

from iptlab.netfilter.context import Context
from iptlab.netfilter.hooks import TableName
from iptlab.packet import Packet
from iptlab.simulate.engine import Engine
from iptlab.simulate.trace import TableVisit
from iptlab.simulate.walk import walk_table

TOLD = (
    *("table", "chain", "verdict", "packet", "context", "reply", "translate"),
    *("decided_by", "policy", "events"),
)


def differences(engine: Engine, name: TableName, packet: Packet, context: Context) -> list[str]:
    """What the two tell differently; both get the same dice from the first roll on."""
    rolled, visits = [], []
    for walk in (engine.walk_table, _plainly(engine)):
        if isinstance(context.choose, Dice):
            context.choose.restart()
        visits.append(walk(name, packet, context))
        rolled.append(context.choose.rolled if isinstance(context.choose, Dice) else 0)
    return [*_differences(*visits), *["rolls"] * (rolled[0] != rolled[1])]


def _plainly(engine: Engine) -> Callable[[TableName, Packet, Context], TableVisit]:
    return lambda name, packet, context: walk_table(engine.tables[name], packet, context)


def _differences(one: TableVisit, other: TableVisit) -> Iterator[str]:
    for what in TOLD:
        if getattr(one, what) != getattr(other, what):
            yield what
    for what in ("hits", "matched"):
        if tuple(getattr(one, what)()) != tuple(getattr(other, what)()):
            yield what
