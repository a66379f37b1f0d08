"""Addresses, networks and masks as options take them: read, printed, compared."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self

from iptlab.errors import BadValueError
from iptlab.netfilter.values import Value, read_integer
from iptlab.packet import Address, Family


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
    kind = socket.AF_INET if family is Family.IPV4 else socket.AF_INET6
    try:
        return int.from_bytes(socket.inet_pton(kind, text))
    except (OSError, ValueError):
        if family is Family.IPV6:
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
