"""What widgets about rules have in common: whose rules, and names short enough to read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from iptlab.errors import IptlabError
from iptlab.grading import read_rules
from iptlab.netfilter.rules import Chain, Rule, Table
from iptlab.ruleset import Ruleset
from iptlab.simulate.journey import Journey, Place
from iptlab.simulate.trace import HookVisit, TableVisit

Rules = Chain | Table | Ruleset | str
Walk = Journey | HookVisit

# KUBE-SVC-, KUBE-SEP- and their like with the sixteen letters of a hash
_HASHED = re.compile(r"(KUBE-[A-Z]+-[A-Z2-7]{4})[A-Z2-7]{12}")


def short(name: str) -> str:
    """A chain's name, or a text with some in it, without most of kube-proxy's hash.

    >>> short("KUBE-SVC-TCOU7JCQXEZGVUNU")
    'KUBE-SVC-TCOU…'
    """
    return _HASHED.sub(r"\1…", name)


def comment_of(rule: Rule) -> str:
    """What ``-m comment`` says in a rule, without the signs around it; empty if nothing."""
    said = (one.listed(numeric=True) for one in rule.matches if one.name == "comment")
    return "; ".join(one.removeprefix("/* ").removesuffix(" */") for one in said)


class Section(NamedTuple):
    """A chain and the name of its table, empty if nobody said whose it is."""

    table: str
    chain: Chain


def sections(rules: Rules, walk: Walk | None = None) -> tuple[Section, ...]:
    """The chains that are meant, in iptables' order; a walk knows the table of a lone one."""
    match rules:
        case str():
            return sections(read_rules(rules))
        case Ruleset():
            return tuple(one for table in rules.tables.values() for one in sections(table))
        case Table():
            return tuple(Section(str(rules.name), chain) for chain in rules.ordered())
        case Chain():
            tables = (one.table for one in visits(walk) if _is_asked(rules, one))
            return (Section(str(next(tables, "")), rules),)
        case other:
            raise IptlabError(
                f"{type(other).__name__} has no rules; give a Chain, a Table, a Ruleset or text"
            )


def _is_asked(chain: Chain, visit: TableVisit) -> bool:
    return any(record.chain == chain for record in visit.records)


def visits(walk: Walk | None) -> Iterator[TableVisit]:
    """The walks through tables that a packet took."""
    match walk:
        case None:
            return
        case Journey():
            yield from walk.visits()
        case HookVisit():
            yield from walk.tables
        case other:
            raise IptlabError(
                f"{type(other).__name__} tells of no single machine's rules; give a journey, "
                "such as attempt.trips[0].legs[1].journey, or what iptlab.trace returns"
            )


def hits_of(walk: Walk | None) -> dict[Place, int]:
    """How often a packet matched each rule, and each policy decided on it."""
    if isinstance(walk, Journey):
        # with those of the packets that were sent because of it
        return dict(walk.hits())
    found: dict[Place, int] = {}
    for visit in visits(walk):
        ends = [(visit.chain, 0)] * visit.policy
        for chain, number in (*visit.hits(), *ends):
            place = Place(visit.table, chain, number)
            found[place] = found.get(place, 0) + 1
    return found
