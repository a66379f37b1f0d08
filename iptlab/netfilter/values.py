"""The values that options take: each knows how to read and print itself and what it contains."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, Generic, Self, TypeVar

from iptlab.errors import BadValueError
from iptlab.names import protocol_names, protocol_numbers
from iptlab.netfilter.context import CtState
from iptlab.packet import Family, TcpFlags


class Value(ABC):
    """What an option takes: ``arity`` words on the line, read by ``parse``, printed by ``str``.

    ``optional`` means that one more word may follow, unless it begins with - or !.
    ``too_few`` is what the tool says of the option if one of several words is missing.
    ``parse`` gets the words joined by one blank; it raises BadValueError, worded as the tool
    words it.
    """

    arity: ClassVar[int] = 1
    optional: ClassVar[bool] = False
    too_few: ClassVar[str] = "requires two args."

    @classmethod
    @abstractmethod
    def parse(cls, text: str, family: Family) -> Self:
        """The value that ``text`` spells."""

    def __contains__(self, item: object) -> bool:
        """Whether what a packet carries is what this value asks for."""
        return item == self

    def covers(self, other: Value) -> bool:
        """Whether all that ``other`` contains is surely contained here too."""
        return self == other

    def words(self) -> str:
        """The value as a sentence says it."""
        return str(self)

    def warning(self) -> str:
        """What the tool says of a value that it takes nevertheless; mostly nothing."""
        return ""


V = TypeVar("V", bound=Value, covariant=True)


@dataclass(frozen=True, slots=True)
class Given(Generic[V]):
    """A value as an option gave it, with or without ``!`` before the option."""

    value: V
    negated: bool = False

    def agrees(self, found: bool) -> bool:
        """What is found, or with ``!`` the opposite: the one place where that is turned round."""
        return found != self.negated

    def holds(self, test: Callable[[V], bool]) -> bool:
        """Whether the test agrees about the value."""
        return self.agrees(test(self.value))


class Flag(Value):
    """An option that stands alone: there or not there."""

    arity = 0
    __slots__ = ()

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """The flag; it has no text."""
        return cls()

    def __contains__(self, item: object) -> bool:
        return item is True

    def __str__(self) -> str:
        return ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Flag)

    def __hash__(self) -> int:
        return hash(Flag)

    def __repr__(self) -> str:
        return "Flag()"


@dataclass(frozen=True, slots=True)
class Text(Value):
    """A word or sentence of the learner's own, printed with iptables' quoting."""

    text: str

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """The text as it stands."""
        return cls(text)

    def __str__(self) -> str:
        return quoted(self.text)

    def words(self) -> str:
        return self.text


class EstimatorName(Text):
    """The estimator's name; 15 bytes of it count. Printed as it is."""

    @classmethod
    def parse(cls, text: str, family: Family) -> EstimatorName:
        """The name, cut as the tool does."""
        return cls(text.encode()[:15].decode(errors="ignore"))

    def __str__(self) -> str:
        return self.text


_BARE = re.compile(r"[A-Za-z0-9_-]+").fullmatch


def quoted(text: str) -> str:
    r"""The text as iptables-save prints it: bare if plain, else in double quotes.

    Source: libxtables/xtables.c (xtables_save_string)

    >>> print(quoted("it's"))
    "it\'s"
    """
    return text if _BARE(text) else '"' + re.sub(r"([\\\"'])", r"\\\1", text) + '"'


@dataclass(frozen=True, slots=True)
class Integer(Value):
    """A number from ``least`` to ``most``; subclasses narrow the range."""

    number: int
    least: ClassVar[int] = 0
    most: ClassVar[int] = 0xFFFFFFFF

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """Decimal, 0x hexadecimal or 0 octal, as strtoul reads it."""
        number = read_integer(text)
        if number is None or not cls.least <= number <= cls.most:
            raise BadValueError(
                f"bad value for option, or out of range ({cls.least}-{cls.most}).",
                f"Write a number from {cls.least} to {cls.most}.",
            )
        return cls(number)

    def __contains__(self, item: object) -> bool:
        return item == self.number

    def __str__(self) -> str:
        return str(self.number)


_LEADING = re.compile(r"\s*\+?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)", re.ASCII)


def leading_integer(text: str) -> tuple[int | None, str]:
    """The number that a text begins with, as strtoul with base 0 reads it, and what is left.

    >>> leading_integer("0x10/8"), leading_integer("08"), leading_integer("ten")
    ((16, '/8'), (0, '8'), (None, 'ten'))
    """
    found = _LEADING.match(text)
    if not found or len(found[1]) > 20:
        return None, text
    octal = found[1][0] == "0" and found[1].isdecimal()
    return int(found[1], 8 if octal else 0), text[found.end() :]


def read_integer(text: str) -> int | None:
    """A number as strtoul with base 0 reads it, or None.

    >>> read_integer("0x10"), read_integer("010"), read_integer("ten")
    (16, 8, None)
    """
    number, rest = leading_integer(text)
    return None if rest else number


def read_range(text: str, most: int) -> list[int]:
    """The one or two numbers with a colon between them, each of which may be left out.

    Source: libxtables/xtoptions.c (xtopt_parse_mint)

    >>> read_range("100", 255), read_range("100:", 255)
    ([100], [100, 255])
    """
    low, rest = _number_before_colon(text, 0, most)
    if not rest:
        return [low]
    high, more = _number_before_colon(rest[1:], most, most)
    if more:
        raise BadValueError("Too many components for option (max: 2)", "Write one range: 100:200.")
    return [low, high]


def _number_before_colon(text: str, absent: int, most: int) -> tuple[int, str]:
    """The number before the next colon, ``absent`` if there is none, and what is left."""
    if not text or text[0] == ":":
        return absent, text
    number, rest = leading_integer(text)
    cure = f"Write a number from 0 to {most} or a range of them: 100:200."
    if number is None or number > most:
        raise BadValueError(
            f'bad value for option near "{text}", or out of range (0-{most}).', cure
        )
    if rest and rest[0] != ":":
        raise BadValueError(f'Argument to option has unexpected characters near "{rest}".', cure)
    return number, rest


@dataclass(frozen=True, slots=True)
class NumberRange(Value):
    """One number, or all from ``low`` to ``high``; one that is upside down holds nothing.

    >>> str(NumberRange.parse("100:", Family.IPV4))
    '100:4294967295'
    """

    low: int
    high: int
    most: ClassVar[int] = 0xFFFFFFFF

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """``100``, ``100:200``, ``:200`` or ``100:``."""
        numbers = read_range(text, cls.most)
        return cls(numbers[0], numbers[-1])

    @property
    def is_everything(self) -> bool:
        """Whether every number is inside."""
        return self.low == 0 and self.high == self.most

    def __contains__(self, item: object) -> bool:
        return isinstance(item, int) and self.low <= item <= self.high

    def covers(self, other: Value) -> bool:
        return isinstance(other, NumberRange) and self.low <= other.low <= other.high <= self.high

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}:{self.high}"

    def words(self) -> str:
        return str(self).replace(":", " to ")


@dataclass(frozen=True, slots=True)
class InterfaceName(Value):
    """An interface's name; a final ``+`` stands for any ending.

    >>> "eth7" in InterfaceName("eth+")
    True
    """

    name: str

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """At most 15 characters."""
        if not text:
            raise BadValueError(
                "Empty interface is likely to be undesired",
                "Write a name such as eth0, or leave the option out.",
            )
        if len(text.encode()) > 15:
            raise BadValueError(
                f"interface name `{text}' must be shorter than IFNAMSIZ (15)",
                "Linux interface names have at most 15 characters.",
            )
        return cls(text)

    def __contains__(self, item: object) -> bool:
        if self.name.endswith("+"):
            return str(item).startswith(self.name[:-1])
        return item == self.name

    def warning(self) -> str:
        if not set(self.name) & {"/", " "}:
            return ""
        return (
            f"Warning: weird character in interface `{self.name}' "
            "('/' and ' ' are not allowed by the kernel)."
        )

    @property
    def is_everything(self) -> bool:
        """Whether every interface is meant."""
        return self.name == "+"

    def covers(self, other: Value) -> bool:
        return isinstance(other, InterfaceName) and (self == other or other.name in self)

    def __str__(self) -> str:
        return self.name

    def words(self) -> str:
        if self.name == "+":
            return "any interface"
        return f"an interface named {self.name[:-1]}..." if self.name.endswith("+") else self.name


@dataclass(frozen=True, slots=True)
class ProtocolNumber(Value):
    """An IP protocol by number; 0 stands for all."""

    number: int

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """The same in any case."""
        return cls.parse_exactly(text.lower(), family)

    @classmethod
    def parse_exactly(cls, text: str, family: Family) -> Self:
        """A name or alias of /etc/protocols, or a number up to 255."""
        number = read_integer(text)
        if number is None or number > 255:
            number = protocol_numbers().get(text)
        if number is None:
            raise BadValueError(
                f'unknown protocol "{text}" specified',
                "Write tcp, udp, icmp, another name of /etc/protocols, or a number up to 255.",
            )
        return cls(number)

    @property
    def is_everything(self) -> bool:
        """Whether every protocol is meant."""
        return self.number == 0

    def __str__(self) -> str:
        return protocol_names().get(self.number, str(self.number)) if self.number else "all"


def either(parts: Iterable[str]) -> str:
    """The words as a sentence joins them: ``a, b or c``."""
    words = list(parts)
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


@dataclass(frozen=True, slots=True)
class FlagTest(Value):
    """``MASK COMP``: of the flags in MASK exactly those in COMP are set."""

    mask: TcpFlags
    set: TcpFlags
    arity: ClassVar[int] = 2

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """Two comma-separated lists of flag names, ALL or NONE."""
        mask, _, comp = text.partition(" ")
        return cls(_read_flags(mask), _read_flags(comp))

    @property
    def is_everything(self) -> bool:
        """Whether no flag is looked at."""
        return not self.mask and not self.set

    def __contains__(self, item: object) -> bool:
        return isinstance(item, TcpFlags) and item & self.mask == self.set

    def __str__(self) -> str:
        return f"{self.mask} {self.set}"

    def words(self) -> str:
        unset = self.mask & ~self.set
        said = str(self.set) if self.set else ""
        if unset:
            said += " but not " * bool(said) + ("none of " * (not said)) + str(unset)
        return said or "NONE"


SYN_ONLY = FlagTest(TcpFlags.FIN | TcpFlags.SYN | TcpFlags.RST | TcpFlags.ACK, TcpFlags.SYN)


def _read_flags(text: str) -> TcpFlags:
    flags = TcpFlags.NONE
    for name in filter(None, text.split(",")):
        flag = TcpFlags.__members__.get(name.upper())
        if flag is None or flag not in TcpFlags.ALL:
            raise BadValueError(
                f"Unknown TCP flag `{name}'",
                "The flags are SYN, ACK, FIN, RST, URG, PSH; ALL and NONE stand for all and none.",
            )
        flags |= flag
    return flags


@dataclass(frozen=True, slots=True)
class MaskedInt(Value):
    """``value/mask``: the bits under the mask equal the value. Printed in hexadecimal.

    Bits of the value outside the mask are kept, so ``0xf5/0xf`` can never hold, as in the
    kernel (net/netfilter/xt_mark.c).
    """

    value: int
    mask: int = 0xFFFFFFFF

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """``1``, ``0x10`` or ``0x10/0xf0``."""
        cure = "A mark is a 32-bit number, with or without a mask: 0x10 or 0x10/0xf0."
        value, rest = leading_integer(text)
        mask: int | None = 0xFFFFFFFF
        if rest.startswith("/"):
            mask, rest = leading_integer(rest[1:])
        if value is None or mask is None or max(value, mask) > 0xFFFFFFFF:
            raise BadValueError("bad integer value for option, or out of range.", cure)
        if rest:
            raise BadValueError("trailing garbage after value for option.", cure)
        return cls(value, mask)

    def __contains__(self, item: object) -> bool:
        return isinstance(item, int) and item & self.mask == self.value

    def __str__(self) -> str:
        return f"{self.value:#x}" if self.mask == 0xFFFFFFFF else f"{self.value:#x}/{self.mask:#x}"

    def words(self) -> str:
        return str(self).replace("/", " in the bits ")


@dataclass(frozen=True, slots=True)
class StateSet(Value):
    """A set of connection states, printed in iptables' own order.

    >>> str(StateSet.parse("ESTABLISHED,RELATED", Family.IPV4))
    'RELATED,ESTABLISHED'
    """

    states: frozenset[CtState]
    allowed: ClassVar[frozenset[CtState]] = frozenset(CtState)
    noun: ClassVar[str] = "ctstate"

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """State names, or their beginnings, joined by commas in any order and case."""
        states = set()
        names = text.split(",")
        for at, name in enumerate(names):
            known = (s for s in CtState if name and s.startswith(name.upper()))
            state = next(known, None)
            if state is None or state not in cls.allowed:
                raise BadValueError(
                    f'Bad {cls.noun} "{",".join(names[at:])}"',
                    f"The states are {', '.join(s for s in CtState if s in cls.allowed)}.",
                )
            states.add(state)
        return cls(frozenset(states))

    def __contains__(self, item: object) -> bool:
        return item in self.states

    def covers(self, other: Value) -> bool:
        return isinstance(other, StateSet) and other.states <= self.states

    def __str__(self) -> str:
        return ",".join(state for state in CtState if state in self.states)

    def words(self) -> str:
        return either(state for state in CtState if state in self.states)
