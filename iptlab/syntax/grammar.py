"""The shape of a line: operations, switches, and what a line asks for when it is read.

Man page: iptables(8), COMMANDS and PARAMETERS; source: iptables/xshared.c (do_parse)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from iptlab.errors import RuleSyntaxError
from iptlab.netfilter.rules import Rule
from iptlab.syntax.tokens import Token

# operation: its long names, and what must or [may] follow it
OPERATIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "-A": (("--append",), "chain"),
    "-I": (("--insert",), "chain [number]"),
    "-D": (("--delete",), "chain [number]"),
    "-R": (("--replace",), "chain number"),
    "-C": (("--check",), "chain"),
    "-N": (("--new-chain",), "chain"),
    "-X": (("--delete-chain",), "[chain]"),
    "-F": (("--flush",), "[chain]"),
    "-Z": (("--zero",), "[chain] [number]"),
    "-E": (("--rename-chain",), "chain new"),
    "-P": (("--policy",), "chain policy"),
    "-L": (("--list",), "[chain] [number]"),
    "-S": (("--list-rules",), "[chain] [number]"),
}
WITH_RULE = {"-A", "-I", "-D", "-R", "-C"}

# the letters of the options that each operation refuses; -D with a number is "-D number"
_NO_COLUMNS = "nx0"
_NO_RULE = "sdpjiof"
ILLEGAL = (
    dict.fromkeys("AIR", _NO_COLUMNS)
    | {
        "D": _NO_COLUMNS + "c",
        "C": _NO_COLUMNS + "c",
        "D number": _NO_RULE + _NO_COLUMNS + "c",
        "L": _NO_RULE + "c",
        "P": _NO_RULE + _NO_COLUMNS,
    }
    | dict.fromkeys("NXFZES", _NO_RULE + _NO_COLUMNS + "c")
)

# switches without a rule's meaning: short name, long name, how many words follow
SWITCHES: dict[str, tuple[str, int]] = {
    "-t": ("--table", 1),
    "-n": ("--numeric", 0),
    "-v": ("--verbose", 0),
    "-x": ("--exact", 0),
    "-w": ("--wait", 0),
    "-4": ("--ipv4", 0),
    "-6": ("--ipv6", 0),
    "--line-numbers": ("--line-numbers", 0),
    "-M": ("--modprobe", 1),
    "-c": ("--set-counters", 1),
    "-V": ("--version", 0),
    "-h": ("--help", 0),
}
# switches after which nothing more is read, and those that may stand only once
FINAL = {"-V", "-h"}
ONCE = {"-n": "n", "-x": "x", "--line-numbers": "0", "-c": "c"}
JUMPS = {"-j": ("--jump",), "-g": ("--goto",)}
LOAD_MATCH = {"-m": ("--match",)}


@dataclass(frozen=True)
class Command:
    """What one line asks for; ``rules`` are several if it names several addresses.

    A line that is about the other family, or that asks for help or the version, has that
    switch (``-4 -6 -V -h``) for its operation. ``-Z`` beside ``-L`` or ``-S`` is a switch.
    """

    operation: str = ""
    chain: str = ""
    number: int | None = None
    argument: str = ""
    rules: tuple[Rule, ...] = ()
    switches: tuple[tuple[str, tuple[str, ...]], ...] = ()
    warnings: tuple[str, ...] = ()


class LateSyntaxError(RuleSyntaxError):
    """A line whose mistake shows only beside the chains of its table, once that is open."""


class Place(NamedTuple):
    """Where a line stands, for messages."""

    line: int
    text: str

    def error(
        self, token: Token | None, cause: str, cure: str = "", tool: str = ""
    ) -> RuleSyntaxError:
        """A refusal of this line at that word, or at the line's end."""
        end = len(self.text.rstrip()) + 1
        return RuleSyntaxError(
            cause,
            line=self.line,
            column=token.column if token else end,
            word=token.text if token else "",
            text=self.text,
            cure=cure,
            tool=tool,
        )


NOWHERE = Place(0, "")

# protocols that are extension headers, which IPv6 rules find with -m (xshared.c, is_exthdr)
EXTENSION_HEADERS = (43, 44, 51, 60)
