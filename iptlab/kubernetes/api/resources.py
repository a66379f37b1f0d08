"""One object of the API: a manifest's tree of values, and what is asked of it most."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from iptlab.kubernetes.api.kinds import Kind

Tree = dict[str, Any]


class Key(NamedTuple):
    """What tells objects apart; without a namespace it is empty."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Resource:
    """An object as it is stored. Nobody changes its values: ``edited`` makes another one."""

    kind: Kind
    values: Tree

    @property
    def key(self) -> Key:
        """What tells it apart from all others."""
        return Key(self.kind.name, self.namespace, self.name)

    @property
    def metadata(self) -> Tree:
        """Its metadata."""
        return part(self.values, "metadata")

    @property
    def spec(self) -> Tree:
        """What is wanted."""
        return part(self.values, "spec")

    @property
    def status(self) -> Tree:
        """What is the case."""
        return part(self.values, "status")

    @property
    def name(self) -> str:
        """Its name, unique in its namespace among its kind."""
        return str(self.metadata.get("name") or "")

    @property
    def namespace(self) -> str:
        """Its namespace; empty for kinds that have none."""
        return str(self.metadata.get("namespace") or "") if self.kind.namespaced else ""

    @property
    def uid(self) -> str:
        """What tells it apart from one of the same name that was there before."""
        return str(self.metadata.get("uid") or "")

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return part(self.metadata, "labels")

    @property
    def created(self) -> datetime:
        """When it was made."""
        return read_time(self.metadata["creationTimestamp"])

    @property
    def terminating(self) -> bool:
        """Whether it is being deleted."""
        return bool(self.metadata.get("deletionTimestamp"))

    @property
    def owner(self) -> str:
        """The uid of the object that made it and takes it along when it goes."""
        owners = self.metadata.get("ownerReferences") or ()
        return next((str(one["uid"]) for one in owners if one.get("controller")), "")

    def __deepcopy__(self, memo: object) -> Resource:
        """Itself: what nobody changes need not be there twice."""
        return self

    def edited(self) -> Resource:
        """Another one with the same values, to be changed before it is stored."""
        return Resource(self.kind, deepcopy(self.values))

    def __str__(self) -> str:
        return f"{self.kind.singular}/{self.name}"


def part(tree: Mapping[str, Any], name: str) -> Tree:
    """A mapping inside another one; empty if it is not there."""
    return tree.get(name) or {}


def made(tree: Tree, name: str) -> Tree:
    """A mapping inside another one, put there if it is not."""
    if tree.get(name) is None:
        tree[name] = {}
    inner: Tree = tree[name]
    return inner


def owned_by(owner: Resource) -> list[Tree]:
    """The ``ownerReferences`` of an object that another one makes."""
    return [
        {
            "apiVersion": owner.kind.api_version,
            "blockOwnerDeletion": True,
            "controller": True,
            "kind": owner.kind.name,
            "name": owner.name,
            "uid": owner.uid,
        }
    ]


def carries(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether labels have all that a selector wants."""
    return all(labels.get(name) == value for name, value in wanted.items())


def stamp(moment: datetime) -> str:
    """A time as the API writes it.

    >>> stamp(datetime(2026, 1, 1, 12, tzinfo=UTC))
    '2026-01-01T12:00:00Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(text: str) -> datetime:
    """The time that ``stamp`` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
