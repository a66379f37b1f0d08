"""``kubectl delete``: objects go, and the command waits until they are gone.

Source: kubernetes/staging/src/k8s.io/kubectl/pkg/cmd/delete/delete.go
"""

from __future__ import annotations

from collections.abc import Iterator

from iptlab.kubernetes.api.refusals import ApiError
from iptlab.kubernetes.api.resources import Resource
from iptlab.kubernetes.kubectl import targets
from iptlab.kubernetes.kubectl.apply import told
from iptlab.kubernetes.kubectl.files import objects
from iptlab.kubernetes.kubectl.request import CommandError, Request

_AT_ONCE = (
    "Warning: Immediate deletion does not wait for confirmation that the running resource has "
    "been terminated. The resource may continue to run on the cluster indefinitely."
)


def delete(request: Request) -> None:
    """Delete the objects that words or files mean."""
    grace = _grace(request)
    gone = []
    for one in list(_meant(request)):
        try:
            request.plane.delete(one, grace)
        except ApiError as error:
            request.fail(told(error))
            continue
        gone.append(one)
        _say(request, one, forced=grace == 0)
    if not gone and not request.status:
        request.say("No resources found")
    if request.flags.get("wait") != "false" and not request.on("force"):
        for one in gone:
            _await(request, one)


def _grace(request: Request) -> int | None:
    """The seconds that pods get; None if it is theirs to say."""
    grace = request.number("grace-period", -1)
    if request.on("now"):
        if grace >= 0:
            raise CommandError("error: --now and --grace-period cannot be specified together")
        grace = 1
    if grace == 0 and not request.on("force"):
        # without --force kubectl gives a second, and waits for confirmation
        grace = 1
    if request.on("force"):
        grace = max(grace, 0)
        request.warn(_AT_ONCE)
    return None if grace < 0 else grace


def _meant(request: Request) -> Iterator[Resource]:
    if "filename" not in request.flags:
        yield from targets.meant(request, request.words)
        return
    for source, one in objects(request):
        found = request.plane.store.find(one.kind, one.namespace, one.name)
        if found is not None:
            yield found
        elif not request.on("ignore-not-found"):
            missing = f'{one.kind.resource} "{one.name}" not found'
            doing = f'error when deleting "{source}": '
            request.fail(f"Error from server (NotFound): {doing}{missing}")


def _say(request: Request, one: Resource, *, forced: bool) -> None:
    if request.output == "name":
        request.say(str(one))
        return
    where = request.place_of(one.kind, one.namespace)
    what = "force deleted" if forced else "deleted"
    request.say(f'{one.kind.singular} "{one.name}" {what}{where}')


def _await(request: Request, one: Resource) -> None:
    """Let time pass until the object is gone."""
    plane = request.plane
    while (there := plane.store.find(one.kind, one.namespace, one.name)) and there.uid == one.uid:
        moment = plane.next_change()
        if moment is None:
            return
        plane.wait(max(0.0, (moment - plane.now).total_seconds()))
