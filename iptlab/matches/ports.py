"""What the matches on ports share: how ports are looked up, listed and saved."""

from __future__ import annotations

from collections.abc import Container
from typing import ClassVar

from iptlab.errors import BadValueError
from iptlab.names import protocol_names, service_name
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Ask, Condition, Extension, Match, option_text
from iptlab.netfilter.ports import PortRange, looked_up
from iptlab.netfilter.values import Given, NumberRange
from iptlab.packet import Family, Packet


class LookedUpPorts(PortRange):
    """Ports as the C library looks them up: numbers are cut to 16 bits, order is not checked.

    Source: libxtables/xtoptions.c (xtopt_parse_mport)

    >>> str(LookedUpPorts.parse("65537:90", Family.IPV4))
    '1:90'
    """

    @classmethod
    def parse(cls, text: str, family: Family) -> LookedUpPorts:
        """``80``, ``ssh``, ``1024:2048``, ``:1023`` or ``1024:``."""
        first, colon, last = text.partition(":")
        if ":" in last:
            raise BadValueError(
                "Too many components for option (max: 2)", "Write one range: 1024:2048."
            )
        low = looked_up(first)
        return cls(low, (looked_up(last) if last else 65535) if colon else low)


class KeptPorts(PortRange):
    """Ports that iptables-save prints even if they are all there are."""

    is_everything: ClassVar[bool] = False


class KeptLookedUpPorts(LookedUpPorts):
    """Ports as the C library looks them up, printed even if they are all there are."""

    is_everything: ClassVar[bool] = False


class PortMatch(Match):
    """A match on a header with ports, which second and further fragments do not have."""

    @staticmethod
    def is_there(packet: Packet, context: Context) -> bool:
        """Whether the packet has such a header to look into."""
        return not packet.fragment

    def asks(self, known: Container[Condition] = ()) -> tuple[Ask, ...]:
        return (self.is_there, *super().asks(known))

    def why_not(self, packet: Packet, context: Context) -> str:
        if not self.is_there(packet, context):
            return f"{self}, but this packet is a later fragment, without a {self.name} header"
        return super().why_not(packet, context)


def saved_options(extension: Extension) -> tuple[str, ...]:
    """The options as iptables-save prints them where it forgets ``! --dport 0:65535``."""
    return tuple(
        option_text(declared, given)
        for declared, given in extension.given()
        if not (isinstance(given.value, PortRange | NumberRange) and given.value.is_everything)
    )


def listed_range(word: str, given: Given[PortRange] | Given[NumberRange] | None) -> str:
    """``spi:500`` or ``spis:!500:600``, as iptables lists a number or a range of them."""
    if given is None:
        return ""
    several = given.value.low != given.value.high
    return f"{word}{'s' * several}:{'!' * given.negated}{given.value}"


def listed_ports(
    extension: Extension,
    sport: Given[PortRange] | None,
    dport: Given[PortRange] | None,
    *,
    numeric: bool,
) -> list[str]:
    """``tcp spt:1024 dpts:!80:90``; without ``numeric`` with the services' names."""
    words = [extension.name]
    for word, given in (("spt", sport), ("dpt", dport)):
        if given is None or (getattr(given.value, "is_everything", False) and not given.negated):
            continue
        low, high = given.value.low, given.value.high
        if (low, high) == (0, 65535) and not given.negated:
            continue
        ports = [low] if low == high else [low, high]
        shown = ":".join(port_name(port, extension.name, numeric=numeric) for port in ports)
        words.append(f"{word}{'s' * (low != high)}:{'!' * given.negated}{shown}")
    return words


def port_name(port: int, protocol: str | int, *, numeric: bool) -> str:
    """The port's number or, without ``numeric``, the name of the protocol's service there."""
    if isinstance(protocol, int):
        protocol = protocol_names().get(protocol, "")
    return (None if numeric else service_name(port, protocol)) or str(port)
