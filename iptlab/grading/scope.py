"""Which packets two rule sets are compared on, and what must become of them alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from typing import Any

from iptlab.grading.ways import Ways
from iptlab.netfilter.hooks import Hook, TableName, tables_at
from iptlab.netfilter.ipset import IpSet
from iptlab.netfilter.rules import Rule
from iptlab.packet import Family
from iptlab.ruleset import Ruleset
from iptlab.shown import Shown
from iptlab.simulate.host import Host


class Aspect(StrEnum):
    """What of a packet's fate counts, besides whether it comes through."""

    INTERFACE = "exit interface"
    REWRITING = "rewriting"
    MARK = "mark"
    REJECTION = "rejection"


class Logs(StrEnum):
    """What counts of the lines that LOG writes, about packets that are dropped too."""

    NOTHING = "nothing"
    PACKETS = "packets"  # whether there is one
    PREFIXES = "prefixes"  # and what it begins with


@dataclass(frozen=True)
class Scope(Shown):
    """What a comparison is about.

    Without a ``host`` each hook is looked at by itself: those of ``hooks``, or all at which
    either rule set has something. A packet there may be in any connection state, and what nat
    rules ask for is compared, not done. With a host, packets go all the way through it: first
    packets of a connection that come in or are sent, later packets of connections that were
    open before the rules were loaded, and flows. A flow is a first packet (of TCP a SYN, of ICMP
    an echo request), the reply of whoever gets it, and one more packet from the sender.

    ``assume`` is what all packets are like, of flows the first ones, as a rule would ask it:
    ``-p tcp -m conntrack --ctstate NEW``. ``interfaces`` are all there are (empty: any may
    be). ``mark`` is the one that packets begin with (None: any). ``sets`` are the ipsets that
    there are by name, where there is no host to have its own. ``aspects`` are what counts of a
    packet's fate, and ``logs`` what counts of the log. Probabilities count as the same
    if they differ by no more than ``tolerance``.

    At a hook the first packet of a connection finds no mark on it, later ones may find any.
    On a host connections that were open before have none.

    Simplified: matches that remember or look into payloads (limit, recent, string, statistic
    with mode nth) are questions with a free answer, the same wherever the same words stand; so
    are ipsets of which nobody says what they hold, those of marks and hardware addresses, and
    on a single hook how a connection began.

    Simplified: where NAT has several addresses to choose from, each is as likely as the others.
    The kernel picks one by a hash of both ends.

    Simplified: packets from an address to itself belong to connections as others do, though the
    direction of such a connection cannot be told.

    Simplified: on a host, multicast is left out, and so are flows of packets that connection
    tracking leaves alone under one of the rule sets only, and what follows replies that it
    leaves alone: then the answer says so.
    """

    hooks: tuple[Hook, ...] = ()
    host: Host | None = None
    assume: str = ""
    interfaces: tuple[str, ...] = ()
    mark: int | None = 0
    sets: Mapping[str, IpSet] = field(default_factory=dict)
    aspects: frozenset[Aspect] = frozenset(Aspect)
    logs: Logs = Logs.NOTHING
    tolerance: Fraction = Fraction(1, 1_000_000)

    def __str__(self) -> str:
        """Where and on which packets, and what of their fate counts."""
        hooks = ", ".join(self.hooks) or "every hook that either has rules for"
        where = f"on {self.host.name}" if self.host else f"at {hooks}"
        which = f"packets with {self.assume}" if self.assume else "every packet"
        counts = ", ".join(sorted(self.aspects))
        return f"{where}: {which}; what counts is the verdict{f', {counts}' if counts else ''}"

    @property
    def known_sets(self) -> Mapping[str, IpSet]:
        """The ipsets of which somebody says what they hold."""
        return self.host.sets if self.host else self.sets

    def region(self, family: Family) -> Rule:
        """What is assumed, as a rule that matches it."""
        return _matching(self.assume, family)

    @cached_property
    def _ways(self) -> dict[Family, Ways]:
        return {}

    def ways(self, family: Family) -> Ways:
        """The host's routing; what was found out once is kept."""
        assert self.host is not None
        return self._ways.setdefault(family, Ways(self.host, family))

    @cached_property
    def kept(self) -> dict[object, tuple[Any, object]]:
        """What comparisons found out about rules; later ones of the same rules go on with it."""
        return {}

    def on(self, host: Host) -> Scope:
        """The same on a whole host."""
        return replace(self, host=host)


@lru_cache(maxsize=256)
def _matching(asked: str, family: Family) -> Rule:
    """The rule that asks this and does nothing."""
    text = f"*filter\n:assumed - [0:0]\n-A assumed {asked}\nCOMMIT\n"
    return Ruleset.parse(text, family).tables[TableName.FILTER].chains["assumed"].rules[0]


class Entry(StrEnum):
    """Where a packet's way begins: at one hook, or on a whole host."""

    HOOK = "hook"
    RECEIVED = "received"
    SENT = "sent"


class Step(StrEnum):
    """What happens between tables on the way through a host."""

    TRACK = "track"
    ROUTE = "route"
    REROUTE = "reroute"
    LEAVE = "leave"
    DONE = "done"


Stage = tuple[Hook, TableName] | Step


class Path(tuple[Stage, ...]):
    """Stages one after the other; equal to nothing but itself, which is quick to tell."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__


def _tables(hook: Hook, *, nat: bool = True) -> tuple[Stage, ...]:
    return tuple((hook, table) for table in tables_at(hook) if nat or table is not TableName.NAT)


def _tracked(hook: Hook, *, nat: bool = True) -> tuple[Stage, ...]:
    """A hook where connection tracking comes behind the table raw."""
    raw, *others = _tables(hook, nat=nat)
    return (raw, Step.TRACK, *others) if raw[1] is TableName.RAW else (raw, *others)


_MANGLE_OUT = (Hook.OUTPUT, TableName.MANGLE)
_NAT_OUT = (Hook.OUTPUT, TableName.NAT)


def _sent() -> Path:
    path: list[Stage] = []
    for stage in _tracked(Hook.OUTPUT):
        path += [stage, Step.REROUTE] if stage in (_MANGLE_OUT, _NAT_OUT) else [stage]
    return Path((*path, *_tables(Hook.POSTROUTING), Step.LEAVE))


RECEIVED = Path((*_tracked(Hook.PREROUTING), Step.ROUTE))
DELIVERED = Path((*_tables(Hook.INPUT), Step.DONE))
FORWARDED = Path((*_tables(Hook.FORWARD), *_tables(Hook.POSTROUTING), Step.DONE))
SENT = _sent()
# what a machine sends to itself comes in again, and NAT is settled by then
LOOPED = Path((*_tables(Hook.PREROUTING, nat=False), *_tables(Hook.INPUT, nat=False), Step.DONE))


@cache
def path_at(hook: Hook) -> Path:
    """The tables of one hook alone."""
    return Path((*_tables(hook), Step.DONE))


def paths(entry: Entry, hook: Hook) -> tuple[Path, ...]:
    """Every path that packets may take from there."""
    match entry:
        case Entry.HOOK:
            return (path_at(hook),)
        case Entry.RECEIVED:
            return (RECEIVED, DELIVERED, FORWARDED)
        case Entry.SENT:
            return (SENT, LOOPED)
