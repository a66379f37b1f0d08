"""A packet made from one value of each field, as comparisons ask rules about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from iptlab.packet import Family, IcmpType, Packet, Protocol, TcpFlags

# what stands for a field's content: a number, or the name of an interface or state
Thing = int | str

_PORTED = frozenset(protocol for protocol in Protocol if protocol.has_ports)


BASE: Mapping[str, Thing] = {
    "src": 0,
    "dst": 0,
    "protocol": int(Protocol.TCP),
    "sport": 40_000,
    "dport": 80,
    "flags": int(TcpFlags.SYN),
    "icmp": 8 << 8,
    "mark": 0,
    "fragment": 0,
    "ttl": 64,
    "tos": 0,
    "length": 0,
}


def packet_of(values: Mapping[str, Thing], family: Family) -> Packet:
    """The packet with these values; fields that its protocol does not have are left out."""
    given = {**BASE, **values}
    number = {name: thing for name, thing in given.items() if isinstance(thing, int)}
    address: Callable[[int], IPv4Address | IPv6Address]
    address = IPv4Address if family is Family.IPV4 else IPv6Address
    protocol, whole = number["protocol"], not number["fragment"]
    ported = whole and protocol in _PORTED
    is_icmp = whole and protocol in (Protocol.ICMP, Protocol.ICMPV6)
    return Packet(
        address(number["src"]),
        address(number["dst"]),
        protocol,
        number["sport"] if ported else None,
        number["dport"] if ported else None,
        TcpFlags(number["flags"]) if whole and protocol == Protocol.TCP else TcpFlags.NONE,
        IcmpType(*divmod(number["icmp"], 256)) if is_icmp else None,
        number["mark"],
        number["ttl"],
        number["tos"],
        number["length"],
        fragment=number["fragment"],
        chunks=("INIT",) if whole and protocol == Protocol.SCTP else (),
    )


@lru_cache(maxsize=4096)
def sample(axis: str, thing: Thing, family: Family) -> Packet:
    """The usual packet with another value in one field."""
    values = {axis: thing}
    if axis == "icmp":
        values["protocol"] = int(Protocol.ICMP if family is Family.IPV4 else Protocol.ICMPV6)
    return packet_of(values, family)


BESIDE = ("in_interface", "out_interface", "ctstate", "link", "connmark")


def has_axis(axis: str, packet: Packet) -> bool:
    """Whether a packet has the field at all."""
    match axis:
        case "icmp":
            return packet.icmp is not None
        case "sport" | "dport":
            return packet.sport is not None
        case "flags":
            return packet.protocol == Protocol.TCP and not packet.fragment
    return True
