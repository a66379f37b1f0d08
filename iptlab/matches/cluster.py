"""``-m cluster``: each node of a cluster takes its share of the connections."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.jhash import choice, jhash
from iptlab.netfilter.context import Answer, Connection, Context
from iptlab.netfilter.extension import Match, Spelling, option, register_match
from iptlab.netfilter.values import Given, Integer, Value, read_integer
from iptlab.packet import Address, Family, Packet


class Nodes(Integer):
    """How many nodes a cluster has."""

    least = 1
    most = 32


class Seed(Integer):
    """Where the hash starts; all nodes need the same."""

    def __str__(self) -> str:
        return f"{self.number:#010x}"


@dataclass(frozen=True, slots=True)
class NodeMask(Value):
    """The nodes that this machine stands for, one bit each."""

    bits: int

    @classmethod
    def parse(cls, text: str, family: Family) -> NodeMask:
        """The mask as a number."""
        bits = read_integer(text)
        if bits is None or not 1 <= bits <= 32:
            raise BadValueError(
                "bad value for option, or out of range (1-32).",
                "The tool takes masks from 1 to 32; for one later node write --cluster-local-node.",
            )
        return cls(bits)

    @classmethod
    def of_node(cls, text: str, family: Family) -> NodeMask:
        """The mask of one node; nodes count from 1."""
        return cls(1 << Nodes.parse(text, family).number - 1)

    def __contains__(self, item: object) -> bool:
        return isinstance(item, int) and bool(self.bits >> item & 1)

    def __str__(self) -> str:
        return f"{self.bits:#010x}"

    def words(self) -> str:
        nodes = [str(node + 1) for node in range(32) if node in self]
        return f"node{'s' * (len(nodes) > 1)} {', '.join(nodes)}"


@register_match("cluster")
@dataclass(frozen=True)
class Cluster(Match):
    """``-m cluster --cluster-total-nodes N [!] --cluster-local-node NODE --cluster-hash-seed S``.

    A hash of the address that began the connection chooses the node. Of an IPv6 address only the
    first 32 bits count: the kernel takes a number of words for one of bytes.

    Kernel: net/netfilter/xt_cluster.c (xt_cluster_hash_ipv6)
    """

    nodes: Given[NodeMask] | None = option(
        "--cluster-local-nodemask",
        NodeMask,
        negatable=True,
        spellings={"--cluster-local-node": Spelling(1, NodeMask.of_node)},
    )
    total: Nodes | None = option("--cluster-total-nodes", Nodes)
    seed: Seed | None = option("--cluster-hash-seed", Seed)

    def __post_init__(self) -> None:
        """Refuse what is left out, and nodes that the cluster does not have."""
        if self.nodes is None:
            raise BadValueError(
                "cluster match: `--cluster-local-node' or`--cluster-local-nodemask' is missing",
                "Write --cluster-local-node 1.",
            )
        for name, value in (
            ("--cluster-total-nodes", self.total),
            ("--cluster-hash-seed", self.seed),
        ):
            if value is None:
                raise BadValueError(
                    f'cluster: option "{name}" must be specified', f"Write {name} and a number."
                )
        assert self.total is not None
        if self.nodes.value.bits >> self.total.number:
            raise BadValueError(
                "cluster match: `--cluster-local-node' must be <= `--cluster-total-nodes'",
                f"Nodes count from 1 to {self.total}.",
            )

    def _node(self, address: Address) -> int:
        """The node, counted from 0, that an address belongs to."""
        assert self.total is not None
        assert self.seed is not None
        word = int.from_bytes(address.packed[:4], "little")
        return choice(jhash([word], self.seed.number), self.total.number)

    def holds(self, packet: Packet, context: Context) -> Answer:
        known = context.tracked
        if not isinstance(known, Connection):
            return False if known is None else known
        assert self.nodes is not None
        return self.nodes.holds(lambda nodes: self._node(known.original.src) in nodes)

    def why_not(self, packet: Packet, context: Context) -> str:
        known = context.tracked
        if known is None:
            return f"{self}, but this packet belongs to no tracked connection"
        if isinstance(known, Connection):
            address = known.original.src
            return f"{self}, but {address} belongs to node {1 + self._node(address)}"
        return str(known)

    def explain(self) -> str:
        assert self.nodes is not None
        said = "does not belong" if self.nodes.negated else "belongs"
        return f"{said} to {self.nodes.value.words()} of {self.total}"

    def listed(self, *, numeric: bool) -> str:
        assert self.nodes is not None
        mask = f"{'!' * self.nodes.negated}node_mask={self.nodes.value}"
        return f"cluster {mask} total_nodes={self.total} hash_seed={self.seed}"
