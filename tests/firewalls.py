"""Rule sets as big as those of real machines, and packets that come to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from ipaddress import IPv4Address
from random import Random

from iptlab.netfilter.context import Context, CtState
from iptlab.netfilter.hooks import Hook
from iptlab.packet import Address, Packet, TcpFlags

Maker = Callable[[Random], tuple[Packet, Context]]


# --- one machine ---


def host(size: int) -> str:
    """The firewall of one machine: about ``size`` rules, most of them in three long chains."""
    random = Random(size)
    each = size // 3 - 4
    blocked = (
        f"-A blocked -s {_anyone(random)}/{random.choice((32, 32, 24))} -j DROP" for _ in "x" * each
    )
    served = (
        f"-A served {_client(random)}-p {random.choice(('tcp', 'tcp', 'udp'))}"
        f" --dport {random.choice(_PORTS)}{random.choice(_STATES)} -j ACCEPT"
        for _ in "x" * each
    )
    watched = (
        f"-A watched -i eth{random.randrange(3)} {_client(random)}-p tcp -m multiport"
        f" --dports {random.choice(_PORTS)},{random.choice(_PORTS)} -j MARK --or-mark {1 << n % 32}"
        for n in range(each)
    )
    return "\n".join(
        [
            "*filter\n:INPUT DROP [0:0]\n:blocked - [0:0]\n:served - [0:0]\n:watched - [0:0]",
            "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
            "-A INPUT -i lo -j ACCEPT",
            "-A INPUT -m conntrack --ctstate INVALID -j DROP",
            "-A INPUT -p icmp --icmp-type echo-request -m limit --limit 5/sec -j ACCEPT",
            "-A INPUT -j blocked",
            "-A INPUT ! -i eth2 -j watched",
            "-A INPUT -p tcp --syn -j served",
            "-A INPUT -p udp -g served",
            "-A INPUT -m mark --mark 0x1/0x1 -j LOG",
            "-A INPUT -m pkttype --pkt-type broadcast -j DROP",
            "-A INPUT -p tcp -j REJECT --reject-with tcp-reset",
            *blocked,
            *served,
            *watched,
            "COMMIT\n",
        ]
    )


_PORTS = [*range(20, 26), 53, 80, 443, *range(8000, 8100), *range(30000, 30050)]
_STATES = ("", "", " -m conntrack --ctstate NEW", ' -m comment --comment "asked for by web"')


def _anyone(random: Random) -> str:
    return f"198.51.{random.randrange(256)}.{random.randrange(256)}"


def _client(random: Random) -> str:
    net = f"10.{random.randrange(4)}.{random.randrange(256)}"
    return random.choice(("", f"-s {net}.0/24 ", f"-s {net}.7 ", f"! -s {net}.0/24 "))


def visitor(random: Random) -> tuple[Packet, Context]:
    """A packet that comes to a machine with such a firewall."""
    near = IPv4Address(f"10.{random.randrange(4)}.{random.randrange(256)}.{random.choice((7, 9))}")
    src = near if random.random() < 0.7 else IPv4Address(_anyone(random))
    dst = IPv4Address("192.0.2.1")
    state = random.choice((CtState.NEW, CtState.NEW, CtState.ESTABLISHED))
    context = Context(Hook.INPUT, f"eth{random.randrange(4)}", ctstate=state)
    protocol = random.choice((6, 6, 6, 17, 1))
    if protocol == 1:
        return Packet.parse(f"icmp {src} -> {dst} echo-request"), context
    flags = TcpFlags.SYN if protocol == 6 else TcpFlags.NONE
    return Packet(src, dst, protocol, 40000, random.choice(_PORTS), flags), context


# --- Services ---

BACKENDS = 12


def services(count: int, protocol: str = "tcp") -> str:
    """Tables nat and filter as kube-proxy makes them for ``count`` Services, 41 rules each.

    Every third Service has a node port and a load balancer's address too.
    """
    chains, rules, last = [], [], []
    for n in range(count):
        about = f'-p {protocol} -m comment --comment "ns{n % 50}/svc{n}:http'
        port = f'" -m {protocol} --dport'
        svc, ext = f"KUBE-SVC-{n:016d}", f"KUBE-EXT-{n:016d}"
        chains.append(svc)
        rules += [
            f"-A KUBE-SERVICES -d {service(n)}/32 {about} cluster IP{port} 80 -j {svc}",
            f"-A {svc} ! -s 10.244.0.0/16 -d {service(n)}/32 {about} cluster IP{port} 80"
            " -j KUBE-MARK-MASQ",
            *_endpoints(n, svc, about),
        ]
        if n % 3 == 0:
            chains.append(ext)
            rules += [
                f"-A KUBE-SERVICES -d {balancer(n)}/32 {about} loadbalancer IP{port} 80 -j {ext}",
                f'-A {ext} -m comment --comment "masquerade svc{n}" -j KUBE-MARK-MASQ',
                f"-A {ext} -j {svc}",
            ]
            last.append(f"-A KUBE-NODEPORTS {about}{port} {30000 + n % 32768} -j {ext}")
    seps = (f":{_sep(n, m)} - [0:0]" for n in range(count) for m in range(BACKENDS))
    heads = (f":{chain} - [0:0]" for chain in chains)
    return "\n".join([_NAT, *heads, *seps, _ENTRIES, *rules, *last, _LAST, _FILTER])


def _endpoints(n: int, svc: str, about: str) -> Iterator[str]:
    note, bare = about[about.index("-m comment") :] + '"', about.split()[1]
    for m in range(BACKENDS):
        pod, left = f"10.{m + 1}.{n >> 8 & 255}.{n & 255}", BACKENDS - m
        chance = f" -m statistic --mode random --probability {1 / left:.11f}" * (left > 1)
        yield f'-A {svc} {note[:-1]} -> {pod}:8080"{chance} -j {_sep(n, m)}'
        yield f"-A {_sep(n, m)} -s {pod}/32 {note} -j KUBE-MARK-MASQ"
        yield f'-A {_sep(n, m)} {about}" -m {bare} -j DNAT --to-destination {pod}:8080'


def _sep(n: int, m: int) -> str:
    return f"KUBE-SEP-{n:012d}{m:04d}"


_NAT = """\
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-MARK-MASQ - [0:0]"""
_ENTRIES = """\
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000"""
_LAST = """\
-A KUBE-SERVICES -m comment --comment "must be last" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
COMMIT"""
_FILTER = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:KUBE-FORWARD - [0:0]
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
"""


def service(number: int) -> str:
    """The cluster IP of a Service."""
    return str(IPv4Address("10.96.0.0") + number)


def balancer(number: int) -> str:
    """The load balancer's address of a Service, if it has one."""
    return str(IPv4Address("203.0.0.0") + number)


@dataclass
class Dice:
    """A chooser that rolls the same dice for the same seed, and counts how often."""

    seed: int

    def __post_init__(self) -> None:
        """Begin at the first roll."""
        self.restart()

    def restart(self) -> None:
        """Begin at the first roll again."""
        self.random, self.rolled = Random(self.seed), 0

    def __call__(self, chance: Fraction) -> bool:
        self.rolled += 1
        return self.random.random() * chance.denominator < chance.numerator


NODE = IPv4Address("192.0.2.1")


def _types(address: Address, interface: str) -> frozenset[str]:
    return frozenset({"LOCAL" if address == NODE else "UNICAST"})


def client(count: int) -> Maker:
    """A maker of packets to ``count`` Services, now and then to nobody."""

    def make(random: Random) -> tuple[Packet, Context]:
        n = random.randrange(count)
        dst, port = random.choices(
            ((service(n), 80), (balancer(n), 80), (NODE, 30000 + n), (service(n), 81)), (6, 2, 1, 1)
        )[0]
        src = f"10.{random.choice((1, 244, 244))}.0.{random.randrange(256)}"
        dice = Dice(random.getrandbits(32))
        context = Context(Hook.PREROUTING, "eth0", address_types=_types, choose=dice)
        return Packet.parse(f"tcp {src}:40000 -> {dst}:{port} SYN"), context

    return make
