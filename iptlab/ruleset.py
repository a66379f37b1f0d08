"""A machine's rule set: all tables of one family, read and printed as the real tools do."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from iptlab.errors import FileError
from iptlab.netfilter.context import PacketSet
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Table
from iptlab.packet import Family
from iptlab.shown import Shown
from iptlab.syntax.save import Dump, read_dump, read_found_dump, write_dump
from iptlab.syntax.wild import Note


@dataclass(frozen=True)
class Ruleset(Shown):
    r"""The tables of one family, as one machine has them.

    >>> rules = Ruleset.parse("*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n")
    >>> print(rules.tables["filter"].chains["INPUT"].rules[0])
    -p tcp -m tcp --dport 22 -j ACCEPT
    """

    dump: Dump = field(default_factory=Dump)
    family: Family = Family.IPV4

    @classmethod
    def parse(
        cls,
        text: str,
        family: int = 4,
        *,
        sets: Mapping[str, PacketSet] | None = None,
        strict: bool = True,
    ) -> Ruleset:
        """Read ``iptables-save`` text (``ip6tables-save`` with family 6), with or without counters.

        Raises RuleSyntaxError or RulesetError for the first thing that is wrong; nothing
        is half-loaded. With ``sets``, the ipsets of the machine by name, a rule that names
        another one is refused.

        Texts found in the wild hold host names, masked addresses, modules and options of
        long ago, prompts, and half a dump, which iptables itself refuses. With
        ``strict=False`` what can be understood of a rule is understood, the rest of it is
        kept, and it is printed back unchanged; a walk that comes to such a rule says if it
        cannot tell. ``notes`` are the lines that are in no table.
        """
        asked = Family(family)
        return cls(read_dump(text, asked, sets) if strict else read_found_dump(text, asked), asked)

    @classmethod
    def read(cls, path: str | Path, family: int = 4) -> Ruleset:
        """Read a dump from a file; FileError if it cannot be read as text."""
        return cls.parse(read_text(path), family)

    @property
    def tables(self) -> Mapping[TableName, Table]:
        """The tables that were read, in their order; a table that is not there has no rules."""
        return self.dump.tables

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was left out of a text found in the wild, or had to be guessed."""
        return self.dump.notes

    def table(self, name: TableName) -> Table:
        """A table, as the kernel makes it if the dump has none."""
        return self.tables.get(name) or Table.empty(name)

    def save(self, *, counters: bool | None = None) -> str:
        """The rule set as ``iptables-save`` prints it (``-c`` with ``counters``).

        Left out, rules carry counters if they did in the text that was read.
        """
        return write_dump(self.dump, counters=self.dump.counted if counters is None else counters)

    def as_dict(self) -> dict[str, object]:
        """The tables as JSON takes them: chains with policy, rules, and their meaning."""
        return {
            name: {
                chain.name: {
                    "policy": chain.policy,
                    "rules": [{"rule": str(r), "says": r.explain()} for r in chain.rules],
                }
                for chain in table.ordered()
            }
            for name, table in self.tables.items()
        }

    def __str__(self) -> str:
        return self.save()


def read_text(path: str | Path) -> str:
    """A file's text, with ``-`` the standard input's; FileError says what is wrong."""
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except IsADirectoryError:
        raise FileError(f"{path} is a folder; name a file in it") from None
    except FileNotFoundError:
        raise FileError(f"there is no file {path}") from None
    except PermissionError:
        raise FileError(f"you may not read {path}; try a copy that you own") from None
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileError(
            f"{path} is not text: line {line} has the byte {data[error.start]:#04x}, "
            "which is not UTF-8; convert it, for example with iconv"
        ) from None
