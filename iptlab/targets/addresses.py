"""What NAT targets take: the addresses and ports to choose from."""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from iptlab.errors import BadValueError
from iptlab.names import service_port
from iptlab.netfilter.networks import read_host, written
from iptlab.netfilter.values import Value, leading_integer
from iptlab.packet import Address, Family

# extensions/libxt_NAT.c; ICMP ids count as ports there
_PORTED = frozenset((1, 6, 17, 33, 132))
_SHAPE = "Write a port such as 80, or a range such as 8080-8090."


@dataclass(frozen=True, slots=True)
class NewPorts(Value):
    """``80``, ``80-90``, or ``80-90/8080``: ports to choose from, and where they count from.

    With a base, the port keeps its distance: 8083 becomes 83.
    """

    low: int
    high: int
    base: int | None = None

    @classmethod
    def parse(cls, text: str, family: Family) -> NewPorts:
        """A port by number or name, or a range of numbers."""
        if ":" in text:
            raise BadValueError("Invalid port:port syntax - use dash", _SHAPE)
        return cls(*_read_ports(text))

    def __str__(self) -> str:
        text = str(self.low) if self.low == self.high else f"{self.low}-{self.high}"
        return text if self.base is None else f"{text}/{self.base}"

    def words(self) -> str:
        if self.low == self.high:
            return f"port {self.low}"
        counted = "" if self.base is None else f", counted from {self.base}"
        return f"a port from {self.low} to {self.high}{counted}"

    @property
    def bounds(self) -> tuple[int, int]:
        """The first and the last port."""
        return self.low, self.high

    def without_base(self) -> NewPorts:
        """The ports as iptables 1.8.9 stores them for any target but DNAT: a base becomes 0."""
        return self if self.base is None else replace(self, base=0)


def _read_ports(text: str) -> tuple[int, int, int | None]:
    low, rest = _leading_port(text)
    if low is None:
        low, rest = service_port(text), ""
    if low is None:
        raise BadValueError(f"Port `{text}' not valid", _SHAPE)
    if not rest.startswith("-"):
        if rest:
            raise BadValueError(f"Garbage after port value: `{rest}'", _SHAPE)
        return low, low, None
    high, after = _leading_port(rest[1:])
    if high is None:
        raise BadValueError(f"Port `{rest[1:]}' not valid", _SHAPE)
    if high < low:
        raise BadValueError(f"Port range `{rest[1:]}' funky", f"Write {high}-{low}.")
    if not after.startswith("/"):
        if after:
            raise BadValueError(f"Garbage after port range: `{after}'", _SHAPE)
        return low, high, None
    base, _ = _leading_port(after[1:])
    base = base or service_port(after[1:])
    if not base:
        raise BadValueError(f"Port `{after[1:]}' not valid", _SHAPE)
    return low, high, base


def _leading_port(text: str) -> tuple[int | None, str]:
    """The port number that ``text`` begins with, and what follows it."""
    number, rest = leading_integer(text)
    return (None, text) if number is None or number > 65535 else (number, rest)


@dataclass(frozen=True, slots=True)
class NewAddresses(Value):
    """``ADDRESS[-ADDRESS][:PORT[-PORT[/BASE]]]``; with ports an IPv6 address is in brackets.

    >>> str(NewAddresses.parse("[FD00::1]:80-80", Family.IPV6))
    '[fd00::1]:80'
    """

    addresses: tuple[Address, Address] | None
    ports: NewPorts | None = None

    @classmethod
    def parse(cls, text: str, family: Family) -> NewAddresses:
        """The addresses, the ports, or both.

        Source: extensions/libxt_NAT.c (parse_to)
        """
        hosts, port_text = _split(text, family)
        ports = None if port_text is None else NewPorts(*_read_ports(port_text))
        if ports and not hosts:
            return cls(None, ports)
        first, dash, last = hosts.partition("-")
        start = _read_address(first, family)
        return cls((start, _read_address(last, family) if dash else start), ports)

    def __str__(self) -> str:
        ports = f":{self.ports}" if self.ports else ""
        if not self.addresses:
            return ports
        first, last = self.addresses
        hosts = "-".join(dict.fromkeys((written(first), written(last))))
        return f"[{hosts}]{ports}" if ports and first.version == 6 else hosts + ports

    def words(self) -> str:
        said = []
        if self.addresses:
            first, last = self.addresses
            said.append(str(first) if first == last else f"one of {first} to {last}")
        if self.ports:
            said.append(self.ports.words())
        return ", ".join(said)


def _split(text: str, family: Family) -> tuple[str, str | None]:
    """The addresses, and the text of the ports if there is one."""
    if "[" in text:
        hosts, bracket, after = text.partition("[")[2].partition("]")
        if not bracket or family is Family.IPV4:
            raise BadValueError(
                "Invalid address format",
                "Brackets are for IPv6: [fd00::1]:80."
                if bracket
                else "Close the bracket: [fd00::1]:80.",
            )
        return hosts, after.partition(":")[2] if ":" in after else None
    hosts, colon, ports = text.partition(":")
    return (hosts, ports) if colon and ":" not in ports else (text, None)


def _read_address(text: str, family: Family) -> Address:
    try:
        return (
            IPv4Address(socket.inet_pton(socket.AF_INET, text))
            if family is Family.IPV4
            else IPv6Address(text)
        )
    except (OSError, ValueError):
        pass
    ip = "10.0.0.1" if family is Family.IPV4 else "fd00::1"
    raise BadValueError(
        f'Bad IP address "{text}"', f"Write an IPv{family} address such as {ip}, without a mask."
    )


def names_ports(text: str) -> bool:
    """Whether there are ports behind an address; two colons make it an IPv6 address."""
    after = text.partition("]")[2] if "[" in text else text
    return ":" in after and ("[" in text or after.count(":") == 1)


def check_ports(protocol: int) -> None:
    """Refuse ports in a rule whose ``-p`` or ``! -p``, which must stand before, has none."""
    if protocol not in _PORTED:
        raise BadValueError(
            "Need TCP, UDP, SCTP or DCCP with port specification",
            "Only some protocols have ports: write -p tcp or -p udp in the rule.",
        )


@dataclass(frozen=True, slots=True)
class Host(Value):
    """One address."""

    address: Address

    @classmethod
    def parse(cls, text: str, family: Family) -> Host:
        """An address, without a mask."""
        return cls(read_host(text, family))

    def __str__(self) -> str:
        return written(self.address)
