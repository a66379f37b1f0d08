"""Lesson 12, kube-proxy IV: pods come and go, and what ten thousand Services cost."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial

from iptlab.console.lab import Lab
from iptlab.course import shop
from iptlab.course.mistakes import ENDS as BOTH_ENDS
from iptlab.course.mistakes import is_no, jumbled, reads
from iptlab.grading import (
    EditManifest,
    Exercise,
    Flow,
    KubeProxyRules,
    Misconception,
    Predict,
    Scope,
    SupplyPacket,
    Variants,
    answered,
    ends,
    lists,
    omits,
    reaches,
    treats,
)
from iptlab.kubernetes.cluster import Cluster
from iptlab.kubernetes.config import Config
from iptlab.kubernetes.conntrack import Connection, UdpService, stale
from iptlab.kubernetes.costs import cluster, cost
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.loading import load
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.hooks import TableName
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.network import Attempt
from iptlab.simulate.trace import HookVisit


def _shop() -> Lab:
    """The shop's cluster with pages, name servers, and a pod to type at."""
    return shop.lab("web", "shell", "names")


def _pod(lab: Lab, address: str) -> str:
    """The name of the pod with that address."""
    (name,) = (one.name for one in lab.cluster.pods if address in map(str, one.addresses))
    return name.rpartition("/")[2]


def _one_of(there: Cluster, client: str, to: str) -> Attempt:
    """One connection of those that chance may make."""
    return next(there.outcomes(client, to))


def _result(there: Cluster, client: str, to: str) -> str:
    """What the client sees, whatever chance decides."""
    (word,) = {str(one.result) for one in there.backends(client, to)}
    return word


# --- a connection outlives its rule ---


@cache
def _draining() -> Journey:
    """The next packet of an open connection on node2, after its pod was told to end."""
    lab = _shop()
    lab.on("shell", "nc -p 50000 10.96.0.80 80")
    shop.change(lab, f"delete pod {_pod(lab, '10.244.1.2')} --wait=false")
    return lab["node2"].journey("in cni0 tcp 10.244.2.3:50000 -> 10.96.0.80:80 ACK seq=1 ack=1")


def _leaves() -> str:
    exit_ = _draining().exit
    assert exit_ is not None
    return ends(exit_)


draining = Predict(
    id="12-draining",
    truth=_leaves,
    shows=_draining,
    hints=(
        "Is this packet the first of its connection?",
        "Table nat is asked for first packets only (lesson 07). Where is it kept what was decided?",
        "Read the entry in conntrack -L once more: who answers?",
    ),
    misconceptions=(
        BOTH_ENDS,
        Misconception(
            "masqueraded",
            "A pod that asks a cluster IP is not marked. The entry says the same: the answer goes "
            "to 10.244.2.3 itself.",
            lambda answer: str(answer).startswith(("192.168.10.12:", "10.244.2.1:")),
        ),
        Misconception(
            "not-translated",
            "No rule leads to the old pod any more, true. But the connection's entry does, and a "
            "cluster IP never leaves a node.",
            answered("10.244.2.3:50000 -> 10.96.0.80:80"),
        ),
        Misconception(
            "new-rules",
            "The new rules are for new connections. A pod that gets the middle of somebody else's "
            "connection could do nothing with it.",
            answered(*(f"10.244.2.3:50000 -> 10.244.{n}:80" for n in ("1.4", "2.2", "3.2"))),
        ),
        Misconception(
            "the-answer",
            "The question goes from the pod shell to the server. You have written it backwards.",
            lambda answer: str(answer).endswith("-> 10.244.2.3:50000"),
        ),
    ),
    done="kube-proxy takes an ending pod out of the rules at once, and connections that exist go "
    "on undisturbed. The pod has its grace period to end them in peace.",
)


# --- who may get new connections ---

# of each endpoint: ready, serving, terminating
ENDS = {
    "ready": (True, True, False),
    "ending": (False, True, True),
    "unready": (False, False, False),
    "ended": (False, False, True),
}
STATES = (
    ("ending", "unready", "ending", "ended"),
    ("ready", "ending", "unready", "ready"),
    ("unready", "ending", "ended", "unready"),
    ("ending", "unready", "ready", "ending"),
)
LETTERS = "abcd"
URL = "http://10.96.0.80"


def _endpoint(number: int, state: str) -> str:
    named = zip(("ready", "serving", "terminating"), ENDS[state], strict=True)
    conditions = ", ".join(f"{name}: {str(value).lower()}" for name, value in named)
    return f"{{addresses: [10.244.{number}.2], conditions: {{{conditions}}}}}"


@cache
def _four(states: tuple[str, ...]) -> Cluster:
    endpoints = "\n".join(f"- {_endpoint(n, state)}" for n, state in enumerate(states, start=1))
    return Cluster.parse(f"{WEB}---\n{WEB_SLICE}{endpoints}\n")


@cache
def _used(states: tuple[str, ...]) -> frozenset[str]:
    """The letters of the endpoints that get new connections."""
    found = {one.address for one in _four(states).backends("node-a", URL)}
    return frozenset(x for n, x in enumerate(LETTERS, start=1) if f"10.244.{n}.2" in found)


WEB = """
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.80, ports: [{name: http, port: 80}]}
"""
WEB_SLICE = """
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 80}]
endpoints:
"""


def _having(states: tuple[str, ...], *wanted: str) -> tuple[str, ...]:
    """The letters of the endpoints in one of these states."""
    return tuple(x for x, state in zip(LETTERS, states, strict=True) if state in wanted)


def _fallback(seed: int) -> Predict:
    states = STATES[seed % len(STATES)]
    rows = "\n".join(
        f"{letter}  {' '.join(f'{str(value).lower():12}' for value in ENDS[state])}".rstrip()
        for letter, state in zip(LETTERS, states, strict=True)
    )
    ready = _having(states, "ready")
    return Predict(
        id="12-fallback",
        task="These are the endpoints of a Service:\n\n"
        f"   ready        serving      terminating\n{rows}\n\n"
        'Which of them get new connections to its cluster IP? Answer with a list: ["a", "b"].',
        truth=partial(_used, states),
        shows=lambda: _one_of(_four(states), "node-a", URL),
        hints=(
            "First look for endpoints that are ready. Are there any?",
            "Only if none is ready, kube-proxy falls back on those that are both serving and "
            "terminating.",
        ),
        misconceptions=(
            Misconception(
                "form",
                'Write letters, each by itself: ["a", "b"].',
                is_no("[a-d]|none|nobody"),
            ),
            Misconception(
                "nobody",
                "There is somebody left: an endpoint that ends but still serves is better than "
                "none.",
                lambda answer: answer in ((), ("none",), ("nobody",)),
            ),
            Misconception(
                "unready",
                "Who is not ready and not ending gets nothing: its program has said that it "
                "cannot serve.",
                lists(*_having(states, "unready")),
            ),
            Misconception(
                "ended",
                "That one does not serve any more.",
                lists(*_having(states, "ended")),
            ),
            Misconception(
                "too-early",
                "There are ready endpoints. Ending ones are asked only if there are none.",
                lists(*(_having(states, "ending") if ready else ())),
            ),
            Misconception(
                "some-missing",
                "There are more of the same kind.",
                lambda answer: omits(*_used(states))(answer),
            ),
        ),
        done="Ready ones if there are any, else those that still serve while they end (from "
        "Kubernetes 1.26 on by default), else nobody.",
    )


fallback = Variants("12-fallback", _fallback)

# --- no endpoints at all ---

EMPTY_SHOP = f"""{WEB}---
kind: Service
metadata: {{name: names}}
spec:
  clusterIP: 10.96.0.10
  ports: [{{name: dns, port: 53, protocol: UDP}}, {{name: dns-tcp, port: 53, protocol: TCP}}]
"""


@cache
def _empty_node() -> Host:
    return Cluster.parse(EMPTY_SHOP).machine("node-a").host


def _fares(packet: str, verdict: Verdict) -> Callable[[object], bool]:
    """The mistake of rules of the node that treat a packet from a pod like this."""
    return lambda answer: treats(packet, verdict, host=_empty_node())(answer)


FROM_POD = "in cni0 {} 10.244.1.9:40000 -> 10.96.0.10:53"

reject = KubeProxyRules(
    id="12-reject",
    manifests=EMPTY_SHOP,
    node="node-a",
    says="Each port without endpoints refuses pods at once, and nothing else is touched.",
    scope=Scope(assume="-i cni0 -s 10.244.0.0/16 ! -d 127.0.0.0/8 -m conntrack --ctstate NEW"),
    hints=(
        "web has one port, and so one line. names has two ports, so two lines are missing.",
        "Both have number 53: one over udp, one over tcp.",
        "-A FORWARD -d 10.96.0.10 -p ... --dport 53 -j ..., with the target of the line above.",
    ),
    misconceptions=(
        Misconception(
            "silent",
            "DROP lets the pod wait until it gives up. Nobody will answer anyway: tell it at once.",
            lambda answer: any(
                _fares(FROM_POD.format(one), Verdict.DROP)(answer) for one in ("udp", "tcp")
            ),
        ),
        Misconception(
            "one-protocol",
            "Names are asked for over udp as well as over tcp, and one of the two is not refused: "
            "a line for each, alike but for one word.",
            lambda answer: (
                _fares(FROM_POD.format("udp"), Verdict.ACCEPT)(answer)
                != _fares(FROM_POD.format("tcp"), Verdict.ACCEPT)(answer)
            ),
        ),
        Misconception(
            "reset",
            "A reset refuses too, but tcp alone. kube-proxy writes REJECT, as in the line above.",
            reads("--reject-with tcp-reset"),
        ),
        Misconception(
            "whole-address",
            "Only port 53 has no endpoints: other packets to that address are not to be refused.",
            _fares("in cni0 udp 10.244.1.9:40000 -> 10.96.0.10:99", Verdict.REJECT),
        ),
    ),
    done="Without endpoints kube-proxy writes no nat rule at all, and a REJECT in table filter. "
    "With the first ready pod it is the other way round again.",
)

# --- each port for itself ---

NAMES = """
kind: Service
metadata: {name: names}
spec:
  clusterIP: 10.96.0.10
  ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
---
kind: EndpointSlice
metadata: {name: names-1, labels: {kubernetes.io/service-name: names}}
addressType: IPv4
ports: [{name: dns, port: 53, protocol: UDP}, {name: NAME, port: 53, protocol: TCP}]
endpoints: [{addresses: [10.244.1.3], nodeName: node1}]
---
{kind: Node, metadata: {name: node1}}
---
{kind: Node, metadata: {name: node2}}
"""


@cache
def _names(tcp: str) -> Cluster:
    """Name servers whose slice calls the tcp port like this, and a pod to ask them."""
    there = Cluster.parse(NAMES.replace("NAME", tcp))
    there.run("default/shell", node="node2")
    return there


by_port = SupplyPacket(
    id="12-port",
    rules=(
        ("Alice's slice", partial(_names, "dns-tcp")),
        ("Bob's slice", partial(_names, "tcp")),
    ),
    wanted=("connected", "connection refused"),
    hints=(
        "kube-proxy looks for endpoints of each port of a Service by that port's name.",
        "The Service calls its ports dns and dns-tcp. Which of them has endpoints in Bob's slice?",
        "tcp://ADDRESS:PORT is a connection over tcp.",
    ),
    misconceptions=(
        Misconception(
            "other-protocol",
            "Over udp both slices serve: there the port is called dns in both of them.",
            lambda text: "udp://" in str(text),
        ),
        Misconception(
            "another-port",
            "Neither port of the Service has that number, so no rule is for it.",
            lambda text: "//10.96.0.10" in str(text) and not re.search(r":53\b", str(text)),
        ),
        Misconception(
            "past-the-service",
            "Who asks the pod itself needs no Service, and so no names of ports.",
            lambda text: "10.244.1.3" in str(text),
        ),
        Misconception(
            "from-outside",
            "No router in the internet knows a cluster IP. Ask from inside the cluster.",
            lambda text: str(text).strip().startswith("client"),
        ),
    ),
    done="To kube-proxy a Service is as many things as it has ports. One of them may serve while "
    "its sister has no endpoints.",
)

# --- what conntrack remembers ---

ENTRIES = {
    "a": Connection("UDP", "10.244.2.3", 40000, "10.96.0.10", 53, "10.244.1.3", 53),
    "b": Connection("UDP", "10.244.2.3", 40001, "10.96.0.10", 53, "10.244.3.3", 53),
    "c": Connection("TCP", "10.244.2.3", 40002, "10.96.0.10", 53, "10.244.1.3", 53),
    "d": Connection("UDP", "10.244.2.3", 40003, "10.96.0.10", 53, "10.96.0.10", 53),
    "e": Connection("UDP", "10.244.2.3", 40004, "198.51.100.53", 53, "198.51.100.53", 53),
}
DNS = 53
SERVED = UdpService((("10.96.0.10", DNS),), 0, {("10.244.3.3", DNS), ("10.244.1.4", DNS)})


def _deleted() -> list[str]:
    gone = stale(ENTRIES.values(), [SERVED])
    return [letter for letter, entry in ENTRIES.items() if entry in gone]


@cache
def _unswept() -> Journey:
    """What becomes of the next question on a node where nobody deletes entries."""
    lab = _shop()
    lab.on("shell", "dig @10.96.0.10 web")
    node = lab["node2"].copy()
    served = next(one for one in node.connections() if one.original.dport == DNS)
    shop.change(lab, f"delete pod {_pod(lab, str(served.reply.src))} --force --grace-period=0")
    node.load(lab["node2"].rules())
    return node.journey(f"in cni0 udp 10.244.2.3:{served.original.sport} -> 10.96.0.10:53")


stale_entries = Predict(
    id="12-stale",
    truth=_deleted,
    shows=_unswept,
    hints=(
        "Three questions about every entry: is it udp? Is it for this Service? Does a pod that "
        "serves answer it?",
        "In d nobody was translated: the answer is awaited from 10.96.0.10 itself. Will it come?",
        "A tcp connection ends by itself when nobody answers; kube-proxy leaves it alone.",
    ),
    misconceptions=(
        Misconception(
            "form",
            'Answer with a list of letters: ["a", "b"].',
            is_no("[a-e]|none"),
        ),
        Misconception(
            "tcp-too",
            "kube-proxy deletes udp entries only. A tcp client notices and opens a new connection.",
            lists("c"),
        ),
        Misconception(
            "others-too",
            "198.51.100.53 is a server in the internet, and none of kube-proxy's business.",
            lists("e"),
        ),
        Misconception(
            "good-one",
            "10.244.3.3 still serves. Why disturb it?",
            lists("b"),
        ),
        Misconception(
            "gone",
            "Entry a waits for an answer from 10.244.1.3, which is gone.",
            omits("a"),
        ),
        Misconception(
            "untranslated",
            "In entry d nothing was translated, and the client waits for 10.96.0.10 itself, which "
            "no machine has. While it goes on asking, the entry stays.",
            omits("d"),
        ),
        Misconception(
            "out-of-order", "These are they. Write them in the order of the table.", jumbled(*"ad")
        ),
    ),
    done="In the walk you see a node on which nobody deleted the entry: the question goes to a pod "
    "that is gone, and each new one keeps the entry alive.",
)

# --- near first ---

WEB_AND_NODES = f"""{WEB}---
{{kind: Node, metadata: {{name: node1, labels: {{topology.kubernetes.io/zone: zone-a}}}}}}
---
{{kind: Node, metadata: {{name: node2, labels: {{topology.kubernetes.io/zone: zone-a}}}}}}
---
{{kind: Node, metadata: {{name: node3, labels: {{topology.kubernetes.io/zone: zone-b}}}}}}
"""
POD1, POD2, POD3 = (f"default/web-10-244-{n}-2" for n in (1, 2, 3))

zones = EditManifest(
    id="12-hints",
    beside=WEB_AND_NODES,
    flows=(
        Flow("node3", URL, (POD3,), "node3 asks the pod of its own zone."),
        Flow("node1", URL, (POD1, POD2), "node1 asks both pods of its zone."),
    ),
    hints=(
        "Look at the three endpoints one below the other. What does one of them lack?",
        "kube-proxy heeds hints only if every ready endpoint has some.",
    ),
    misconceptions=(
        Misconception(
            "wrong-zone",
            "Now node3 has two pods to choose from. In which zone is node2?",
            reaches("node3", URL, POD2, POD3),
        ),
        Misconception(
            "pod-lost",
            "The pod on node2 gets no connections any more. It is healthy: leave it in.",
            reaches("node1", URL, POD1),
        ),
        Misconception(
            "all-or-nothing",
            "One ready endpoint without a hint, or a zone for which none is left, and kube-proxy "
            "disregards the hints of all.",
            reaches("node3", URL, POD1, POD2, POD3),
        ),
    ),
    done="All or nothing: while some endpoints have no hints yet, all get traffic from everywhere, "
    "lest one be overlooked.",
)

# --- ten thousand Services ---

COUNTS = (250, 400, 640, 900)


@cache
def _passed(services: int) -> int:
    """How many rules the first packet passes that goes to the last of so many Services."""
    return cost(services).first


def _node(services: int) -> tuple[Machine, str]:
    """A node with rules for so many Services, and a first packet to the last of them."""
    manifests = cluster(services)
    rules = load(Proxy(Config()).sync(manifests))
    router = Host.router(lan="10.128.255.1/24", wan="192.168.10.11/24")
    there = manifests.services[-1].cluster_ip
    return Machine(router.with_rules(rules)), f"tcp 10.128.255.9:40000 -> {there}:80 SYN"


@cache
def _first() -> HookVisit:
    """A first packet in table nat, among three Services: what each of them adds."""
    machine, packet = _node(3)
    journey = machine.receive("eth1", packet, choose=lambda _: False)
    visit = next(one for one in journey.visits() if one.table is TableName.NAT)
    return HookVisit(journey.packet, visit.context, (visit,))


def _passing(seed: int) -> Predict:
    services = COUNTS[seed % len(COUNTS)]
    return Predict(
        id="12-passing",
        task=f"A node has rules for {services} Services with three endpoints each, as in the "
        "table. The first packet of a connection goes to the last Service and its last endpoint. "
        "How many rules does it pass?",
        truth=partial(_passed, services),
        shows=_first,
        hints=(
            "Compare two lines of the table: what do 90 Services more add, and what 900 more?",
            "So each Service adds one. And what is left if you take the Services away?",
        ),
        misconceptions=(
            Misconception(
                "later", "That is a later packet. The first one has to find its way.", answered(5)
            ),
            Misconception(
                "no-rest",
                "One rule for each Service is right. But hooks and the chosen Service's chain have "
                "rules too: compare 10 Services with the 26 in the table.",
                lambda answer: isinstance(answer, int) and 0 <= answer - services < 16,
            ),
            Misconception(
                "all-rules",
                "A packet does not pass all rules of the node: it jumps into the chains of one "
                "Service only.",
                lambda answer: isinstance(answer, int) and answer > 2 * services,
            ),
        ),
        done="One more rule for every Service, for that is how KUBE-SERVICES is built: a list, "
        "asked from the top. The constant rest are hooks, one Service's chain and one endpoint's.",
    )


passing = Variants("12-passing", _passing)

# --- questions that later lessons ask again ---

STORY = "A Service with a cluster IP has two endpoints, on node1 and node2.\n"


@cache
def _without_pods(seconds: float) -> Cluster:
    """The shop some seconds after all its web pods were told to end."""
    lab = _shop()
    shop.change(lab, "scale deployment web --replicas=0")
    lab.wait(seconds)
    return lab.cluster


@cache
def _many(services: int) -> Journey:
    """A later packet of a connection on a node with so many Services."""
    machine, packet = _node(services)
    syn = machine.receive("eth1", packet).exit
    assert syn is not None
    machine.receive("eth0", f"tcp {syn.dst}:8080 -> 10.128.255.9:40000 SYN,ACK")
    return machine.receive("eth1", packet.replace("SYN", "ACK"))


def _later(journey: Journey) -> int:
    return sum(1 for visit in journey.visits() for _ in visit.steps())


recall_open = Predict(
    id="12-recall-open",
    task=f"{STORY}A pod has an open tcp connection through it, to the endpoint on node1. That "
    'endpoint is told to end now. Where does the next packet go: "node1", "node2" or "nowhere"?',
    truth=lambda: "node1" if "-> 10.244.1.2:80" in _leaves() else "node2",
    choices=("node1", "node2", "nowhere"),
    shows=_draining,
    hints=("Rules of table nat are asked once for each connection.", "conntrack remembers."),
    misconceptions=(
        Misconception("new-rules", "The new rules are for new connections.", answered("node2")),
        Misconception("cut", "kube-proxy cuts no tcp connection.", answered("nowhere")),
    ),
    done="An open connection stays where it is, until one of its ends closes it.",
)
recall_none = Predict(
    id="12-recall-none",
    task=f"{STORY}Both are gone for good. What does a pod see that connects to the cluster IP: "
    '"connected",\n"connection refused" or "timed out"?',
    truth=lambda: _result(_without_pods(60), "shell", URL),
    choices=("connected", "connection refused", "timed out"),
    shows=lambda: _one_of(_without_pods(60), "shell", URL),
    hints=("kube-proxy writes a rule for that case into table filter.", "Its target is REJECT."),
    misconceptions=(
        Misconception(
            "silent", "DROP is for endpoints elsewhere; here are none.", answered("timed out")
        ),
        Misconception("somebody", "Nobody is left to answer.", answered("connected")),
    ),
    done="No endpoints: REJECT. So the client knows at once.",
)
recall_ending = Predict(
    id="12-recall-ending",
    task=f"{STORY}Both are terminating, and still serving. What does a pod see that connects to "
    'the cluster IP:\n"connected", "connection refused" or "timed out"?',
    truth=lambda: _result(_without_pods(1), "shell", URL),
    choices=("connected", "connection refused", "timed out"),
    shows=lambda: _one_of(_without_pods(1), "shell", URL),
    hints=("No endpoint is ready.", "Who serves while he ends is better than nobody."),
    misconceptions=(
        Misconception(
            "ready-only",
            "If nobody is ready, ending endpoints that still serve are used.",
            answered("connection refused"),
        ),
        Misconception("silent", "Nothing is dropped here.", answered("timed out")),
    ),
    done="Serving and terminating is the last resort before REJECT.",
)
recall_later = Predict(
    id="12-recall-later",
    task="A node has 1,000 Services, then 10,000, with kube-proxy in iptables mode.\nHow many "
    "times as many rules does a later packet of an open connection pass?",
    truth=lambda: _later(_many(200)) // _later(_many(20)),
    shows=lambda: _many(20),
    hints=("Which table has the Services' rules?", "Is that table asked for later packets?"),
    misconceptions=(
        Misconception(
            "as-first", "That is so for first packets. Later ones skip table nat.", answered(10, 9)
        ),
        Misconception("none", "Some rules of table filter are asked.", answered(0)),
    ),
    done="As many as before. Only first packets pay for the number of Services.",
)


REVIEW = (recall_open, recall_none, recall_ending, recall_later)
EXERCISES: tuple[Exercise | Variants, ...] = (
    draining,
    fallback,
    reject,
    by_port,
    stale_entries,
    zones,
    passing,
)
