"""The command ``kubectl``: its subcommands, their flags, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from iptlab.errors import FileError
from iptlab.kubernetes.api.beginning import VERSION
from iptlab.kubernetes.api.control_plane import ControlPlane
from iptlab.kubernetes.api.kinds import KINDS
from iptlab.kubernetes.api.refusals import ApiError
from iptlab.kubernetes.kubectl import flags as f
from iptlab.kubernetes.kubectl.apply import apply, replace, told
from iptlab.kubernetes.kubectl.change import (
    annotate,
    cordon,
    drain,
    label,
    patch,
    scale,
    set_field,
    uncordon,
)
from iptlab.kubernetes.kubectl.delete import delete
from iptlab.kubernetes.kubectl.describe import describe
from iptlab.kubernetes.kubectl.get import get
from iptlab.kubernetes.kubectl.inside import run_inside
from iptlab.kubernetes.kubectl.make import create, expose, run
from iptlab.kubernetes.kubectl.request import Answer, CommandError, Reader, Request, Runner
from iptlab.kubernetes.kubectl.tables import table
from iptlab.kubernetes.kubectl.waiting import rollout, wait

_KUSTOMIZE = "v5.7.1"


@dataclass(frozen=True)
class Command:
    """A subcommand: what it does, how it is written, and the flags it has."""

    act: Callable[[Request], None]
    usage: str
    flags: tuple[f.Flag, ...]


def _version(request: Request) -> None:
    """Print which kubectl and which API server this stands for."""
    request.say(f"Client Version: {VERSION}\nKustomize Version: {_KUSTOMIZE}")
    if not request.on("client"):
        request.say(f"Server Version: {VERSION}")


def _api_resources(request: Request) -> None:
    """Print the kinds that there are."""
    kinds = sorted(KINDS, key=lambda one: (one.group, one.plural))
    rows = [
        [
            one.plural,
            ",".join(one.short),
            one.api_version,
            str(one.namespaced).lower(),
            one.name,
        ]
        for one in kinds
    ]
    request.out.append(table(("NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"), rows))


_MANY = (f.SELECTOR, f.switch("all"), f.switch("all-namespaces", "A"))
_COMMON = (f.OUTPUT, f.DRY_RUN)
_IGNORED = (f.value("field-manager"), f.switch("save-config"), f.value("validate"))
_COMMANDS = {
    "annotate": Command(
        annotate,
        "annotate TYPE NAME KEY=VALUE … KEY-",
        (*_MANY, *_COMMON, f.switch("overwrite")),
    ),
    "api-resources": Command(_api_resources, "api-resources", ()),
    "apply": Command(apply, "apply -f FILE", (f.FILENAME, *_COMMON, *_IGNORED)),
    "cordon": Command(cordon, "cordon NODE", (f.SELECTOR, f.DRY_RUN)),
    "create": Command(
        create,
        "create -f FILE, create deployment|service|namespace NAME",
        (
            f.FILENAME,
            f.value("image", repeats=True),
            f.value("port"),
            f.value("replicas", "r"),
            f.value("tcp", repeats=True),
            f.value("node-port"),
            f.value("clusterip"),
            f.value("external-name"),
            *_COMMON,
            *_IGNORED,
        ),
    ),
    "delete": Command(
        delete,
        "delete (TYPE NAME … | TYPE -l LABEL | -f FILE)",
        (
            f.FILENAME,
            *_MANY,
            f.OUTPUT,
            f.DRY_RUN,
            f.switch("force"),
            f.switch("now"),
            f.switch("wait"),
            f.switch("ignore-not-found"),
            f.value("grace-period"),
            f.value("timeout"),
            f.Flag("cascade", takes=f.Takes.MAYBE, alone="background"),
        ),
    ),
    "describe": Command(
        describe, "describe TYPE [NAME]", (*_MANY, f.Flag("show-events", takes=f.Takes.SWITCH))
    ),
    "drain": Command(
        drain,
        "drain NODE",
        (
            f.SELECTOR,
            f.DRY_RUN,
            f.switch("force"),
            f.switch("ignore-daemonsets"),
            f.switch("delete-emptydir-data"),
            f.value("timeout"),
        ),
    ),
    "exec": Command(
        run_inside,
        "exec POD -- COMMAND",
        (f.switch("stdin", "i"), f.switch("tty", "t"), f.value("container", "c")),
    ),
    "expose": Command(
        expose,
        "expose TYPE NAME --port=PORT",
        (
            f.value("port"),
            f.value("target-port"),
            f.value("protocol"),
            f.value("name"),
            f.value("type"),
            f.value("selector"),
            f.value("labels", "l"),
            f.value("cluster-ip"),
            f.value("external-ip"),
            f.value("load-balancer-ip"),
            f.value("session-affinity"),
            *_COMMON,
        ),
    ),
    "get": Command(
        get,
        "get TYPE [NAME …]",
        (
            f.FILENAME,
            f.OUTPUT,
            *_MANY[::2],
            f.value("sort-by"),
            f.value("label-columns", "L"),
            f.switch("show-labels"),
            f.switch("show-kind"),
            f.switch("no-headers"),
            f.switch("ignore-not-found"),
            f.switch("watch", "w"),
            f.switch("watch-only"),
        ),
    ),
    "label": Command(
        label, "label TYPE NAME KEY=VALUE … KEY-", (*_MANY, *_COMMON, f.switch("overwrite"))
    ),
    "patch": Command(
        patch,
        "patch TYPE NAME -p PATCH",
        (f.value("patch", "p"), f.value("type"), f.value("subresource"), *_COMMON),
    ),
    "replace": Command(replace, "replace -f FILE", (f.FILENAME, *_COMMON, *_IGNORED)),
    "rollout": Command(
        rollout, "rollout status|restart TYPE NAME", (f.value("timeout"), f.SELECTOR)
    ),
    "run": Command(
        run,
        "run NAME --image=IMAGE [-- ARGUMENTS]",
        (
            f.value("image"),
            f.value("port"),
            f.value("labels", "l"),
            f.value("env", repeats=True),
            f.value("restart"),
            f.switch("command"),
            f.switch("expose"),
            f.switch("stdin", "i"),
            f.switch("tty", "t"),
            f.switch("rm"),
            *_COMMON,
        ),
    ),
    "scale": Command(
        scale,
        "scale TYPE NAME --replicas=COUNT",
        (f.value("replicas"), f.value("current-replicas"), *_MANY, *_COMMON),
    ),
    "set": Command(
        set_field,
        "set image TYPE NAME CONTAINER=IMAGE, set selector TYPE NAME KEY=VALUE",
        (*_MANY, *_COMMON),
    ),
    "uncordon": Command(uncordon, "uncordon NODE", (f.SELECTOR, f.DRY_RUN)),
    "version": Command(_version, "version", (f.switch("client"), f.OUTPUT)),
    "wait": Command(
        wait, "wait --for=CONDITION TYPE NAME", (f.value("for"), f.value("timeout"), *_MANY)
    ),
}
# those of the real kubectl that make no sense here or are not about Services
_ELSEWHERE = [
    "attach",
    "auth",
    "autoscale",
    "certificate",
    "cluster-info",
    "completion",
    "config",
    "cp",
    "debug",
    "diff",
    "edit",
    "events",
    "explain",
    "kustomize",
    "logs",
    "options",
    "plugin",
    "port-forward",
    "proxy",
    "taint",
    "top",
]


def _no_files(name: str) -> str:
    raise FileError(f"there is no file {name}")


def kubectl(
    plane: ControlPlane,
    words: Sequence[str],
    stdin: str = "",
    *,
    read: Reader = _no_files,
    run: Runner | None = None,
) -> Answer:
    """Run ``kubectl WORDS`` on a cluster, and say what it prints.

    ``read`` gives the text of a file that ``-f`` names, ``run`` runs what a pod of itself
    cannot. A command that is refused changes nothing but what it said it did before.
    """
    words = list(words)
    early = _leading(words)
    if not words or words[0] in ("help", "--help", "-h"):
        return Answer(_help())
    name = words.pop(0)
    command = _COMMANDS.get(name)
    if command is None:
        return Answer(stderr=_unknown(name), status=1)
    try:
        parsed = f.parse(name, [*early, *words], (*command.flags, *f.EVERYWHERE))
    except CommandError as error:
        return Answer(stderr=f"error: {error}\n", status=1)
    if parsed.flags.get("help") == "true":
        return Answer(f"{(command.act.__doc__ or '').strip()}\n\n{_usage(command)}")
    dry = parsed.flags.get("dry-run", "none")
    if dry not in ("none", "client", "server", "unchanged"):
        cause = f'Invalid dry-run value ({dry}). Must be "none", "server", or "client".'
        return Answer(stderr=f"error: {cause}\n", status=1)
    # what is not to be done is done to a copy, so that it says what would be
    there = plane if dry == "none" else plane.copy()
    request = Request(there, name, parsed.words, parsed.flags, stdin, read, run, parsed.after)
    return _carried_out(command, request)


def _carried_out(command: Command, request: Request) -> Answer:
    try:
        # time may have passed elsewhere
        request.plane.settle()
        try:
            command.act(request)
        except CommandError as error:
            request.fail(_refused(str(error)))
        request.plane.settle()
    except ApiError as error:
        request.fail(told(error))
    return Answer("".join(request.out), "".join(request.err), request.status)


def _refused(message: str) -> str:
    """The message, marked as an error if it is not one by its own words."""
    own = ("error:", "Error", "You must", "The request")
    return message if message.startswith(own) else f"error: {message}"


def _leading(words: list[str]) -> list[str]:
    """Flags before the subcommand, such as ``-n shop``, taken out of the words."""
    found = []
    while words and words[0] in ("-n", "--namespace") and len(words) > 1:
        found += [words.pop(0), words.pop(0)]
    while words and words[0].startswith(("--namespace=", "-n=")):
        found.append(words.pop(0))
    return found


def _unknown(name: str) -> str:
    if name in _ELSEWHERE:
        return f"error: kubectl {name} is not here; there are {', '.join(_COMMANDS)}\n"
    if name.startswith("-"):
        return f"error: unknown flag: {name}\nSee 'kubectl --help' for usage.\n"
    near = [one for one in _COMMANDS if _distance(name, one) <= 2 or one.startswith(name)]
    meant = "".join(f"\t{one}\n" for one in near)
    hint = f"\n\nDid you mean this?\n{meant}" if near else "\n"
    return f'error: unknown command "{name}" for "kubectl"{hint}'


def _distance(one: str, other: str) -> int:
    """How many letters to change, put in or take out (Levenshtein)."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, start=1):
        diagonal, row[0] = row[0], number
        for place, against in enumerate(other, start=1):
            change = diagonal + (letter != against)
            diagonal = row[place]
            row[place] = min(change, row[place] + 1, row[place - 1] + 1)
    return row[-1]


def _help() -> str:
    return "".join(_help_lines())


def _help_lines() -> Iterator[str]:
    yield "kubectl controls the Kubernetes cluster manager.\n\nHere are:\n"
    width = max(map(len, _COMMANDS)) + 2
    for name, command in _COMMANDS.items():
        told_ = (command.act.__doc__ or "").strip().partition("\n")[0]
        yield f"  {name.ljust(width)}{told_}\n"
    yield '\nUse "kubectl COMMAND --help" for more about a command.\n'


def _usage(command: Command) -> str:
    flags = [
        f"--{one.name}" + f" (-{one.letter})" * bool(one.letter)
        for one in (*command.flags, *f.EVERYWHERE)
    ]
    return f"Usage:\n  kubectl {command.usage}\n\nFlags:\n  {', '.join(flags)}\n"
