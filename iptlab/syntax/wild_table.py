"""A table found in the wild, in which the kernel would refuse some rules."""

from __future__ import annotations

from dataclasses import replace

from iptlab.matches.unmodelled import UnreadMatch
from iptlab.netfilter.extension import NO_SUCH
from iptlab.netfilter.rules import Chain, Fault, Jump, Outline, Rule, Table, faults
from iptlab.syntax.edit import Edit
from iptlab.targets.unmodelled import UnreadTarget


def accepted(edit: Edit) -> Table:
    """The table with every rule that the kernel would refuse kept as unread.

    What only this machine lacks, such as an accounting object, the text's own may have had.
    """
    table = edit.table()
    for _ in range(sum(len(chain.rules) for chain in table.chains.values()) + 1):
        outlines = {
            name: Outline.of([*map(_callee, chain.rules)], chain.rules)
            for name, chain in table.chains.items()
        }
        found = faults(table.name, outlines)
        fault = next((each for each in found if each.kernel != NO_SUCH), None)
        if fault is None:
            break
        chain = table.chains[fault.chain]
        at = _guilty(chain, fault)
        kept = _without(chain.rules[at], fault)
        rules = (*chain.rules[:at], kept, *chain.rules[at + 1 :])
        table = table.with_chain(replace(chain, rules=rules))
    return table


def _callee(rule: Rule) -> str:
    return rule.target.chain if isinstance(rule.target, Jump) else ""


def _guilty(chain: Chain, fault: Fault) -> int:
    """Which of the chain's rules the fault is about, counted from 0."""
    if fault.number:
        return fault.number - 1
    return next(at for at, rule in enumerate(chain.rules) if _callee(rule) == fault.word)


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
