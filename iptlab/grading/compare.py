"""Whether two rule sets treat every packet alike, and if not a packet that shows it.

A packet that is found is played in the simulator under both rule sets before anybody sees it.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from iptlab.errors import CannotCompare
from iptlab.grading.bout import Bout
from iptlab.grading.common import Ground
from iptlab.grading.feedback import Comparison
from iptlab.grading.scope import Entry, Scope
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.hooks import Hook
from iptlab.packet import Family
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host

_DEEP = 100_000
_USUAL_SCOPE = Scope()


def compare(
    expected: Ruleset | Host, actual: Ruleset | Host, scope: Scope | None = None
) -> Comparison:
    """Compare by meaning; the first difference in the order of hooks is the one that is told.

    Raises CannotCompare for rules whose answer nobody can tell.

    >>> from iptlab import read_rules
    >>> web, ssh = (read_rules(f"-A INPUT -p tcp --dport {port} -j DROP") for port in (80, 22))
    >>> print(compare(web, ssh).difference.case.packet)
    tcp 192.0.2.10:40000 -> 10.0.0.5:22 SYN
    """
    scope = scope or _USUAL_SCOPE
    if isinstance(expected, Host) and isinstance(actual, Host):
        return _hosts(expected, actual, scope)
    if isinstance(expected, Host) or isinstance(actual, Host):
        raise CannotCompare("a host with a rule set", "give two of the same kind")
    if expected.family != actual.family:
        raise CannotCompare("IPv4 rules with IPv6 rules", "they never see the same packets")
    with _undisturbed():
        return _rule_sets(expected, actual, scope)


def _hosts(expected: Host, actual: Host, scope: Scope) -> Comparison:
    if replace(expected, rules={}, name="") != replace(actual, rules={}, name=""):
        raise CannotCompare("these hosts", "they must not differ in anything but their rules")
    families = {*expected.rules, *actual.rules} or {Family.IPV4}
    done: Comparison | None = None
    for family in sorted(families):
        one, two = (host.rules.get(family, Ruleset(family=family)) for host in (expected, actual))
        found = compare(one, two, scope.on(expected))
        done = found if done is None else done.then(found)
        if found.difference:
            break
    assert done is not None
    return done


def _rule_sets(expected: Ruleset, actual: Ruleset, scope: Scope) -> Comparison:
    done = Comparison(scope=scope)
    for ground in entries(expected, actual, scope):
        done = done.then(Bout(expected.tables, actual.tables, ground).result())
        if done.difference:
            break
    return done


def entries(expected: Ruleset, actual: Ruleset, scope: Scope) -> Iterator[Ground]:
    """Where packets begin their way."""
    family = expected.family
    if scope.host is not None:
        ways = scope.ways(family)
        if ways.entrances:
            yield Ground(scope, Entry.RECEIVED, Hook.PREROUTING, family, ways)
        yield Ground(scope, Entry.SENT, Hook.OUTPUT, family, ways)
        return
    usual = (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.PREROUTING, Hook.POSTROUTING)
    for hook in scope.hooks or usual:
        if scope.hooks or _says_something(expected, hook) or _says_something(actual, hook):
            yield Ground(scope, Entry.HOOK, hook, family, None)


def _says_something(rules: Ruleset, hook: Hook) -> bool:
    chains = (table.chains.get(hook) for table in rules.tables.values())
    return any(chain and (chain.rules or chain.policy is not Verdict.ACCEPT) for chain in chains)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Deep recursion allowed, and no search for garbage: diagrams are many small objects."""
    enabled, limit = gc.isenabled(), sys.getrecursionlimit()
    gc.disable()
    sys.setrecursionlimit(max(limit, _DEEP))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        if enabled:
            gc.enable()
