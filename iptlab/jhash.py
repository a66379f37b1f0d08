"""Bob Jenkins' hash as the kernel uses it to spread addresses over choices.

Kernel: include/linux/jhash.h (jhash2), lookup3 by Bob Jenkins
"""

from __future__ import annotations

from collections.abc import Sequence

_INITIAL = 0xDEADBEEF
# left rotations of the two mixing steps, each with the register that is subtracted
_MIX = ((4, 2, 0), (6, 0, 1), (8, 1, 2), (16, 2, 0), (19, 0, 1), (4, 1, 2))
_FINAL = (14, 11, 25, 16, 4, 14, 24)


def jhash(words: Sequence[int], seed: int = 0) -> int:
    """The hash of 32-bit words.

    >>> hex(jhash([0x0100007F], 7))
    '0x1e793325'
    """
    state = [(_INITIAL + 4 * len(words) + seed) & 0xFFFFFFFF] * 3
    waiting = list(words)
    while len(waiting) > 3:
        _add(state, waiting[:3])
        _mix(state)
        del waiting[:3]
    if waiting:
        _add(state, waiting)
        _finish(state)
    return state[2]


def choice(value: int, among: int) -> int:
    """A hash scaled down to one of ``among`` choices, counted from 0."""
    return value * among >> 32


def _add(state: list[int], words: Sequence[int]) -> None:
    for place, word in enumerate(words):
        state[place] = (state[place] + word) & 0xFFFFFFFF


def _mix(state: list[int]) -> None:
    """Stir all three registers together, so that every bit counts in each of them."""
    for bits, source, target in _MIX:
        other = 3 - source - target
        mixed = (state[target] - state[source]) ^ _rotated(state[source], bits)
        state[target] = mixed & 0xFFFFFFFF
        state[source] = (state[source] + state[other]) & 0xFFFFFFFF


def _finish(state: list[int]) -> None:
    """Stir so that the last register depends on every bit."""
    for turn, bits in enumerate(_FINAL):
        target, source = (2 + turn) % 3, (1 + turn) % 3
        mixed = (state[target] ^ state[source]) - _rotated(state[source], bits)
        state[target] = mixed & 0xFFFFFFFF


def _rotated(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & 0xFFFFFFFF
