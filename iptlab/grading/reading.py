"""How an answer's text is read: a few lines of rules, as people type them."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter

from iptlab.errors import BadValueError, RuleError, RulesetError
from iptlab.matches.statistic import Statistic
from iptlab.netfilter.context import PacketSet
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Jump, Rule, Table
from iptlab.packet import Family
from iptlab.ruleset import Ruleset
from iptlab.syntax.save import Dump
from iptlab.syntax.shell import read_script

_FILTER = {TableName.FILTER: Table.empty(TableName.FILTER)}

# as much as an answer may ask for; a few rules are wanted, and a learner waits for the verdict
MOST_RULES = 300
MOST_CHAINS = 100
LONGEST_LINE = 1_000
MOST_STEPS = 3_000
DEEPEST = 60
MOST_LOTS = 8
MOST_MEMORIES = 12


def read_rules(text: str, family: int = 4, *, first_line: int = 1) -> Ruleset:
    r"""Rules as people write them: a dump, or commands with or without the word iptables.

    Messages count lines from ``first_line``.

    >>> print(read_rules("-P INPUT DROP\niptables -A INPUT -i lo -j ACCEPT").save(), end="")
    *filter
    :INPUT DROP [0:0]
    :FORWARD ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    -A INPUT -i lo -j ACCEPT
    COMMIT
    """
    lines = [line.strip() for line in text.splitlines()]
    try:
        if any(line.startswith("*") for line in lines):
            return Ruleset.parse("".join(f"{line}\n" for line in lines), family)
        tables = read_script("\n".join(lines), Family(family))
        return Ruleset(Dump({**_FILTER, **tables}), Family(family))
    except RuleError as error:
        error.line += first_line - 1
        raise


def read_answer(
    text: str, family: int = 4, *, first_line: int = 1, sets: Mapping[str, PacketSet] | None = None
) -> Ruleset:
    """Rules that somebody is going to send packets through: not too many, and no maze.

    Where it is known which ``sets`` there are, no other is asked for.
    """
    for number, line in enumerate(text.splitlines(), start=first_line):
        if len(line) > LONGEST_LINE:
            cause = f"this line has {len(line):,} characters; a rule has at most {LONGEST_LINE:,}"
            raise RulesetError(cause, line=number, text=line)
    rules = read_rules(text, family, first_line=first_line)
    for table in rules.tables.values():
        _refuse_masses(table)
        _refuse_mazes(table)
        if sets:
            _refuse_strange_sets(table, sets, Family(family))
    return rules


def _refuse_strange_sets(table: Table, sets: Mapping[str, PacketSet], family: Family) -> None:
    """Refuse rules that name an ipset which is not there."""
    for chain in table.chains.values():
        for rule in chain.rules:
            for extension in rule.extensions():
                try:
                    extension.check_sets(sets, family)
                except BadValueError as bad:
                    line = f"-A {chain.name} {rule}"
                    raise RulesetError(bad.cause, text=line, cure=bad.cure) from None


def _refuse_masses(table: Table) -> None:
    """Refuse more rules, lots and memories than can be weighed against each other."""
    rules = [rule for chain in table.chains.values() for rule in chain.rules]
    counts = (
        (len(table.chains), MOST_CHAINS, "chains"),
        (len(rules), MOST_RULES, "rules"),
        (sum(map(_draws, rules)), MOST_LOTS, "rules that draw lots"),
        (sum(rule.remembers for rule in rules), MOST_MEMORIES, "rules that remember"),
    )
    for count, most, what in counts:
        if count > most:
            raise RulesetError(
                f"{count:,} {what} in table {table.name} are too many",
                cure=f"An answer has at most {most}; the task can be done with a few.",
            )


def _draws(rule: Rule) -> bool:
    return any(isinstance(match, Statistic) for match in rule.matches)


def _refuse_mazes(table: Table) -> None:
    """Refuse jumps so deep, or so many, that one packet would be on its way for ages."""
    calls: dict[str, list[str]] = {}
    ahead = [chain.name for chain in table.chains.values() if chain.policy]
    while ahead:
        name = ahead.pop()
        targets = [rule.target for rule in table.chains[name].rules]
        calls[name] = [target.chain for target in targets if isinstance(target, Jump)]
        ahead += [one for one in calls[name] if one not in calls]
    steps: dict[str, int] = {}
    depth: dict[str, int] = {}
    # what packets can come to has no loops, so each chain can be weighed after those it calls
    for name in TopologicalSorter(calls).static_order():
        steps[name] = len(table.chains[name].rules) + sum(steps[one] for one in calls[name])
        depth[name] = 1 + max((depth[one] for one in calls[name]), default=0)
        if steps[name] > MOST_STEPS or depth[name] > DEEPEST:
            raise RulesetError(
                f"chain {name} leads into a maze: a packet may have to pass {steps[name]:,} "
                f"rules, {depth[name]} chains deep",
                cure=f"Keep below {MOST_STEPS:,} rules and {DEEPEST} chains.",
            )
