"""``ip neighbour``: who is on the links of a machine."""

from __future__ import annotations

from collections.abc import Iterator

from iptlab.console.command import Output
from iptlab.console.iproute.common import Call, garbage, subcommand
from iptlab.packet import Address
from iptlab.simulate.network import Plug


def _show(call: Call) -> Output:
    device = ""
    while call.words:
        word = call.next()
        if word not in ("dev",) and device:
            raise garbage(word, "dev")
        if word != "dev":
            raise call.refuse(f"the filter {word}", "Write: ip neigh show dev NAME.")
        device = call.device(call.value()).name
    lines = []
    for interface, address, mac in _neighbours(call):
        if device in ("", interface) and call.family in (None, address.version):
            place = "" if device else f" dev {interface}"
            lines.append(f"{address}{place} lladdr {mac} REACHABLE ")
    return Output("".join(f"{line}\n" for line in lines))


def _neighbours(call: Call) -> Iterator[tuple[str, Address, str]]:
    """The machines on the same links: by which interface, their address, their hardware's."""
    network, here = call.session.network, call.session.host
    for one in call.host.interfaces:
        link = next((link for link in network.links if Plug(here, one.name) in link.plugs), None)
        for plug in link.plugs if link else ():
            there = network[plug.machine].host.by_name[plug.interface]
            for own in there.addresses if plug.machine != here and there.up else ():
                if any(own.ip in each.network for each in one.addresses):
                    yield one.name, own.ip, there.mac


def _flush(call: Call) -> Output:
    """Neighbours that were forgotten are found again when they are needed."""
    return Output()


def _other(call: Call) -> Output:
    raise call.refuse("changing neighbours", "Who is there is part of the network.")


_COMMANDS = {
    "add": _other,
    "change|chg": _other,
    "replace": _other,
    "get": _other,
    "delete": _other,
    "show|lst|list": _show,
    "flush": _flush,
}


def neighbour(call: Call) -> Output:
    """Show the machines on the links.

    Simplified: every machine on a link is known, whether or not a packet went there.
    """
    word = call.next() if call.words else "show"
    return subcommand(word, _COMMANDS, "neigh")(call)
