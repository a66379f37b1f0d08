"""``-m rpfilter``: whether the way back to the sender leads out where the packet came in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from iptlab.netfilter.context import Answer, CannotTell, Context
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.values import Flag, Value
from iptlab.packet import Family, Packet

_EVERYBODY = IPv4Address("255.255.255.255")
_LINK_GROUPS = int(IPv4Address("224.0.0.0")) >> 8
# kinds of route; kernel: include/uapi/linux/rtnetlink.h
_UNICAST, _LOCAL = "unicast", "local"


@register_match("rpfilter")
@dataclass(frozen=True)
class Rpfilter(Match):
    """``-m rpfilter [--loose] [--validmark] [--accept-local] [--invert]``.

    With ``--loose`` any way back will do. The packet's own mark counts only with
    ``--validmark``, and the machine's own addresses only with ``--accept-local``.

    Kernel: net/ipv4/netfilter/ipt_rpfilter.c, net/ipv6/netfilter/ip6t_rpfilter.c
    """

    tables = (TableName.RAW, TableName.MANGLE)
    hooks = (Hook.PREROUTING,)

    loose: Flag | None = option("--loose", Flag)
    validmark: Flag | None = option("--validmark", Flag)
    accept_local: Flag | None = option("--accept-local", Flag)
    invert: Flag | None = option("--invert", Flag)

    def holds(self, packet: Packet, context: Context) -> Answer:
        way = self._way(packet, context)
        if isinstance(way, CannotTell):
            return way
        return self._fits(way, packet.family, context.in_interface) != bool(self.invert)

    def why_not(self, packet: Packet, context: Context) -> str:
        way = self._way(packet, context)
        if isinstance(way, CannotTell):
            return str(way)
        return (
            f"{self}, but the way back to {packet.src} {_said(way)}, and this packet came in "
            f"through {context.in_interface}"
        )

    def _way(self, packet: Packet, context: Context) -> tuple[str, str] | CannotTell:
        """The kind of the way back, and where it leads out."""
        # what this machine sent itself has no last sender on a link
        if context.in_interface == "lo" or context.mac == "" or _asks(packet):
            return _UNICAST, context.in_interface
        if context.way_back is None:
            return CannotTell("nobody said which routes this machine has")
        mark = packet.mark if self.validmark else 0
        back = Packet(packet.dst, packet.src, packet.protocol, mark=mark, tos=packet.tos)
        return context.way_back(back, context.in_interface)

    def _fits(self, way: tuple[str, str], family: Family, came_in: str) -> bool:
        """Whether a way back will do."""
        kind, interface = way
        if kind == _LOCAL and self.accept_local and family is Family.IPV6:
            return True
        known = kind == _UNICAST or (kind == _LOCAL and bool(self.accept_local))
        return known and (interface == came_in or bool(self.loose))

    def explain(self) -> str:
        where = "somewhere" if self.loose else "the interface that it came in by"
        does = "does not lead" if self.invert else "leads"
        return f"has a sender to whom the way back {does} through {where}"

    def landmarks(self) -> Iterator[tuple[str, Value]]:
        raise NotImplementedError("rules are compared without the machine's routes")

    def listed(self, *, numeric: bool) -> str:
        return " ".join((self.name, *self.flags()))


def _asks(packet: Packet) -> bool:
    """Whether its sender has no address yet and asks everybody for one."""
    if packet.family is Family.IPV6:
        return not int(packet.src)
    many = packet.dst == _EVERYBODY or int(packet.dst) >> 8 == _LINK_GROUPS
    return not int(packet.src) and many


def _said(way: tuple[str, str]) -> str:
    """Where the way back leads, in words."""
    match way:
        case "", _:
            return "is not known here"
        case "unicast", interface:
            return f"leads out through {interface}"
        case "local", interface:
            return f"ends at this machine's own {interface}"
        case kind, _:
            return f"is a {kind} route"
