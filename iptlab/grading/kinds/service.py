"""Write the rules that kube-proxy would write for a Service."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from iptlab.grading.kinds.write import WriteRules
from iptlab.grading.scope import Aspect, Scope
from iptlab.kubernetes.cluster import Cluster
from iptlab.ruleset import Ruleset

# marks are kube-proxy's own affair: what counts is who is masqueraded because of them
_COUNTS = frozenset(Aspect) - {Aspect.MARK}


def _new() -> Scope:
    return Scope(assume="-m conntrack --ctstate NEW", aspects=_COUNTS)


@dataclass(frozen=True, kw_only=True)
class KubeProxyRules(WriteRules):
    """Write the rules that kube-proxy would write on a node, judged by what they do.

    They are compared with kube-proxy's own on that node, for the first packets of connections;
    chains may be called and cut as one likes. A narrower ``scope`` leaves out what a lesson has
    not come to: ``Scope(assume="-s 10.244.0.0/16 -d 10.96.0.10", ...)``.
    """

    manifests: str
    node: str
    says: str = "Every new connection should fare as kube-proxy has it."
    scope: Scope = field(default_factory=_new)

    def model(self) -> object:
        return str(self.expected)

    @cached_property
    def expected(self) -> Ruleset:
        """What kube-proxy writes."""
        return self._cluster.rules(self.node, self.family)

    @cached_property
    def ground(self) -> Scope:
        """Packets on their way through the node."""
        return self.scope.on(replace(self._cluster.machine(self.node).host, rules={}))

    @cached_property
    def _cluster(self) -> Cluster:
        return Cluster.parse(self.manifests)
