"""``kubectl wait`` and ``rollout``: let time pass until something is the case.

Source: kubernetes/staging/src/k8s.io/kubectl/pkg/cmd/wait, pkg/polymorphichelpers
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from iptlab.kubernetes.api.kinds import DEPLOYMENT
from iptlab.kubernetes.api.resources import Resource, made, stamp
from iptlab.kubernetes.kubectl import targets
from iptlab.kubernetes.kubectl.jsonpath import values_at
from iptlab.kubernetes.kubectl.request import CommandError, Request
from iptlab.kubernetes.kubectl.yaml_text import to_line

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?").fullmatch
_JSONPATH = re.compile(r"jsonpath=\{(?P<path>.*)\}(?:=(?P<value>.*))?", re.DOTALL).fullmatch
_RESTARTED = "kubectl.kubernetes.io/restartedAt"
_DEADLINE = 600

Test = Callable[[Resource | None], bool]


def wait(request: Request) -> None:
    """Wait until a condition of some objects holds, or they are gone."""
    wanted = request.flags.get("for", "")
    test = _test(wanted)
    seconds = _seconds(request.flags.get("timeout", "30s"))
    found = list(targets.meant(request, request.words))
    if not found and not request.status:
        raise CommandError("error: no matching resources found")
    for one in found:
        if _wait_for(request, one, test, seconds):
            request.say(f"{one} condition met")
        else:
            request.fail(
                f"error: timed out waiting for the condition on {one.kind.resource}/{one.name}"
            )


def _test(wanted: str) -> Test:
    if wanted == "delete":
        return lambda one: one is None
    if wanted.startswith("condition="):
        name, _, status = wanted.removeprefix("condition=").partition("=")
        status = status or "true"
        return lambda one: one is not None and _has(one, name.lower(), status.lower())
    if found := _JSONPATH(wanted):
        path, value = found["path"], found["value"]
        return lambda one: one is not None and _shows(one, path, value)
    raise CommandError(f'error: unrecognized condition: "{wanted}"')


def _has(one: Resource, name: str, status: str) -> bool:
    conditions = {each["type"]: each["status"] for each in one.status.get("conditions") or ()}
    if one.kind == DEPLOYMENT:
        ready = one.status.get("availableReplicas", 0) >= one.spec["replicas"]
        conditions["Available"] = str(ready)
    return any(
        kind.lower() == name and state.lower() == status for kind, state in conditions.items()
    )


def _shows(one: Resource, path: str, value: str | None) -> bool:
    found = [v if isinstance(v, str) else to_line(v) for v in values_at(path, one.values)]
    return value in found if value is not None else bool(found)


def _wait_for(request: Request, one: Resource, test: Test, seconds: float) -> bool:
    """Whether the test holds before the time is over."""
    plane = request.plane
    end = plane.now + timedelta(seconds=seconds)

    def there() -> Resource | None:
        found = plane.store.find(one.kind, one.namespace, one.name)
        return found if found and found.uid == one.uid else None

    while not test(there()):
        moment = plane.next_change()
        if moment is None or moment > end:
            plane.wait(max(0.0, (end - plane.now).total_seconds()))
            return test(there())
        plane.wait(max(0.0, (moment - plane.now).total_seconds()))
    return True


def _seconds(text: str) -> float:
    found = _DURATION(text)
    if found is None or not text:
        cause = f'time: invalid duration "{text}"'
        raise CommandError(f'error: invalid argument "{text}" for "--timeout" flag: {cause}')
    hours, minutes, seconds = (int(one or 0) for one in found.groups())
    return hours * 3600 + minutes * 60 + seconds


# --- rollout ---


def rollout(request: Request) -> None:
    """``rollout status`` waits for a Deployment, ``rollout restart`` replaces its pods."""
    if not request.words or request.words[0] not in ("status", "restart"):
        given = request.words[0] if request.words else ""
        raise CommandError(
            f'error: unknown command "{given}" for "kubectl rollout"\n'
            "Here are kubectl rollout status and kubectl rollout restart."
        )
    act = {"status": _status, "restart": _restart}[request.words[0]]
    if len(request.words) < 2:
        raise CommandError("error: required resource not specified")
    for one in list(targets.meant(request, request.words[1:])):
        if one.kind != DEPLOYMENT:
            raise CommandError(f"error: no status viewer has been implemented for {one.kind.name}")
        act(request, one)


def _status(request: Request, one: Resource) -> None:
    """Tell how far the rollout is every time that something has changed."""
    plane = request.plane
    seconds = _seconds(request.flags["timeout"]) if "timeout" in request.flags else _DEADLINE
    end = plane.now + timedelta(seconds=seconds)
    told = ""
    while True:
        now = plane.store.get(one.kind, one.namespace, one.name)
        waiting = _unfinished(now)
        if not waiting:
            request.say(f'deployment "{one.name}" successfully rolled out')
            return
        if waiting != told:
            request.say(f'Waiting for deployment "{one.name}" rollout to finish: {waiting}...')
            told = waiting
        moment = plane.next_change()
        if moment is None or moment > end:
            break
        plane.wait(max(0.0, (moment - plane.now).total_seconds()))
    plane.wait(max(0.0, (end - plane.now).total_seconds()))
    late = f'deployment "{one.name}" exceeded its progress deadline'
    over = "timed out waiting for the condition"
    raise CommandError(f"error: {over if 'timeout' in request.flags else late}")


def _unfinished(one: Resource) -> str:
    """What a rollout still waits for; empty if it is done."""
    status, wanted = one.status, one.spec["replicas"]
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    available = status.get("availableReplicas", 0)
    if updated < wanted:
        return f"{updated} out of {wanted} new replicas have been updated"
    if total > updated:
        return f"{total - updated} old replicas are pending termination"
    if available < updated:
        return f"{available} of {updated} updated replicas are available"
    return ""


def _restart(request: Request, one: Resource) -> None:
    after = one.edited()
    annotations = made(after.spec["template"]["metadata"], "annotations")
    annotations[_RESTARTED] = stamp(request.plane.now)
    request.plane.update(after)
    request.say(f"{one} restarted")
