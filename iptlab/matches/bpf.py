"""``-m bpf``: a small program that looks at the packet's bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.context import Answer, CannotTell, Context
from iptlab.netfilter.extension import Match, Refused, option, register_match
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

    @property
    def is_sound(self) -> bool:
        """Whether every jump stays inside, the last instruction returns and memory is filled.

        Kernel: net/core/filter.c (bpf_check_classic)
        """
        program = [
            tuple(map(int, each.split(" "))) for each in self.text.partition(",")[2].split(",")
        ]
        for at, (code, yes, no, value) in enumerate(program):
            left = len(program) - at - 1
            if code not in _CODES or (code in _DIVISIONS and value == 0):
                return False
            if code in _SHIFTS and value >= 32:
                return False
            if code in _MEMORY and value >= 16:
                return False
            if code == _JUMP and value >= left:
                return False
            if code & 7 == _JUMP and code != _JUMP and max(yes, no) >= left:
                return False
        return program[-1][0] in _RETURNS and _is_stored_first(program)

    def __str__(self) -> str:
        return f'"{self.text}"'


# instructions by their codes: include/uapi/linux/bpf_common.h, net/core/filter.c (chk_code_allowed)
_JUMP = 0x05
_RETURNS = {0x06, 0x16}
_DIVISIONS = {0x34, 0x94}
_SHIFTS = {0x64, 0x74}
_STORES = {0x02, 0x03}
_MEMORY = {0x60, 0x61} | _STORES
_ALU = {kind | source | 0x04 for kind in range(0, 0xB0, 0x10) for source in (0, 8)} - {0x8C}
_LOADS = {0x00, 0x01, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x80, 0x81, 0xB1}
_TESTS = {kind | source | 0x05 for kind in (0x10, 0x20, 0x30, 0x40) for source in (0, 8)}
_CODES = _ALU | _LOADS | _TESTS | _RETURNS | _MEMORY | {_JUMP, 0x07, 0x87}


def _is_stored_first(program: list[tuple[int, ...]]) -> bool:
    """Whether no cell of the memory is read that may not have been written.

    Kernel: net/core/filter.c (check_load_and_stores)
    """
    every = (1 << 16) - 1
    written, before = 0, [every] * len(program)
    for at, (code, yes, no, value) in enumerate(program):
        written &= before[at]
        if code in _STORES:
            written |= 1 << value
        elif code in _MEMORY and not written >> value & 1:
            return False
        elif code & 7 == _JUMP:
            for jump in (value,) if code == _JUMP else (yes, no):
                before[at + 1 + jump] &= written
            written = every
    return True


_SHAPE = "The tool nfbpf_compile prints programs in the form that belongs here."


@register_match("bpf")
@dataclass(frozen=True)
class Bpf(Match):
    """``-m bpf --bytecode PROGRAM`` or ``--object-pinned FILE``.

    Kernel: net/netfilter/xt_bpf.c

    Simplified: programs are kept and printed, not run.
    """

    gap = ""

    bytecode: Program | None = option("--bytecode", Program)
    pinned: Text | None = option("--object-pinned", Text)

    def __post_init__(self) -> None:
        """Refuse a match without a program."""
        self.exclude("--bytecode", "--object-pinned")
        if not any(self.given()):
            raise BadValueError("bpf: one of --bytecode or --pinned is required", _SHAPE)

    def kernel_refusal(self) -> Refused | None:
        """The kernel checks that a program can be run and ends."""
        if self.bytecode and not self.bytecode.is_sound:
            return Refused(
                "the program does not end, jumps out of itself or reads what it has not stored",
                _SHAPE,
            )
        return None

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
