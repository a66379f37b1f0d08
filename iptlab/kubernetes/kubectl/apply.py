"""``kubectl apply``, ``create`` and ``replace``: objects out of files.

Source: kubernetes/staging/src/k8s.io/kubectl/pkg/cmd/apply, cmd/create
"""

from __future__ import annotations

import json
from copy import deepcopy

from iptlab.kubernetes.api.kinds import NAMESPACE, Kind
from iptlab.kubernetes.api.refusals import ApiError, not_found
from iptlab.kubernetes.api.resources import Resource, Tree, made
from iptlab.kubernetes.kubectl.files import Found, objects
from iptlab.kubernetes.kubectl.merge import three_way
from iptlab.kubernetes.kubectl.printing import print_object
from iptlab.kubernetes.kubectl.request import CommandError, Request
from iptlab.kubernetes.kubectl.yaml_text import to_line

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def apply(request: Request) -> None:
    """Make what the files say the case: new objects, or what changed in those there."""
    if request.words:
        raise request.usage(f"Unexpected args: [{' '.join(request.words)}]")
    if "filename" not in request.flags:
        raise CommandError("error: must specify one of -f and -k")
    count = 0
    try:
        for found in objects(request):
            count += 1
            _attempt(request, found, _apply_one)
    except CommandError as error:
        request.fail(str(error))
        return
    if not count:
        raise CommandError("error: no objects passed to apply")


def create_from_files(request: Request) -> None:
    """Make new objects out of files."""
    count = 0
    try:
        for found in objects(request):
            count += 1
            _attempt(request, found, _create_one)
    except CommandError as error:
        request.fail(str(error))
        return
    if not count:
        raise CommandError("error: no objects passed to create")


def replace(request: Request) -> None:
    """Put the objects of the files in the place of those there."""
    if "filename" not in request.flags:
        raise CommandError("error: must specify --filename to replace")
    found = list(objects(request))
    if not found:
        raise CommandError("error: no objects passed to replace")
    for one in found:
        _attempt(request, one, _replace_one)


def told(error: ApiError, doing: str = "") -> str:
    """A refusal of the server as kubectl prints it."""
    if error.reason == "Invalid":
        return error.message
    return f"Error from server ({error.reason}): {doing}{error.message}"


def _attempt(request: Request, found: Found, act: object) -> None:
    """Do it for one object; what goes wrong is told, and the next one has its turn."""
    assert callable(act)
    try:
        act(request, found)
    except ApiError as error:
        verb = {"apply": "creating", "create": "creating", "replace": "replacing"}
        if error.message.startswith("error when "):
            request.fail(told(error))
            return
        doing = f'error when {verb[request.command]} "{found.source}": '
        request.fail(told(error, doing))


def done(request: Request, one: Resource, what: str) -> None:
    """Say what happened to an object, or print it if that is asked for."""
    if request.output:
        print_object(request, one)
        return
    dry = {"client": " (dry run)", "server": " (server dry run)", "unchanged": " (dry run)"}
    request.say(f"{one} {what}{dry.get(request.flags.get('dry-run', ''), '')}")


def make(request: Request, one: Resource, what: str = "created") -> None:
    """Make one new object and say so; a dry run of the client shows it as it would be sent."""
    sent = request.flags.get("dry-run", "none") in ("none", "server")
    done(request, request.plane.create(one) if sent else one, what)


def _create_one(request: Request, found: Found) -> None:
    one = found.object
    if not one.name and not one.metadata.get("generateName"):
        message = "error: resource name may not be empty"
        raise CommandError(message)
    done(request, request.plane.create(one), "created")


def _replace_one(request: Request, found: Found) -> None:
    before = request.plane.store.find(found.object.kind, found.object.namespace, found.object.name)
    if before is None:
        raise not_found(found.object.kind, found.object.name)
    done(request, request.plane.update(found.object), "replaced")


def _apply_one(request: Request, found: Found) -> None:
    one, plane = found.object, request.plane
    if not one.name:
        raise CommandError(_nameless(one.kind, one.namespace, found.source))
    wanted = _remembering(one)
    live = plane.store.find(one.kind, one.namespace, one.name)
    if live is None:
        done(request, plane.create(Resource(one.kind, wanted)), "created")
        return
    text = (live.metadata.get("annotations") or {}).get(LAST_APPLIED)
    if text is None:
        request.warn(_NO_MEMORY.format(f"{one.kind.plural}/{one.name}"))
    last: Tree = json.loads(text) if text else {}
    merged = three_way(one.kind, last, wanted, live.edited().values)
    try:
        after = plane.update(Resource(one.kind, merged))
    except ApiError as error:
        if error.reason == "Invalid":
            raise
        raise ApiError(error.reason, _patching(one, found.source, error.message)) from None
    same = after.metadata["resourceVersion"] == live.metadata["resourceVersion"]
    done(request, after, "unchanged" if same else "configured")


def _remembering(one: Resource) -> Tree:
    """The manifest with itself in an annotation, for the next time it is applied."""
    wanted = deepcopy(one.values)
    annotations = made(made(wanted, "metadata"), "annotations")
    annotations.pop(LAST_APPLIED, None)
    annotations[LAST_APPLIED] = to_line(wanted) + "\n"
    return wanted


def _patching(one: Resource, source: str, why: str) -> str:
    """What apply says before the reason why the server did not take a change."""
    group, _, version = one.kind.api_version.rpartition("/")
    lines = (
        "error when applying patch:",
        to_line(one.values),
        "to:",
        f'Resource: "{group}/{version}, Resource={one.kind.plural}", GroupVersionKind: '
        f'"{group}/{version}, Kind={one.kind.name}"',
        f'Name: "{one.name}", Namespace: "{one.namespace}"',
        f'for: "{source}": error when patching "{source}": {why}',
    )
    return "\n".join(lines)


def _nameless(kind: Kind, namespace: str, source: str) -> str:
    group, _, version = kind.api_version.rpartition("/")
    place = "" if kind == NAMESPACE else namespace
    return (
        f'error: error when retrieving current configuration of:\nResource: "{group}/{version}, '
        f'Resource={kind.plural}", GroupVersionKind: "{group}/{version}, Kind={kind.name}"\n'
        f'Name: "", Namespace: "{place}"\nfrom server for: "{source}": resource name may not be '
        "empty"
    )


_NO_MEMORY = (
    "Warning: resource {} is missing the kubectl.kubernetes.io/last-applied-configuration "
    "annotation which is required by kubectl apply. kubectl apply should only be used on "
    "resources created declaratively by either kubectl create --save-config or kubectl apply. "
    "The missing annotation will be patched automatically."
)
