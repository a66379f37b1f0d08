"""A table found in the wild, in which the kernel would refuse some rules."""

from __future__ import annotations

from dataclasses import replace

from iptlab.matches.unmodelled import UnreadMatch
from iptlab.netfilter.extension import NO_SUCH
from iptlab.netfilter.rules import Fault, Jump, Rule, Table, faults
from iptlab.syntax.edit import Edit
from iptlab.targets.unmodelled import UnreadTarget


def accepted(edit: Edit) -> Table:
    """The table with every rule that the kernel would refuse kept as unread.

    What only this machine lacks, such as an accounting object, the text's own may have had.
    """
    table = edit.table()
    while found := _first_faults(table):
        rules = {name: [*table.chains[name].rules] for name in {each.chain for each in found}}
        blamed = {(each.chain, at): each for each in reversed(found) for at in _guilty(table, each)}
        for (name, at), fault in blamed.items():
            rules[name][at] = _without(rules[name][at], fault)
        for name, changed in rules.items():
            table = table.with_chain(replace(table.chains[name], rules=tuple(changed)))
    return table


def _first_faults(table: Table) -> list[Fault]:
    """What is wrong with jumps; if nothing is, what is wrong with rules by themselves."""
    rules = {name: chain.rules for name, chain in table.chains.items()}
    callees = {name: [*map(_callee, each)] for name, each in rules.items()}
    found = [each for each in faults(table.name, callees, rules) if each.kernel != NO_SUCH]
    return [each for each in found if not each.number] or found


def _callee(rule: Rule) -> str:
    return rule.target.chain if isinstance(rule.target, Jump) else ""


def _guilty(table: Table, fault: Fault) -> list[int]:
    """Which rules of its chain the fault is about, counted from 0."""
    if fault.number:
        return [fault.number - 1]
    rules = table.chains[fault.chain].rules
    return [at for at, rule in enumerate(rules) if _callee(rule) == fault.word]


def _without(rule: Rule, fault: Fault) -> Rule:
    """The rule with the extension that the kernel refuses, else all of it, kept as unread."""
    named = [match for match in rule.matches if match.name == fault.word]
    target = rule.target
    if named:
        matches = tuple(
            UnreadMatch(str(match), fault.cause) if match in named else match
            for match in rule.matches
        )
    elif target and fault.word in (target.name, getattr(target, "chain", "")):
        matches, target = rule.matches, UnreadTarget(str(target), fault.cause)
    else:
        matches, target = (UnreadMatch(str(rule), fault.cause),), None
    return replace(rule, matches=matches, target=target, written=str(rule))
