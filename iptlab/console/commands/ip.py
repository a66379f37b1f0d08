"""``ip``: interfaces, addresses, routes, rules and neighbours of a machine."""

from __future__ import annotations

from collections.abc import Sequence

from iptlab.console.command import Output, Session, register_command
from iptlab.console.complaint import ComplaintError, NotModelledError, complaining
from iptlab.console.iproute.address import address
from iptlab.console.iproute.common import Call, Command
from iptlab.console.iproute.link import link
from iptlab.console.iproute.neighbour import neighbour
from iptlab.console.iproute.route import route
from iptlab.console.iproute.rule import rule

# In the order in which ip looks for the first that begins with a word; iproute2: ip/ip.c (cmds).
# An empty one is known to ip and not modelled here.
_OBJECTS: dict[str, Command | None] = {
    "address": address,
    "addrlabel": None,
    "maddress": None,
    "route": route,
    "rule": rule,
    "neighbor": neighbour,
    "neighbour": neighbour,
    **dict.fromkeys(("ntable", "ntbl")),
    "link": link,
    **dict.fromkeys(("l2tp", "fou", "ila", "macsec", "tunnel", "tunl", "tuntap", "tap", "token")),
    **dict.fromkeys(("tcpmetrics", "monitor", "xfrm", "mroute", "mrule", "netns", "netconf")),
    **dict.fromkeys(("vrf", "sr", "nexthop", "mptcp", "ioam", "help", "stats")),
}
_USAGE = """Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
where  OBJECT here := { address | link | neighbour | route | rule }
       OPTIONS here := { -V[ersion] | -f[amily] { inet | inet6 } |
                    -4 | -6 | -br[ief] | -o[neline] | -c[olor] }"""
_FAMILIES = {"inet": 4, "inet6": 6}
_REFUSED = ("statistics", "stats", "details", "json", "batch", "netns", "resolve", "all", "force")


@register_command("ip")
@complaining
def ip(session: Session, words: Sequence[str]) -> Output:
    """Show or change an object of the machine: ``ip addr``, ``ip route add …``."""
    call = Call(session, list(words[1:]))
    while call.words and call.words[0].startswith("-"):
        option = call.next()
        if "-Version".startswith(option) and len(option) > 1:
            return Output("ip utility, iproute2-6.1.0, libbpf 1.1.2\n")
        _option(call, option)
    if not call.words:
        raise ComplaintError(_USAGE, 255)
    word = call.next()
    for name, command in _OBJECTS.items():
        if name.startswith(word):
            if command is None or call.words[:1] == ["help"]:
                instead = "Known: ip address, link, neighbour, route, rule."
                raise NotModelledError("ip", f"ip {' '.join([name, *call.words])}", instead)
            return command(call)
    raise ComplaintError(f'Object "{word}" is unknown, try "ip help".', 1)


def _option(call: Call, option: str) -> None:
    """Note an option; most may be cut short, as ip takes them."""
    name = option[1:]
    if name in ("4", "6"):
        call.family = int(name)
    elif name and "family".startswith(name):
        word = call.value()
        if word not in _FAMILIES:
            raise ComplaintError(
                f'Error: argument "{word}" is wrong: invalid protocol family\n', 255
            )
        call.family = _FAMILIES[word]
    elif len(name) > 1 and "brief".startswith(name):
        call.brief = True
    elif name and "oneline".startswith(name):
        call.oneline = True
    elif name and "color".startswith(name.partition("=")[0]):
        pass  # a notebook shows no colours
    elif name and any(known.startswith(name) for known in _REFUSED):
        raise NotModelledError("ip", option, "Known: -4 -6 -br -o.")
    else:
        raise ComplaintError(f'Option "{option}" is unknown, try "ip -help".', 255)
