"""``iptables-save`` text to tables and back; printing what was read is the normal form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from iptlab.netfilter.context import PacketSet
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Table
from iptlab.packet import Family
from iptlab.syntax.chains import collector_paused, written
from iptlab.syntax.restore import Restoration, RestoreOptions
from iptlab.syntax.wild import Found, Note


@dataclass(frozen=True)
class Dump:
    """What a dump says: the tables in its order, and how it was written.

    ``counted`` is whether its rules carry counters; ``remarks`` are the lines before and
    after a table, such as iptables-save puts there. ``notes`` are the lines of a text found
    in the wild that are in no table, or are not in it as they stand.
    """

    tables: Mapping[TableName, Table] = field(default_factory=dict)
    counted: bool = False
    remarks: Mapping[TableName, tuple[str, str]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


def read_dump(text: str, family: Family, sets: Mapping[str, PacketSet] | None = None) -> Dump:
    """The tables that a machine has after restoring this text onto empty ones.

    Raises RuleSyntaxError for what iptables-restore cannot read, RulesetError for what
    the kernel would refuse; the first error ends it. Counters are taken where they make
    sense, and the last line needs no line feed.
    """
    options = RestoreOptions(counters=None, sets=sets)
    restoration = Restoration({}, family, options)
    with collector_paused():
        restoration.read(text)
    return Dump(restoration.tables, restoration.counted, restoration.remarks)


def read_found_dump(text: str, family: Family) -> Dump:
    """The tables of a text found in the wild, where much is forgiven and nothing is lost."""
    with collector_paused():
        found = Found(family)
        found.read(text)
        return Dump(found.tables, found.counted, found.remarks, tuple(found.notes))


def write_dump(dump: Dump, *, counters: bool) -> str:
    """The dump as iptables-save prints it; with ``counters`` every rule is preceded by its own."""
    return "".join(f"{line}\n" for line in _lines(dump, counters=counters))


def _lines(dump: Dump, *, counters: bool) -> Iterator[str]:
    for name, table in dump.tables.items():
        before, after = dump.remarks.get(name, ("", ""))
        yield from filter(None, (before,))
        yield f"*{name}"
        chains = {chain.name: chain for chain in written(table.chains)}
        ordered = [chains[chain] for chain in table.names()]
        for chain in ordered:
            yield f":{chain.name} {chain.policy or '-'} {chain.counters}"
        for chain in ordered:
            for entry in chain.entries:
                counted = str(entry.counters) * counters
                yield " ".join(filter(None, (counted, "-A", chain.name, entry.saved_words())))
        yield "COMMIT"
        yield from filter(None, (after,))
