"""``ip route``: the routing tables, and how they are changed."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.console.command import Output
from iptlab.console.complaint import ComplaintError
from iptlab.console.iproute.common import (
    Call,
    address,
    garbage,
    invalid,
    kernel,
    netlink,
    prefix,
    subcommand,
)
from iptlab.console.iproute.route_get import get
from iptlab.console.iproute.route_list import Filter, metric_of, show, table
from iptlab.packet import Address, Family, Packet
from iptlab.simulate.routing import SEND_ERRORS, Kind, Network, Route

_TYPES = frozenset(Kind) - {Kind.ANYCAST, Kind.MULTICAST}


@dataclass(frozen=True)
class Asked:
    """A route as it was written: what was not said is empty or None."""

    to: Network
    kind: Kind | None = None
    via: Address | None = None
    device: str = ""
    table: str = "main"
    source: Address | None = None
    metric: int | None = None
    onlink: bool = False

    def fits(self, route: Route) -> bool:
        """Whether it names a route; what it does not say may be anything."""
        return (
            (self.to, self.table) == (route.to, route.table)
            and self.kind in (None, route.kind)
            and self.via in (None, route.via)
            and self.device in ("", route.interface)
            and self.source in (None, route.source)
            and (not self.metric or self.metric == metric_of(route, brought=False))
        )


_REFUSED = frozenset(
    ("proto", "protocol", "mtu", "advmss", "nexthop", "nhid", "encap", "weight", "tos", "realms")
)


def _read(call: Call) -> Asked:
    """The words of a route."""
    kind: Kind | None = None
    word, to = "", None
    given: dict[str, str] = {}
    onlink = False
    while call.words:
        word = call.next()
        if word in _REFUSED:
            raise call.refuse(f"ip route {word}", "Write: ip route add NETWORK via ADDRESS.")
        if word == "via" and word in given:
            raise invalid(word, "use nexthop syntax to specify multiple via")
        if word in ("via", "dev", "table", "src", "metric", "preference", "scope"):
            given[{"preference": "metric"}.get(word, word)] = call.value()
        elif word == "onlink":
            onlink = True
        elif to is not None:
            raise garbage(word, "to")
        elif word in _TYPES and kind is None:
            kind = Kind(word)
        else:
            to = prefix(call.value() if word == "to" else word, call.family, strict=True)
    if to is None:
        usage = "Usage: ip route { add | del | change | replace } [ TYPE ] PREFIX [ via ADDRESS ]"
        raise ComplaintError(f"{usage} [ dev NAME ]", 255)
    metric = given.get("metric")
    if metric is not None and not metric.isdecimal():
        raise invalid(metric, '"metric" value is invalid')
    asked = Asked(
        to,
        kind,
        address(given["via"], to.version) if "via" in given else None,
        given.get("dev", ""),
        table(given.get("table", "main"), '"table" value is invalid'),
        address(given["src"], to.version) if "src" in given else None,
        int(metric) if metric else None,
        onlink,
    )
    if asked.device:
        call.device(asked.device)
    return asked


def _route(call: Call, asked: Asked) -> Route:
    """The route that is asked for, if the kernel takes it.

    Kernel: net/ipv4/fib_semantics.c (fib_check_nh), net/ipv6/route.c (ip6_route_check_nh)
    """
    kind = asked.kind or Kind.UNICAST
    device = asked.device
    if kind in SEND_ERRORS or kind is Kind.THROW:
        metric = asked.metric or 0
        return Route(asked.to, "", kind=kind, table=asked.table, metric=metric)
    if asked.via is not None:
        device = _reaches(call, asked, asked.via)
    if not device:
        raise netlink("No such device")
    if not call.host.by_name[device].up:
        raise kernel("Device for nexthop is not up.")
    if asked.source is not None and not call.host.owns(asked.source):
        raise (
            kernel("Invalid prefsrc address.")
            if asked.to.version == 4
            else kernel("Invalid source address.")
        )
    return Route(asked.to, device, asked.via, kind, asked.table, asked.source, asked.metric or 0)


def _reaches(call: Call, asked: Asked, via: Address) -> str:
    """The interface behind which a next hop is."""
    if asked.onlink and asked.device:
        return asked.device
    host = call.host
    route = host.routing[Family(via.version)].find(Packet(via, via))
    own = host.owns(via)
    if via.version == 6 and own:
        raise kernel("Gateway can not be a local address.")
    if own:
        behind = next(n for n, one in host.by_name.items() if via in [a.ip for a in one.addresses])
    else:
        beside = route is not None and route.kind is Kind.UNICAST and route.via is None
        behind = route.interface if route is not None and beside else ""
    if via.version == 6 and via.is_link_local and asked.device:
        return asked.device
    if not behind or asked.device not in ("", behind):
        unreached = netlink("No route to host")
        raise kernel("Nexthop has invalid gateway.") if via.version == 4 else unreached
    return behind


def _place(route: Route) -> tuple[Network, str, int]:
    """Two routes that have this in common are the same to the kernel."""
    return route.to, route.table, metric_of(route, brought=False)


def _there(call: Call, route: Route) -> bool:
    """Whether there is such a route, given or brought by an address."""
    routing = call.host.routing[Family(route.to.version)]
    brought = ((one.to, one.table, metric_of(one, brought=True)) for one in routing.brought())
    return _place(route) in {*brought, *map(_place, call.host.routes)}


def _add(call: Call) -> Output:
    route = _route(call, _read(call))
    if _there(call, route):
        raise netlink("File exists")
    return call.configure(routes=(*call.host.routes, route))


def _replace(call: Call) -> Output:
    route = _route(call, _read(call))
    own = call.host.routes
    at = next((n for n, one in enumerate(own) if _place(one) == _place(route)), len(own))
    if at == len(own) and _there(call, route):
        raise call.refuse("replacing a route that an address brought", "Delete the address.")
    return call.configure(routes=(*own[:at], route, *own[at + 1 :]))


def _change(call: Call) -> Output:
    words = list(call.words)
    if not _there(call, _route(call, _read(call))):
        raise netlink("No such file or directory")
    call.words = words
    return _replace(call)


def _delete(call: Call) -> Output:
    asked = _read(call)
    own = call.host.routes
    found = next((one for one in own if asked.fits(one)), None)
    if found is not None:
        left = list(own)
        left.remove(found)
        return call.configure(routes=tuple(left))
    routing = call.host.routing[Family(asked.to.version)]
    if any(asked.fits(one) for one in routing.brought()):
        instead = "Delete the address: ip addr del ADDRESS/LENGTH dev NAME."
        raise call.refuse("deleting a route that an address brought", instead)
    raise netlink("No such process")


def _flush(call: Call) -> Output:
    if not call.words:
        raise ComplaintError('"ip route flush" requires arguments.')
    if call.words == ["cache"]:
        return Output()
    wanted, family = Filter.parse(call), call.family or 4

    def meant(route: Route) -> bool:
        return route.to.version == family and wanted.wants(route)

    if any(meant(one) for one in call.host.routing[Family(family)].brought()):
        instead = "Take the addresses away: ip addr flush dev NAME."
        raise call.refuse("flushing routes that addresses brought", instead)
    return call.configure(routes=tuple(one for one in call.host.routes if not meant(one)))


def _other(call: Call) -> Output:
    raise call.refuse("this command of ip route", "Write: ip route add or replace.")


_COMMANDS = {
    "list|show|lst": show,
    "get": get,
    "add": _add,
    "change|chg": _change,
    "replace": _replace,
    "prepend": _other,
    "append": _other,
    "test": _other,
    "delete": _delete,
    "flush": _flush,
    "save|restore|showdump": _other,
}


def route(call: Call) -> Output:
    """Show routes, change them, or ask for the way to an address."""
    word = call.next() if call.words else "list"
    return subcommand(word, _COMMANDS, "route")(call)
