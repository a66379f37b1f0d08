"""``ip link`` and how an interface is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from iptlab.console.command import Output
from iptlab.console.complaint import ComplaintError
from iptlab.console.iproute.common import (
    Call,
    garbage,
    indexed,
    invalid,
    kernel,
    subcommand,
)
from iptlab.simulate.host import Interface

_MAC = re.compile(r"([0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}")
# kernel: include/uapi/linux/if_ether.h (ETH_MIN_MTU), net/ethernet/eth.c
_MTU = range(68, 65536)


def flags(one: Interface) -> str:
    """What an interface is, and whether it is up."""
    kind = "LOOPBACK" if one.name == "lo" else "BROADCAST,MULTICAST"
    return f"<{kind},UP,LOWER_UP>" if one.up else f"<{kind}>"


def state(one: Interface) -> str:
    """The operational state; that of the loopback is never known."""
    return ("UNKNOWN" if one.name == "lo" else "UP") if one.up else "DOWN"


def hardware(one: Interface) -> str:
    """The line with the hardware address."""
    if one.name == "lo":
        return f"    link/loopback {one.mac} brd 00:00:00:00:00:00"
    return f"    link/ether {one.mac} brd ff:ff:ff:ff:ff:ff"


def selected(call: Call) -> Iterator[tuple[int, Interface]]:
    """The interfaces that are asked about: ``[dev] NAME``, ``up``, or all of them."""
    name, up = "", False
    while call.words:
        word = call.next()
        if word == "up":
            up = True
        elif word == "dev" or not name:
            if word in ("to", "scope", "label", "type", "master", "vrf", "group", "permanent"):
                raise call.refuse(f"the filter {word}", "Write: ip addr show dev NAME.")
            name = call.value() if word == "dev" else word
        else:
            raise garbage(word, "dev")
    if name:
        call.shown(name)
    for number, one in indexed(call.host):
        if name in ("", one.name) and (one.up or not up):
            yield number, one


def _show(call: Call) -> Output:
    lines = []
    for number, one in selected(call):
        if call.brief:
            lines.append(f"{one.name:<16} {state(one):<14} {one.mac} {flags(one)} ")
            continue
        head = (
            f"{number}: {one.name}: {flags(one)} mtu {one.mtu} qdisc noqueue state {state(one)} "
            "mode DEFAULT group default qlen 1000"
        )
        lines.append(head + ("\\" if call.oneline else "\n") + hardware(one))
    return Output("".join(f"{line}\n" for line in lines))


def _set(call: Call) -> Output:
    """Up, down, mtu and address; an interface that goes down loses routes and IPv6 addresses."""
    name, changes = "", dict[str, object]()
    while call.words:
        word = call.next()
        match word:
            case "up" | "down":
                changes["up"] = word == "up"
            case "mtu":
                changes["mtu"] = _mtu(call.value())
            case "address":
                changes["mac"] = _mac(call.value())
            case "dev":
                name = call.value()
            case "name" | "master" | "nomaster" | "netns" | "promisc" | "arp" | "txqueuelen":
                raise call.refuse(f"ip link set {word}")
            case _ if name:
                raise garbage(word, "dev")
            case _:
                name = word
    if not name:
        raise ComplaintError('Not enough information: "dev" argument is required.', 255)
    before = call.device(name)
    after = replace(before, **changes)  # type: ignore[arg-type]
    if not before.up or after.up:
        return call.change(after)
    if name == "lo":
        raise call.refuse("taking the loopback down", "Take another interface: ip link.")
    after = replace(after, addresses=tuple(one for one in after.addresses if one.version == 4))
    return call.change(after, routes=tuple(r for r in call.host.routes if r.interface != name))


def _mtu(word: str) -> int:
    if not word.isdecimal():
        raise invalid(word, 'Invalid "mtu" value')
    if int(word) not in _MTU:
        bound = "less than device minimum" if int(word) < _MTU[0] else "greater than device maximum"
        raise kernel(f"mtu {bound}.")
    return int(word)


def _mac(word: str) -> str:
    if not _MAC.fullmatch(word):
        raise ComplaintError(f'"{word}" is invalid lladdr.')
    return ":".join(f"{int(part, 16):02x}" for part in word.split(":"))


def _other(call: Call) -> Output:
    raise call.refuse("making or removing interfaces", "They come with the network.")


_COMMANDS = {
    "add": _other,
    "set|change": _set,
    "replace": _other,
    "delete": _other,
    "show|lst|list": _show,
}


def link(call: Call) -> Output:
    """Show interfaces, or change one.

    Simplified: interfaces look like wires without a queue, as in a container.
    """
    word = call.next() if call.words else "show"
    return subcommand(word, _COMMANDS, "link")(call)
