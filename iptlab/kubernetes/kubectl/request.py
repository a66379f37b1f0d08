"""What a kubectl command is asked, what it may read, and what it has printed so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from iptlab.errors import IptlabError
from iptlab.kubernetes.api.control_plane import ControlPlane
from iptlab.kubernetes.api.kinds import NAMESPACE, Kind
from iptlab.kubernetes.api.kubelet import Ran

Reader = Callable[[str], str]
Runner = Callable[[str, Sequence[str]], Ran]


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit status."""

    stdout: str = ""
    stderr: str = ""
    status: int = 0


class CommandError(IptlabError):
    """A command that kubectl itself refuses, with the words it has for that."""


class UsageError(CommandError):
    """A command that is not written as it must be."""


@dataclass
class Request:
    """One command: its words and flags, and the cluster that it is about.

    ``read`` gives the text of a file; ``run`` runs a command in a pod, if there is more that
    can do so than the few commands that every pod has.
    """

    plane: ControlPlane
    command: str
    words: Sequence[str]
    flags: Mapping[str, str]
    stdin: str
    read: Reader
    run: Runner | None = None
    after: Sequence[str] = ()
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    status: int = 0

    @property
    def namespace(self) -> str:
        """The namespace that the command is about."""
        return self.flags.get("namespace") or "default"

    @property
    def output(self) -> str:
        """How the answer is to be written: ``wide``, ``yaml``; empty as people read it."""
        return self.flags.get("output", "")

    def on(self, flag: str) -> bool:
        """Whether a flag that is on or off is on."""
        return self.flags.get(flag) == "true"

    def number(self, flag: str, default: int) -> int:
        """The number behind a flag."""
        text = self.flags.get(flag, str(default))
        try:
            return int(text)
        except ValueError:
            cause = f'strconv.ParseInt: parsing "{text}": invalid syntax'
            raise UsageError(
                f'error: invalid argument "{text}" for "--{flag}" flag: {cause}\n'
                f"See 'kubectl {self.command} --help' for usage."
            ) from None

    def usage(self, message: str) -> UsageError:
        """The error about a command that is not written as it must be."""
        help_ = f"See 'kubectl {self.command} -h' for help and examples"
        return UsageError(f"error: {message}\n{help_}")

    def say(self, line: str) -> None:
        """Print a line."""
        self.out.append(f"{line}\n")

    def warn(self, line: str) -> None:
        """Print a line to the standard error."""
        self.err.append(f"{line}\n")

    def fail(self, line: str) -> None:
        """Print what went wrong, and go on; the command ends with status 1."""
        self.warn(line)
        self.status = 1

    def scope(self, kind: Kind) -> str | None:
        """The namespace to look for objects of a kind in; None for all."""
        if self.on("all-namespaces"):
            return None
        return self.namespace if kind.namespaced else ""

    def place_of(self, kind: Kind, namespace: str) -> str:
        """Where an object was, for the end of a line."""
        return f" from {namespace} namespace" if kind.namespaced and kind != NAMESPACE else ""
