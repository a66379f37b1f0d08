"""The routing tables as ``ip route show`` lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from iptlab.console.command import Output
from iptlab.console.complaint import ComplaintError
from iptlab.console.iproute.common import Call, address, invalid, prefix
from iptlab.packet import Address, Family
from iptlab.simulate.routing import Kind, Network, Route, Routing

# the metric of IPv6 routes of which nobody said one; kernel: include/uapi/linux/ipv6_route.h
_USER, _ADDRCONF = 1024, 256
_NAMED = {"main": "main", "local": "local", "default": "default"}
_NUMBERS = {"254": "main", "255": "local", "253": "default"}
_HIGHEST_TABLE = 2**32 - 1


def table(word: str, wrong: str) -> str:
    """The name of a table, or its number."""
    known = _NAMED | _NUMBERS
    if word in known:
        return known[word]
    if not word.isdecimal() or not 0 < int(word) <= _HIGHEST_TABLE:
        raise invalid(word, wrong)
    return str(int(word))


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


def show(call: Call) -> Output:
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
        metric = metric_of(one, brought=pair[1])
        return one.table != "main", one.table, int(ends), -one.to.prefixlen, metric

    return sorted(routes, key=place)


def _of_loopback(routing: Routing) -> Iterator[Route]:
    """What the loopback's address brings besides its network, which is local as a whole."""
    for name, own in routing.addresses:
        if own.version == 4 and own.ip.is_loopback:
            ends = ((own.ip, Kind.LOCAL), (own.network.broadcast_address, Kind.BROADCAST))
            for end, kind in ends:
                yield Route(IPv4Network(end), name, kind=kind, table="local", source=own.ip)


def metric_of(route: Route, *, brought: bool) -> int:
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
        metric = metric_of(route, brought=brought)
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
