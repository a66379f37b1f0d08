"""Mistakes that are made in more than one lesson, and how they show in an answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from iptlab.grading import Misconception, lists, read_rules, treats
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Rule
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host
from iptlab.simulate.machine import Machine
from iptlab.simulate.situation import Situation, trace
from iptlab.simulate.trace import TableVisit
from iptlab.syntax.save import Dump

Shows = Callable[[object], bool]


# --- rules ---


def left_to_policy(packet: str, verdict: str, *, host: Host | None = None) -> Shows:
    """The mistake of rules none of which decides about the packet, so that a policy says this."""
    ends_so = treats(packet, verdict, host=host)

    def shows(answer: object) -> bool:
        if not (isinstance(answer, Ruleset) and ends_so(answer)):
            return False
        asked = [one for one in _visits(answer, packet, host) if one.table is TableName.FILTER]
        return not asked or asked[-1].decided_by.endswith(" policy")

    return shows


def _visits(rules: Ruleset, packet: str, host: Host | None) -> tuple[TableVisit, ...]:
    if host is None:
        return trace(rules, packet).tables
    return tuple(Machine(host.with_rules(rules)).journey(packet).visits())


def too_late(packet: str, verdict: str = Verdict.ACCEPT) -> Shows:
    """The mistake of rules one of which says this of the packet, where another one is before it."""
    says_so = treats(packet, verdict)

    def shows(answer: object) -> bool:
        if not isinstance(answer, Ruleset) or says_so(answer):
            return False
        ones = alone(answer, str(Situation.parse(packet).context.hook))
        return any(says_so(one) and not left_to_policy(packet, verdict)(one) for one in ones)

    return shows


def misses(packet: str, verdict: str, reply: str = "", *, host: Host | None = None) -> Shows:
    """The mistake of rules that do anything but this to the packet."""
    meets = treats(packet, verdict, reply, host=host)
    return lambda answer: not meets(answer)


def alone(rules: object, chain: str) -> tuple[Ruleset, ...]:
    """For each rule of that chain of table filter: the rules without its neighbours."""
    if not isinstance(rules, Ruleset):
        return ()
    asked = rules.table(TableName.FILTER).chains[chain].rules
    return tuple(_with_only(rules, chain, rule) for rule in asked)


def _with_only(rules: Ruleset, chain: str, rule: Rule) -> Ruleset:
    table = rules.table(TableName.FILTER)
    chains = {**table.chains, chain: replace(table.chains[chain], rules=(rule,))}
    changed = {**rules.tables, TableName.FILTER: replace(table, chains=chains)}
    return Ruleset(Dump(changed), rules.family)


def reads(*patterns: str) -> Shows:
    """The mistake of rules with a line in which each of these is found, one after another."""
    line = re.compile(".*".join(f"(?:{pattern})" for pattern in patterns))
    return lambda answer: isinstance(answer, Ruleset) and bool(line.search(answer.save()))


def spoils(ready: str, *chains: str) -> Shows:
    """The mistake of rules with these chains, but not with their lines as they were ready."""
    wanted = _lines(read_rules(ready), *chains)

    def shows(answer: object) -> bool:
        given = _lines(answer, *chains) if isinstance(answer, Ruleset) else []
        return bool(given) and [line for line in given if line in wanted] != wanted

    return shows


def _lines(rules: Ruleset, *chains: str) -> list[str]:
    begins = tuple(f"-A {chain} " for chain in chains)
    return [line for line in rules.save().splitlines() if line.startswith(begins)]


# --- words ---


def is_no(pattern: str) -> Shows:
    """The mistake of an answer, or of one item of a list, that is not written so."""
    written = re.compile(pattern, re.IGNORECASE).fullmatch

    def shows(answer: object) -> bool:
        items = answer if isinstance(answer, list | tuple) else (answer,)
        return not all(written(str(item)) for item in items)

    return shows


def twice(answer: object) -> bool:
    """The mistake of a list that names something more than once."""
    return isinstance(answer, tuple) and len({*answer}) < len(answer)


def jumbled(*items: str) -> Shows:
    """The mistake of the right list in another order."""
    wanted = [item.casefold() for item in items]

    def shows(answer: object) -> bool:
        given = [str(item).casefold() for item in answer] if isinstance(answer, tuple) else []
        return given != wanted and sorted(given) == sorted(wanted)

    return shows


def has_one_like(pattern: str) -> Shows:
    """The mistake of a list with an item that begins so."""
    begins = re.compile(pattern, re.IGNORECASE).match
    return lambda answer: isinstance(answer, tuple) and any(begins(str(one)) for one in answer)


NAMED_TWICE = Misconception(
    "named-twice",
    "Name each chain once: a packet that comes back from a jump goes on where it was.",
    twice,
)
TOO_FAR = Misconception(
    "too-far",
    "The destination is rewritten before that: stop there.",
    lists("postrouting", "kube-postrouting"),
)
ENDS = Misconception(
    "form",
    'Write both ends of the packet and nothing else, in quotes: "192.0.2.1:4000 -> 192.0.2.2:80".',
    lambda answer: isinstance(answer, tuple) or is_no(r"[\d.]+:\d+ -> [\d.]+:\d+")(answer),
)
ADDRESS = Misconception(
    "form",
    "Write an address in digits, and nothing else: no port and no name.",
    is_no(r"\d+(\.\d+){3}"),
)
