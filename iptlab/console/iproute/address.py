"""``ip address``: the addresses of interfaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from iptlab.console.command import Output
from iptlab.console.complaint import ComplaintError
from iptlab.console.iproute.common import Call, garbage, kernel, prefix, subcommand
from iptlab.console.iproute.link import flags, hardware, selected, state
from iptlab.simulate.host import Interface
from iptlab.simulate.routing import Route

Own = IPv4Interface | IPv6Interface
_WILDCARD = """Warning: Executing wildcard deletion to stay compatible with old scripts.
         Explicitly specify the prefix length ({}/{}) to avoid this warning.
         This special behaviour is likely to disappear in further releases,
         fix your scripts!
"""
_LIFE = "       valid_lft forever preferred_lft forever"


# --- showing ---


def _show(call: Call) -> Output:
    """Every interface with its addresses; with a family only those that have some of it."""
    lines: list[str] = []
    named = any(word != "up" for word in call.words)
    for number, one in selected(call):
        own = list(_ordered(one, call.family))
        if call.family and not own:
            continue
        if call.brief:
            written = "".join(f"{address} " for address, _ in own)
            lines.append(f"{one.name:<16} {state(one):<14} {written}")
        elif call.oneline:
            lines += [f"{number}: {one.name}{_line(one, *each)}\\{_LIFE}" for each in own]
        else:
            lines += _heads(call, number, one, named=named)
            for each in own:
                lines += [_line(one, *each), _LIFE]
    return Output("".join(f"{line}\n" for line in lines))


def _heads(call: Call, number: int, one: Interface, *, named: bool) -> Iterator[str]:
    # of all links in IPv6 the kernel tells less than of one
    brief = call.family == 6 and not named
    queue, group = ("", "") if brief else (" qdisc noqueue", " group default")
    place = f"{number}: {one.name}: {flags(one)} mtu {one.mtu}"
    yield f"{place}{queue} state {state(one)}{group} qlen 1000"
    if not call.family:
        yield hardware(one)


def _ordered(one: Interface, family: int | None) -> Iterator[tuple[Own, bool]]:
    """IPv4 before IPv6; of one network the first address is primary, the others come last."""
    for version in (4, 6):
        own = [each for each in one.addresses if each.version == version]
        if family in (None, version):
            yield from ((each, False) for each in own if not _secondary(one, each))
            yield from ((each, True) for each in own if _secondary(one, each))


def _secondary(one: Interface, address: Own) -> bool:
    before = one.addresses[: one.addresses.index(address)]
    return address.version == 4 and any(each.network == address.network for each in before)


def _line(one: Interface, address: Own, secondary: bool) -> str:
    if address.version == 4:
        scope = "host" if address.ip.is_loopback else "global"
        return f"    inet {address} scope {scope} {'secondary ' * secondary}{one.name}"
    near = "host" if address.ip.is_loopback else "link" if address.ip.is_link_local else "global"
    return f"    inet6 {address} scope {near} "


# --- changing ---


def _read(call: Call) -> tuple[str, Interface]:
    """The address and interface of a command; what else may be said there is overlooked."""
    written, name = "", ""
    while call.words:
        word = call.next()
        match word:
            case "dev":
                name = call.value()
            case "local":
                written = call.value()
            case "brd" | "broadcast" | "label" | "scope":
                call.value()
            case "nodad" | "noprefixroute":
                pass
            case "peer" | "metric" | "valid_lft" | "preferred_lft" | "anycast":
                raise call.refuse(f"ip address {word}")
            case _ if written:
                raise garbage(word, "local")
            case _:
                written = word
        if written:
            prefix(written, call.family)
    if not name:
        raise ComplaintError('Not enough information: "dev" argument is required.')
    return written, call.device(name)


def _add(call: Call) -> Output:
    written, one = _read(call)
    address = ip_interface(written)
    if address in one.addresses:
        v4 = address.version == 4
        raise kernel(f"ipv{address.version}: {'Address' if v4 else 'address'} already assigned.")
    return call.change(replace(one, addresses=(*one.addresses, address)))


def _replace(call: Call) -> Output:
    written, one = _read(call)
    address = ip_interface(written)
    if address in one.addresses:
        return Output()
    return call.change(replace(one, addresses=(*one.addresses, address)))


def _delete(call: Call) -> Output:
    """Take an address away; in IPv4 with a primary one those of its network go too."""
    written, one = _read(call)
    said = ""
    if "/" in written:
        gone = [each for each in one.addresses if each == ip_interface(written)]
    else:
        bare = ip_interface(written)
        gone = [each for each in one.addresses if each.ip == bare.ip]
        said = _WILDCARD.format(bare.ip, bare.max_prefixlen)
    if not gone:
        v4 = ip_interface(written).version == 4
        raise kernel(f"ipv{4 if v4 else 6}: {'Address' if v4 else 'address'} not found.")
    address = gone[0]
    if address.version == 4 and not _secondary(one, address):
        gone += [each for each in one.addresses if each.network == address.network]
    left = tuple(each for each in one.addresses if each not in gone)
    return replace(_without(call, replace(one, addresses=left)), stderr=said)


def _flush(call: Call) -> Output:
    words = [word for word in call.words if word != "dev"]
    if not words:
        raise ComplaintError("Flush requires arguments.")
    if len(words) > 1:
        raise call.refuse(f"the filter {words[1]}", "Write: ip addr flush dev NAME.")
    one = call.shown(words[0])
    left = tuple(each for each in one.addresses if call.family not in (None, each.version))
    return _without(call, replace(one, addresses=left))


def _without(call: Call, one: Interface) -> Output:
    """Change an interface that has lost addresses: the routes that need them go as well.

    Kernel: net/ipv4/fib_frontend.c (fib_del_ifaddr, fib_disable_ip)
    """
    versions = {each.version for each in one.addresses}
    lost = {each.ip for each in call.host.by_name[one.name].addresses} - {
        each.ip for each in one.addresses
    }

    def stays(route: Route) -> bool:
        bare = route.interface == one.name and route.to.version not in versions
        return not bare and route.source not in lost

    return call.change(one, routes=tuple(route for route in call.host.routes if stays(route)))


_COMMANDS = {
    "add": _add,
    "change|chg": _replace,
    "replace": _replace,
    "delete": _delete,
    "show|lst|list": _show,
    "flush": _flush,
}


def address(call: Call) -> Output:
    """Show addresses, or change those of an interface.

    Simplified: IPv6 addresses of a link come only if somebody gives them; broadcast addresses
    and labels are not remembered.
    """
    word = call.next() if call.words else "show"
    return subcommand(word, _COMMANDS, "address")(call)
