"""``-m eui64``: whether an IPv6 source address was made from the sender's hardware address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iptlab.netfilter.context import Answer, CannotTell, Context
from iptlab.netfilter.extension import Match, register_match
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Value
from iptlab.packet import Family, Packet


def interface_id(mac: str) -> int:
    """The lower half of an address that a host makes from its hardware address.

    RFC 4291, appendix A

    >>> f"{interface_id('02:00:00:aa:bb:cc'):x}"
    'fffeaabbcc'
    """
    octets = bytes.fromhex(mac.replace(":", ""))
    made = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return int.from_bytes(made)


@register_match("eui64")
@dataclass(frozen=True)
class Eui64(Match):
    """``-m eui64``; it has no options.

    Kernel: net/ipv6/netfilter/ip6t_eui64.c
    """

    families = (Family.IPV6,)
    hooks = (Hook.PREROUTING, Hook.INPUT, Hook.FORWARD)

    gap = ""

    def holds(self, packet: Packet, context: Context) -> Answer:
        if context.mac is None:
            return CannotTell("nobody said which hardware address the packet came from")
        if not context.mac:
            return False
        return int(packet.src) & (1 << 64) - 1 == interface_id(context.mac)

    def why_not(self, packet: Packet, context: Context) -> str:
        return f"-m eui64, but this packet's source was not made from {context.mac}"

    def explain(self) -> str:
        return "has a source address made from its sender's hardware address"

    def listed(self, *, numeric: bool) -> str:
        return "eui64 "

    def landmarks(self) -> Iterator[tuple[str, Value]]:
        raise NotImplementedError("eui64 compares a packet's source with its sender")
