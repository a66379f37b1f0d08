"""One exercise of each kind: right answers of every shape, wrong ones and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import pytest

from iptlab import Cluster, Host, Machine, Packet, read_rules
from iptlab.grading import (
    Arrange,
    Aspect,
    EditManifest,
    Exercise,
    FindLine,
    Flow,
    Goal,
    KubeProxyRules,
    LogRules,
    Misconception,
    Predict,
    Scope,
    SupplyPacket,
    WriteRules,
    answered,
    blames,
    grade,
    lists,
    reaches,
    treats,
    writes,
)
from iptlab.netfilter.hooks import Hook
from iptlab.syntax.ipset import read_sets

ROUTER = Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24")
OUTSIDE = "in eth0 tcp 198.51.100.9:4000 -> 203.0.113.2:{}"
SHOP = """
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: NodePort
  clusterIP: 10.96.0.10
  externalTrafficPolicy: Cluster
  ports: [{name: http, port: 80, targetPort: 8080, nodePort: 30080}]
---
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints:
- addresses: [10.244.0.5]
  nodeName: node-a
  targetRef: {kind: Pod, name: web-1, namespace: shop}
- addresses: [10.244.1.5]
  nodeName: node-b
  targetRef: {kind: Pod, name: web-2, namespace: shop}
"""
LOCAL = SHOP.replace("externalTrafficPolicy: Cluster", "externalTrafficPolicy: Local")
OFF = SHOP.replace("nodeName: node-a", "nodeName: node-a\n  conditions: {ready: false}").replace(
    "nodeName: node-b", "nodeName: node-b\n  conditions: {ready: false}"
)
NODE_PORT = "http://node-a:30080"


def forwarded() -> Packet:
    """A packet to port 80 of the router, as it leaves."""
    packet = Machine(ROUTER.with_rules(read_rules(DNAT))).journey(OUTSIDE.format(80)).exit
    assert packet is not None
    return packet


DNAT = "-t nat -A PREROUTING -i eth0 -p tcp --dport 80 -j DNAT --to-destination 192.168.1.5:8080"

write = WriteRules(
    id="99-write",
    goals=(Goal(OUTSIDE.format(80), "ACCEPT", "The web server can be reached."),),
    reference=f"{DNAT}\n-P FORWARD DROP\n-A FORWARD -d 192.168.1.5 -j ACCEPT",
    says="Port 80 of the router is the web server's port 8080, and nothing else is let through.",
    scope=Scope(host=ROUTER, assume="-m conntrack --ctstate NEW"),
    misconceptions=(
        Misconception(
            "dropped-behind-nat",
            "Table filter sees the new address.",
            treats(OUTSIDE.format(80), "DROP", host=ROUTER),
        ),
    ),
)
six = WriteRules(
    id="99-six",
    family=6,
    reference="-P INPUT DROP\n-A INPUT -p icmpv6 -j ACCEPT\n-A INPUT -s fd00::/8 -j ACCEPT",
    scope=Scope(hooks=(Hook.INPUT,)),
)
share = Predict(id="99-share", truth=lambda: [Fraction(1, 3), Fraction(1, 2), 1])
rest = Predict(
    id="99-rest",
    truth=lambda: 4,
    misconceptions=(
        Misconception("form", "Write digits.", answered("vier")),
        Misconception("none", "Some are left.", answered(0, "none")),
    ),
)
pair = Predict(id="99-pair", truth=lambda: [2, 5])
chosen = Predict(id="99-chosen", truth=lambda: 2, choices=(1, 2, 3))
path = Predict(
    id="99-path",
    truth=lambda: ["PREROUTING", "FORWARD", "POSTROUTING"],
    misconceptions=(Misconception("input", "Not in.", answered(["PREROUTING", "INPUT"])),),
)
tables = Predict(
    id="99-tables",
    truth=lambda: {"nat", "mangle", "raw"},
    misconceptions=(Misconception("filter", "Not there.", lists("filter")),),
)
rewritten = Predict(id="99-rewritten", truth=forwarded)
parsons = Arrange(
    id="99-parsons",
    above="-P INPUT DROP",
    lines=(
        "-A INPUT -s 10.0.0.0/8 -p tcp -j REJECT",
        "-A INPUT -p udp --dport ___ -j ACCEPT",
        "-A INPUT -s 10.0.0.7 -p tcp --dport 22 -j ACCEPT",
        "-A INPUT -s 10.0.0.7 -p tcp -j ACCEPT",
    ),
    reference="""
        -P INPUT DROP
        -A INPUT -s 10.0.0.7 -p tcp --dport 22 -j ACCEPT
        -A INPUT -s 10.0.0.0/8 -p tcp -j REJECT
        -A INPUT -p udp --dport 53 -j ACCEPT
    """,
    misconceptions=(
        Misconception("order", "Too late.", treats("tcp 10.0.0.7:1 -> 10.0.0.1:22", "REJECT")),
    ),
)
on_hosts = SupplyPacket(
    id="99-hosts",
    rules=(
        ("the router", lambda: ROUTER),
        ("the strict one", lambda: ROUTER.with_rules(read_rules("-P FORWARD DROP"))),
    ),
    wanted=("ACCEPT", "DROP"),
)
on_clusters = SupplyPacket(
    id="99-clusters",
    rules=(("one", partial(Cluster.parse, SHOP)), ("the other", partial(Cluster.parse, OFF))),
    wanted=("connected", "connection refused"),
)
find = FindLine(
    id="99-find",
    rules="""
        -P INPUT DROP
        -A INPUT -i lo -j ACCEPT
        -A INPUT -s 10.0.0.0/8 -j DROP
        -A INPUT -s 10.1.1.1 -j ACCEPT
        -A INPUT -p udp --dport 35 -j ACCEPT
    """,
    reference="""
        -P INPUT DROP
        -A INPUT -i lo -j ACCEPT
        -A INPUT -s 10.1.1.1 -j ACCEPT
        -A INPUT -s 10.0.0.0/8 -j DROP
        -A INPUT -p udp --dport 53 -j ACCEPT
    """,
    misconceptions=(Misconception("lo", "That one is fine.", blames("INPUT 1")),),
)
translated = FindLine(
    id="99-translated", rules=DNAT.replace("8080", "80"), reference=DNAT, host=ROUTER
)
POLICY = "-A INPUT -p tcp --dport 22 -j DROP\n-A FORWARD -j DROP"
GUESTS = """
-P INPUT DROP
-N SSH
-A INPUT -p tcp --dport 22 -j SSH
-A SSH -s 10.8.0.0/16 -j DROP
-A SSH -j ACCEPT
-t nat -A PREROUTING -p tcp --dport 2222 -j REDIRECT --to-ports 22
"""
guests = FindLine(id="99-guests", rules=GUESTS, reference=GUESTS.replace("10.8.", "10.9."))
missing = FindLine(
    id="99-missing",
    rules=GUESTS.replace("-A SSH -s 10.8.0.0/16 -j DROP\n", ""),
    reference=GUESTS,
)
GUEST = "tcp 10.{}.0.1:4000 -> 10.0.0.1:22"
SHOP_RULES = """
-t nat -N SHOP
-t nat -A SHOP -j RETURN
-N SHOP
-A SHOP -j RETURN
-A FORWARD -j ACCEPT
"""
twice = FindLine(id="99-twice", rules=SHOP_RULES, reference="-A FORWARD -j DROP", host=ROUTER)
policy = FindLine(id="99-policy", rules=POLICY, reference=f"-P INPUT DROP\n{POLICY}")
service = KubeProxyRules(
    id="99-service",
    manifests=SHOP,
    node="node-a",
    scope=Scope(
        assume="-s 10.244.0.128/25 -d 10.96.0.10 -p tcp --dport 80 -m conntrack --ctstate NEW",
        aspects=frozenset({Aspect.INTERFACE, Aspect.REWRITING}),
    ),
)
OWN = """*nat
:WEB - [0:0]
-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j WEB
-A OUTPUT -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j WEB
-A WEB -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.244.0.5:8080
-A WEB -p tcp -j DNAT --to-destination 10.244.1.5:8080
COMMIT
"""
manifest = EditManifest(
    id="99-manifest",
    flows=(
        Flow("client", NODE_PORT, ("shop/web-1",), "Node a asks only its own pod."),
        Flow("shop/web-2", "shop/web", ("connected",), "Pods reach the Service."),
    ),
    misconceptions=(
        Misconception("both", "Any pod.", reaches("client", NODE_PORT, "shop/web-1", "shop/web-2")),
    ),
)


class Case(NamedTuple):
    """An answer, and what it deserves."""

    exercise: Exercise
    answer: object
    status: str
    code: str
    said: str


def right(exercise: Exercise, *answers: object, said: str = "") -> Iterator[Case]:
    """Right answers of different shapes."""
    return (Case(exercise, answer, "correct", "", said) for answer in answers)


def wrong(exercise: Exercise, answer: object, code: str, said: str) -> Case:
    """A wrong answer and a part of what is said of it."""
    return Case(exercise, answer, "wrong", code, said)


def unreadable(exercise: Exercise, answer: object, code: str, said: str) -> Case:
    """An answer that is none, and a part of what is said of it."""
    return Case(exercise, answer, "error", code, said)


DUMP = f"""*nat
-A {DNAT.partition("-A ")[2]}
COMMIT
*filter
:FORWARD ACCEPT [0:0]
-A FORWARD ! -d 192.168.1.5 -j DROP
COMMIT
"""
CASES = [
    *right(
        write,
        write.reference,
        DUMP,
        f"iptables {DNAT}\niptables -A FORWARD ! -d 192.168.1.5/32 -j DROP",
        said="packet classes that the rules can tell apart",
    ),
    wrong(
        write,
        "-A INPUT -p tcp -j REJECT",
        "other",
        "The web server can be reached. This is not so yet",
    ),
    wrong(
        write,
        f"{DNAT}\n-P FORWARD DROP\n-A FORWARD -d 203.0.113.2 -j ACCEPT",
        "dropped-behind-nat",
        "dst: 203.0.113.2 becomes 192.168.1.5",
    ),
    wrong(write, write.reference.replace(":8080", ""), "other", "new dst 192.168.1.5 port 8080"),
    wrong(write, DNAT, "other", "nothing else is let through. This is not so yet."),
    unreadable(write, DNAT.replace("-p tcp ", ""), "unreadable", "write -p tcp before it"),
    unreadable(
        write,
        f"{DUMP}*mangle\n-A FORWARD -j TEE --gateway 192.168.1.7\nCOMMIT",
        "cannot-compare",
        "cannot be judged, because of `-j TEE --gateway 192.168.1.7'",
    ),
    *right(six, six.reference, "-A INPUT -p ipv6-icmp -j ACCEPT\n-A INPUT ! -s fd00::/8 -j DROP"),
    wrong(six, six.reference.replace("/8", "/16"), "other", "packet:"),
    wrong(six, "-P INPUT DROP", "other", "wanted:"),
    unreadable(six, "-A INPUT -s 10.0.0.0/8 -j DROP", "unreadable", "line 2"),
    *right(share, ["1/3", 0.5, 1], "0.333, 1/2, 1", (Fraction(1, 3), Fraction(1, 2), 1.0)),
    wrong(share, [0.5, 0.5, 1], "other", "It is not"),
    wrong(share, ["1/3", "1/2"], "other", "something is missing"),
    wrong(share, ["1/3", "1/2", 1, 1], "other", "too much of it"),
    wrong(share, ["1/3", "1/2", 0.9], "other", "The first 2 are right."),
    wrong(share, [1, "1/2", "1/3"], "other", "All of them belong there, but in another order."),
    unreadable(share, [float("nan"), "1/0", float("inf")], "no-number", "a list of numbers"),
    unreadable(share, "one third, 1/2, 1", "no-number", "write for example [1, 4]"),
    *right(rest, 4, "4", "4 rules", "rule 4", [4], {"4"}, ("4 rules",), "[4]", "4 "),
    wrong(rest, "0 entries", "none", "Some are left."),
    wrong(rest, "3 rules", "other", "It is not '3 rules'."),
    wrong(rest, "none", "none", "Some are left."),
    unreadable(rest, "vier", "form", "Write digits."),
    unreadable(rest, "four", "no-number", "write it in digits, such as 7."),
    unreadable(rest, "4 or 5", "no-number", "write it in digits"),
    unreadable(rest, [4, 5], "no-number", "The answer is a number"),
    *right(pair, [2, 5], "2 and 5", "rules 2 and 5", "2, 5", "[2, 5]", "2 5", ["rule 2", "5"]),
    wrong(pair, "2 and 4", "other", "It is not '2 and 4'."),
    *right(chosen, 2, "rule 2", [2]),
    unreadable(chosen, "2 or 3", "no-choice", "Write one of: 1, 2, 3."),
    *right(
        path,
        "PREROUTING, FORWARD, POSTROUTING",
        ["prerouting", "forward", "postrouting"],
        "PREROUTING -> FORWARD -> POSTROUTING",
        "PREROUTING FORWARD POSTROUTING",
        "PREROUTING → FORWARD→POSTROUTING",
        "PREROUTING, FORWARD, and POSTROUTING",
        said="Yes: PREROUTING -> FORWARD -> POSTROUTING.",
    ),
    wrong(path, "PREROUTING -> INPUT", "input", "Not in."),
    wrong(path, ["FORWARD"], "other", "It is not"),
    unreadable(path, {"FORWARD"}, "no-order", "write a list"),
    *right(
        tables,
        {"nat", "mangle", "raw"},
        "raw, nat, mangle",
        ("MANGLE", "raw", "nat", "nat"),
        said="Yes: mangle, nat, raw.",
    ),
    wrong(tables, "raw filter", "filter", "Right: 1 of 2. Missing: 2."),
    wrong(tables, {"raw"}, "other", "Missing: 2."),
    wrong(tables, ["raw", "nat", "mangle", "security"], "other", "Right: 3 of 4."),
    wrong(path, 7, "other", "It is not 7."),
    *right(
        rewritten,
        "198.51.100.9:4000 -> 192.168.1.5:8080",
        "tcp 198.51.100.9:4000->192.168.1.5:8080",
        "198.51.100.9:4000 → 192.168.1.5:8080",
        "in eth0 tcp 198.51.100.9:4000 -> 192.168.1.5:8080",
        ("198.51.100.9:4000", "192.168.1.5:8080"),
    ),
    wrong(rewritten, "198.51.100.9:4000 -> 203.0.113.2:80", "other", "It is not"),
    wrong(rewritten, "198.51.100.9:4001 -> 192.168.1.5:8080", "other", "at the source port."),
    wrong(
        rewritten,
        "203.0.113.2:4000 -> 192.168.1.5:80",
        "other",
        "Look again at the source address and the destination port.",
    ),
    wrong(rewritten, "192.168.1.5:80 -> 198.51.100.9:4001", "other", "4001'."),
    wrong(rewritten, "198.51.100.9:4000 -> 192.168.1.5:80", "other", "It is not"),
    unreadable(rewritten, "192.168.1.5:8080", "no-packet", "SRC:PORT -> DST:PORT"),
    unreadable(rewritten, "a -> b", "no-packet", "`a' is no IP address"),
    unreadable(rewritten, "in eth0 tcp x:1 -> y:2", "no-packet", "`x' is no IP address"),
    *right(
        parsons,
        "c a b=53",
        "b=domain, c, a",
        ["c", "b=53", "a"],
        "C B=53 A",
        "c a b = 53",
        said="proved for all",
    ),
    wrong(parsons, "a c b=53", "order", "Too late."),
    wrong(parsons, "d a b=53", "other", "wanted:"),
    wrong(parsons, "c a b=54", "other", "dport 53"),
    wrong(parsons, "ca", "other", "wanted:"),
    unreadable(parsons, "c a b", "no-order", "Line b has a blank"),
    unreadable(parsons, "c c", "no-order", "Line c is there twice"),
    unreadable(parsons, "c x", "no-order", "Write letters from a to d"),
    unreadable(parsons, "c a=1", "no-order", "Line a has no blank"),
    unreadable(parsons, "c a b=fifty", "unreadable", "fifty"),
    *right(
        on_hosts,
        "in eth1 udp 192.168.1.9:4000 -> 8.8.8.8:53",
        "in eth0 icmp 198.51.100.9 → 192.168.1.9",
    ),
    wrong(
        on_hosts,
        "in eth1 tcp 192.168.1.9:4000 -> 192.168.1.1:22",
        "other",
        "should get DROP from the strict one",
    ),
    wrong(on_hosts, "udp 192.168.1.1:4000 -> 8.8.8.8:53", "other", "the router:"),
    wrong(
        on_hosts,
        "in eth1 udp 192.168.1.9:4000 -> 8.8.8.8:53 ttl=1",
        "other",
        "should get ACCEPT from the router",
    ),
    unreadable(on_hosts, "in eth7 udp 192.168.1.9:4000 -> 8.8.8.8:53", "no-packet", "eth7"),
    *right(
        on_clusters,
        "client -> http://node-a:30080",
        "shop/web-1->shop/web",
        "shop/web-1 → shop/web",
    ),
    wrong(
        on_clusters, "client -> http://node-a:30081", "other", 'should succeed in the case "one"'
    ),
    wrong(
        on_clusters,
        "client -> http://10.244.0.5:8080",
        "other",
        'Your connection should be refused in the case "the other".',
    ),
    wrong(on_clusters, "client -> http://192.0.2.99", "other", "the other:"),
    unreadable(
        on_clusters, "http://node-a:30080", "no-packet", "write: client -> http://node-a:30080"
    ),
    unreadable(
        on_clusters, "nobody -> http://node-a:30080", "no-packet", "There are client, node-a"
    ),
    *right(
        find,
        (2, "tcp 10.1.1.1:4000 -> 10.0.0.1:22"),
        [3, "tcp 10.1.1.1:4000 -> 10.0.0.1:22"],
        ("INPUT 4", "udp 192.0.2.9:4000 -> 10.0.0.1:53"),
        ("rule 3", "tcp 10.1.1.1:4000 -> 10.0.0.1:22"),
        ("table filter, chain INPUT, line 3", "tcp 10.1.1.1:4000 -> 10.0.0.1:22"),
        {
            "line": "-A INPUT -p udp --dport 35 -j ACCEPT",
            "packet": "udp 192.0.2.9:4000 -> 10.0.0.1:35",
        },
        said="your packet proves it",
    ),
    wrong(find, (1, "tcp 10.1.1.1:4000 -> 10.0.0.1:22"), "lo", "INPUT 1 is not to blame"),
    wrong(find, (4, "tcp 10.1.1.1:4000 -> 10.0.0.1:22"), "other", "INPUT 4 is not to blame"),
    wrong(
        find, (2, "tcp 10.1.1.2:4000 -> 10.0.0.1:22"), "other", "it proves nothing against any line"
    ),
    wrong(find, ("policy", "udp 192.0.2.9:4000 -> 10.0.0.1:53"), "other", "not to blame"),
    unreadable(
        find,
        (9, "tcp 10.1.1.1:4000 -> 10.0.0.1:22"),
        "no-line",
        'Chains with rules are filter INPUT. Write for example "filter INPUT 1"',
    ),
    unreadable(
        find,
        ("input 3", "tcp 10.1.1.1:4000 -> 10.0.0.1:22"),
        "no-line",
        'Capitals matter in names: write "filter INPUT 3".',
    ),
    unreadable(
        find,
        ("tcp 10.1.1.1:4000 -> 10.0.0.1:22", 3),
        "not-text",
        'Write the line first, then the packet: ("filter INPUT 1", "in eth0',
    ),
    unreadable(find, (2, "everything"), "no-packet", "is not a packet"),
    unreadable(find, 2, "no-pair", "Write a line and a packet"),
    *right(
        translated,
        (1, OUTSIDE.format(80)),
        ("nat PREROUTING 1", "in eth0 tcp 198.51.100.7:9 -> 203.0.113.2:80"),
        (f"iptables {DNAT.replace('8080', '80')}", OUTSIDE.format(80)),
    ),
    wrong(translated, (1, OUTSIDE.format(81)), "other", "it proves nothing"),
    wrong(translated, ("PREROUTING policy", OUTSIDE.format(80)), "other", "not to blame"),
    unreadable(translated, (2, OUTSIDE.format(80)), "no-line", "PREROUTING"),
    *right(
        guests,
        ("SSH 1", GUEST.format(9)),
        ("-A SSH --source 10.8.0.0/16 -j DROP", GUEST.format(9)),
        ("iptables -t filter -A SSH -s 10.8.0.0/16 -j DROP", GUEST.format(8)),
    ),
    # without them the packet would fare well, but they are as they should be
    wrong(guests, ("SSH 2", GUEST.format(9)), "other", "SSH 2 is not to blame"),
    wrong(guests, ("-A INPUT -j SSH -p tcp --dport 22", GUEST.format(9)), "other", "not to blame"),
    wrong(
        guests,
        ("-A PREROUTING -p tcp --dport 2222 -j REDIRECT --to-port 22", GUEST.format(9)),
        "other",
        "nat PREROUTING 1 is not to blame",
    ),
    unreadable(guests, ("-t nat -A SSH -j ACCEPT", GUEST.format(9)), "no-line", "no such line"),
    *right(missing, ("SSH 1", GUEST.format(8)), ("INPUT 1", GUEST.format(8))),
    *right(
        policy,
        ("INPUT policy", "udp 10.0.0.9:1 -> 10.0.0.1:1"),
        ("filter INPUT policy", "icmp 10.0.0.9 -> 10.0.0.1"),
    ),
    wrong(policy, ("INPUT 1", "udp 10.0.0.9:1 -> 10.0.0.1:1"), "other", "not to blame"),
    wrong(policy, ("FORWARD 1", "udp 10.0.0.9:1 -> 10.0.0.1:1"), "other", "not to blame"),
    wrong(policy, ("FORWARD policy", "udp 10.0.0.9:1 -> 10.0.0.1:1"), "other", "not to blame"),
    unreadable(
        policy,
        (1, "udp 10.0.0.9:1 -> 10.0.0.1:1"),
        "no-line",
        'The chain is missing: write "filter INPUT 1" or "filter FORWARD 1".',
    ),
    unreadable(
        guests,
        ("nat 1", GUEST.format(9)),
        "no-line",
        'The chain is missing: write "nat PREROUTING 1"',
    ),
    unreadable(guests, ("SSH", GUEST.format(9)), "no-line", "The number is missing: write"),
    unreadable(
        twice,
        ("SHOP 1", OUTSIDE.format(80)),
        "no-line",
        'The table is missing: write "filter SHOP 1" or "nat SHOP 1".',
    ),
    unreadable(
        twice, ("-A SHOP -j RETURN", OUTSIDE.format(80)), "no-line", "There are 2 such lines"
    ),
    *right(
        service,
        OWN,
        service.model(),
        OWN.replace("10.244.0.5", "x")
        .replace("10.244.1.5", "10.244.0.5")
        .replace("x", "10.244.1.5"),
    ),
    wrong(service, OWN.replace("0.5 -j", "0.4 -j"), "other", "with probability 1/2"),
    wrong(service, OWN.replace(":8080", ""), "other", "port 8080"),
    wrong(
        service,
        "-A INPUT -j DROP",
        "other",
        "Every new connection should fare as kube-proxy has it.",
    ),
    *right(manifest, LOCAL, LOCAL.replace("nodeName: node-b", "nodeName: node-c")),
    *right(replace(manifest, beside=LOCAL.partition("---\n")[2]), LOCAL.partition("---\n")[0]),
    wrong(manifest, SHOP, "both", "your cluster: 1/2: shop/web-1"),
    wrong(manifest, OFF, "other", "connection refused"),
    wrong(manifest, LOCAL.replace("30080", "30081"), "other", "Node a asks only its own pod."),
    wrong(
        manifest,
        LOCAL.replace("10.96.0.10", "None")
        .replace("type: NodePort", "type: ClusterIP")
        .replace(", nodePort: 30080", "")
        .replace("externalTrafficPolicy: Local\n", "internalTrafficPolicy: Local\n"),
        "other",
        "your cluster",
    ),
    unreadable(
        manifest,
        LOCAL.replace("type: NodePort", "type: ClusterIP"),
        "unreadable",
        "document 1, Service shop/web, spec.ports[0].nodePort: Forbidden: may not be used when "
        "`type` is 'ClusterIP'\nTake nodePort out, or write type: NodePort or LoadBalancer.",
    ),
    unreadable(
        manifest,
        LOCAL.replace("  type: NodePort\n", "").replace(", nodePort: 30080", ""),
        "unreadable",
        'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for '
        "externally-accessible services\nTake externalTrafficPolicy out",
    ),
    unreadable(
        manifest,
        LOCAL.replace("Policy: Local", "Policy: Local\n  healthCheckNodePort: 30000"),
        "unreadable",
        "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is "
        "'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ),
    unreadable(
        manifest,
        LOCAL.replace("Policy: Local", "Policy: Local\n  loadBalancerSourceRanges: [10.0.0.0/8]"),
        "unreadable",
        "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ),
    unreadable(
        manifest,
        LOCAL.replace("Policy: Local", "Policy: Local\n  loadBalancerClass: a.org/b"),
        "unreadable",
        "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ),
    wrong(manifest, "kind: Node\nmetadata: {name: node-a}", "other", "your cluster:"),
    unreadable(
        manifest,
        LOCAL.replace("kind: EndpointSlice", "kind: Endpointslice"),
        "unreadable",
        "Did you mean EndpointSlice?",
    ),
    unreadable(
        manifest, LOCAL.replace("port: 80,", "port: eighty,"), "unreadable", "spec.ports[0].port"
    ),
    unreadable(manifest, "kind: Service\n\tmetadata: x", "unreadable", "line 3"),
    unreadable(manifest, ["kind: Service"], "not-text", "below %%manifest"),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{c.exercise.id}-{n}" for n, c in enumerate(CASES)])
def test_an_answer_gets_what_it_deserves(case: Case) -> None:
    result = grade(case.exercise, case.answer)
    assert (result.status, result.code) == (case.status, case.code), str(result)
    assert case.said in str(result), str(result)


def test_a_solution_is_never_shown_beside_a_wrong_answer() -> None:
    result = grade(write, write.reference.replace(":8080", ""))
    assert "--to-destination 192.168.1.5:8080" not in str(result)


def test_the_mended_rules_are_not_given_away_by_what_is_wanted() -> None:
    result = grade(policy, ("INPUT 1", "tcp 10.0.0.9:1 -> 10.0.0.1:22"))
    assert dict(result.facts)["these rules"] == "DROP by filter INPUT 1"
    assert dict(result.facts)["wanted"] == "DROP"


def test_what_is_wanted_says_how_the_packet_should_leave() -> None:
    result = grade(translated, (1, OUTSIDE.format(80)))
    assert dict(result.facts)["wanted"].startswith("forwarded through eth1: tcp ")


@pytest.mark.parametrize("template", [(..., "x"), [1, ...]])
def test_half_an_answer_is_none(template: object) -> None:
    assert grade(find, template).status == "not-yet"


# --- rules that ask for sets ---

banned = WriteRules(
    id="00-banned",
    reference="-A INPUT -m set --match-set bad src -j DROP",
    scope=Scope(hooks=(Hook.INPUT,), sets=read_sets("create bad hash:ip\nadd bad 10.0.0.1")),
)
BANS = {
    "as it stands": ("-A INPUT -m set --match-set bad src -j DROP", "correct", "proved for all"),
    "what is in the set": ("-A INPUT -s 10.0.0.1 -j DROP", "correct", "proved for all"),
    "all but that": (
        "-A INPUT -m set ! --match-set bad src -j DROP",
        "wrong",
        "DROP by filter INPUT 1",
    ),
    "a set that is not there": (
        "-A INPUT -m set --match-set bed src -j DROP",
        "error",
        "Set bed doesn't exist",
    ),
}


@pytest.mark.parametrize("name", BANS)
def test_rules_with_sets_are_judged_by_what_these_hold(name: str) -> None:
    rules, status, says = BANS[name]
    result = grade(banned, rules)
    assert result.status == status, str(result)
    assert says in str(result)


# --- what is written to the log ---

witness = LogRules(
    id="00-witness",
    reference="-A INPUT -p tcp --dport 22 -j LOG --log-prefix ssh\n-A INPUT -p tcp -j DROP",
    logged="-p tcp --dport 22 --syn",
    at_most="-p tcp --dport 22",
    prefix="ssh",
    scope=Scope(hooks=(Hook.INPUT,)),
    misconceptions=(
        Misconception(
            "web", "Who asked for 80?", writes("in eth0 tcp 10.0.0.9:4000 -> 10.0.0.1:80")
        ),
    ),
)
LINE = "-A INPUT -p tcp --dport 22 -j LOG --log-prefix ssh\n"
WITNESSES = {
    "as it stands": (f"{LINE}-A INPUT -p tcp -j DROP", "correct", ""),
    "fewer, but all that must be": (
        "-A INPUT -p tcp --syn --dport 22 -j LOG --log-prefix ssh\n-A INPUT -p tcp -j DROP",
        "correct",
        "",
    ),
    "nothing": ("-A INPUT -p tcp -j DROP", "wrong", 'logged with the prefix "ssh", and is not'),
    "too late": (f"-A INPUT -p tcp -j DROP\n{LINE}", "wrong", "and is not"),
    "too much": (
        "-A INPUT -p tcp -j LOG --log-prefix ssh\n-A INPUT -p tcp -j DROP",
        "wrong",
        "should not be",
    ),
    "another prefix": (
        f"{LINE}-A INPUT -p tcp --dport 22 -j LOG\n-A INPUT -p tcp -j DROP",
        "wrong",
        "should not be",
    ),
    "a judge": (f"{LINE}-A INPUT -p tcp --dport 22 -j ACCEPT", "wrong", "is not so yet"),
    "an address and an interface at once": (
        "-A INPUT -m addrtype --dst-type LOCAL --limit-iface-in -j LOG",
        "error",
        "cannot be judged",
    ),
}


@pytest.mark.parametrize("name", WITNESSES)
def test_a_log_tells_of_the_right_packets(name: str) -> None:
    rules, status, says = WITNESSES[name]
    result = grade(witness, rules)
    assert result.status == status, str(result)
    assert says in str(result)
