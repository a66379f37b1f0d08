"""A lab as real network namespaces, and commands on its machines with the real tools.

``answers`` starts a child that lives in a user namespace of its own, where it may build a network
and can reach no other. It is given the network and all commands at once, and everything ends with
it: its processes are in a process namespace that is killed with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from iptlab.console.lab import Lab
from iptlab.packet import Family, Protocol
from iptlab.simulate.network import Listener, Network, Plug

Json = dict[str, Any]
# the longest that a whole transcript may take
_SECONDS = 120
_UNSHARE = "unshare --user --map-root-user --net --mount --pid --fork --kill-child --mount-proc"
_INSIDE = Path(__file__).with_name("inside_network.py")


class UnavailableError(Exception):
    """The machine does not let us build the network; the text says why."""


class Answer(NamedTuple):
    """What a command printed to the terminal, and its exit status."""

    text: str
    status: int


def answers(lab: Lab, commands: Sequence[tuple[str, str]]) -> list[Answer]:
    """What the real tools answer to pairs of machine and command line, one after another."""
    request = {"network": described(lab), "commands": commands}
    child = [*_UNSHARE.split(), sys.executable, str(_INSIDE)]
    try:
        ran = subprocess.run(
            child,
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise UnavailableError("unshare is not installed") from None
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"the commands did not end within {_SECONDS} s") from None
    if ran.returncode:
        raise UnavailableError(ran.stderr.strip().rpartition("\n")[2])
    return [Answer(*each) for each in json.loads(ran.stdout)]


# --- the lab in words ---


def described(lab: Lab) -> Json:
    """What is needed to build it."""
    network = lab.network
    links = [[(*plug, _index(network, plug)) for plug in link.plugs] for link in network.links]
    return {
        "machines": {name: _machine(lab, name) for name in lab.hosts},
        "links": links,
        "listeners": [_listener(one) for one in network.listeners],
    }


def _index(network: Network, plug: Plug) -> int:
    """The number of an interface, as ``ip link`` counts: lo is 1."""
    return [card.name for card in network[plug.machine].host.interfaces].index(plug.interface) + 2


def _machine(lab: Lab, name: str) -> Json:
    """A machine: how it is configured, its rules, and the names that it knows."""
    host = lab[name].host
    tools = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}
    return {
        "switches": dict(host.sysctls),
        "ip": list(_configuration(lab.network, name)),
        "rules": {tools[family]: rules.save() for family, rules in host.rules.items()},
        "names": lab.on(name, "cat /etc/hosts").stdout,
    }


def _listener(one: Listener) -> Json:
    udp = one.protocol == Protocol.UDP
    return {"machine": one.machine, "udp": udp, "port": one.port, "says": one.says}


def _configuration(network: Network, name: str) -> Iterator[str]:
    """Lines for ``ip -batch`` on a machine whose interfaces are plugged in."""
    host = network[name].host
    yield "link set lo up"
    for card in host.interfaces:
        yield f"link set {card.name} address {card.mac}"
        yield from (f"addr add {address} dev {card.name}" for address in card.addresses)
        yield f"link set {card.name} up"
    for route in host.routes:
        yield f"route add {route}"
    yield from _neighbours(network, name)


def _neighbours(network: Network, name: str) -> Iterator[str]:
    """Lines that name every IPv6 neighbour: without link-local addresses none can be asked."""
    for link in network.links:
        own = [plug for plug in link.plugs if plug.machine == name]
        for plug in link.plugs:
            card = network[plug.machine].host.by_name[plug.interface]
            for address in (one.ip for one in card.addresses if one.version == 6):
                for here in own if plug not in own else ():
                    yield f"neigh add {address} lladdr {card.mac} dev {here.interface}"
