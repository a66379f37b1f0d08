"""Named sets of addresses, ports and interfaces, and how the kernel looks a packet up in one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address
from itertools import product

from iptlab.names import ICMP_TYPES, ICMPV6_TYPES, protocol_names
from iptlab.netfilter.context import Answer, CannotTell, Context, SetChange
from iptlab.packet import Family, Packet, Protocol

# the types by their dimensions; kernel: net/netfilter/ipset/ip_set_*.c
DIMENSIONS: dict[str, tuple[str, ...]] = {
    "bitmap:ip": ("ip",),
    "bitmap:ip,mac": ("ip", "mac"),
    "bitmap:port": ("port",),
    "hash:ip": ("ip",),
    "hash:ip,mac": ("ip", "mac"),
    "hash:ip,mark": ("ip", "mark"),
    "hash:ip,port": ("ip", "port"),
    "hash:ip,port,ip": ("ip", "port", "ip"),
    "hash:ip,port,net": ("ip", "port", "net"),
    "hash:mac": ("mac",),
    "hash:net": ("net",),
    "hash:net,iface": ("net", "iface"),
    "hash:net,net": ("net", "net"),
    "hash:net,port": ("net", "port"),
    "hash:net,port,net": ("net", "port", "net"),
    "list:set": ("set",),
}


@dataclass(frozen=True, slots=True)
class Net:
    """A network, or with all bits counting one address."""

    address: int
    length: int
    family: Family

    def within(self, length: int) -> Net:
        """The network of that prefix length around this one."""
        host = (1 << (self.family.bits - length)) - 1
        return Net(self.address & ~host, length, self.family)

    def __str__(self) -> str:
        whole = IPv4Address if self.family is Family.IPV4 else IPv6Address
        suffix = "" if self.length == self.family.bits else f"/{self.length}"
        return f"{whole(self.address)}{suffix}"


@dataclass(frozen=True, slots=True)
class Service:
    """A protocol and its port; for ICMP type and code as one number, for others without ports 0."""

    protocol: int
    number: int

    def __str__(self) -> str:
        name = protocol_names().get(self.protocol, str(self.protocol))
        tables = {Protocol.ICMP: ICMP_TYPES, Protocol.ICMPV6: ICMPV6_TYPES}
        if self.protocol not in tables:
            return f"{name}:{self.number}"
        kind, code = divmod(self.number, 256)
        known = {key: name for name, key in reversed(tables[Protocol(self.protocol)].items())}
        loose = known.get((kind, None)) if code == 0 else None
        return f"{name}:{known.get((kind, code)) or loose or f'{kind}/{code}'}"


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface by name; ``bridged`` are the ports of a bridge (``physdev:``)."""

    name: str
    bridged: bool = False

    def __str__(self) -> str:
        return "physdev:" * self.bridged + self.name


# what an element has for one of its dimensions: marks and ports of bitmaps are numbers,
# hardware addresses and names of sets are texts
Part = Net | Service | Interface | int | str
Key = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Element:
    """One line ``add SET …``: its parts, and the words kept beside them, in print order."""

    parts: Key
    extras: tuple[tuple[str, str], ...] = ()

    @property
    def nomatch(self) -> bool:
        """Whether what falls under it is not in the set."""
        return ("nomatch", "") in self.extras

    def __str__(self) -> str:
        words = [",".join(str(part) for part in self.parts)]
        for name, value in self.extras:
            words += [name, f'"{value}"' if name == "comment" else value]
        return " ".join(word for word in words if word)


@dataclass(frozen=True)
class IpSet:
    """A named set: its type, what it was created with, and its elements by their parts.

    ``deadlines`` are the seconds of the clock at which elements are gone; only a set that was
    ``started`` has them, any other holds all its elements for ever.

    Man page: ipset(8)

    Simplified: the counters of elements do not count.
    """

    name: str
    kind: str
    family: Family | None = Family.IPV4
    options: Mapping[str, str] = field(default_factory=dict)
    elements: Mapping[Key, Element] = field(default_factory=dict)
    deadlines: Mapping[Key, float] = field(default_factory=dict)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What an element consists of: ip, net, port, iface, mac, mark or set."""
        return DIMENSIONS[self.kind]

    @property
    def has_counters(self) -> bool:
        """Whether every element counts its packets and bytes."""
        return "counters" in self.options

    @cached_property
    def _lengths(self) -> tuple[tuple[int, ...], ...]:
        """The prefix lengths that occur in each dimension of networks, longest first."""
        nets = [place for place, kind in enumerate(self.dimensions) if kind == "net"]
        return tuple(
            tuple(sorted({_length(key[place]) for key in self.elements}, reverse=True))
            for place in nets
        )

    @cached_property
    def _routed(self) -> frozenset[Part]:
        """In a hash:net,iface the networks that stand beside some interface.

        The most specific one decides, whichever interface the packet has.

        Kernel: net/netfilter/ipset/ip_set_hash_netiface.c (the counter ``multi``)
        """
        return frozenset(
            key[0]
            for key in self.elements
            if isinstance(key[-1], Interface) and not key[-1].bridged
        )

    def holds(
        self, packet: Packet, context: Context, directions: tuple[str, ...], *, holes: bool = False
    ) -> Answer:
        """Whether the packet is in the set; with ``holes``, whether it is in a hole of it.

        A set of more dimensions than there are directions holds no packet. Of several
        networks the one with the longest prefix decides, so a ``nomatch`` element is a
        hole in a larger one; sets that cannot have holes take no notice of ``holes``.

        Kernel: net/netfilter/ipset/ip_set_core.c (ip_set_test), ip_set_hash_gen.h
        (mtype_test_cidrs)
        """
        if len(directions) < len(self.dimensions) or self.family not in (None, packet.family):
            return False
        if self.kind == "list:set":
            return self._some_member(packet, context, directions, holes=holes)
        carried = self.parts_of(packet, context, directions)
        if not isinstance(carried, tuple):
            return False if carried is None else carried
        now = context.seconds
        found = (self.elements[key] for key in self._candidates(carried) if self._lives(key, now))
        element = next(found, None)
        return element is not None and element.nomatch == (holes and "net" in self.dimensions)

    def _lives(self, key: Key, now: float) -> bool:
        """Whether an element is there and its time is not over."""
        return key in self.elements and self.deadlines.get(key, now + 1) > now

    def seen(self, now: float) -> IpSet:
        """The set without elements whose time is over, and what time the others have left."""
        alive = {key: one for key, one in self.elements.items() if self._lives(key, now)}
        left = {
            key: replace(
                one,
                extras=tuple(
                    (name, str(int(self.deadlines[key] - now)))
                    if name == "timeout" and key in self.deadlines
                    else (name, value)
                    for name, value in one.extras
                ),
            )
            for key, one in alive.items()
        }
        return replace(self, elements=left, deadlines={})

    def element(self, key: Key) -> Element | None:
        """The element that decides about a key: of networks the longest around an address."""
        whole = all(one.length == one.family.bits for one in key if isinstance(one, Net))
        found = (self.elements.get(one) for one in (self._candidates(key) if whole else (key,)))
        return next((one for one in found if one is not None), None)

    def started(self, now: float) -> IpSet:
        """The set with its elements' time running from ``now``."""
        left = {key: _timeout(one.extras) for key, one in self.elements.items()}
        return replace(self, deadlines={key: now + s for key, s in left.items() if s})

    def changed(self, packet: Packet, context: Context, change: SetChange) -> IpSet:
        """The set after SET has put the packet's element in, or taken it out.

        Where the set has networks, the packet's address stands for the one around it that is as
        small as the smallest of them.

        Kernel: net/netfilter/xt_set.c (set_target_v3), ip_set_hash_gen.h (mtype_add, INIT_CIDR)

        Simplified: lists of sets stay as they are, and no set is ever full.
        """
        key = self.parts_of(packet, context, change.directions)
        fits = len(change.directions) >= len(self.dimensions) and self.kind != "list:set"
        if not isinstance(key, tuple) or not fits or self.family not in (None, packet.family):
            return self
        key = next(self._candidates(key), key)
        there = self._lives(key, context.seconds)
        if change.add == there and not (change.add and change.exist):
            return self
        elements = {one: kept for one, kept in self.elements.items() if one != key}
        deadlines = {one: until for one, until in self.deadlines.items() if one != key}
        if change.add:
            default = int(self.options.get("timeout", 0))
            seconds = default if change.timeout is None else change.timeout
            timed = "timeout" in self.options
            elements[key] = Element(key, (("timeout", str(seconds)),) if timed else ())
            deadlines |= {key: context.seconds + seconds} if timed and seconds else {}
        return replace(self, elements=elements, deadlines=deadlines)

    def _some_member(
        self, packet: Packet, context: Context, directions: tuple[str, ...], *, holes: bool
    ) -> Answer:
        """For a list of sets: whether one of them holds the packet.

        Kernel: net/netfilter/ipset/ip_set_list_set.c (list_set_ktest)
        """
        for key in self.elements:
            member = (context.sets or {}).get(str(key[0]))
            if member is None:
                return CannotTell(f"nobody said what is in the set {key[0]}")
            if (answer := member.holds(packet, context, directions, holes=holes)) is not False:
                return answer
        return False

    def parts_of(
        self, packet: Packet, context: Context, directions: tuple[str, ...]
    ) -> Key | CannotTell | None:
        """What the packet has for each dimension; None if it lacks one."""
        parts: list[Part] = []
        for kind, direction in zip(self.dimensions, directions, strict=False):
            part = self._part(kind, packet, context, source=direction == "src")
            if part is None or isinstance(part, CannotTell):
                return part
            parts.append(part)
        return tuple(parts)

    def sought(self, packet: Packet, context: Context, directions: tuple[str, ...]) -> str:
        """What of the packet is looked up, as an element would be written."""
        if self.kind == "list:set" or len(directions) < len(self.dimensions):
            return "this packet"
        carried = self.parts_of(packet, context, directions)
        if not isinstance(carried, tuple):
            return "this packet"
        return ",".join(str(part) for part in carried)

    def _part(
        self, kind: str, packet: Packet, context: Context, *, source: bool
    ) -> Part | CannotTell | None:
        match kind:
            case "ip" | "net":
                end = packet.src if source else packet.dst
                whole = Net(int(end), packet.family.bits, packet.family)
                return self.masked(whole) if kind == "ip" else whole
            case "port":
                service = _service(packet, source=source)
                if self.kind != "bitmap:port" or service is None:
                    return service
                ported = service.protocol in (Protocol.TCP, Protocol.UDP)
                return service.number if ported else None
            case "iface":
                name = context.in_interface if source else context.out_interface
                return Interface(name) if name else None
            case "mark":
                return packet.mark & int(self.options.get("markmask", "0xffffffff"), 16)
            case _:
                return _hardware_address(context, source=source)

    def masked(self, address: Net) -> Net:
        """The address as the set keeps it: its network if the set has a ``netmask``."""
        length = int(self.options.get("netmask", address.length))
        return Net(address.within(length).address, address.length, address.family)

    def _candidates(self, carried: Key) -> Iterator[Key]:
        """The elements that would hold the packet, those with longer prefixes first."""
        places = [place for place, kind in enumerate(self.dimensions) if kind == "net"]
        for lengths in product(*self._lengths):
            key = list(carried)
            for place, length in zip(places, lengths, strict=True):
                whole = key[place]
                assert isinstance(whole, Net)
                key[place] = whole.within(length)
            yield tuple(key)
            if self.kind == "hash:net,iface" and key[0] in self._routed:
                return
        if self.kind == "bitmap:ip,mac":
            yield carried[:1]


def _timeout(extras: tuple[tuple[str, str], ...]) -> int:
    """The seconds that an element has left, 0 if it stays."""
    return next((int(value) for name, value in extras if name == "timeout"), 0)


def _length(part: Part) -> int:
    assert isinstance(part, Net)
    return part.length


def _service(packet: Packet, *, source: bool) -> Service | None:
    """The packet's protocol and port as sets see them.

    Kernel: net/netfilter/ipset/ip_set_getport.c (get_port)
    """
    number = packet.sport if source else packet.dport
    if packet.protocol in (Protocol.ICMP, Protocol.ICMPV6):
        kind = packet.icmp
        return Service(packet.protocol, kind.type * 256 + kind.code) if kind else None
    if packet.protocol == Protocol.DCCP:
        number = 0
    elif packet.protocol in set(Protocol) and number is None:
        return None
    return Service(packet.protocol, number or 0)


def _hardware_address(context: Context, *, source: bool) -> str | CannotTell:
    if not source or context.mac is None:
        which = "source" if source else "destination"
        return CannotTell(f"nobody said the packet's {which} hardware address")
    return context.mac.lower()
