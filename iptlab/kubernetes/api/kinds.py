"""The kinds of objects that the API server here knows, and the words kubectl has for them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of object: its API group, its names in commands, whether it has a namespace."""

    name: str
    plural: str
    group: str = ""
    short: tuple[str, ...] = ()
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """What a manifest says under ``apiVersion``."""
        return f"{self.group}/v1" if self.group else "v1"

    @property
    def singular(self) -> str:
        """The name in what kubectl prints: ``service``, ``deployment.apps``."""
        return f"{self.name.lower()}.{self.group}" if self.group else self.name.lower()

    @property
    def resource(self) -> str:
        """The name in the server's errors: ``services``, ``deployments.apps``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def words(self) -> tuple[str, ...]:
        """All words that mean this kind in a command."""
        plain = (self.name.lower(), self.plural)
        versioned = [f"{word}.v1.{self.group}".rstrip(".") for word in plain]
        return (*plain, self.singular, self.resource, *versioned, *self.short)


NAMESPACE = Kind("Namespace", "namespaces", short=("ns",), namespaced=False)
NODE = Kind("Node", "nodes", short=("no",), namespaced=False)
POD = Kind("Pod", "pods", short=("po",))
SERVICE = Kind("Service", "services", short=("svc",))
ENDPOINTS = Kind("Endpoints", "endpoints", short=("ep",))
DEPLOYMENT = Kind("Deployment", "deployments", "apps", ("deploy",))
REPLICA_SET = Kind("ReplicaSet", "replicasets", "apps", ("rs",))
SLICE = Kind("EndpointSlice", "endpointslices", "discovery.k8s.io")

KINDS = (NAMESPACE, NODE, POD, SERVICE, ENDPOINTS, DEPLOYMENT, REPLICA_SET, SLICE)
# what `kubectl get all' asks for, in its order
ALL = (POD, SERVICE, DEPLOYMENT, REPLICA_SET)

_BY_WORD = {word: kind for kind in KINDS for word in kind.words()}
_BY_NAME = {(kind.api_version, kind.name): kind for kind in KINDS}


def kind_called(word: str) -> Kind | None:
    """The kind that a word in a command means.

    >>> kind_called("svc").name, kind_called("deployments.apps").name, kind_called("x")
    ('Service', 'Deployment', None)
    """
    return _BY_WORD.get(word.lower())


def kind_of(api_version: str, name: str) -> Kind | None:
    """The kind that a manifest names."""
    return _BY_NAME.get((api_version, name))
