"""Write the rules that kube-proxy would write for a Service."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from iptlab.grading.exercise import Exercise
from iptlab.grading.kinds.write import WriteRules
from iptlab.grading.result import Result
from iptlab.grading.scope import Aspect, Scope
from iptlab.kubernetes.cluster import Cluster
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host

# marks are kube-proxy's own affair: what counts is who is masqueraded because of them
_COUNTS = frozenset(Aspect) - {Aspect.MARK}


def _new() -> Scope:
    return Scope(assume="-m conntrack --ctstate NEW", aspects=_COUNTS)


@dataclass(frozen=True, kw_only=True)
class KubeProxyRules(Exercise):
    """Write the rules that kube-proxy would write on a node, judged by what they do.

    They are compared with kube-proxy's own on that node, for the first packets of connections;
    chains may be called and cut as one likes. A narrower ``scope`` leaves out what a lesson has
    not come to: ``Scope(assume="-s 10.244.0.0/16 -d 10.96.0.10", ...)``.
    """

    manifests: str
    node: str
    says: str = "Every new connection should fare as kube-proxy has it."
    scope: Scope = field(default_factory=_new)
    family: int = 4

    def model(self) -> object:
        return str(self._node.rules)

    def judge(self, answer: object) -> Result:
        return self._written.judge(answer)

    @property
    def _node(self) -> _Node:
        return _on(self.manifests, self.node, self.family)

    @property
    def _written(self) -> WriteRules:
        return WriteRules(
            id=self.id,
            task=self.task,
            hints=self.hints,
            misconceptions=self.misconceptions,
            done=self.done,
            reference=str(self._node.rules),
            says=self.says,
            scope=replace(self.scope, host=self._node.host),
            family=self.family,
        )


class _Node(NamedTuple):
    """A node as kube-proxy has left it: its rules, and the machine without them."""

    rules: Ruleset
    host: Host


@lru_cache(maxsize=64)
def _on(manifests: str, node: str, family: int) -> _Node:
    cluster = Cluster.parse(manifests)
    host = cluster.machine(node).host
    return _Node(cluster.rules(node, family), replace(host, rules={}))
