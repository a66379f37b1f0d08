"""The words of ``ipset`` lines: elements, ranges and the values of options.

Source: man page ipset(8); libipset's parsers
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, summarize_address_range
from itertools import product

from iptlab.errors import BadValueError
from iptlab.names import ICMP_TYPES, ICMPV6_TYPES, protocol_numbers, service_port
from iptlab.netfilter.ipset import Interface, IpSet, Key, Net, Part, Service
from iptlab.netfilter.networks import read_host
from iptlab.netfilter.values import read_integer
from iptlab.packet import Family, Protocol

_MOST = {"timeout": 2147483, "packets": 2**64 - 1, "bytes": 2**64 - 1}
# elements that one word may stand for: more would not come to an end soon
MOST_KEYS = 1 << 20
_COUNT = {1: "none", 2: "one", 3: "two"}
_ORDINAL = {1: "", 2: "Two ", 3: "Three "}


def room_in(changed: IpSet) -> int:
    """How many more elements the set takes."""
    most = changed.options.get("maxelem", "0")
    return min(int(most) - len(changed.elements), MOST_KEYS - 1) if int(most) else MOST_KEYS


def _number(text: str, most: int) -> int:
    number = read_integer(text.removeprefix("-"))
    if number is None:
        raise BadValueError(f"Syntax error: '{text}' is invalid as number", "Write a number.")
    if number > most or text.startswith("-"):
        raise BadValueError(
            f"Syntax error: '{text}' is out of range 0-{most}", f"It goes up to {most}."
        )
    return number


def extra_value(option_: str, text: str) -> str:
    """What stands beside an element, in the form in which it is printed."""
    if option_ == "nomatch":
        return ""
    return str(_number(text, _MOST[option_])) if option_ in _MOST else text


def header_value(kind: str, option_: str, text: str, family: Family) -> str:
    """An option of create in the form in which it is printed."""
    match option_:
        case "hashsize":
            return str(max(64, 1 << (_number(text, 2**32 - 1) - 1).bit_length()))
        case "bucketsize":
            return str((_number(text, 14) + 1) // 2 * 2)
        case "maxelem" | "size":
            return str(_number(text, 2**32 - 1))
        case "timeout":
            return str(_number(text, _MOST["timeout"]))
        case "initval" | "markmask":
            return f"{_number(text, 2**32 - 1):#010x}"
        case "netmask":
            if not 1 <= (length := _number(text, 128)) <= family.bits:
                raise BadValueError(
                    f"Syntax error: '{text}' is out of range 1-{family.bits}",
                    f"A prefix length goes from 1 to {family.bits}.",
                )
            return str(length)
        case "range" if kind == "bitmap:port":
            if "-" not in text:
                raise BadValueError("Mandatory option `to' is missing", "Write FROM-TO.")
            low, high = _port_range(text, "tcp")
            return f"{low}-{high}"
        case "range":
            low, high = _address_range(text, family)
            if low == high:
                raise BadValueError(
                    f"Syntax error: IP/cidr or IP-IP range must be specified: {text}",
                    "Write 10.0.0.0/24 or 10.0.0.1-10.0.0.9.",
                )
            if high - low >= 65536:
                raise BadValueError(
                    "The range you specified exceeds the size limit of the set type",
                    "A bitmap holds at most 65536 addresses.",
                )
            ends = (str(Net(end, family.bits, family)) for end in (low, high))
            return "-".join(ends)
        case _:
            return text


def keys_of(changed: IpSet, text: str) -> Iterator[Key]:
    """The elements that one word stands for: ranges are taken apart."""
    kinds = changed.dimensions
    optional = changed.kind == "bitmap:ip,mac"
    words = text.split(",", len(kinds)) if kinds != ("set",) else [text]
    if len(words) > len(kinds):
        separators = f"{_ORDINAL[len(kinds)]}elem separator{'s' * (len(kinds) > 1)}"
        raise BadValueError(
            f"Syntax error: {separators[0].upper()}{separators[1:]} in {text}, "
            f"but settype {changed.kind} supports {_COUNT[len(kinds)]}.",
            f"An element of this set is {','.join(kinds)}.",
        )
    if "" in words[1:] or (len(words) < len(kinds) and not (optional and len(words) == 1)):
        missing = {1: "Second", 2: "Third"}[(*words, "").index("", 1)]
        raise BadValueError(
            f"Syntax error: {missing} element is missing from {text}.",
            f"An element of this set is {','.join(kinds)}.",
        )
    parts = [_parts(changed, place, word) for place, word in enumerate(words)]
    yield from product(*parts)


def _parts(changed: IpSet, place: int, text: str) -> list[Part]:
    """What one word stands for in one dimension."""
    family = changed.family or Family.IPV4
    match changed.dimensions[place]:
        case "ip":
            return [*_addresses(changed, place, text)]
        case "net":
            return [*_nets(changed, text)]
        case "port" if changed.kind == "bitmap:port":
            return [*_bitmap_ports(changed, text)]
        case "port":
            return [*_services(text, family)]
        case "iface":
            name = text.removeprefix("physdev:")
            if len(name.encode()) > 15:
                raise BadValueError(
                    f"Syntax error: interface name '{name}' is longer than 15 characters",
                    "Linux interface names have at most 15 characters.",
                )
            return [Interface(name, name != text)]
        case "mac":
            return [_mac(text)]
        case "mark":
            mask = int(changed.options["markmask"], 16)
            return [_number(text, 2**32 - 1) & mask]
        case _:
            return [text]


def _addresses(changed: IpSet, place: int, text: str) -> Iterator[Part]:
    family = changed.family or Family.IPV4
    if ("/" in text or "-" in text) and (family is Family.IPV6 or place > 0):
        raise BadValueError(
            f"Syntax error: plain IP address must be supplied: {text}", "Write a single address."
        )
    low, high = _address_range(text, family)
    if changed.kind.startswith("bitmap:"):
        ends = changed.options["range"].split("-")
        _refuse_outside(changed, low, high, *(int(read_host(end, family)) for end in ends))
    elif high - low + 1 == 1 << family.bits:
        raise _EVERYTHING
    elif low == 0:
        raise BadValueError(
            "Null-valued element, cannot be stored in a hash type of set",
            "The address of zeros only cannot be an element.",
        )
    elif high - low >= room_in(changed):
        raise BadValueError(
            "Hash is full, cannot add more elements",
            "This set holds single addresses; for networks make it a hash:net.",
        )
    every = (Net(number, family.bits, family) for number in range(low, high + 1))
    yield from dict.fromkeys(changed.masked(address) for address in every)


_EVERYTHING = BadValueError(
    "The value of the CIDR parameter of the IP address is invalid",
    "This type of set has no room for a /0: for IPv4 write 0.0.0.0/1 and 128.0.0.0/1.",
)


def _nets(changed: IpSet, text: str) -> Iterator[Part]:
    family = changed.family or Family.IPV4
    low, high = _address_range(text, family)
    if high - low + 1 == 1 << family.bits and changed.kind != "hash:net,iface":
        raise _EVERYTHING
    whole = IPv4Address if family is Family.IPV4 else IPv6Address
    for network in summarize_address_range(whole(low), whole(high)):
        yield Net(int(network.network_address), network.prefixlen, family)


def _address_range(text: str, family: Family) -> tuple[int, int]:
    """The first and last address of ``10.0.0.1``, ``10.0.0.0/30`` or ``10.0.0.1-10.0.0.9``."""
    host, slash, length = text.partition("/")
    if slash:
        around = Net(_address(host, family), family.bits, family)
        low = around.within(_number(length, family.bits)).address
        return low, low | (1 << (family.bits - int(length))) - 1
    first, dash, last = text.partition("-")
    low = _address(first, family)
    high = _address(last, family) if dash else low
    return min(low, high), max(low, high)


def _address(text: str, family: Family) -> int:
    try:
        return int(read_host(text, family))
    except BadValueError:
        raise BadValueError(
            f"Syntax error: cannot parse {text}: resolving to IPv{family} address failed",
            f"This set holds IPv{family} addresses; a set of the others is created with "
            f"family {'inet6' if family is Family.IPV4 else 'inet'}.",
        ) from None


def _refuse_outside(changed: IpSet, low: int, high: int, least: int, most: int) -> None:
    if low < least or high > most:
        raise BadValueError(
            "Element is out of the range of the set",
            f"The set was created for {changed.options['range']}.",
        )


def _bitmap_ports(changed: IpSet, text: str) -> Iterator[Part]:
    protocol, colon, ports = text.rpartition(":")
    low, high = _port_range(ports, protocol.lower() if colon else "tcp")
    least, most = (int(end) for end in changed.options["range"].split("-"))
    _refuse_outside(changed, low, high, least, most)
    yield from range(low, high + 1)


def _services(text: str, family: Family) -> Iterator[Part]:
    """``80``, ``udp:53``, ``tcp:8000-8100``, ``icmp:8/0`` or ``gre:0``."""
    protocol, colon, ports = text.rpartition(":")
    name = protocol.lower() if colon else "tcp"
    number = protocol_numbers().get(name, int(name) if name.isdecimal() else 256)
    if number > 255:
        raise BadValueError(
            f"Syntax error: cannot parse '{protocol}' as a protocol",
            "Write tcp, udp, sctp, icmp or a number before the colon.",
        )
    icmp = Protocol.ICMP if family is Family.IPV4 else Protocol.ICMPV6
    if number == icmp:
        yield Service(number, _icmp(ports, family))
    elif number in _PORTED:
        low, high = _port_range(ports, name)
        yield from (Service(number, port) for port in range(low, high + 1))
    elif number == 0 and ports == "0":
        raise BadValueError("Invalid protocol specified", "Write a protocol from 1 to 255.")
    elif ports != "0":
        raise BadValueError(
            f"Syntax error: Protocol {name} can be used with pseudo port value 0 only.",
            f"Write {name}:0.",
        )
    else:
        yield Service(number, 0)


_PORTED = (Protocol.TCP, Protocol.UDP, Protocol.SCTP, Protocol.UDPLITE)


def _port_range(text: str, protocol: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    low = _port(first, protocol)
    high = _port(last, protocol) if dash else low
    return min(low, high), max(low, high)


def _port(text: str, protocol: str) -> int:
    port = read_integer(text)
    if port is None:
        port = service_port(text, protocol)
    if port is None or port > 65535:
        raise BadValueError(
            f"cannot parse '{text}' as a {protocol} port",
            "A port is a number from 0 to 65535, or a service name such as ssh.",
        )
    return port


def _icmp(text: str, family: Family) -> int:
    table = ICMP_TYPES if family is Family.IPV4 else ICMPV6_TYPES
    found = re.fullmatch(r"(\d{1,3})/(\d{1,3})", text, re.ASCII)
    kind, code = (int(found[1]), int(found[2])) if found else table.get(text, (256, 0))
    if max(kind, code or 0) > 255 or text == "any":
        noun = "an ICMP" if family is Family.IPV4 else "an ICMPv6"
        raise BadValueError(
            f"Cannot parse {text} as {noun} type/code.",
            "Write a name such as echo-request, or type and code: 8/0.",
        )
    return kind * 256 + (code or 0)


def _mac(text: str) -> str:
    parts = text.split(":")
    if len(parts) != 6 or not all(re.fullmatch("[0-9a-fA-F]{1,2}", part) for part in parts):
        raise BadValueError(
            f"Syntax error: cannot parse '{text}' as ethernet address",
            "Write six bytes: 02:00:00:aa:bb:cc.",
        )
    return ":".join(f"{int(part, 16):02x}" for part in parts)
