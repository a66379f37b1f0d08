"""What a node does for its pods: it runs them, probes them, and takes its time to end them.

Simplified: a pod runs the moment it is placed, and uses its whole grace period to end, as
programs do that pay no heed to SIGTERM. Containers listen on the ports that they declare;
those that declare none, on the usual ports of their image. Only readiness is probed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from iptlab.kubernetes.api.resources import Resource, Tree, part, read_time, stamp

Files = dict[str, str]

# where the images that lessons use listen if nobody says otherwise
_IMAGE_PORTS = {
    "nginx": 80,
    "httpd": 80,
    "caddy": 80,
    "traefik/whoami": 80,
    "hashicorp/http-echo": 5678,
    "kennethreitz/httpbin": 80,
    "redis": 6379,
    "postgres": 5432,
    "mysql": 3306,
    "registry": 5000,
    "registry.k8s.io/serve_hostname": 9376,
    "registry.k8s.io/e2e-test-images/agnhost": 8080,
}
_TOUCH = re.compile(r"\s*touch\s+(\S+?)\s*(?:;|&&|$)")


@dataclass
class Probing:
    """How the probes of a container went so far; ``until`` is the time of the last one."""

    until: datetime
    ready: bool
    failures: int = 0
    successes: int = 0

    def note(self, count: int, *, good: bool) -> None:
        """Count some probes that all went the same way; one of the other kind begins anew."""
        self.successes = self.successes + count if good else 0
        self.failures = 0 if good else self.failures + count


@dataclass
class Kubelet:
    """The nodes' part in running pods: what files each pod has, what the probes found.

    Everything here belongs to a pod's uid, for a new pod of the same name starts afresh.
    """

    files: dict[str, Files] = field(default_factory=dict)
    probings: dict[tuple[str, str], Probing] = field(default_factory=dict)

    def files_of(self, pod: Resource) -> Files:
        """The files in a pod: its name, what its command touches, what somebody put there."""
        if pod.uid not in self.files:
            self.files[pod.uid] = {"/etc/hostname": f"{pod.name}\n"}
            self.files[pod.uid] |= dict.fromkeys(_touched(pod), "")
        return self.files[pod.uid]

    def run(self, pod: Resource, now: datetime) -> Resource:
        """The pod as its status says after everything until now."""
        after = pod.edited()
        status = after.status
        states = []
        for container in pod.spec["containers"]:
            ready = self._is_ready(pod, container, now)
            states.append(_container_status(pod, container, ready))
        started = pod.status.get("startTime", stamp(now))
        status |= {"phase": "Running", "startTime": started, "containerStatuses": states}
        status["conditions"] = list(_conditions(after, all(one["ready"] for one in states), now))
        return after

    def next_change(self, pod: Resource, now: datetime) -> datetime | None:
        """When a pod will change by itself: a probe tips the scales, or it has ended."""
        moments = list(self._flips(pod))
        if pod.terminating:
            moments.append(read_time(pod.metadata["deletionTimestamp"]))
        return min(moments, default=None)

    def keep(self, uids: Collection[str]) -> None:
        """Only these pods are left; what was in others is gone with them."""
        self.files = {uid: files for uid, files in self.files.items() if uid in uids}
        self.probings = {key: one for key, one in self.probings.items() if key[0] in uids}

    # --- probes ---

    def _is_ready(self, pod: Resource, container: Tree, now: datetime) -> bool:
        probe = container.get("readinessProbe")
        if not probe:
            return True
        going = self._probing(pod, container, probe)
        period = timedelta(seconds=probe["periodSeconds"])
        count = max(0, (now - going.until) // period)
        going.until += count * period
        if count:
            going.note(count, good=self._succeeds(pod, container, probe))
        if going.ready:
            going.ready = going.failures < probe["failureThreshold"]
        else:
            going.ready = going.successes >= probe["successThreshold"]
        return going.ready

    def _probing(self, pod: Resource, container: Tree, probe: Tree) -> Probing:
        key = (pod.uid, container["name"])
        if key not in self.probings:
            # the first probe comes after the initial delay
            first = pod.created + timedelta(seconds=probe.get("initialDelaySeconds") or 0)
            before = first - timedelta(seconds=probe["periodSeconds"])
            self.probings[key] = Probing(before, ready=False)
        return self.probings[key]

    def _flips(self, pod: Resource) -> Iterator[datetime]:
        """When the probes of a pod will have said the same thing often enough."""
        for container in pod.spec["containers"]:
            probe = container.get("readinessProbe")
            going = self.probings.get((pod.uid, container["name"]))
            if not probe or not going:
                continue
            good = self._succeeds(pod, container, probe)
            if good == going.ready:
                continue
            wanted = probe["successThreshold" if good else "failureThreshold"]
            left = max(1, wanted - (going.successes if good else going.failures))
            yield going.until + left * timedelta(seconds=probe["periodSeconds"])

    def _succeeds(self, pod: Resource, container: Tree, probe: Tree) -> bool:
        if command := part(probe, "exec").get("command"):
            return execute(command, self.files_of(pod)).status == 0
        for kind in ("httpGet", "tcpSocket", "grpc"):
            if probe.get(kind):
                return ("TCP", _number(container, probe[kind].get("port"))) in listening(pod)
        return False


def _number(container: Tree, port: object) -> object:
    """The number of a port that may be told by its name."""
    named = {one.get("name"): one["containerPort"] for one in container.get("ports") or ()}
    return named.get(port, port) if isinstance(port, str) else port


def _touched(pod: Resource) -> Iterator[str]:
    """The files that the containers' commands make first of all."""
    for container in pod.spec["containers"]:
        words = [*(container.get("command") or ()), *(container.get("args") or ())]
        script = words[2] if len(words) > 2 and words[1] == "-c" else ""
        while found := _TOUCH.match(script):
            yield found[1]
            script = script[found.end() :]


def listening(pod: Resource) -> set[tuple[str, Any]]:
    """The protocols and ports on which a pod's containers wait."""
    found = set()
    for container in pod.spec["containers"]:
        image = container["image"].removeprefix("docker.io/").removeprefix("library/")
        path, _, tag = image.partition("@")[0].rpartition(":")
        usual = _IMAGE_PORTS.get(path if path and "/" not in tag else image)
        declared = container.get("ports") or ()
        found |= {(one["protocol"], one["containerPort"]) for one in declared}
        if not declared and usual:
            found.add(("TCP", usual))
    return found


# --- commands in a pod ---


@dataclass(frozen=True)
class Ran:
    """What a command in a pod printed and how it ended."""

    stdout: str = ""
    stderr: str = ""
    status: int = 0


KNOWN_COMMANDS = ("cat", "echo", "ls", "rm", "test", "touch", "true", "false")


def execute(command: list[str], files: Files) -> Ran:
    """Run one of the few commands that probes use on a pod's files."""
    name, *words = command or [""]
    names = [word for word in words if not word.startswith("-")]
    match name.rpartition("/")[2]:
        case "sh" if words[:1] == ["-c"] and len(words) > 1:
            return execute(words[1].split(), files)
        case "true":
            return Ran()
        case "false":
            return Ran(status=1)
        case "echo":
            return Ran(" ".join(words) + "\n")
        case "cat":
            return _cat(names, files)
        case "ls":
            missing = [one for one in names if one not in files]
            told = "".join(f"ls: {one}: No such file or directory\n" for one in missing)
            there = "".join(f"{one}\n" for one in sorted(names or files) if one in files)
            return Ran(there, told, int(bool(missing)))
        case "test" | "[":
            asked = [one for one in names if one != "]"]
            return Ran(status=0 if asked and all(one in files for one in asked) else 1)
        case "touch":
            files |= {one: files.get(one, "") for one in names}
            return Ran()
        case "rm":
            return _rm(names, files, forced="-f" in words or "-rf" in words)
    return Ran(stderr=f'exec: "{name}": executable file not found in $PATH', status=127)


def _cat(names: list[str], files: Files) -> Ran:
    missing = [one for one in names if one not in files]
    told = "".join(f"cat: {one}: No such file or directory\n" for one in missing)
    return Ran("".join(files.get(one, "") for one in names), told, int(bool(missing)))


def _rm(names: list[str], files: Files, *, forced: bool) -> Ran:
    missing = [one for one in names if one not in files and not forced]
    for one in names:
        files.pop(one, None)
    told = "".join(f"rm: cannot remove '{one}': No such file or directory\n" for one in missing)
    return Ran("", told, int(bool(missing)))


# --- status ---

_OWN = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


def _container_status(pod: Resource, container: Tree, ready: bool) -> Tree:
    return {
        "image": container["image"],
        "name": container["name"],
        "ready": ready,
        "restartCount": 0,
        "started": True,
        "state": {"running": {"startedAt": pod.metadata["creationTimestamp"]}},
    }


def _conditions(pod: Resource, containers_ready: bool, now: datetime) -> Iterator[Tree]:
    """The pod's conditions: those that somebody else set stay, the kubelet's own are told anew."""
    before = {one["type"]: one for one in pod.status.get("conditions") or ()}
    foreign = {name: one for name, one in before.items() if name not in _OWN}
    gates = [one["conditionType"] for one in pod.spec.get("readinessGates") or ()]
    open_ = all(foreign.get(name, {}).get("status") == "True" for name in gates)
    states = dict.fromkeys(_OWN, True)
    states |= {"ContainersReady": containers_ready, "Ready": containers_ready and open_}
    for name, state in states.items():
        word = str(state)
        old = before.get(name)
        since = old["lastTransitionTime"] if old and old["status"] == word else stamp(now)
        yield {"lastTransitionTime": since, "status": word, "type": name}
    yield from foreign.values()


def condition(pod: Resource, name: str) -> bool:
    """Whether a condition of an object is true."""
    conditions = pod.status.get("conditions") or ()
    return any(one["type"] == name and one["status"] == "True" for one in conditions)
