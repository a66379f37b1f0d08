"""``-j SNPT``: change the prefix of an IPv6 source without connection tracking."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Undecided
from iptlab.netfilter.context import CannotTell, Context
from iptlab.netfilter.extension import Refused, Target, option, register_target
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.networks import PrefixLength, read_host, written
from iptlab.netfilter.values import Value
from iptlab.packet import Address, Family, Packet


@dataclass(frozen=True, slots=True)
class Prefix(Value):
    """A network of at most 64 bits' prefix, kept as it was written."""

    address: Address
    length: int

    @classmethod
    def parse(cls, text: str, family: Family) -> Prefix:
        """``fd00::/64``; without a length it is a whole address, which the kernel refuses."""
        host, slash, length = text.partition("/")
        bits = PrefixLength.parse(length, family).number if slash else family.bits
        return cls(read_host(host, family), bits)

    @property
    def is_network(self) -> bool:
        """Whether the length is one of 0 to 64 and no bit behind it is set."""
        return self.length <= 64 and int(self.address) & ((1 << 128 - self.length) - 1) == 0

    def __str__(self) -> str:
        return f"{written(self.address)}/{self.length}"


class PrefixTranslation(Target):
    """What SNPT and DNPT share."""

    tables = (TableName.MANGLE,)
    families = (Family.IPV6,)

    src_pfx: Prefix
    dst_pfx: Prefix

    def kernel_refusal(self) -> Refused | None:
        for prefix in (self.src_pfx, self.dst_pfx):
            if not prefix.is_network:
                return Refused(
                    f"{prefix} is no prefix of up to 64 bits", "Write for example fd00::/64."
                )
        return None

    def act(self, packet: Packet, context: Context) -> Action:
        return Undecided(CannotTell(f"the address that {self.name} makes is not computed"))

    def listed(self, *, numeric: bool) -> str:
        return f"{self.name} src-pfx {self.src_pfx} dst-pfx {self.dst_pfx}"


@register_target("SNPT")
@dataclass(frozen=True)
class Snpt(PrefixTranslation):
    """``-j SNPT --src-pfx PREFIX --dst-pfx PREFIX``.

    Kernel: net/ipv6/netfilter/ip6t_NPT.c

    Simplified: the new address is not computed.
    """

    hooks = (Hook.INPUT, Hook.POSTROUTING)

    src_pfx: Prefix = option("--src-pfx", Prefix, required=True)
    dst_pfx: Prefix = option("--dst-pfx", Prefix, required=True)

    def explain(self) -> str:
        return f"has its source moved from {self.src_pfx} into {self.dst_pfx} and goes on"
