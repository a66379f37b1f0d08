"""``kubectl get``: objects in a table, or as they are.

Source: kubernetes/staging/src/k8s.io/kubectl/pkg/cmd/get/get.go
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from iptlab.kubernetes.api.kinds import ENDPOINTS, Kind
from iptlab.kubernetes.api.refusals import ApiError
from iptlab.kubernetes.api.resources import Resource
from iptlab.kubernetes.kubectl import targets
from iptlab.kubernetes.kubectl.apply import told
from iptlab.kubernetes.kubectl.files import objects
from iptlab.kubernetes.kubectl.jsonpath import values_at
from iptlab.kubernetes.kubectl.printing import print_objects, unknown_format
from iptlab.kubernetes.kubectl.request import CommandError, Request
from iptlab.kubernetes.kubectl.rows import columns_of, words
from iptlab.kubernetes.kubectl.tables import table

_NO_TYPE = (
    'You must specify the type of resource to get. Use "kubectl api-resources" for a complete '
    "list of supported resources.\n\n"
    "error: Required resource not specified.\n"
    'Use "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl '
    "explain pods).\n"
    "See 'kubectl get -h' for help and examples"
)
_OLD_ENDPOINTS = (
    "Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
)
_NO_NAME = "error: a resource cannot be retrieved by name across all namespaces"


def get(request: Request) -> None:
    """Show objects: those named, or all of some kinds."""
    if request.on("watch") or request.on("watch-only"):
        raise CommandError(
            "error: a watch never ends; ask again later, or wait: kubectl wait --for=…"
        )
    if not request.words and "filename" not in request.flags:
        raise CommandError(_NO_TYPE)
    kinds, found, single = _found(request)
    if ENDPOINTS in kinds:
        request.warn(_OLD_ENDPOINTS)
    found = _sorted(request, found)
    form = request.output.partition("=")[0]
    if form not in ("", "wide"):
        if found or not single:
            print_objects(request, found, single=single)
        return
    if request.output not in ("", "wide"):
        raise unknown_format(request.output)
    if found:
        request.out.append(_tables(request, found, prefixed=len(kinds) > 1))
    elif not request.status and not request.on("ignore-not-found"):
        here = any(kind.namespaced for kind in kinds) and not request.on("all-namespaces")
        where = f" in {request.namespace} namespace." if here else ""
        request.warn(f"No resources found{where}")


def _found(request: Request) -> tuple[tuple[Kind, ...], list[Resource], bool]:
    """The kinds that were asked for, the objects found, and whether it was one by its name."""
    if "filename" in request.flags:
        pairs = [(one.object.kind, one.object.name) for one in objects(request)]
        kinds = tuple(dict.fromkeys(kind for kind, _ in pairs))
        return kinds, _by_name(request, pairs), len(pairs) == 1
    named = list(targets.named(request, request.words))
    if named:
        if request.on("all-namespaces"):
            raise CommandError(_NO_NAME)
        if "selector" in request.flags:
            raise CommandError("error: name cannot be provided when a selector is specified")
        kinds = tuple(dict.fromkeys(kind for kind, _ in named))
        return kinds, _by_name(request, named), len(named) == 1
    kinds = targets.kinds_named(request.words[0])
    return kinds, [one for kind in kinds for one in targets.listed(request, kind)], False


def _by_name(request: Request, pairs: Sequence[tuple[Kind, str]]) -> list[Resource]:
    """The objects of these names; what is not there is told."""
    found = []
    for kind, name in pairs:
        try:
            found.append(targets.find(request, kind, name))
        except ApiError as error:
            if not request.on("ignore-not-found"):
                request.fail(told(error))
    return found


def _sorted(request: Request, found: list[Resource]) -> list[Resource]:
    """The objects by the field that ``--sort-by`` names."""
    path = request.flags.get("sort-by", "").strip("{}")
    if not path:
        return found

    def key(one: Resource) -> tuple[bool, float, str]:
        value = next(iter(values_at(path, one.values)), None)
        number = value if isinstance(value, int | float) else 0.0
        return value is None, number, str(value)

    return sorted(found, key=key)


def _tables(request: Request, found: Sequence[Resource], *, prefixed: bool) -> str:
    """A table for each kind; with several kinds the names say which."""
    groups = groupby(found, key=lambda one: one.kind)
    return "\n".join(_table(request, kind, list(ones), prefixed) for kind, ones in groups)


def _table(request: Request, kind: Kind, found: Sequence[Resource], prefixed: bool) -> str:
    shown, wide = columns_of(kind), request.output == "wide"
    everywhere = request.on("all-namespaces") and kind.namespaced
    prefixed = prefixed or request.on("show-kind")
    extra = [one for one in request.flags.get("label-columns", "").split(",") if one]
    header = ["NAMESPACE"] * everywhere + shown.header(wide=wide)
    header += [one.rpartition("/")[2].upper() for one in extra]
    header += ["LABELS"] * request.on("show-labels")
    rows = []
    for one in found:
        row = shown.row(one, request.plane.now, wide=wide)
        row[0] = str(one) if prefixed else row[0]
        row = [one.namespace] * everywhere + row
        row += [one.labels.get(name, "") for name in extra]
        rows.append(row + [words(one.labels)] * request.on("show-labels"))
    return table(header, rows, headless=request.on("no-headers"))
