"""``-m u32``: any four bytes of a packet, by their place in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from iptlab.errors import BadValueError
from iptlab.netfilter.context import CannotTell
from iptlab.netfilter.extension import Match, Refused, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Given, Value, leading_integer
from iptlab.packet import Family

_MOST_TESTS = _MOST_OPERATORS = _MOST_RANGES = 10


class Step(NamedTuple):
    """What is done with the four bytes read so far: ``&`` ``<<`` ``>>`` or ``@``, and a number."""

    operator: str
    number: int


class ByteTest(NamedTuple):
    """A place in the packet, what to do with its four bytes, and what may come out."""

    steps: tuple[Step, ...]
    ranges: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        place = "".join(f"{step.operator}{step.number:#x}" for step in self.steps)
        values = (
            f"{low:#x}" if low == high else f"{low:#x}:{high:#x}" for low, high in self.ranges
        )
        return f"{place}={','.join(values)}"


@dataclass(frozen=True, slots=True)
class ByteTests(Value):
    """Tests joined by ``&&``.

    >>> str(ByteTests.parse("6 & 0xFF = 1:5", Family.IPV4))
    '"0x6&0xff=0x1:0x5"'
    """

    tests: tuple[ByteTest, ...]

    @classmethod
    def parse(cls, text: str, family: Family) -> ByteTests:
        """``LOCATION=VALUE[:VALUE][,...][&&...]``; blanks do not count."""
        return cls(_Reader(text).tests())

    def __str__(self) -> str:
        return '"' + "&&".join(str(test) for test in self.tests) + '"'

    def words(self) -> str:
        return str(self).strip('"')


class _Reader:
    """Reads the little language character by character, as the tool counts them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def tests(self) -> tuple[ByteTest, ...]:
        tests = [self._test()]
        while self._taken("&&"):
            tests.append(self._test())
            if len(tests) > _MOST_TESTS:
                raise self._error('too many "&&"s')
        if self._taken("&"):
            raise self._error("a second '&' was expected")
        if self._rest():
            raise self._error('expected "," or "&&"')
        return tuple(tests)

    def _test(self) -> ByteTest:
        if self._rest().startswith("="):
            raise self._error("location spec missing")
        steps = [Step("", self._number(at_end=True))]
        while not self._taken("="):
            if not self._rest():
                raise _abrupt()
            operator = next((o for o in ("<<", ">>", "&", "@") if self._taken(o)), "")
            if not operator:
                raise self._error("operator expected")
            steps.append(Step(operator, self._number()))
            if len(steps) > _MOST_OPERATORS:
                raise self._error("too many operators")
        ranges = [self._range()]
        while self._taken(","):
            ranges.append(self._range())
            if len(ranges) > _MOST_RANGES:
                raise self._error('too many ","s')
        return ByteTest(tuple(steps), tuple(ranges))

    def _range(self) -> tuple[int, int]:
        low = self._number()
        return (low, self._number()) if self._taken(":") else (low, low)

    def _number(self, *, at_end: bool = False) -> int:
        if at_end and not self._rest():
            raise _abrupt()
        left = self._rest()
        number, rest = leading_integer(left)
        if number is None or number > 0xFFFFFFFF:
            raise self._error("not a number or out of range")
        self.at += len(left) - len(rest)
        return number

    def _taken(self, token: str) -> bool:
        there = self._rest().startswith(token)
        self.at += len(token) * there
        return there

    def _rest(self) -> str:
        """What is left, from the next character that is no blank."""
        left = self.text[self.at :]
        self.at += len(left) - len(left.lstrip())
        return left.lstrip()

    def _error(self, what: str) -> BadValueError:
        return BadValueError(
            f"u32: at char {self.at}: {what}",
            'Write places and values, for example --u32 "6&0xFF=1".',
        )


def _abrupt() -> BadValueError:
    return BadValueError(
        "u32: abrupt end of input after location specifier",
        "A place is followed by = and the values that it may have: 6&0xFF=1.",
    )


BYTES = Field(
    "u32",
    lambda p, c: CannotTell("iptlab's packets are headers and fields, not bytes"),
    "has at {}",
    "does not have at {}",
)


@register_match("u32")
@dataclass(frozen=True)
class U32(Match):
    """``-m u32 [!] --u32 "PLACE=VALUE && ..."``: four bytes at a place, shifted and masked.

    Kernel: net/netfilter/xt_u32.c

    Simplified: packets here have no bytes, so the answer cannot be told.
    """

    u32: Given[ByteTests] = option("--u32", ByteTests, negatable=True, required=True, reads=BYTES)

    def kernel_refusal(self) -> Refused | None:
        for test in self.u32.value.tests:
            for step in test.steps:
                if step.operator in ("<<", ">>") and step.number > 31:
                    return Refused(
                        f"a shift by {step.number} bits leaves nothing", "Shift by at most 31."
                    )
        return None

    def listed(self, *, numeric: bool) -> str:
        return f"u32 {'! ' * self.u32.negated}{self.u32.value}"
