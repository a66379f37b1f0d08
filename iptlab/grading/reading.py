"""How an answer's text is read: a few lines of rules, as people type them."""

from __future__ import annotations

from iptlab.errors import RuleError
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Table
from iptlab.packet import Family
from iptlab.ruleset import Ruleset
from iptlab.syntax.save import Dump
from iptlab.syntax.shell import read_script

_FILTER = {TableName.FILTER: Table.empty(TableName.FILTER)}


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
