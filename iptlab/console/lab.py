"""Virtual machines to type commands at: a network, its state, and what was tried on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Self

from iptlab.console import plans
from iptlab.console.command import Box, Session
from iptlab.console.commands.kubectl import run_in_pod
from iptlab.console.hosts_file import HOSTS, cluster_names, hosts_text, read_hosts
from iptlab.console.map import Map, draw, lines_of
from iptlab.console.plans import MASQUERADE, Plan
from iptlab.console.shell import Transcript, run_text
from iptlab.console.tally import Tally, Target, tally
from iptlab.console.three_nodes import SHOP
from iptlab.errors import IptlabError
from iptlab.kubernetes.api.beginning import THREE_NODES
from iptlab.kubernetes.api.control_plane import ControlPlane
from iptlab.kubernetes.api.kubelet import Ran
from iptlab.kubernetes.cluster import Cluster
from iptlab.kubernetes.placement import CLIENT, GATEWAY
from iptlab.packet import Protocol
from iptlab.simulate.host import Host
from iptlab.simulate.machine import Machine
from iptlab.simulate.network import Attempt, Link, Listener, Network

# machines that an error names
_MOST_NAMES = 20


@dataclass
class _State:
    """Everything in a lab that changes."""

    network: Network
    boxes: dict[str, Box] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    plane: ControlPlane | None = None

    def copy(self) -> _State:
        """The same state once more, which goes its own way from here."""
        plane = self.plane.copy() if self.plane else None
        network = self.network if plane else self.network.copy()
        return _State(network, deepcopy(self.boxes), list(self.attempts), plane)


class Lab:
    """Virtual machines in a network; ``on`` types commands at one of them.

    >>> lab = Lab.home_router()
    >>> print(lab.on("router", "iptables -t nat -S POSTROUTING"))
    router# iptables -t nat -S POSTROUTING
    -P POSTROUTING ACCEPT
    -A POSTROUTING -o eth0 -j MASQUERADE
    """

    def __init__(
        self,
        hosts: Mapping[str, Host],
        links: Iterable[str | Link] | None = None,
        listeners: Iterable[str | Listener] = (),
    ) -> None:
        """A lab of these hosts; without ``links``, interfaces in one network are joined.

        ``listeners`` are who listens where, such as ``"server 80/tcp web"``.
        """
        self._begin(Plan.of(hosts, links, listeners))

    def _begin(self, plan: Plan | str) -> Self:
        self._plan = plan
        self._state = _started(plan)
        self._kept: dict[str, _State] = {}
        return self

    @classmethod
    def _of(cls, plan: Plan | str) -> Self:
        return cls.__new__(cls)._begin(plan)

    # --- the labs of the lessons ---

    @classmethod
    def home_router(cls, rules: str = MASQUERADE, *, ipv6: bool = False) -> Self:
        """A laptop and a phone behind a router, and a server that stands for the internet.

        ``rules`` are the router's, as iptables-restore reads them. With ``ipv6`` all have
        addresses of both families, and programs prefer the new one, which iptables never sees.
        """
        return cls._of(plans.home_router(rules, ipv6=ipv6))

    @classmethod
    def dmz(cls, rules: str = MASQUERADE) -> Self:
        """A router between the internet, an office, and a web server in a network of its own."""
        return cls._of(plans.dmz(rules))

    @classmethod
    def two_routers(cls) -> Self:
        """Two networks, each with a router, and a link between the routers."""
        return cls._of(plans.two_routers())

    @classmethod
    def docker_host(cls) -> Self:
        """A machine that runs two containers, the rules Docker made for them, and a client."""
        return cls._of(plans.docker_host())

    @classmethod
    def kubernetes(cls, manifests: str = SHOP) -> Self:
        """A cluster with kube-proxy on its nodes; without ``manifests`` one of three nodes.

        Those have a web server each, behind the Service ``web``, and node2 a pod ``shell``.
        An empty text leaves the three nodes and nothing on them.
        """
        return cls._of(manifests.strip() or THREE_NODES)

    # --- typing commands ---

    def on(self, host: str, text: str, *, first_line: int = 1) -> Transcript:
        """Type commands at a host, one by one; the first line that fails stops the rest."""
        name = self._called(host)
        return run_text(host, text, lambda stdin: self._session(name, stdin), first_line)

    def _session(self, host: str, stdin: str) -> Session:
        state, plane = self._state, self._state.plane
        box = state.boxes[host]
        names = dict(read_hosts(box.files.get(HOSTS, "")))
        if plane is None:
            return Session(state.network, host, box, names, stdin, state.attempts)
        # what the clock has brought about while commands ran
        plane.settle()
        names |= cluster_names(plane.cluster.place)
        if host in plane.cluster.place.pods:
            box.files = plane.files_of(host)
        network = plane.cluster.network
        return Session(network, host, box, names, stdin, state.attempts, plane)

    def inside(self, pod: str, words: Sequence[str]) -> Ran:
        """Run one command in a pod, as ``kubectl exec`` does."""
        name = self._called(pod)
        return run_in_pod(self._session(name, ""), name, words)

    # --- sending by hand ---

    def connect(self, host: str, to: str, port: int, *, protocol: int = Protocol.TCP) -> Attempt:
        """Open a connection from a host to an address or a name; ``last`` shows it too."""
        name = self._called(host)
        attempt = self.network.connect(name, self._address(name, to), port, protocol=protocol)
        self.attempts.append(attempt)
        return attempt

    def ping(self, host: str, to: str) -> Attempt:
        """Send an echo request from a host to an address or a name."""
        name = self._called(host)
        self.attempts.append(self.network.ping(name, self._address(name, to)))
        return self.attempts[-1]

    def tally(
        self, host: str, to: str, port: int, *, connections: int = 300, requests: int = 1
    ) -> Tally:
        """Open many TCP connections, one a second, and count who answers.

        With several ``requests`` each connection is kept for that many. ``last`` does not show
        them.
        """
        name = self._called(host)
        target = Target(name, self._address(name, to), port)
        return tally(self.network, target, connections, requests)

    def wait(self, seconds: float) -> None:
        """Let time pass on every machine."""
        plane = self._state.plane
        (plane or self.network).wait(seconds)

    # --- looking ---

    def __getitem__(self, host: str) -> Machine:
        """A host's machine: its rules, connections and clock."""
        return self.network[self._called(host)]

    @property
    def network(self) -> Network:
        """The machines, links and listeners."""
        plane = self._state.plane
        return plane.cluster.network if plane else self._state.network

    @property
    def plane(self) -> ControlPlane | None:
        """The control plane that ``kubectl`` talks to; None if the lab is no cluster."""
        return self._state.plane

    @property
    def cluster(self) -> Cluster:
        """The Kubernetes cluster whose machines these are."""
        if self._state.plane is None:
            raise IptlabError("this lab is no cluster; Lab.kubernetes() is one")
        return self._state.plane.cluster

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of the machines."""
        if self._state.plane is None:
            return tuple(self.network.machines)
        cluster = self._state.plane.cluster
        return (CLIENT, GATEWAY, *cluster.nodes, *(pod.name for pod in cluster.pods))

    @property
    def roll(self) -> str:
        """The machines' names in a sentence, which a cluster with many pods would fill."""
        more = len(self.hosts) - _MOST_NAMES
        return ", ".join(self.hosts[:_MOST_NAMES]) + f" and {more} more" * (more > 0)

    @property
    def attempts(self) -> list[Attempt]:
        """What was tried to be reached, by commands too, in order."""
        return self._state.attempts

    @property
    def last(self) -> Attempt:
        """The last attempt to reach something; it shows hop by hop what came of it."""
        if not self.attempts:
            raise IptlabError("nothing was sent yet; try ping, curl or nc on one of the hosts")
        return self.attempts[-1]

    def __str__(self) -> str:
        """Every host with its addresses and who listens there, then the links."""
        return "\n".join(lines_of(self.map))

    def __repr__(self) -> str:
        return f"<Lab of {', '.join(self.hosts)}>"

    @property
    def map(self) -> Map:
        """What there is to be drawn."""
        return draw(self.network, self.hosts)

    # --- going back ---

    def reset(self) -> None:
        """Go back to the beginning: rules, connections, files, clock and attempts.

        Checkpoints stay.
        """
        self._state = _started(self._plan)

    def checkpoint(self, name: str = "") -> None:
        """Remember the whole state under a name."""
        self._kept[name] = self._state.copy()

    def restore(self, name: str = "") -> None:
        """Go back to what was remembered under the name; it can be gone back to again."""
        if name not in self._kept:
            known = ", ".join(repr(one) for one in self._kept) or "none"
            raise IptlabError(f"there is no checkpoint {name!r}; there are: {known}")
        self._state = self._kept[name].copy()

    # --- inside ---

    def _called(self, host: str) -> str:
        """A machine's full name; a pod may be called without its namespace."""
        fitting = [one for one in self.hosts if one == host or one.endswith(f"/{host}")]
        if len(fitting) != 1:
            raise IptlabError(f"there is no host {host!r} in this lab; there are {self.roll}")
        # whoever is called is there: its files are made with it
        self._state.boxes.setdefault(fitting[0], _box(self._plan, fitting[0]))
        return fitting[0]

    def _address(self, host: str, to: str) -> str:
        """The address that a name stands for on a host."""
        names = self._session(host, "").names
        found = names.get(to, (to,))[0]
        try:
            return str(ip_address(found))
        except ValueError:
            known = ", ".join(names)
            raise IptlabError(f"{to!r} is no address and no name; names: {known}") from None


def _started(plan: Plan | str) -> _State:
    """The state of a lab in which nothing has happened; a text is manifests."""
    if isinstance(plan, str):
        return _State(Network({}), plane=ControlPlane(plan))
    machines = {
        name: Machine(host, seed=number) for number, (name, host) in enumerate(plan.hosts.items())
    }
    return _State(Network(machines, plan.links, plan.listeners))


def _box(plan: Plan | str, host: str) -> Box:
    """A machine's files: its name, and the names it knows."""
    return Box({"/etc/hostname": f"{host.rpartition('/')[2]}\n", HOSTS: hosts_text(plan, host)})
