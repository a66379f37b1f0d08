"""Which objects a command means: ``svc web``, ``pod/a pod/b``, ``pods -l app=web``.

Source: k8s.io/cli-runtime/pkg/resource/builder.go
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from iptlab.kubernetes.api.kinds import ALL, ENDPOINTS, Kind, kind_called
from iptlab.kubernetes.api.refusals import ApiError, not_found
from iptlab.kubernetes.api.resources import Resource
from iptlab.kubernetes.kubectl import endpoints
from iptlab.kubernetes.kubectl.request import CommandError, Request

Selector = Callable[[Mapping[str, str]], bool]

_SLASH = (
    "there is no need to specify a resource type as a separate argument when passing arguments "
    "in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get "
    "resource resource/<resource_name>'"
)
_SETS = re.compile(r"\s*(?P<key>[^\s!=]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)\s*").fullmatch


def kind_named(word: str) -> Kind:
    """The kind that a word means; CommandError if the server has none."""
    kind = kind_called(word)
    if kind is None:
        raise CommandError(f'error: the server doesn\'t have a resource type "{word}"')
    return kind


def kinds_named(word: str) -> tuple[Kind, ...]:
    """The kinds that a word with commas means."""
    found: list[Kind] = []
    for one in word.split(","):
        found += ALL if one == "all" else [kind_named(one)]
    return tuple(dict.fromkeys(found))


def named(request: Request, words: Sequence[str]) -> Iterator[tuple[Kind, str]]:
    """The kinds and names in words: ``TYPE NAME …`` or ``TYPE/NAME …``."""
    if any("/" in word for word in words):
        if not all("/" in word for word in words):
            raise CommandError(f"error: {_SLASH}")
        for word in words:
            before, _, name = word.partition("/")
            if not before or not name or "/" in name:
                cause = "arguments in resource/name form must have a single resource and name"
                raise CommandError(f"error: {cause}")
            yield kind_named(before), name
    elif words:
        for name in words[1:]:
            for kind in kinds_named(words[0]):
                yield kind, name


def find(request: Request, kind: Kind, name: str) -> Resource:
    """One object; ApiError if it is not there."""
    if kind == ENDPOINTS:
        found = endpoints.one(request.plane.store, request.namespace, name)
        if found is None:
            raise not_found(kind, name)
        return found
    return request.plane.store.get(kind, request.namespace, name)


def listed(request: Request, kind: Kind) -> list[Resource]:
    """All objects of a kind in the command's scope that its selector wants."""
    wanted = selector(request.flags.get("selector", ""))
    namespace = request.scope(kind)
    store = request.plane.store
    found = endpoints.all_(store, namespace) if kind == ENDPOINTS else store.list(kind, namespace)
    return [one for one in found if wanted(one.labels)]


def meant(request: Request, words: Sequence[str]) -> Iterator[Resource]:
    """The objects that words, or a selector, or ``--all`` mean; those missing are told."""
    many = request.on("all") or "selector" in request.flags
    if not words:
        raise CommandError(
            "error: You must provide one or more resources by argument or filename.\n"
            "Example resource specifications include:\n"
            "   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'"
        )
    if many:
        if len(words) > 1 or "/" in words[0]:
            raise CommandError("error: name cannot be provided when a selector is specified")
        for kind in kinds_named(words[0]):
            yield from listed(request, kind)
        return
    pairs = list(named(request, words))
    if not pairs:
        kinds_named(words[0])
        raise CommandError("error: resource(s) were provided, but no name was specified")
    for kind, name in pairs:
        try:
            yield find(request, kind, name)
        except ApiError as error:
            if not request.on("ignore-not-found"):
                request.fail(f"Error from server ({error.reason}): {error.message}")


def selector(text: str) -> Selector:
    """What labels must be like: ``a=b,c!=d,e,!f,g in (h,i)``."""
    tests = [_test(one) for one in re.split(r",(?![^(]*\))", text) if one.strip()]
    return lambda labels: all(test(labels) for test in tests)


def _test(text: str) -> Selector:
    if found := _SETS(text):
        key, values = found["key"], [one.strip() for one in found["values"].split(",")]
        inside = found["op"] == "in"
        return lambda labels: (labels.get(key) in values) == inside
    if not re.fullmatch(r"\s*!?[\w./-]+\s*|\s*[\w./-]+\s*(==?|!=)\s*[\w.-]*\s*", text, re.ASCII):
        raise CommandError(
            f"error: unable to parse requirement: found '{text.strip()}', expected: a label "
            "such as app=web, app!=web, app or !app"
        )
    for operator in ("!=", "==", "="):
        key, found_, value = (one.strip() for one in text.partition(operator))
        if found_:
            return _comparison(key, value, equal=operator != "!=")
    key = text.strip()
    if key.startswith("!"):
        return lambda labels: key[1:] not in labels
    return lambda labels: key in labels


def _comparison(key: str, value: str, *, equal: bool) -> Selector:
    return lambda labels: (labels.get(key) == value) == equal
