"""``-m bpf``: a small program that looks at the packet's bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.context import Answer, CannotTell, Context
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.values import Text
from iptlab.packet import Family, Packet


class Program(Text):
    """Instructions of the classic Berkeley packet filter: ``1,6 0 0 1``."""

    @classmethod
    def parse(cls, text: str, family: Family) -> Program:
        """The number of instructions, then each with code, two jumps and a value."""
        count, comma, rest = text.partition(",")
        if not comma or not count.isdecimal():
            raise BadValueError("bpf: error parsing program length", _SHAPE)
        if int(count) == 0:
            raise BadValueError("bpf: illegal zero length program", _SHAPE)
        if int(count) > 64:
            raise BadValueError(
                "bpf: number of instructions exceeds maximum", "A program has at most 64."
            )
        words = rest.removesuffix(",").split(",")
        for number, word in enumerate(words):
            if number == int(count):
                raise BadValueError(
                    "bpf: real program length exceeds the encoded length parameter",
                    f"Begin with the number of instructions: {len(words)}.",
                )
            found = re.match(r"(\d+) (\d+) (\d+) (\d+)", word, re.ASCII)
            if not found:
                raise BadValueError(f"bpf: error at instr {number}", _SHAPE)
            sizes = zip(found.groups(), (16, 8, 8, 32), strict=True)
            words[number] = " ".join(str(int(value) % 2**bits) for value, bits in sizes)
        if len(words) < int(count):
            raise BadValueError(
                "bpf: parsed program length is less than the encoded length parameter",
                f"Begin with the number of instructions: {len(words)}.",
            )
        return cls(",".join((count, *words)))

    def __str__(self) -> str:
        return f'"{self.text}"'


_SHAPE = "The tool nfbpf_compile prints programs in the form that belongs here."


@register_match("bpf")
@dataclass(frozen=True)
class Bpf(Match):
    """``-m bpf --bytecode PROGRAM`` or ``--object-pinned FILE``.

    Kernel: net/netfilter/xt_bpf.c

    Simplified: programs are kept and printed, not run.
    """

    bytecode: Program | None = option("--bytecode", Program)
    pinned: Text | None = option("--object-pinned", Text)

    def __post_init__(self) -> None:
        """Refuse a match without a program."""
        self.exclude("--bytecode", "--object-pinned")
        if not any(self.given()):
            raise BadValueError("bpf: one of --bytecode or --pinned is required", _SHAPE)

    def holds(self, packet: Packet, context: Context) -> Answer:
        return CannotTell("the program of -m bpf is not run")

    def why_not(self, packet: Packet, context: Context) -> str:
        return str(self.holds(packet, context))

    def explain(self) -> str:
        return "is chosen by a program (not modelled by iptlab)"

    def listed(self, *, numeric: bool) -> str:
        """The program's instructions; the tool prints the zero that ends its text too."""
        if self.bytecode is None:
            return f"match bpf pinned {self.pinned}"
        return f"match bpf {self.bytecode.text.partition(',')[2]}\0"
