"""What a lab looks like from above: hosts, links between them, and who listens where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from iptlab.packet import Protocol
from iptlab.simulate.host import LOOPBACK, Interface
from iptlab.simulate.network import Link, Listener, Network, Plug


@dataclass(frozen=True)
class Place:
    """A host of the map: its interfaces but lo, and what listens on it (``80/tcp web``)."""

    name: str
    cards: tuple[Interface, ...]
    services: tuple[str, ...]


@dataclass(frozen=True)
class Wire:
    """A link of the map: the network that it carries, empty if it has no address."""

    network: str
    plugs: tuple[Plug, ...]

    def __str__(self) -> str:
        return " -- ".join(map(str, self.plugs))


@dataclass(frozen=True)
class Map:
    """All hosts and links, in their order."""

    places: tuple[Place, ...]
    wires: tuple[Wire, ...]


def draw(network: Network, hosts: tuple[str, ...]) -> Map:
    """The map of these hosts of a network, as they are configured now."""
    places = tuple(_place(network, name) for name in hosts)
    order = {name: number for number, name in enumerate(hosts)}
    wires = (_wire(network, link, order) for link in network.links)
    return Map(places, tuple(wire for wire in wires if len(wire.plugs) > 1))


def _place(network: Network, name: str) -> Place:
    host = network[name].host
    cards = tuple(one for one in host.interfaces if one.name != LOOPBACK.name)
    here = sorted(
        (one for one in network.listeners if one.machine == name),
        key=lambda one: (one.port, one.protocol),
    )
    return Place(name, cards, tuple(dict.fromkeys(map(_service, here))))


def _service(listener: Listener) -> str:
    """A listener in a few words, its name left out if it is its host's."""
    called = "" if listener.name == listener.machine else f" {listener.name}"
    protocols = {int(one): one.name.lower() for one in Protocol}
    protocol = protocols.get(listener.protocol, listener.protocol)
    return f"{listener.port}/{protocol}{called}"


def _wire(network: Network, link: Link, order: dict[str, int]) -> Wire:
    there = [plug for plug in link.joined if plug.machine in order]
    plugs = tuple(sorted(there, key=lambda plug: (order[plug.machine], plug.interface)))
    cards = (network[plug.machine].host.by_name.get(plug.interface) for plug in plugs)
    found: dict[IPv4Network | IPv6Network, None] = {}
    for card in cards:
        found |= dict.fromkeys(one.network for one in card.addresses) if card else {}
    # a pod's own address stands alone; its network is that of the bridge
    wide = [net for net in found if net.prefixlen < net.max_prefixlen]
    return Wire(", ".join(map(str, wide)), plugs)


def lines_of(map_: Map) -> Iterator[str]:
    """The map as text, a host or a link after the other."""
    for place in map_.places:
        yield place.name
        for card in place.cards:
            yield f"  {card.name:<9} {', '.join(map(str, card.addresses)) or 'no address'}"
        if place.services:
            yield f"  {'listens':<9} {', '.join(place.services)}"
    yield "links"
    for wire in map_.wires:
        yield f"  {wire}"
