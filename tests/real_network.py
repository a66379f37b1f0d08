"""A network as real network namespaces, and commands on its machines with the real tools.

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

from iptlab.packet import Protocol
from iptlab.simulate.network import Listener, Network

Json = dict[str, Any]
# the longest that a whole transcript may take
_SECONDS = 60
_UNSHARE = "unshare --user --map-root-user --net --mount --pid --fork --kill-child --mount-proc"
_INSIDE = Path(__file__).with_name("inside_network.py")


class UnavailableError(Exception):
    """The machine does not let us build the network; the text says why."""


class Answer(NamedTuple):
    """What a command printed to the terminal, and its exit status."""

    text: str
    status: int


def answers(
    network: Network, commands: Sequence[tuple[str, str]], backend: str = "legacy"
) -> list[Answer]:
    """What the real tools answer to pairs of machine and command line, one after another."""
    request = {"network": described(network), "commands": commands, "backend": backend}
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
    if ran.returncode:
        raise UnavailableError(ran.stderr.strip().rpartition("\n")[2])
    return [Answer(*each) for each in json.loads(ran.stdout)]


# --- the network in words ---


def described(network: Network) -> Json:
    """What is needed to build it."""
    return {
        "machines": {name: list(_configuration(network, name)) for name in network.machines},
        "links": [[list(plug) for plug in link.plugs] for link in network.links],
        "listeners": [_listener(one) for one in network.listeners],
        "names": {name: found[0] for name, found in names(network).items()},
    }


def names(network: Network) -> dict[str, tuple[str, ...]]:
    """The addresses of every machine, those of its first interface first."""
    cards = {name: network[name].host.interfaces for name in network.machines}
    return {
        name: tuple(str(address.ip) for card in mine for address in card.addresses)
        for name, mine in cards.items()
    }


def _listener(one: Listener) -> Json:
    udp = one.protocol == Protocol.UDP
    return {"machine": one.machine, "udp": udp, "port": one.port, "says": one.says}


def _configuration(network: Network, name: str) -> Iterator[str]:
    """Commands that configure a machine whose interfaces are plugged in."""
    host = network[name].host
    yield "ip link set lo up"
    for path, value in host.sysctls.items():
        yield f"sysctl -q net.{path.replace('/', '.')}={value}"
    for card in host.interfaces:
        yield f"ip link set {card.name} addrgenmode none address {card.mac}"
        for address in card.addresses:
            broadcast = " broadcast +" if address.network.num_addresses > 2 else ""
            yield f"ip addr add {address}{broadcast * (address.version == 4)} dev {card.name}"
        yield f"ip link set {card.name} up"
    for route in host.routes:
        yield f"ip {'-6 ' * (route.to.version == 6)}route add {route}"
    yield from _neighbours(network, name)


def _neighbours(network: Network, name: str) -> Iterator[str]:
    """Commands that name every IPv6 neighbour: without link-local addresses none can be asked."""
    for link in network.links:
        own = [plug for plug in link.plugs if plug.machine == name]
        for plug in link.plugs:
            card = network[plug.machine].host.by_name[plug.interface]
            for address in (one.ip for one in card.addresses if one.version == 6):
                for here in own if plug not in own else ():
                    yield f"ip neigh add {address} lladdr {card.mac} dev {here.interface}"
