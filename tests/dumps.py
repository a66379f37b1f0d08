"""Dumps of any size, as machines in the world have them."""

from __future__ import annotations

from ipaddress import ip_network
from random import Random

_FILTER = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:KUBE-FIREWALL - [0:0]
:KUBE-FORWARD - [0:0]
-A INPUT -j KUBE-FIREWALL
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A OUTPUT -j KUBE-FIREWALL
-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate ESTABLISHED,DNAT -j DROP
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SERVICES - [0:0]
"""
_RULES = """-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -j MASQUERADE --random-fully
"""


def kube_proxy(services: int, endpoints: int) -> str:
    """What kube-proxy writes for services of one port with so many endpoints each."""
    chains, portals, rules = [], [], []
    for number in range(services):
        name, ip = f"ns{number}/web:http", f"10.96.{number >> 8}.{number & 255}"
        said = f'-m comment --comment "{name}"'
        service = f"KUBE-SVC-{number:016X}"
        chains.append(service)
        to = f"-d {ip}/32 -p tcp {said} -m tcp --dport 80"
        portals.append(f"-A KUBE-SERVICES {to} -j {service}\n")
        rules.append(f"-A {service} ! -s 10.244.0.0/16 {to} -j KUBE-MARK-MASQ\n")
        for index in range(endpoints):
            pod = number * endpoints + index
            address = f"10.244.{pod >> 8}.{pod & 255}"
            endpoint = f"KUBE-SEP-{number:08X}{index:08X}"
            chains.append(endpoint)
            left = endpoints - index
            chance = f"-m statistic --mode random --probability {1 / left:.11f} " * (left > 1)
            rules.append(f"-A {service} {said} {chance}-j {endpoint}\n")
            rules.append(f"-A {endpoint} -s {address}/32 {said} -j KUBE-MARK-MASQ\n")
            rules.append(
                f"-A {endpoint} -p tcp {said} -m tcp -j DNAT --to-destination {address}:8080\n"
            )
    names = "".join(f":{chain} - [0:0]\n" for chain in chains)
    last = "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS\n"
    return "".join([_FILTER, names, _RULES, *portals, last, *rules, "COMMIT\n"])


def firewall(size: int, seed: int = 0) -> str:
    """A server's firewall: who may come to which port, rule after rule."""
    lot = Random(seed)
    rules = "".join(
        f"-A INPUT -s 10.{lot.randrange(256)}.{lot.randrange(256)}.0/24 -p tcp -m tcp "
        f"--dport {lot.randrange(1, 2000)} -j {lot.choice(('ACCEPT', 'ACCEPT', 'DROP'))}\n"
        for _ in range(size)
    )
    return f"*filter\n:INPUT DROP [0:0]\n{rules}COMMIT\n"


def access_list(size: int, seed: int = 0) -> str:
    """A router's list of who may talk to whom, both ends and a range of ports in each rule."""
    lot = Random(seed)

    def network(first: int) -> str:
        address = first << 24 | lot.getrandbits(24)
        return str(ip_network((address, lot.randrange(12, 29)), strict=False))

    def rule() -> str:
        low = lot.randrange(1, 60_000)
        ends = f"-s {network(10)} -d {network(172)} -p {lot.choice(('tcp', 'udp'))}"
        ports = f"{low}:{low + lot.randrange(1, 3000)}"
        return f"-A FORWARD {ends} --dport {ports} -j {lot.choice(('ACCEPT', 'DROP'))}\n"

    rules = "".join(rule() for _ in range(size))
    return f"*filter\n:FORWARD DROP [0:0]\n{rules}COMMIT\n"
