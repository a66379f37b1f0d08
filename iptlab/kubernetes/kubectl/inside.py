"""``kubectl exec``: a command in a pod."""

from __future__ import annotations

from iptlab.kubernetes.api.kinds import DEPLOYMENT, POD, REPLICA_SET, SERVICE
from iptlab.kubernetes.api.kubelet import KNOWN_COMMANDS, Ran, execute
from iptlab.kubernetes.api.resources import Resource
from iptlab.kubernetes.kubectl import targets
from iptlab.kubernetes.kubectl.request import CommandError, Request

_NOT_FOUND = 127


def run_inside(request: Request) -> None:
    """Run a command in a pod: on its files, or on its machine if there is one to run it."""
    if request.on("stdin") or request.on("tty"):
        request.warn("Unable to use a TTY - input is not a terminal or the right kind of file")
    if not request.words:
        raise CommandError("error: pod, type/name or --filename must be specified")
    if not request.after:
        what = "you must specify at least one command for the container"
        if len(request.words) > 1:
            what = (
                "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead"
            )
        raise CommandError(f"error: {what}")
    pod = _pod(request, request.words[0])
    if not pod.status.get("podIP"):
        raise CommandError(f"error: pod {pod.name} does not have a host assigned")
    ran = _ran(request, pod)
    request.out.append(ran.stdout)
    if ran.status == _NOT_FOUND:
        raise CommandError(_no_such_command(request.after[0]))
    request.err.append(ran.stderr)
    if ran.status:
        request.fail(f"command terminated with exit code {ran.status}")
        request.status = ran.status


def _ran(request: Request, pod: Resource) -> Ran:
    if request.run is not None:
        ran = request.run(f"{pod.namespace}/{pod.name}", request.after)
        if ran.status != _NOT_FOUND:
            return ran
    return execute(list(request.after), request.plane.kubelet.files_of(pod))


def _no_such_command(word: str) -> str:
    return (
        "error: Internal error occurred: error executing command in container: failed to exec in "
        "container: failed to start exec: OCI runtime exec failed: exec failed: unable to start "
        f'container process: exec: "{word}": executable file not found in $PATH\n'
        f"(Every pod here has {', '.join(KNOWN_COMMANDS)}.)"
    )


def _pod(request: Request, word: str) -> Resource:
    """The pod of a name, or the first one of a Deployment, ReplicaSet or Service."""
    if "/" not in word:
        return request.plane.store.get(POD, request.namespace, word)
    ((kind, name),) = targets.named(request, [word])
    one = targets.find(request, kind, name)
    if kind == POD:
        return one
    if kind not in (DEPLOYMENT, REPLICA_SET, SERVICE):
        raise CommandError(f"error: cannot attach to *v1.{kind.name}: selector for it unknown")
    selector = one.spec.get("selector") or {}
    labels = selector if kind == SERVICE else selector["matchLabels"]
    pods = request.plane.store.list(POD, one.namespace, labels)
    if not pods:
        raise CommandError(f"error: timed out waiting for the condition on {kind.resource}/{name}")
    return pods[0]
