"""kube-proxy at work on a simulated node: rules loaded, stale connections deleted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from iptlab.kubernetes.config import Config
from iptlab.kubernetes.conntrack import Connection
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.loading import load
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.sync import Sync
from iptlab.netfilter import context
from iptlab.packet import Protocol
from iptlab.simulate.machine import Machine


@dataclass(frozen=True)
class NodeProxy:
    """kube-proxy on one node: a proxy for each family, which keep running."""

    proxies: tuple[Proxy, ...]

    @classmethod
    def of(cls, node: str, config: Config) -> NodeProxy:
        """The proxies of a node, which have not synced yet.

        What the configuration says of addresses is about the node that it names.
        """
        own = config
        if node != config.node_name:
            own = replace(config, node_name=node, node_ips=(), node_addresses=())
        return cls(tuple(Proxy(own, family) for family in config.families))

    def sync(self, manifests: Manifests, machine: Machine) -> list[Sync]:
        """Bring the machine's rules up to the cluster's state, and delete stale connections."""
        return [self._sync(proxy, manifests, machine) for proxy in self.proxies]

    def _sync(self, proxy: Proxy, manifests: Manifests, machine: Machine) -> Sync:
        known = {_as_told(one): one for one in machine.connections() if _is_udp(one)}
        before = machine.rules(proxy.family) if proxy.settings else None
        done = proxy.sync(manifests, now=machine.now.timestamp(), connections=known)
        machine.load(load(done, before))
        machine.forget([known[one] for one in done.deleted])
        return done


def _is_udp(one: context.Connection) -> bool:
    return one.protocol == Protocol.UDP


def _as_told(one: context.Connection) -> Connection:
    """An entry of the machine's connection table in kube-proxy's words."""
    return Connection(
        "UDP",
        str(one.original.src),
        one.original.sport,
        str(one.original.dst),
        one.original.dport,
        str(one.reply.src),
        one.reply.sport,
    )
