"""What a command of a virtual machine is: words and standard input in, output out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from iptlab.kubernetes.api.control_plane import ControlPlane
from iptlab.simulate.machine import Machine
from iptlab.simulate.network import Attempt, Network


@dataclass(frozen=True)
class Output:
    """What a command printed, and its exit status."""

    stdout: str = ""
    stderr: str = ""
    status: int = 0


@dataclass
class Box:
    """What a machine has besides its network: files by their path, and loaded modules.

    ``modules`` lists the kernel modules in the order they were loaded.
    """

    files: dict[str, str] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)


@dataclass
class Session:
    """What a command may ask and change: the network, and the machine ``host`` it runs on.

    ``names`` are host names and their addresses, as a resolver knows them. What a command
    sends it appends to ``attempts``, so that one can look at its journeys afterwards.
    ``plane`` is the control plane that kubectl talks to, if it is a cluster's network.
    """

    network: Network
    host: str
    box: Box
    names: dict[str, tuple[str, ...]]
    stdin: str = ""
    attempts: list[Attempt] = field(default_factory=list)
    plane: ControlPlane | None = None

    @property
    def machine(self) -> Machine:
        """The machine that the command runs on."""
        return self.network[self.host]


Command = Callable[[Session, Sequence[str]], Output]
COMMANDS: dict[str, Command] = {}


def register_command(*names: str) -> Callable[[Command], Command]:
    """Make a function the command of these names; it is called with the words, name included."""

    def enter(command: Command) -> Command:
        for name in names:
            if name in COMMANDS:
                raise ValueError(f"there are two commands called {name}")
            COMMANDS[name] = command
        return command

    return enter
