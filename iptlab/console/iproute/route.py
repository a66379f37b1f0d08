"""``ip route``: the routing tables, and the way that a packet would take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

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
from iptlab.packet import Address, Family, Packet
from iptlab.simulate.arrival import Refusal, decide
from iptlab.simulate.routing import NO_ROUTE, SEND_ERRORS, Kind, Network, Route, Routing

# the metric of IPv6 routes of which nobody said one; kernel: include/uapi/linux/ipv6_route.h
_USER, _ADDRCONF = 1024, 256
_NAMED = {"main": "main", "local": "local", "default": "default"}
_NUMBERS = {"254": "main", "255": "local", "253": "default"}
_HIGHEST_TABLE = 2**32 - 1
_TYPES = frozenset(Kind) - {Kind.ANYCAST, Kind.MULTICAST}
_SAID = {
    NO_ROUTE: "Network is unreachable",
    "EHOSTUNREACH": "No route to host",
    "EINVAL": "Invalid argument",
    "EACCES": "Permission denied",
}


def table(word: str, wrong: str) -> str:
    """The name of a table, or its number."""
    known = _NAMED | _NUMBERS
    if word in known:
        return known[word]
    if not word.isdecimal() or not 0 < int(word) <= _HIGHEST_TABLE:
        raise invalid(word, wrong)
    return str(int(word))


# --- showing ---


@dataclass(frozen=True)
class Filter:
    """Which routes are asked about."""

    table: str = "main"
    device: str = ""
    via: Address | None = None
    to: Network | None = None

    @classmethod
    def parse(cls, call: Call) -> Filter:
        """The words after ``show``."""
        found = cls()
        while call.words:
            match call.next():
                case "table":
                    word = call.value()
                    every = word in ("all", "0")
                    name = "all" if every else table(word, "table id value is invalid")
                    found = replace(found, table=name)
                case "dev":
                    found = replace(found, device=call.device(call.value()).name)
                case "via":
                    found = replace(found, via=address(call.value(), call.family))
                case "root" | "match" | "proto" | "scope" | "type" | "src" | "metric" as word:
                    instead = "Write: ip route show table NUMBER, or dev NAME."
                    raise call.refuse(f"the filter {word}", instead)
                case word:
                    word = call.value() if word in ("to", "exact") else word
                    found = replace(found, to=prefix(word, call.family))
        return found

    def wants(self, route: Route) -> bool:
        """Whether a route is asked about."""
        return (
            self.table in ("all", route.table)
            and self.device in ("", route.interface)
            and (self.via is None or self.via == route.via)
            and (self.to is None or self.to == route.to)
        )


def _show(call: Call) -> Output:
    wanted = Filter.parse(call)
    families = [Family(call.family or 4)]
    if wanted.table == "all" and call.family is None:
        families = [Family.IPV4, Family.IPV6]
    if call.family is None and wanted.to is not None:
        families = [Family(wanted.to.version)]
    lines: list[str] = []
    for family in families:
        routes = _listed(call.host.routing[family])
        known = {"main", "local", "default", "all", *(one.table for one, _ in routes)}
        if wanted.table not in known:
            said = f"Error: ipv{family}: FIB table does not exist.\nDump terminated"
            raise ComplaintError(said, 2)
        lines += [
            _line(one, wanted, brought=brought) for one, brought in routes if wanted.wants(one)
        ]
    return Output("".join(f"{line}\n" for line in lines))


def _listed(routing: Routing) -> list[tuple[Route, bool]]:
    """Every route, and whether an address brought it, in the order that the kernel lists them.

    Kernel: net/ipv4/fib_trie.c (fib_trie_table), net/ipv6/ip6_fib.c (fib6_walk: children first)
    """
    routes = [(one, True) for one in (*routing.brought(), *_of_loopback(routing))]
    routes += [(one, False) for one in routing.routes]

    def place(pair: tuple[Route, bool]) -> tuple[bool, str, int, int, int]:
        one = pair[0]
        ends = one.to.network_address if one.to.version == 4 else one.to.broadcast_address
        metric = _metric(one, brought=pair[1])
        return one.table != "main", one.table, int(ends), -one.to.prefixlen, metric

    return sorted(routes, key=place)


def _of_loopback(routing: Routing) -> Iterator[Route]:
    """What the loopback's address brings besides its network, which is local as a whole."""
    for name, own in routing.addresses:
        if own.version == 4 and own.ip.is_loopback:
            ends = ((own.ip, Kind.LOCAL), (own.network.broadcast_address, Kind.BROADCAST))
            for end, kind in ends:
                yield Route(IPv4Network(end), name, kind=kind, table="local", source=own.ip)


def _metric(route: Route, *, brought: bool) -> int:
    if route.to.version == 4 or route.metric:
        return route.metric
    if not brought:
        return _USER
    return 0 if route.kind in (Kind.LOCAL, Kind.ANYCAST) else _ADDRCONF


def _line(route: Route, wanted: Filter, *, brought: bool) -> str:
    words = [] if route.kind is Kind.UNICAST else [str(route.kind)]
    words.append(_destination(route.to))
    words += ["via", str(route.via)] if route.via else []
    device = route.interface or ("lo" if route.to.version == 6 else "")
    words += ["dev", device] if device and not wanted.device else []
    shown = wanted.table == "all" and route.table != "main"
    words += ["table", route.table] if shown else []
    words += ["proto", "kernel"] if brought else []
    if route.to.version == 6:
        metric = _metric(route, brought=brought)
        source = ["src", str(route.source)] if route.source and not brought else []
        return " ".join([*words, *source, "metric", str(metric), "pref", "medium"])
    scope = _scope(route)
    words += ["scope", scope] if scope else []
    words += ["src", str(route.source)] if route.source else []
    words += ["metric", str(route.metric)] if route.metric else []
    return " ".join(words) + " "


def _destination(network: Network) -> str:
    if not network.prefixlen:
        return "default"
    whole = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if whole else str(network)


def _scope(route: Route) -> str:
    if route.kind is Kind.LOCAL:
        return "host"
    beside = route.kind in (Kind.UNICAST, Kind.BROADCAST) and route.via is None
    return "link" if beside else ""


# --- changing ---


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
            and (not self.metric or self.metric == _metric(route, brought=False))
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
    return route.to, route.table, _metric(route, brought=False)


def _there(call: Call, route: Route) -> bool:
    """Whether there is such a route, given or brought by an address."""
    routing = call.host.routing[Family(route.to.version)]
    brought = ((one.to, one.table, _metric(one, brought=True)) for one in routing.brought())
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


# --- which way a packet would go ---


def _get(call: Call) -> Output:
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
    words += ["metric", str(_metric(route, brought=brought))]
    words += ["iif", given["iif"]] if "iif" in given else []
    yield " ".join([*words, "pref", "medium"])


def _other(call: Call) -> Output:
    raise call.refuse("this command of ip route", "Write: ip route add or replace.")


_COMMANDS = {
    "list|show|lst": _show,
    "get": _get,
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
