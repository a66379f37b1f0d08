"""``-j CLUSTERIP``: several machines share one address, as kernels did before 6.10."""

from __future__ import annotations

import re
from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Undecided
from iptlab.netfilter.context import CannotTell, Context
from iptlab.netfilter.extension import Refused, Target, option, register_target
from iptlab.netfilter.values import Flag, Integer, Text
from iptlab.packet import Family, Packet

_MODES = ("sourceip", "sourceip-sourceport", "sourceip-sourceport-destport")


class HashMode(Text):
    """What of a packet chooses the node."""

    @classmethod
    def parse(cls, text: str, family: Family) -> HashMode:
        """One of three words."""
        if text not in _MODES:
            raise BadValueError(f'Unknown hashmode "{text}"', f"Write {' or '.join(_MODES)}.")
        return cls(text)


class GroupMac(Text):
    """The hardware address that all nodes answer with: a multicast one."""

    @classmethod
    def parse(cls, text: str, family: Family) -> GroupMac:
        """Six bytes in hexadecimal, the first one odd."""
        if not re.fullmatch(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}", text):
            raise BadValueError(
                "Invalid MAC address specified.", "Write six bytes: 01:00:5e:00:00:01."
            )
        octets = [int(part, 16) for part in text.split(":")]
        if not octets[0] & 1:
            raise BadValueError(
                "MAC has to be a multicast ethernet address", "Begin with an odd byte such as 01."
            )
        return cls(":".join(f"{octet:02X}" for octet in octets))

    def __str__(self) -> str:
        return self.text


class NodeCount(Integer):
    """A number of nodes, or of one of them, up to 16."""

    most = 16


@register_target("CLUSTERIP")
@dataclass(frozen=True)
class ClusterIp(Target):
    """``-j CLUSTERIP --new --hashmode MODE --clustermac MAC --total-nodes N --local-node N``.

    Kernel: net/ipv4/netfilter/ipt_CLUSTERIP.c of release 6.9

    Simplified: which node answers is not computed.
    """

    families = (Family.IPV4,)

    new: Flag | None = option("--new", Flag)
    mode: HashMode | None = option("--hashmode", HashMode)
    mac: GroupMac | None = option("--clustermac", GroupMac)
    total: NodeCount | None = option("--total-nodes", NodeCount)
    local: NodeCount | None = option("--local-node", NodeCount)
    seed: Integer | None = option("--hash-init", Integer)

    def __post_init__(self) -> None:
        """Refuse all but a whole new cluster, or no option at all."""
        whole = all((self.new, self.mode, self.mac, self.total, self.local))
        if any(self.given()) and not whole:
            raise BadValueError(
                "CLUSTERIP target: Invalid parameter combination",
                "Write --new --hashmode --clustermac --total-nodes and --local-node.",
            )
        if whole and not self.seed:
            object.__setattr__(self, "seed", Integer(0))

    def kernel_refusal(self) -> Refused | None:
        if self.local and not self.local.number:
            return Refused("there is no node 0", "Nodes count from 1: write --local-node 1.")
        return None

    def act(self, packet: Packet, context: Context) -> Action:
        return Undecided(CannotTell("which node of a cluster answers is not computed"))

    def explain(self) -> str:
        return f"is left to node {self.local} of {self.total} if its hash falls there"

    def listed(self, *, numeric: bool) -> str:
        if not self.new:
            return "CLUSTERIP"
        return (
            f"CLUSTERIP hashmode={self.mode} clustermac={self.mac} total_nodes={self.total} "
            f"local_node={self.local} hash_init={self.seed}"
        )
