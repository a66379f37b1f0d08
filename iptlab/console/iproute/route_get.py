"""The way that a packet would take, as ``ip route get`` shows it."""

from __future__ import annotations

from collections.abc import Iterator

from iptlab.console.command import Output
from iptlab.console.complaint import ComplaintError
from iptlab.console.iproute.common import Call, address, garbage, netlink, prefix
from iptlab.console.iproute.route_list import metric_of
from iptlab.packet import Address, Packet
from iptlab.simulate.arrival import Refusal, decide
from iptlab.simulate.routing import NO_ROUTE, SEND_ERRORS, Kind, Route

_SAID = {
    NO_ROUTE: "Network is unreachable",
    "EHOSTUNREACH": "No route to host",
    "EINVAL": "Invalid argument",
    "EACCES": "Permission denied",
}


def get(call: Call) -> Output:
    """The route of a packet to an address."""
    to: Address | None = None
    given: dict[str, str] = {}
    while call.words:
        word = call.next()
        if word in ("from", "iif", "oif", "mark"):
            given[word] = call.value()
        elif word in ("tos", "uid", "ipproto", "sport", "dport", "vrf", "fibmatch"):
            raise call.refuse(f"ip route get {word}")
        elif to is None:
            word = call.value() if word == "to" else word
            to = prefix(word, call.family).network_address
        else:
            raise garbage(word, "to")
    if to is None:
        raise ComplaintError("need at least a destination address")
    source = address(given["from"], to.version) if "from" in given else to
    mark = int(given.get("mark", "0"), 0) if given.get("mark", "0")[0].isdecimal() else 0
    packet = Packet(source, to, mark=mark)
    route = _found(call, packet, given)
    if "oif" in given and route.interface != call.device(given["oif"]).name:
        raise call.refuse("a way out other than the routes say")
    lines = _got4 if to.version == 4 else _got6
    return Output("".join(f"{line}\n" for line in lines(call, packet, route, given)))


def _found(call: Call, packet: Packet, given: dict[str, str]) -> Route:
    """The route, or the error that a packet would meet."""
    entry = call.device(given["iif"]).name if "iif" in given else ""
    if entry and isinstance(decide(call.host, packet, entry), Refusal):
        raise netlink("No route to host")
    route = call.host.routing[packet.family].find(packet, entry)
    if route is None or route.kind in SEND_ERRORS:
        raise netlink(_SAID[SEND_ERRORS[route.kind] if route else NO_ROUTE])
    return route


def _source(call: Call, packet: Packet, route: Route) -> list[str]:
    own = route.source or call.host.routing[packet.family].address_of(
        route.interface, packet.dst, route.via
    )
    own = packet.dst if route.kind is Kind.LOCAL else own
    return ["src", str(own)] if own else []


def _got4(call: Call, packet: Packet, route: Route, given: dict[str, str]) -> Iterator[str]:
    local = route.kind is Kind.LOCAL
    words = [str(route.kind)] if route.kind is not Kind.UNICAST else []
    words.append(str(packet.dst))
    words += ["from", given["from"]] if "from" in given else []
    words += ["via", str(route.via)] if route.via else []
    words += ["dev", "lo" if local else route.interface]
    shown = route.table not in ("main", "local") or (local and "iif" in given)
    words += ["table", route.table] if shown else []
    words += _source(call, packet, route) if "from" not in given else []
    words += ["mark", f"{packet.mark:#x}" if packet.mark > 9 else str(packet.mark)] * bool(
        packet.mark
    )
    words += ["uid", "0"] if "iif" not in given else []
    yield " ".join(words) + " "
    marks = {Kind.LOCAL: ["<local>"], Kind.BROADCAST: ["<local,brd>"]}.get(route.kind, [])
    if given.get("iif") == route.interface and not local:
        marks = ["<redirect>"]
    entry = ["iif", given["iif"]] if "iif" in given else []
    yield " ".join(["    cache", *marks, *entry]) + " "


def _got6(call: Call, packet: Packet, route: Route, given: dict[str, str]) -> Iterator[str]:
    brought = route not in call.host.routes
    local = route.kind is Kind.LOCAL
    words = [str(route.kind)] if route.kind is not Kind.UNICAST else []
    words += [str(packet.dst), "from", given.get("from", "::")]
    words += ["via", str(route.via)] if route.via else []
    words += ["dev", "lo" if local else route.interface]
    words += ["table", route.table] if route.table != "main" else []
    words += ["proto", "kernel"] if brought else []
    words += _source(call, packet, route) if "iif" not in given else []
    words += ["metric", str(metric_of(route, brought=brought))]
    words += ["iif", given["iif"]] if "iif" in given else []
    yield " ".join([*words, "pref", "medium"])
