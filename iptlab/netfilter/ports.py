"""Ports as options take them, by number or by a service's name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Self

from iptlab.errors import BadValueError
from iptlab.names import service_port
from iptlab.netfilter.values import Value, either, read_integer
from iptlab.packet import Family


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
        raise BadValueError(f"invalid port/service `{whole}' specified", instead_of_port(text))
    return port


def instead_of_port(text: str) -> str:
    """What to type where a word is no port.

    >>> instead_of_port("33434-33523")
    'A range of ports has a colon: 33434:33523.'
    """
    if re.fullmatch(r"\w+-\w+", text) and text[0].isdecimal():
        return f"A range of ports has a colon: {text.replace('-', ':')}."
    if re.fullmatch(r"\w+(,\w+)+", text):
        return f"Several ports need -m multiport: --dports {text}."
    return "A port is a number from 0 to 65535, or a service name such as ssh."


_DECIMAL = re.compile(r"\s*\+?([0-9]+)").fullmatch


def looked_up(text: str) -> int:
    """A port that getaddrinfo(3) finds: 16 bits of a number that fits into 31, or a name's."""
    found = _DECIMAL(text or "0")
    number = min(int(found[1]), 2**64 - 1) & 0xFFFFFFFF if found else 2**31
    port = number & 0xFFFF if number < 2**31 else service_port(text)
    if port is None:
        raise BadValueError(f'Port "{text}" does not resolve to anything.', instead_of_port(text))
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
        return either(part.words() for part in self.ranges)
