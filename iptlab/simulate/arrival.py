"""The routing decision for packets from outside: for me, through me, or nowhere.

Kernel: net/ipv4/route.c (ip_route_input_slow), net/ipv6/route.c (ip6_route_input)
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from iptlab.packet import Family, IcmpType, Packet
from iptlab.simulate.host import Host
from iptlab.simulate.routing import NO_ROUTE, SEND_ERRORS, Decision, Kind

_EVERYBODY = IPv4Address("255.255.255.255")
_LOOPBACK6 = IPv6Address("::1")
_LINK_GROUPS = int(IPv4Address("224.0.0.0")) >> 8

# the ICMP error for each kind of route that leads nowhere
# kernel: net/ipv4/route.c (ip_error), net/ipv6/route.c (ip6_pkt_drop)
_ERRORS: dict[Family, dict[Kind | None, IcmpType]] = {
    Family.IPV4: {
        None: IcmpType(3, 0),
        Kind.UNREACHABLE: IcmpType(3, 1),
        Kind.PROHIBIT: IcmpType(3, 13),
    },
    Family.IPV6: {
        None: IcmpType(1, 0),
        Kind.UNREACHABLE: IcmpType(1, 0),
        Kind.PROHIBIT: IcmpType(1, 1),
    },
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a packet goes nowhere, and the ICMP error that its sender gets, if any.

    ``told`` is the error that a process of this machine gets.
    """

    reason: str
    error: IcmpType | None = None
    told: str = ""


def unseen(packet: Packet, link: str) -> str:
    """Why a packet is dropped before any hook sees it; empty if it is not.

    Where connections are tracked, rules see whole packets only.

    Kernel: net/ipv4/ip_input.c (ip_rcv_core), net/ipv6/ip6_input.c (ip6_rcv_core),
    net/ipv4/netfilter/nf_defrag_ipv4.c
    """
    if link == "otherhost":
        return "the frame is for another machine"
    if packet.fragment:
        return "it is a part of a packet, and the other parts do not come"
    if packet.family is Family.IPV4:
        return ""
    if packet.src.is_multicast:
        return "a multicast address cannot be a source"
    if packet.src.is_loopback or packet.dst.is_loopback:
        return "::1 never comes from outside"
    return ""


def decide(host: Host, packet: Packet, interface: str) -> Decision | Refusal:
    """Where a packet that came in through ``interface`` goes."""
    if reason := _martian(host, packet, interface):
        return Refusal(reason)
    found = _found(host, packet, interface)
    if isinstance(found, Decision) and (reason := _spoofed(host, packet, interface, found)):
        return Refusal(reason)
    return found


def _found(host: Host, packet: Packet, interface: str) -> Decision | Refusal:
    """What routing makes of the destination."""
    if packet.dst.is_multicast:
        if host.listens_to(packet.dst, interface):
            return Decision(Kind.MULTICAST, interface)
        return Refusal(f"nobody here listens to the group {packet.dst}")
    if packet.dst == _EVERYBODY:
        return Decision(Kind.BROADCAST, interface)
    found = host.routing[packet.family].look_up(packet, interface)
    if packet.dst == _LOOPBACK6 and interface != "lo":
        found = None  # kernel: net/ipv6/route.c (rt6_need_strict)
    if found and found.kind in (Kind.LOCAL, Kind.BROADCAST):
        return found
    if not host.forwards(packet.family):
        return Refusal("it is for another machine, and forwarding is off")
    if found and found.kind is Kind.UNICAST:
        return found
    return Refusal(no_way(found), _ERRORS[packet.family].get(found.kind if found else None))


def depart(host: Host, packet: Packet) -> Decision | Refusal:
    """Where a packet of this machine's own goes.

    Kernel: net/ipv4/route.c (ip_route_output_key_hash_rcu, __mkroute_output)
    """
    found = host.route_out(packet)
    if found is None or found.kind in SEND_ERRORS:
        return Refusal(no_way(found), told=SEND_ERRORS[found.kind] if found else NO_ROUTE)
    local = packet.family is Family.IPV4 and packet.src.is_loopback
    localnet = host.sysctl("ipv4/conf/{}/route_localnet", found.interface)
    if local and found.interface != "lo" and not localnet:
        reason = "a loopback address may not leave this machine (route_localnet is off)"
        return Refusal(reason, told=SEND_ERRORS[Kind.BLACKHOLE])
    return found


def no_way(found: Decision | None) -> str:
    """Why a route that leads nowhere, or none at all, ends a journey."""
    return f"the route to it says {found.kind}" if found else "there is no route to it"


def _martian(host: Host, packet: Packet, interface: str) -> str:
    """Why a packet's addresses cannot have come from there; empty if they can.

    Kernel: net/ipv4/route.c (ip_route_input_slow, ip_mc_validate_source)
    """
    src, dst = packet.src, packet.dst
    if packet.family is Family.IPV6:
        return "" if int(dst) else f"{dst} cannot be a destination"
    localnet = host.sysctl("ipv4/conf/{}/route_localnet", interface)
    if src.is_multicast or src == _EVERYBODY:
        return f"{src} cannot be a source"
    if src.is_loopback and not localnet:
        return "a loopback address never comes from outside (route_localnet is off)"
    if not int(src):
        group = dst.is_multicast and int(dst) >> 8 == _LINK_GROUPS
        asks = dst == _EVERYBODY or group or not int(dst)
        return "" if asks else f"{src} cannot be a source"
    if not int(dst):
        return f"{dst} cannot be a destination"
    if dst.is_loopback and not localnet:
        return "a loopback address cannot be reached from outside (route_localnet is off)"
    return ""


def _spoofed(host: Host, packet: Packet, interface: str, found: Decision) -> str:
    """Why the source address is not believed; empty if it is.

    The way back is looked up for an answer that comes in where the packet goes out.

    Kernel: net/ipv4/fib_frontend.c (fib_validate_source)
    """
    if packet.family is Family.IPV6 or not int(packet.src):
        return ""
    routing = host.routing[Family.IPV4]
    accepts = host.sysctl("ipv4/conf/{}/accept_local", interface)
    strict = host.sysctl("ipv4/conf/{}/rp_filter", interface)
    if not strict and not routing.rules:
        own = packet.src in routing.own and not accepts
        return "its source is an address of this machine (accept_local is off)" if own else ""
    beyond = found.interface if found.kind is Kind.UNICAST else ""
    back = routing.find(Packet(packet.dst, packet.src, packet.protocol), beyond)
    if back is None or back.kind in SEND_ERRORS:
        return "there is no way back to its source (rp_filter)" if strict else ""
    if back.kind is not Kind.UNICAST and not (back.kind is Kind.LOCAL and accepts):
        return f"its source leads to a {back.kind} route"
    if strict == 1 and back.interface != interface:
        return f"the way back to its source leads out through {back.interface} (rp_filter)"
    return ""
