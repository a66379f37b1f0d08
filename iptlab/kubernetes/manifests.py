"""Manifests to objects: what ``kubectl get services,endpointslices,nodes -o yaml`` prints.

Several documents, Lists and hand-written objects are all taken. What the API server would
refuse is refused here too, one clear complaint at a time; what kube-proxy leaves out is
left out with a remark.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from iptlab.errors import ManifestError
from iptlab.kubernetes.documents import Document, read_documents
from iptlab.kubernetes.fields import Fields, Origin
from iptlab.kubernetes.objects import EndpointSlice, Node, Service
from iptlab.kubernetes.readers import GROUPS, READERS, namespace_of
from iptlab.ruleset import read_text
from iptlab.shown import Shown
from iptlab.syntax.chains import collector_paused

T = TypeVar("T")


@dataclass(frozen=True)
class Manifests(Shown):
    """What some manifests say about a cluster; ``remarks`` is what is odd or not used."""

    services: tuple[Service, ...] = ()
    slices: tuple[EndpointSlice, ...] = ()
    nodes: tuple[Node, ...] = ()
    remarks: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Manifests:
        r"""Read YAML or JSON; ManifestError for the first thing that is wrong.

        >>> Manifests.parse("kind: Node\nmetadata: {name: node-a}\nstatus: {}").nodes[0].name
        'node-a'
        """
        with collector_paused():
            return _Gathering().gather(read_documents(text))

    @classmethod
    def read(cls, path: str | Path) -> Manifests:
        """Read a file, ``-`` for the standard input."""
        return cls.parse(read_text(path))

    def __str__(self) -> str:
        """The objects as ``kubectl get --output name`` prints them, each in its namespace."""
        named = [f"service/{one.name} -n {one.namespace}" for one in self.services]
        slices = "endpointslice.discovery.k8s.io"
        named += [f"{slices}/{one.name} -n {one.namespace}" for one in self.slices]
        return "\n".join([*named, *(f"node/{one.name}" for one in self.nodes)])

    def service(self, name: str) -> Service:
        """The Service of the name ``namespace/name``; ManifestError lists what there is."""
        return _named(name, {str(one): one for one in self.services}, "Service")

    def node(self, name: str) -> Node:
        """The Node of the name; ManifestError lists what there is."""
        return _named(name, {one.name: one for one in self.nodes}, "Node")


def _named(name: str, there: dict[str, T], kind: str) -> T:
    if name in there:
        return there[name]
    some = ", ".join(list(there)[:8]) + (", …" if len(there) > 8 else "")
    raise ManifestError(
        f"there is no {kind} `{name}' in the manifests",
        cure=f"There are {some}." if there else f"Add one: kind: {kind}.",
    )


class _Gathering:
    """The objects read so far, by kind and id, so that none is there twice."""

    def __init__(self) -> None:
        self.found: dict[str, dict[object, tuple[Any, Origin]]] = {kind: {} for kind in READERS}
        self.unused: Counter[str] = Counter()
        self.remarks: list[str] = []

    def gather(self, documents: Iterable[Document]) -> Manifests:
        """All objects of the documents."""
        for number, content in documents:
            place = f"document {number}"
            for item_place, item in objects_in(place, content):
                self._take(Origin(item_place, remarks=self.remarks), item)
        for kind, count in sorted(self.unused.items()):
            self.remarks.append(f"{count} {kind} not used: kube-proxy does not read this kind")
        objects = {kind: tuple(one for one, _ in f.values()) for kind, f in self.found.items()}
        return Manifests(
            objects["Service"],
            objects["EndpointSlice"],
            objects["Node"],
            tuple(self.remarks),
        )

    def _take(self, origin: Origin, content: object) -> None:
        fields = _mapping(origin, content)
        origin.subject = kind = fields.required("kind")
        name = fields.child("metadata").text("name")
        namespace = "" if kind == "Node" else namespace_of(fields)
        origin.subject = f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}".rstrip()
        group = fields.text("apiVersion").rpartition("/")[0]
        if kind not in READERS or group not in ("", GROUPS[kind]):
            self._leave_out(fields, kind, group)
            return
        found = READERS[kind](fields)
        if found is None:
            return
        first = self.found[kind].setdefault(_id(found), (found, origin))
        if first[0] is not found:
            raise ManifestError(
                f"this {kind} is already there, in {first[1].place}",
                place=str(origin),
                cure="Keep one of the two, or give them different names.",
            )

    def _leave_out(self, fields: Fields, kind: str, group: str) -> None:
        """Count an object of another kind; one with a small letter for a big is a slip."""
        meant = {known.lower(): known for known in READERS}.get(kind.lower(), kind)
        if meant != kind:
            raise fields.refuse("kind", f"`{kind}' is no kind", f"Did you mean {meant}?")
        self.unused[f"{kind}.{group}" if kind in READERS else kind] += 1


def _id(one: Service | EndpointSlice | Node) -> object:
    return one.name if isinstance(one, Node) else one.id


def objects_in(place: str, content: object) -> Iterator[tuple[str, object]]:
    """The objects of a document: itself, or what a List holds, in whatever depth."""
    if not isinstance(content, dict) or not str(content.get("kind", "")).endswith("List"):
        yield place, content
        return
    items = content.get("items")
    if not isinstance(items, list | None):
        cure = "Write items: and below it objects that begin with `- '."
        raise ManifestError("a List's items must be a list", place=place, path="items", cure=cure)
    inner = content["kind"].removesuffix("List")
    for number, item in enumerate(items or ()):
        if inner and isinstance(item, dict):
            # in a ServiceList the items need not say their kind
            item = {"kind": inner, **item}
        yield from objects_in(f"{place}, items[{number}]", item)


def _mapping(origin: Origin, content: object) -> Fields:
    if isinstance(content, dict):
        return Fields(content, origin)
    raise ManifestError(
        "this is no Kubernetes object",
        place=str(origin),
        cure="An object begins with kind: Service (or EndpointSlice, Node) and metadata:.",
    )
