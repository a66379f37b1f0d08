"""All objects of a cluster by their key, with the numbers that the API server gives them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from iptlab.kubernetes.api.kinds import Kind
from iptlab.kubernetes.api.refusals import not_found
from iptlab.kubernetes.api.resources import Key, Resource, carries, made, stamp

# apimachinery/pkg/util/rand/rand.go: no vowels, so that no words come out
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


@dataclass
class Store:
    """The objects, and how often they were written; ``named`` counts names given out."""

    objects: dict[Key, Resource] = field(default_factory=dict)
    version: int = 0
    named: int = 0

    def find(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """An object, if it is there."""
        return self.objects.get(Key(kind.name, namespace if kind.namespaced else "", name))

    def get(self, kind: Kind, namespace: str, name: str) -> Resource:
        """An object that must be there."""
        found = self.find(kind, namespace, name)
        if found is None:
            raise not_found(kind, name)
        return found

    def list(
        self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Resource]:
        """The objects of a kind by namespace and name, those with some labels only if given."""
        found = [
            one
            for key, one in self.objects.items()
            if key.kind == kind.name and namespace in (None, key.namespace)
            if labels is None or carries(one.labels, labels)
        ]
        return sorted(found, key=lambda one: one.key)

    def owned(self, kind: Kind, owner: Resource) -> Iterator[Resource]:
        """The objects of a kind that another one has made."""
        return (one for one in self.list(kind, owner.namespace) if one.owner == owner.uid)

    def add(self, one: Resource, now: datetime) -> Resource:
        """Enter a new object, with its number and the time."""
        one.metadata["creationTimestamp"] = stamp(now)
        one.metadata["uid"] = _uid(f"{one.key} {self.version}")
        return self.put(one)

    def put(self, one: Resource) -> Resource:
        """Write an object."""
        self.version += 1
        made(one.values, "metadata")["resourceVersion"] = str(self.version)
        self.objects[one.key] = one
        return one

    def remove(self, one: Resource) -> None:
        """Take an object out."""
        self.version += 1
        del self.objects[one.key]

    def new_name(self, prefix: str) -> str:
        """A name nobody had before, such as ``web-x7k2q``."""
        self.named += 1
        return prefix + letters(f"{prefix} {self.named}", 5)


def letters(text: str, count: int) -> str:
    """Some letters that look like chance and are always the same for a text.

    >>> letters("web", 5) == letters("web", 5), len(letters("web", 5))
    (True, 5)
    """
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:count])


def _uid(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return str(UUID(bytes=digest[:16], version=4))
