"""Rules with their counters, as iptables-save -c prints them, and what changed between two."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

TABLES = ("raw", "mangle", "nat", "filter", "security")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_CHAIN = re.compile(r":(\S+) (\S+) \[(\d+):(\d+)\]")
_RULE = re.compile(r"\[(\d+):(\d+)\] -A (\S+)(.*)")


class Count(NamedTuple):
    """Packets and bytes."""

    packets: int
    size: int

    def since(self, before: Count) -> Count:
        """The increase."""
        return Count(self.packets - before.packets, self.size - before.size)


@dataclass
class ChainState:
    """One chain: its policy (``-`` for a user's), the counters, what each rule does."""

    policy: str
    count: Count
    counts: list[Count] = field(default_factory=list)
    deeds: list[str] = field(default_factory=list)


class Counters:
    """All chains of one ``iptables-save -c`` text, by table and name."""

    def __init__(self, text: str) -> None:
        self.chains: dict[tuple[str, str], ChainState] = {}
        self.blocks: dict[str, str] = {}
        blocks = {block[1:].partition("\n")[0]: block for block in _blocks(text)}
        for table in (name for name in TABLES if name in blocks):
            self.blocks[table] = blocks[table]
            for line in blocks[table].splitlines():
                self._read(table, line)

    def _read(self, table: str, line: str) -> None:
        if chain := _CHAIN.fullmatch(line):
            name, policy, packets, size = chain.groups()
            self.chains[table, name] = ChainState(policy, Count(int(packets), int(size)))
        elif rule := _RULE.match(line):
            packets, size, name, rest = rule.groups()
            state = self.chains[table, name]
            state.counts.append(Count(int(packets), int(size)))
            state.deeds.append(deed(rest))

    @property
    def text(self) -> str:
        """The tables in the recordings' order, without comment lines."""
        return "".join(self.blocks.values())

    @property
    def plain(self) -> str:
        """The same without counters."""
        text = re.sub(r"^\[\d+:\d+\] ", "", self.text, flags=re.M)
        return re.sub(r"^(:.*) \[\d+:\d+\]$", r"\1 [0:0]", text, flags=re.M)

    def hits(self, before: Counters) -> list[list[object]]:
        """``[table, chain, rule number, packets, bytes]`` of every rule that counted."""
        return [
            [table, chain, number, *now.since(then)]
            for (table, chain), state in self.chains.items()
            for number, (now, then) in enumerate(
                zip(state.counts, before.chains[table, chain].counts, strict=True), 1
            )
            if now != then
        ]

    def policies(self, before: Counters) -> list[list[object]]:
        """``[table, chain, packets, bytes]`` of every policy that counted."""
        return [
            [table, chain, *state.count.since(before.chains[table, chain].count)]
            for (table, chain), state in self.chains.items()
            if state.count != before.chains[table, chain].count
        ]

    def deed_at(self, table: str, chain: str, number: int | str) -> str:
        """What the rule, or the policy, does with a packet."""
        state = self.chains[table, chain]
        return state.deeds[number - 1] if isinstance(number, int) else state.policy


def _blocks(text: str) -> list[str]:
    return re.findall(r"^\*.*?^COMMIT\n", text, re.S | re.M)


def deed(rule: str) -> str:
    """The verdict that a saved rule gives: DROP, ``REJECT tcp-reset``, or its target."""
    words = _QUOTED.sub("x", rule).split()
    target = words[words.index("-j") + 1] if "-j" in words else ""
    if target == "REJECT":
        return f"REJECT {words[words.index('--reject-with') + 1]}"
    return target
