"""``-j NETMAP``: move a whole network to other addresses, host by host."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Side, Translate
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.networks import Network, prefix_length, read_host
from iptlab.packet import Family, Packet


class NewNetwork(Network):
    """A network with a prefix length; a mask with holes counts as one host's."""

    @classmethod
    def parse(cls, text: str, family: Family) -> NewNetwork:
        """``10.1.0.0/16`` or ``10.1.0.0/255.255.0.0``; ``10.1`` is 10.0.0.1 here."""
        host, slash, mask_text = text.partition("/")
        address = int(read_host(host, family))
        ones = (1 << family.bits) - 1
        mask = _mask(mask_text, family) if slash else ones
        if prefix_length(mask, family) is None:
            mask = ones
        return cls(address & mask, mask, family)

    @property
    def is_everything(self) -> bool:
        """Never: even 0.0.0.0/0 is something to move to."""
        return False


def _mask(text: str, family: Family) -> int:
    if family is Family.IPV4 and text.isdecimal() and 32 < int(text) <= 255:
        return int(text) << 24  # a lone number is the first byte of a mask, too
    try:
        return Network.parse(f"{'::' if family is Family.IPV6 else '0.0.0.0'}/{text}", family).mask
    except BadValueError as bad:
        raise BadValueError(
            f"bad value for option, neither a valid network mask nor valid CIDR (0-{family.bits}).",
            bad.cure,
        ) from None


@register_target("NETMAP")
@dataclass(frozen=True)
class Netmap(Target):
    """``-j NETMAP --to NETWORK``: new network bits, same host bits.

    It changes the destination in PREROUTING and OUTPUT, the source in POSTROUTING and INPUT.

    Kernel: net/netfilter/xt_NETMAP.c
    """

    tables = (TableName.NAT,)

    to: NewNetwork = option("--to", NewNetwork, required=True)

    def act(self, packet: Packet, context: Context) -> Action:
        before_routing = context.hook in (Hook.PREROUTING, Hook.OUTPUT)
        return Translate(Side.DESTINATION if before_routing else Side.SOURCE, self.to)

    def explain(self) -> str:
        return f"is moved into {self.to}, its host bits kept"

    def listed(self, *, numeric: bool) -> str:
        return f"to:{self.to}"
