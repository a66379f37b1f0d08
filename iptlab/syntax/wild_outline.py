"""What a text found in the wild says about its tables, before any rule of it is read.

Somebody copied a part of a dump: its first header is gone, or a chain is declared nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import takewhile

from iptlab.netfilter.hooks import TableName, hooks_of

BUILT_IN = {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}


def usual_table(lines: list[str]) -> TableName:
    """The table of rules before any header: one that has their chains and no header itself."""
    alone = [line for line in takewhile(lambda line: line[:1] != "*", lines) if _ALONE(line)]
    chains = {words[words.index("-A") + 1] for words in map(str.split, alone)} & BUILT_IN
    headed = {line[1:].strip().lower() for line in lines if line[:1] == "*"}
    order = [TableName.FILTER, TableName.NAT, TableName.MANGLE, TableName.RAW]
    if any(map(_TRANSLATES, alone)):
        order.insert(0, TableName.NAT)
    fitting = [name for name in order if name not in headed and chains <= set(hooks_of(name))]
    return fitting[0] if fitting else order[0]


_ALONE = re.compile(r"(?:\[[^\]]*\] ?)?-A ").match
_TRANSLATES = re.compile(r" -j (?:DNAT|SNAT|MASQUERADE|REDIRECT|NETMAP)\b").search


def headless(lines: list[str]) -> dict[int, TableName]:
    """The table of every line that declares a chain and begins a table which lost its header.

    It is the smallest one with these chains, if the text has it nowhere else.
    """
    tables: dict[int, TableName] = {}
    headed = {line[1:].strip().lower() for line in lines if line[:1] == "*"}
    inside = False
    for number, line in enumerate(lines, start=1):
        if not inside and _COUNTED_CHAIN(line):
            block = takewhile(
                lambda each: each[:1] != "*" and each != "COMMIT", lines[number - 1 :]
            )
            chains = {found[1] for found in map(_COUNTED_CHAIN, block) if found} & BUILT_IN
            fitting = [name for name in TableName if chains <= set(hooks_of(name))]
            left = [name for name in fitting if name not in headed | {*tables.values()}]
            if chains and left:
                tables[number] = min(left, key=lambda name: len(hooks_of(name)))
        inside = number in tables or line[:1] == "*" or (inside and line.upper() != "COMMIT")
    return tables


def declared_chains(
    lines: list[str], usual: TableName, unnamed: Mapping[int, TableName]
) -> dict[str, list[str]]:
    """The user chains of each table that a line declares, makes or puts a rule into."""
    chains: dict[str, list[str]] = {}
    table: str = usual
    for number, line in enumerate(lines, start=1):
        table = line[1:].strip().lower() if line[:1] == "*" else unnamed.get(number, table)
        table = usual if line.upper() == "COMMIT" else table
        found = re.search(r"(?:^: ?|(?:^|\s)(?:-N|-A|--append)\s+)([^\s\"]+)", line)
        elsewhere = re.search(r"\s(?:-t|--table)\s+(\w+)", line)
        if found and len(found[1].encode()) <= 28 and found[1] not in BUILT_IN:
            chains.setdefault(elsewhere[1] if elsewhere else table, []).append(found[1])
    return chains


_COUNTED_CHAIN = re.compile(r": ?(\S+)\s+(?:ACCEPT|DROP|-)\s*\[\d+:\d+\]$").match
