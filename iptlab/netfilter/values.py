"""The values that options take: each knows how to read and print itself and what it contains."""

from __future__ import annotations

import re
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import ClassVar, Generic, Self, TypeVar

from iptlab.errors import BadValueError
from iptlab.names import protocol_names, protocol_numbers, service_port
from iptlab.netfilter.context import CtState
from iptlab.packet import Address, Family, TcpFlags


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
class Network(Value):
    """An address with a mask; the mask need not be contiguous.

    >>> str(Network.parse("10.1/16", Family.IPV4))
    '10.1.0.0/16'
    """

    address: int
    mask: int
    family: Family

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """``10.0.0.1``, ``10.0.0.0/8``, ``10/8``, ``10.0.0.0/255.0.0.0`` or ``2001:db8::/32``."""
        before, slash, after = text.rpartition("/")
        host, mask_text = (before, after) if slash else (text, "")
        mask = _mask(mask_text, family) if slash else (1 << family.bits) - 1
        # beside an empty mask the tool does not look at the address: any/0
        return cls(_address(host, family) & mask if mask else 0, mask, family)

    def __contains__(self, item: object) -> bool:
        return int(item) & self.mask == self.address  # type: ignore[call-overload, no-any-return]

    def covers(self, other: Value) -> bool:
        return (
            isinstance(other, Network)
            and other.mask & self.mask == self.mask
            and other.address & self.mask == self.address
        )

    def __str__(self) -> str:
        return f"{_dotted(self.address, self.family)}/{self.mask_text}"

    @property
    def mask_text(self) -> str:
        """The prefix length, or the mask spelled as an address if it has holes."""
        length = prefix_length(self.mask, self.family)
        return _dotted(self.mask, self.family) if length is None else str(length)

    @property
    def is_everything(self) -> bool:
        """Whether every address is inside."""
        return self.mask == 0

    def words(self) -> str:
        """One address without its /32, a network with its mask."""
        if self.mask == (1 << self.family.bits) - 1:
            return _dotted(self.address, self.family)
        return str(self)


def prefix_length(mask: int, family: Family) -> int | None:
    """How many leading ones a mask has, or None if it is not contiguous."""
    holes = ~mask & ((1 << family.bits) - 1)
    return family.bits - holes.bit_length() if holes & (holes + 1) == 0 else None


def _dotted(number: int, family: Family) -> str:
    if family is Family.IPV6:
        return written(IPv6Address(number))
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def written(address: Address) -> str:
    """An address as the tools write it: ``::ffff:10.0.0.1``, where Python has ``::ffff:a00:1``.

    >>> from ipaddress import ip_address
    >>> written(ip_address("::ffff:a00:1"))
    '::ffff:10.0.0.1'
    """
    kind = socket.AF_INET if address.version == 4 else socket.AF_INET6
    return socket.inet_ntop(kind, address.packed)


@cache
def _mask(text: str, family: Family) -> int:
    ones = (1 << family.bits) - 1
    length = read_integer(text)
    if length is not None and length <= family.bits:
        return ones ^ (ones >> length)
    found = None if length is not None else _leading_numbers(text, family)
    if found is not None and (family is Family.IPV6 or text.count(".") == 3):
        return found
    raise BadValueError(
        f"invalid mask `{text}' specified",
        f"A prefix length goes from 0 to {family.bits}; a mask such as "
        + ("255.255.0.0" if family is Family.IPV4 else "ffff::")
        + " works too.",
    )


def _address(text: str, family: Family) -> int:
    """A whole address, or for IPv4 its first numbers: 10.1 is 10.1.0.0."""
    if (found := _leading_numbers(text, family)) is not None:
        return found
    ip = (
        "IPv4 address such as 10.0.0.1" if family is Family.IPV4 else "IPv6 address such as fd00::1"
    )
    other = 6 if family is Family.IPV4 else 4
    wrong = ":" in text if other == 6 else re.fullmatch(r"[\d.]+", text)
    cure = f"Write an {ip}."
    if wrong:
        cure += (
            f" {'ip6tables' if other == 6 else 'iptables'} is the tool for IPv{other} addresses."
        )
    elif re.search("[A-Za-z]", text):
        cure += " Host names are looked up only by the real tool, once, when the rule is added."
    raise BadValueError(f"host/network `{text}' not found", cure)


def _leading_numbers(text: str, family: Family) -> int | None:
    """An address of which IPv4 may leave out the last numbers; each is read as in C.

    Source: libxtables/xtables.c (numeric_to_ipaddr)
    """
    if family is Family.IPV6:
        try:
            return int.from_bytes(socket.inet_pton(socket.AF_INET6, text))
        except (OSError, ValueError):
            return None
    octets = [_octet(part) for part in text.split(".")]
    if len(octets) > 4 or b"" in octets:
        return None
    return int.from_bytes(b"".join(octets).ljust(4, b"\0"))


@lru_cache(maxsize=1024)
def _octet(text: str) -> bytes:
    """The byte that a part of an IPv4 address is, empty if it is none."""
    number = read_integer(text)
    return b"" if number is None or number > 255 else bytes([number])


def read_host(text: str, family: Family) -> Address:
    """One address as the C library reads it: 10.1 is 10.0.0.1. Names are never looked up.

    A word that could be a name is refused as on a machine without a resolver.

    Source: getaddrinfo(3), inet_aton(3)

    >>> str(read_host("10.1", Family.IPV4))
    '10.0.0.1'
    """
    found: Address | None = None
    try:
        if ":" in text:
            found = ip_address(text)
        elif text == text.strip() != "":
            found = IPv4Address(socket.inet_aton(text))
    except (OSError, ValueError):
        pass
    if found is not None and found.version == family:
        return found
    cause, cure = "Name or service not known", f"Write one IPv{family} address."
    if found is not None:
        cause = "Address family for hostname not supported"
        tool = "iptables" if found.version == 4 else "ip6tables"
        cure += f" {tool} is the tool for IPv{found.version}."
    elif _HOST_NAME(text) and not _DIGITS(text):
        cause = "Temporary failure in name resolution"
        cure += " Names are looked up by the real tool only."
    raise BadValueError(f"getaddrinfo: {cause}", cure)


_HOST_NAME = re.compile(r"[A-Za-z0-9._-]+").fullmatch
_DIGITS = re.compile(r"[0-9.]*[0-9]").fullmatch


@dataclass(frozen=True, slots=True)
class PrefixLength(Value):
    """How many leading bits of an address count; None for a mask with holes."""

    length: int | None

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """``24`` or ``255.255.255.0``."""
        if text.isascii() and text.isdecimal() and int(text) <= family.bits:
            return cls(int(text))
        try:
            mask = int(read_host(text, family))
        except BadValueError:
            raise BadValueError(
                "bad value for option, neither a valid network mask nor valid CIDR "
                f"(0-{family.bits}).",
                f"Write a prefix length from 0 to {family.bits}.",
            ) from None
        return cls(prefix_length(mask, family))

    @property
    def number(self) -> int:
        """The length as a number; all bits count if it has none."""
        return 128 if self.length is None else self.length

    def __str__(self) -> str:
        return str(self.length)


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


@dataclass(frozen=True, slots=True)
class PortRange(Value):
    """One port, or all from ``low`` to ``high``.

    >>> str(PortRange.parse("1024:", Family.IPV4))
    '1024:65535'
    """

    low: int
    high: int

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """``80``, ``ssh``, ``1024:2048``, ``:1023`` or ``1024:``."""
        first, colon, last = text.partition(":")
        low = read_port(first, first) if first or not colon else 0
        high = read_port(last, last) if last else (65535 if colon else low)
        if low > high:
            raise BadValueError("invalid portrange (min > max)", f"Write {high}:{low}.")
        return cls(low, high)

    @property
    def is_everything(self) -> bool:
        """Whether every port is inside."""
        return self.low == 0 and self.high == 65535

    def __contains__(self, item: object) -> bool:
        return isinstance(item, int) and self.low <= item <= self.high

    def covers(self, other: Value) -> bool:
        if isinstance(other, PortList):
            return all(self.covers(part) for part in other.ranges)
        return isinstance(other, PortRange) and self.low <= other.low <= other.high <= self.high

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}:{self.high}"

    def words(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low} to {self.high}"


def check_services(text: str, protocol: str) -> None:
    """Refuse a service among ports that is not one of that protocol.

    >>> check_services("80,ssh", "tcp")
    """
    for part in re.split("[:,]", text):
        if service_port(part) is not None and service_port(part, protocol) is None:
            raise BadValueError(
                f"invalid port/service `{part}' specified",
                f"{part} is no service of {protocol}: write its number, "
                f"{service_port(part)}, if that is meant.",
            )


@cache
def read_port(text: str, whole: str) -> int:
    """A port number or a service's; BadValueError names ``whole``, the option's entire word."""
    port = read_integer(text)
    if port is None:
        port = service_port(text)
    if port is None or port > 65535:
        raise BadValueError(
            f"invalid port/service `{whole}' specified",
            f"Several ports need -m multiport: --dports {text}."
            if re.fullmatch(r"\w+(,\w+)+", text)
            else "A port is a number from 0 to 65535, or a service name such as ssh.",
        )
    return port


_DECIMAL = re.compile(r"\s*\+?([0-9]+)").fullmatch


def looked_up(text: str) -> int:
    """A port that getaddrinfo(3) finds: 16 bits of a number that fits into 31, or a name's."""
    found = _DECIMAL(text or "0")
    number = min(int(found[1]), 2**64 - 1) & 0xFFFFFFFF if found else 2**31
    port = number & 0xFFFF if number < 2**31 else service_port(text)
    if port is None:
        raise BadValueError(
            f'Port "{text}" does not resolve to anything.',
            "A port is a decimal number from 0 to 65535, or a service name such as ssh.",
        )
    return port


@dataclass(frozen=True, slots=True)
class PortList(Value):
    """Up to fifteen ports, a range counting as two.

    Man page: iptables-extensions(8), multiport
    """

    ranges: tuple[PortRange, ...]

    @classmethod
    def parse(cls, text: str, family: Family) -> Self:
        """``22,80,8000:8100``."""
        ranges = tuple(cls._part(part) for part in text.split(","))
        if sum(1 + (":" in part) for part in text.split(",")) > 15:
            raise BadValueError(
                "too many ports specified",
                "multiport takes at most 15 ports, a range counting as two: use two rules.",
            )
        return cls(ranges)

    @staticmethod
    def _part(text: str) -> PortRange:
        """One port or a range; here neither end of a range may be left out."""
        first, colon, last = text.partition(":")
        low = read_port(first, first)
        high = read_port(last, last) if colon else low
        if colon and low >= high:
            raise BadValueError(
                "invalid portrange specified",
                f"Write {high}:{low}." if low > high else f"Write {low} alone.",
            )
        return PortRange(low, high)

    def __contains__(self, item: object) -> bool:
        return any(item in part for part in self.ranges)

    def covers(self, other: Value) -> bool:
        parts = other.ranges if isinstance(other, PortList) else (other,)
        return all(any(mine.covers(part) for mine in self.ranges) for part in parts)

    def __str__(self) -> str:
        return ",".join(str(part) for part in self.ranges)

    def words(self) -> str:
        return _either(part.words() for part in self.ranges)


def _either(parts: Iterable[str]) -> str:
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
        return _either(state for state in CtState if state in self.states)
