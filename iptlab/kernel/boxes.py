"""A simulated host as a machine for the namespace, and its packets as the bytes to send."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_interface, ip_network

from iptlab.errors import PacketError
from iptlab.kernel.alike import Json
from iptlab.kernel.frames import CHUNKS, NUMBERS, build
from iptlab.packet import Family, Packet, Protocol, TcpFlags
from iptlab.simulate.host import Host, Interface, interfaces
from iptlab.simulate.routing import Route

_NAME = re.compile(r"[A-Za-z0-9_][\w.@+-]{0,14}", re.ASCII)
_NEIGHBOUR = "02:00:00:00:00:fe"
_WORDS = {number: word for word, number in NUMBERS.items()}
_OUTSIDE = {4: "203.0.113.2/24", 6: "2001:db8:ffff::2/64"}


def description(host: Host) -> Json:
    """The host in the words of ``topologies.json``."""
    links = [one for one in host.interfaces if one.name != "lo"]
    for one in links:
        if not _NAME.fullmatch(one.name):
            raise PacketError(f"the kernel takes no interface called {one.name!r}; write eth0")
    told: Json = {
        "links": [
            {
                "name": one.name,
                "addrs": [str(a) for a in one.addresses if a.version == 4],
                "addrs6": [str(a) for a in one.addresses if a.version == 6],
            }
            for one in links
        ],
        "sysctl": dict(host.sysctls),
    }
    for family, suffix in ((Family.IPV4, ""), (Family.IPV6, "6")):
        lines = [str(route) for route in host.routes if route.to.version == family]
        # the namespace knows every neighbour, and a next hop must be on some link
        told[f"routes{suffix}"] = [f"{line} onlink" * (" via " in line) or line for line in lines]
        told[f"rules{suffix}"] = [
            f"pref {rule.preference} {str(rule).partition(': ')[2]}"
            for rule in host.policy
            if rule.family == family
        ]
    return told


def placed(line: str) -> tuple[str, Packet]:
    """The interface of ``in NAME PACKET``, ``local`` for a packet alone, and the packet."""
    first, _, rest = line.strip().partition(" ")
    if first != "in":
        return "local", Packet.parse(line)
    interface, _, packet = rest.strip().partition(" ")
    return interface, Packet.parse(packet)


def words_of(host: Host, line: str) -> Json:
    """A packet in the words of recordings, its bytes too."""
    interface, packet = placed(line)
    if interface != "local" and interface not in host.by_name:
        known = ", ".join(host.by_name)
        raise PacketError(f"there is no interface {interface} here; there are {known}")
    sender = {"mark": packet.mark} if interface == "local" else {"smac": _NEIGHBOUR}
    words = {"inject": interface, **_header(packet), **sender}
    return words | {"hex": build(words).hex()}


def _header(packet: Packet) -> Json:
    """The words of a whole packet, from its IP header on."""
    if packet.fragment or packet.protocol in (Protocol.DCCP, Protocol.AH):
        raise PacketError(f"verify cannot build this packet: {packet}")
    ends = {"src": str(packet.src), "dst": str(packet.dst), "ttl": packet.ttl, "tos": packet.tos}
    words: Json = {"ip": int(packet.family), **ends}
    own = {"id": packet.id, "df": packet.df}
    words |= own if packet.family is Family.IPV4 else {"flowlabel": packet.flow_label}
    words["proto"] = _WORDS.get(packet.protocol, packet.protocol)
    words |= _above(packet)
    words |= {"bad_csum": True} if not packet.intact else {}
    if packet.payload is not None:
        return words | {"payload": packet.payload.hex()}
    if packet.quoted is None:
        return words | {"data": max(0, packet.length - len(build(words | {"data": 0})))}
    left = packet.length - len(build(words | {"inner": ""}))
    return words | {"inner": build(_header(packet.quoted))[:left].hex(), "mtu": packet.mtu}


def _above(packet: Packet) -> Json:
    """The words of the transport header."""
    if packet.icmp is not None:
        number = {"icmp_id": packet.echo_id, "icmp_seq": packet.echo_seq}
        return {"type": packet.icmp.type, "code": packet.icmp.code, **number}
    found: Json = {}
    if packet.sport is not None:
        found = {"sport": packet.sport, "dport": packet.dport}
    if packet.protocol == Protocol.TCP:
        names = ",".join(flag.name or "" for flag in TcpFlags if flag and packet.flags & flag)
        found |= {"flags": names or "NONE", "seq": packet.seq, "ack": packet.ack}
        found |= {"win": packet.window} | ({"mss": packet.mss} if packet.mss else {})
    if packet.protocol == Protocol.SCTP:
        chunk = packet.chunks[0].partition(":")[0] if packet.chunks else "INIT"
        if chunk not in CHUNKS.values():
            raise PacketError(f"verify cannot build SCTP's chunk {chunk}")
        found |= {"chunk": chunk, "vtag": packet.vtag, "itag": packet.init_tag}
    if packet.spi is not None:
        found["payload"] = packet.spi.to_bytes(4).hex() + "00000001"
    return found


def host_for(packets: Iterable[str], named: str = "") -> Host:
    """A router for these packets: as ``named``, or with interfaces on which they can arrive.

    ``named`` is such as ``eth0 203.0.113.2/24 eth1 192.168.1.1/24``; the default route leads
    out by the first interface.
    """
    read = [placed(line) for line in packets]
    family = int(read[0][1].family) if read else 4
    links = _named(named) if named else _guessed(read, family)
    cards = interfaces(links.items())
    forwarding = {"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1}
    everywhere = ip_network("0.0.0.0/0" if family == 4 else "::/0")
    return Host(cards, (Route(everywhere, next(iter(links))),), sysctls=forwarding)


def _named(text: str) -> dict[str, list[str]]:
    links: dict[str, list[str]] = {}
    for word in text.split():
        if "/" not in word:
            links.setdefault(word, [])
        elif not links:
            raise PacketError(f"`{word}' needs an interface before it: eth0 {word}")
        else:
            Interface.of("x", word)
            links[list(links)[-1]].append(word)
    return links


def _guessed(read: list[tuple[str, Packet]], family: int) -> dict[str, list[str]]:
    """For each interface the network of what arrives there; eth0 leads to the rest."""
    links: dict[str, list[str]] = {}
    length = 24 if family == 4 else 64
    for interface, packet in read:
        if interface == "local":
            interface, source = "eth0", packet.src
            own = source
        else:
            near = ip_interface(f"{packet.src}/{length}").network
            own = (
                packet.dst if packet.dst in near else near[1] if packet.src != near[1] else near[2]
            )
        links.setdefault(interface, [f"{own}/{length}"])
    return {"eth0": links.pop("eth0", [_OUTSIDE[family]]), **links}
