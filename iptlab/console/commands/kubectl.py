"""``kubectl`` on a node or outside: it talks to the control plane of the machine's cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from posixpath import join

from iptlab.console.command import COMMANDS, Box, Output, Session, register_command
from iptlab.errors import FileError, IptlabError
from iptlab.kubernetes.api.kubelet import Ran
from iptlab.kubernetes.kubectl.commands import kubectl as run_kubectl
from iptlab.kubernetes.placement import CLIENT

_HOME = "/root"
# what kubectl says where no file tells it which cluster is meant
_NO_CLUSTER = (
    "The connection to the server localhost:8080 was refused - did you specify the right host or "
    "port?\n"
)


@register_command("kubectl")
def kubectl(session: Session, words: Sequence[str]) -> Output:
    """Look at the cluster's objects and change them; nodes and the client have the key to it."""
    plane = session.plane
    if plane is None or session.host not in (CLIENT, *plane.cluster.nodes):
        return Output(stderr=_NO_CLUSTER, status=1)

    def read(name: str) -> str:
        return _read(session.box, name)

    def run(pod: str, inside: Sequence[str]) -> Ran:
        return run_in_pod(session, pod, inside)

    answer = run_kubectl(plane, words[1:], session.stdin, read=read, run=run)
    return Output(answer.stdout, answer.stderr, answer.status)


def _read(box: Box, name: str) -> str:
    path = join(_HOME, name)
    if path not in box.files:
        raise FileError(f"{name}: No such file or directory")
    return box.files[path]


def run_in_pod(session: Session, pod: str, words: Sequence[str]) -> Ran:
    """Run a command of a machine's on a pod, with the files that the pod has."""
    command = COMMANDS.get(words[0])
    plane = session.plane
    if command is None or plane is None or words[0] == "kubectl":
        return Ran(status=127)
    network = plane.cluster.network
    inside = replace(session, network=network, host=pod, box=Box(plane.files_of(pod)), stdin="")
    try:
        output = command(inside, words)
    except IptlabError as error:
        return Ran("", f"{words[0]}: {error}\n", 1)
    return Ran(output.stdout, output.stderr, output.status)
