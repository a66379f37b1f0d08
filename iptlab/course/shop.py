"""The cluster of a small bicycle shop, which grows from lesson 09 to lesson 13."""

from __future__ import annotations

import shlex
from functools import cache

from iptlab.console.lab import Lab
from iptlab.course.files import notebooks
from iptlab.kubernetes.kubectl.commands import kubectl
from iptlab.ruleset import read_text
from iptlab.simulate.host import Host, Interface
from iptlab.simulate.machine import Machine
from iptlab.simulate.routing import Route

# the second node, for rules that are written by hand
NODE2 = Host(
    (Interface.of("eth0", "192.168.10.12/24"), Interface.of("cni0", "10.244.2.1/24")),
    (
        Route.parse("default via 192.168.10.1 dev eth0"),
        Route.parse("10.244.1.0/24 via 192.168.10.11 dev eth0"),
        Route.parse("10.244.3.0/24 via 192.168.10.13 dev eth0"),
    ),
    sysctls={"ipv4/ip_forward": 1},
)
# packets that come to it: from its pod shell, and from a PC beside the nodes
POD = "in cni0 tcp 10.244.2.3:40000 -> {}"
OFFICE = "in eth0 tcp 192.168.10.50:40000 -> {}"


def node(name: str, *files: str, web: int = 3) -> Machine:
    """A copy of a node after ``kubectl apply`` of these files, ``cart`` for cart.yaml.

    ``web`` is how many web servers there are.
    """
    return _built(files, web)[name].copy()


def lab(*files: str) -> Lab:
    """A new cluster after ``kubectl apply`` of these files, to be changed further."""
    built = Lab.kubernetes("")
    for name in files:
        text = read_text(notebooks() / "data" / "shop" / f"{name}.yaml")
        change(built, "apply -f -", text)
    return built


def change(lab: Lab, command: str, text: str = "") -> None:
    """Run kubectl on a lab's cluster, with a text as its standard input."""
    assert lab.plane
    kubectl(lab.plane, shlex.split(command), text)


@cache
def _built(names: tuple[str, ...], web: int) -> Lab:
    built = lab(*names)
    if "web" in names:
        change(built, f"scale deployment web --replicas={web}")
    return built
