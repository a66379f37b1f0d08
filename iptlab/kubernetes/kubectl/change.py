"""``kubectl label``, ``annotate``, ``scale``, ``patch``, ``cordon`` and ``drain``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from iptlab.errors import ManifestError
from iptlab.kubernetes.api.kinds import DEPLOYMENT, ENDPOINTS, NODE, POD, REPLICA_SET, SERVICE
from iptlab.kubernetes.api.refusals import ApiError
from iptlab.kubernetes.api.resources import Resource, Tree, made
from iptlab.kubernetes.documents import read_documents
from iptlab.kubernetes.kubectl import merge, targets
from iptlab.kubernetes.kubectl.apply import done, told
from iptlab.kubernetes.kubectl.files import yaml_problem
from iptlab.kubernetes.kubectl.request import CommandError, Request


def label(request: Request) -> None:
    """Put labels on objects, or take them off: ``app=web`` and ``app-``."""
    _tag(request, "labels", "labeled", "unlabeled")


def annotate(request: Request) -> None:
    """Put annotations on objects, or take them off."""
    _tag(request, "annotations", "annotated", "annotated")


def _tag(request: Request, field: str, put: str, taken: str) -> None:
    words = [word for word in request.words if "=" not in word and not word.endswith("-")]
    tags = [word for word in request.words if word not in words]
    if not words or not tags:
        what = "resource(s) were provided" if not words else "at least one label update is required"
        raise CommandError(f"error: {what.replace('label', field[:-1])}")
    new = dict(tag.split("=", 1) for tag in tags if "=" in tag)
    gone = [tag[:-1] for tag in tags if "=" not in tag]
    for one in list(targets.meant(request, words)):
        after = one.edited()
        there = made(after.metadata, field)
        if not request.on("overwrite"):
            _refuse_overwriting(field, there, new)
        for name in gone:
            if name not in there:
                request.say(f'{field[:-1]} "{name}" not found.')
            there.pop(name, None)
        there |= new
        changed = after.metadata.get(field) != (one.metadata.get(field) or {})
        if _update(request, after):
            word = (put if new else taken) if changed else f"not {put}"
            done(request, after, word)


def _refuse_overwriting(field: str, there: Mapping[str, str], new: Mapping[str, str]) -> None:
    for name, value in new.items():
        if name in there and there[name] != value:
            told_ = f"'{name}' already has a value ({there[name]})"
            if field == "annotations":
                cause = "--overwrite is false but found the following declared annotation(s)"
                raise CommandError(f"error: {cause}: {told_}")
            raise CommandError(f"error: {told_}, and --overwrite is false")


def _update(request: Request, after: Resource, *, status: bool = False) -> Resource | None:
    try:
        return request.plane.update(after, status=status)
    except ApiError as error:
        request.fail(told(error))
        return None


# --- scale ---


def scale(request: Request) -> None:
    """Want another number of pods."""
    if "replicas" not in request.flags:
        raise CommandError('error: required flag(s) "replicas" not set')
    replicas = request.number("replicas", 0)
    if replicas < 0:
        cause = f"The --replicas={replicas} flag is required, and it must be >= 0"
        raise CommandError(f"error: {cause}")
    for one in list(targets.meant(request, request.words)):
        if one.kind not in (DEPLOYMENT, REPLICA_SET):
            message = "the server could not find the requested resource"
            request.fail(f"Error from server (NotFound): {message}")
            continue
        now = int(one.spec["replicas"])
        expected = request.number("current-replicas", now)
        if expected not in (-1, now):
            request.fail(f"error: Expected replicas to be {expected}, was {now}")
            continue
        after = one.edited()
        after.spec["replicas"] = replicas
        if _update(request, after):
            done(request, after, "scaled")


# --- patch ---


def patch(request: Request) -> None:
    """Change some fields of an object."""
    if not request.flags.get("patch"):
        raise CommandError(
            "error: must specify --patch or --patch-file containing the contents of the patch"
        )
    content = _read(request.flags["patch"])
    kind = request.flags.get("type") or "strategic"
    if kind not in ("json", "merge", "strategic"):
        allowed = "[json merge strategic]"
        raise CommandError(f'error: --type must be one of {allowed}, not "{kind}"')
    subresource = request.flags.get("subresource", "")
    if subresource not in ("", "status"):
        raise CommandError(f'error: invalid subresource value: "{subresource}". Must be status')
    for one in list(targets.meant(request, request.words)):
        if one.kind == ENDPOINTS:
            raise CommandError("error: Endpoints are made from EndpointSlices here; patch these")
        after = Resource(one.kind, _patched(one, content, kind))
        if after.key != one.key:
            request.fail(_renamed(one))
            continue
        stored = _update(request, after, status=bool(subresource))
        if stored:
            same = stored.metadata["resourceVersion"] == one.metadata["resourceVersion"]
            done(request, stored, "patched (no change)" if same else "patched")


def _renamed(one: Resource) -> str:
    field = "metadata.name"
    return (
        f'The {one.kind.name} "{one.name}" is invalid: {field}: Invalid value: field is immutable'
    )


def _read(text: str) -> Any:
    """A patch, in JSON or YAML."""
    try:
        contents = [content for _, content in read_documents(text)]
    except ManifestError as error:
        cause = yaml_problem(error)
        raise CommandError(f'error: unable to parse "{text}": {cause}') from None
    if len(contents) != 1 or not isinstance(contents[0], dict | list):
        raise CommandError(f'error: unable to parse "{text}": a patch is a mapping or a list')
    return contents[0]


def _patched(one: Resource, content: Any, kind: str) -> Tree:
    before = one.edited().values
    if kind == "json":
        return merge.apply_operations(before, content)
    if not isinstance(content, dict):
        raise CommandError(f"error: a {kind} patch is a mapping; for a list write --type=json")
    merged: Tree = (
        merge.merge(before, content)
        if kind == "merge"
        else merge.strategic(one.kind, before, content)
    )
    return merged


# --- set ---


def set_field(request: Request) -> None:
    """Set the image of containers, or the selector of Services."""
    if len(request.words) < 3 or request.words[0] not in ("image", "selector"):
        raise CommandError("error: here are kubectl set image and kubectl set selector")
    what, *words = request.words
    tags = [word for word in words if "=" in word]
    if not tags:
        what_is_missing = {"image": "one or more image updates are", "selector": "a selector is"}
        raise CommandError(f"error: {what_is_missing[what]} required")
    new = dict(part.split("=", 1) for tag in tags for part in tag.split(",") if "=" in part)
    for one in list(targets.meant(request, [word for word in words if word not in tags])):
        after = one.edited()
        if what == "selector":
            if one.kind != SERVICE:
                raise CommandError("error: setting a selector is only supported for Services")
            after.spec["selector"] = new
        else:
            _set_images(after, new)
        stored = _update(request, after)
        if stored and stored.metadata["resourceVersion"] != one.metadata["resourceVersion"]:
            done(request, stored, f"{what} updated")


def _set_images(one: Resource, new: Mapping[str, str]) -> None:
    spec = one.spec if one.kind == POD else (one.spec.get("template") or {}).get("spec") or {}
    containers = {each["name"]: each for each in spec.get("containers") or ()}
    for name, image in new.items():
        if name != "*" and name not in containers:
            raise CommandError(f'error: unable to find container named "{name}"')
        for each in containers.values() if name == "*" else [containers[name]]:
            each["image"] = image


# --- nodes ---


def cordon(request: Request) -> None:
    """Keep new pods off nodes."""
    for one in _nodes(request):
        _cordon(request, one, wanted=True)


def uncordon(request: Request) -> None:
    """Let new pods come to nodes again."""
    for one in _nodes(request):
        _cordon(request, one, wanted=False)


def _cordon(request: Request, one: Resource, *, wanted: bool) -> None:
    what = "cordoned" if wanted else "uncordoned"
    if bool(one.spec.get("unschedulable")) == wanted:
        request.say(f"{one} already {what}")
        return
    after = one.edited()
    after.spec.pop("unschedulable", None)
    if wanted:
        after.spec["unschedulable"] = True
    if _update(request, after):
        request.say(f"{one} {what}")


_LONELY = "cannot delete Pods that declare no controller (use --force to override)"


def drain(request: Request) -> None:
    """Keep new pods off nodes, and have those there start elsewhere."""
    for one in _nodes(request):
        _cordon(request, one, wanted=True)
        pods = [
            pod
            for pod in request.plane.store.list(POD)
            if pod.spec.get("nodeName") == one.name and not pod.terminating
        ]
        lonely = [f"{pod.namespace}/{pod.name}" for pod in pods if not pod.owner]
        if lonely and not request.on("force"):
            why = f"{_LONELY}: {', '.join(lonely)}"
            cause = f'unable to drain node "{one.name}" due to error: {why}'
            request.fail(f"error: {cause}, continuing command...")
            request.warn(f"There are pending nodes to be drained:\n {one.name}\n{why}")
            continue
        _evict(request, one, pods)


def _evict(request: Request, node: Resource, pods: Sequence[Resource]) -> None:
    for pod in pods:
        request.say(f"evicting pod {pod.namespace}/{pod.name}")
        request.plane.delete(pod, None)
    uids = {pod.uid for pod in pods}
    while any(one.uid in uids for one in request.plane.store.list(POD)):
        moment = request.plane.next_change()
        if moment is None:
            break
        request.plane.wait(max(0.0, (moment - request.plane.now).total_seconds()))
    for pod in pods:
        request.say(f"pod/{pod.name} evicted")
    request.say(f"node/{node.name} drained")


def _nodes(request: Request) -> Iterator[Resource]:
    if not request.words and "selector" not in request.flags:
        raise request.usage(f"USAGE: {request.command} NODE [flags]")
    if "selector" in request.flags:
        yield from targets.listed(request, NODE)
    names = [word.removeprefix("node/").removeprefix("nodes/") for word in request.words]
    yield from list(targets.meant(request, ["node", *names])) if names else ()
