"""The objects in the files that a command names, read and refused as kubectl does it.

Source: k8s.io/cli-runtime/pkg/resource/visitor.go (StreamVisitor), apimachinery/pkg/util/yaml
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from iptlab.errors import FileError, ManifestError
from iptlab.kubernetes.api.kinds import KINDS, kind_of
from iptlab.kubernetes.api.resources import Resource, Tree, made
from iptlab.kubernetes.documents import read_documents
from iptlab.kubernetes.kubectl.request import CommandError, Request
from iptlab.kubernetes.kubectl.yaml_text import to_line

_LINE = re.compile(r"line (\d+)$")
_SEPARATOR = re.compile(r"^---(?:[ \t].*)?$", re.MULTILINE)
_MAPS = ("annotations", "labels")
_LONGEST = 3_000_000  # bytes in a request that the API server takes


class Found(NamedTuple):
    """An object and the file that it is in, ``STDIN`` for the standard input."""

    source: str
    object: Resource


def objects(request: Request) -> Iterator[Found]:
    """The objects of all files of a command, in order, up to the first that cannot be read."""
    for name in request.flags["filename"].split("\n"):
        source = "STDIN" if name == "-" else name
        for document in _documents(source, _text(request, name)):
            for tree in _flat(document):
                yield Found(source, _object(request, source, tree))


def _text(request: Request, name: str) -> str:
    if name == "-":
        return request.stdin
    if name.startswith(("http://", "https://")):
        raise CommandError(f"error: unable to read URL {name}: nothing here reaches the internet")
    try:
        text = request.read(name)
    except FileError:
        raise CommandError(f'error: the path "{name}" does not exist') from None
    return text


def _documents(source: str, text: str) -> Iterator[Tree]:
    if len(text) > _LONGEST:
        raise CommandError(f"error: error parsing {source}: it is longer than {_LONGEST:,} bytes")
    for part in [text] if text.lstrip()[:1] == "{" else _SEPARATOR.split(text):
        try:
            contents = [content for _, content in read_documents(part)]
        except ManifestError as error:
            cause = f"error converting YAML to JSON: {yaml_problem(error)}"
            raise CommandError(f"error: error parsing {source}: {cause}") from None
        for content in contents:
            if not isinstance(content, dict):
                kind = {list: "array", str: "string", bool: "bool"}.get(type(content), "number")
                cause = f"json: cannot unmarshal {kind} into Go value of type unstructured.detector"
                raise CommandError(f"error: error parsing {source}: {cause}")
            if content:
                yield content


def yaml_problem(error: ManifestError) -> str:
    """What the YAML library that kubectl uses says of an error."""
    line = _LINE.search(error.place)
    problem = error.cause.partition("\n")[0].removeprefix("this is no YAML: ")
    where = f"line {line[1]}: " if line else ""
    return f"yaml: {where}{problem}"


def _flat(tree: Tree) -> Iterator[Tree]:
    """An object, or what a List holds."""
    items = tree.get("items")
    if str(tree.get("kind") or "").endswith("List") and isinstance(items, list):
        for item in items:
            if isinstance(item, dict):
                yield from _flat(item)
    else:
        yield tree


def _object(request: Request, source: str, tree: Tree) -> Resource:
    version, name = tree.get("apiVersion"), tree.get("kind")
    unset = [f"{key} not set" for key in ("apiVersion", "kind") if not tree.get(key)]
    if unset or not isinstance(version, str) or not isinstance(name, str):
        causes = unset or ["apiVersion and kind must be text"]
        told = causes[0] if len(causes) == 1 else f"[{', '.join(causes)}]"
        raise CommandError(
            f'error: error validating "{source}": error validating data: {told}; if you choose '
            "to ignore these errors, turn validation off with --validate=false"
        )
    metadata = tree.get("metadata")
    if not isinstance(metadata, dict | None):
        cause = f"cannot unmarshal metadata of {to_line(tree)[:200]}"
        raise CommandError(f'error: unable to decode "{source}": json: {cause}')
    label, namespace = (made(tree, "metadata").get(key) for key in ("name", "namespace"))
    if any(not isinstance(one, str | None) for one in (label, namespace)):
        cause = "metadata.name and metadata.namespace must be text, put them in quotes"
        raise CommandError(f'error: unable to decode "{source}": {cause}')
    if any(not isinstance(one, dict | None) for one in map(tree["metadata"].get, _MAPS)):
        cause = "labels and annotations must be mappings"
        raise CommandError(f'error: unable to decode "{source}": {cause}')
    kind = kind_of(version, name)
    if kind is None:
        known = sorted(one.name for one in KINDS)
        here = f"{', '.join(known[:-1])} and {known[-1]}"
        raise CommandError(
            f'error: resource mapping not found for name: "{label or ""}" namespace: '
            f'"{namespace or ""}" from "{source}": no matches for kind "{name}" in version '
            f'"{version}"\nensure CRDs are installed first\n(This cluster has {here}.)'
        )
    one = Resource(kind, tree)
    if kind.namespaced:
        _put_in_namespace(request, one)
    return one


def _put_in_namespace(request: Request, one: Resource) -> None:
    """An object without a namespace gets the command's; one with another is refused."""
    asked, own = request.flags.get("namespace"), one.namespace
    if asked and own and asked != own:
        raise CommandError(
            f'error: the namespace from the provided object "{own}" does not match the namespace '
            f"\"{asked}\". You must pass '--namespace={own}' to perform this operation."
        )
    one.metadata.setdefault("namespace", request.namespace)
