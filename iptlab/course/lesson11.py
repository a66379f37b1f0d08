"""Lesson 11, kube-proxy III: three doors from outside, and whom the server sees."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial

from iptlab.course import shop
from iptlab.course.mistakes import ADDRESS, NAMED_TWICE, TOO_FAR, has_one_like, jumbled
from iptlab.grading import (
    Aspect,
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
    omits,
    reaches,
    treats,
)
from iptlab.kubernetes.cluster import Cluster
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.hooks import TableName
from iptlab.ruleset import Ruleset
from iptlab.simulate.host import Host
from iptlab.simulate.machine import Machine
from iptlab.simulate.network import Attempt
from iptlab.simulate.trace import HookVisit

LOCAL = """patch service front -p '{"spec": {"externalTrafficPolicy": "Local"}}'"""
INTERNAL = """patch service front -p '{"spec": {"internalTrafficPolicy": "Local"}}'"""
RANGES = """patch service front -p '{"spec": {"loadBalancerSourceRanges": ["198.51.100.0/24"]}}'"""
TWO = "scale deployment web --replicas=2"
FRONT = "default/front"


@cache
def _shop(*commands: str) -> Cluster:
    """The shop with its front door, after these kubectl commands and a minute's rest."""
    lab = shop.lab("web", "shell", "front")
    for command in commands:
        shop.change(lab, command)
    lab.wait(60)
    return lab.cluster


def _attempt(cluster: Cluster, client: str, to: str, source: str = "") -> Attempt:
    """One connection of those that chance may make: one whose server sees that source."""
    found = cluster.outcomes(client, to)
    return next(one for one in found if not source or str(one.seen and one.seen.src) == source)


def _sees(cluster: Cluster, client: str, to: str, node: str = "") -> str:
    """The address that a server, on that node if one is named, takes for the client's."""
    pods = {pod.name: pod.node for pod in cluster.pods}
    backends = cluster.backends(client, to)
    return next(one.source for one in backends if not node or pods.get(one.pod) == node)


def _result(cluster: Cluster, client: str, to: str) -> str:
    """What the client sees, whatever chance decides."""
    (word,) = {str(one.result) for one in cluster.backends(client, to)}
    return word


def _says(*parts: str) -> Callable[[object], bool]:
    """The mistake of a connection, as text, with one of these in it."""
    return lambda answer: any(part in str(answer) for part in parts)


def _has_at(at: int, word: str) -> Callable[[object], bool]:
    """The mistake of a list with that word at that place, counted from 1."""
    return lambda answer: isinstance(answer, tuple) and len(answer) >= at and answer[at - 1] == word


def _is_no_list(length: int) -> Callable[[object], bool]:
    return lambda answer: not (isinstance(answer, list | tuple) and len(answer) == length)


# --- the way through the chains ---

NODE2 = "tcp://192.168.10.12:30081"


def _on_node2() -> HookVisit:
    """A client's first packet in table nat, PREROUTING, of node2."""
    journey = _attempt(_shop(), "client", NODE2).trips[0].legs[2].journey
    first = next(one for one in journey.visits() if one.table is TableName.NAT)
    return HookVisit(journey.packet, first.context, (first,))


def _chains() -> list[str]:
    """The chains, without hashes, as the packet enters them."""
    steps = _on_node2().tables[0].steps()
    return [_short(str(one)) for one in dict.fromkeys(step.chain for step in steps)]


def _short(chain: str) -> str:
    """A chain's name without its hash: KUBE-SVC."""
    head, _, last = chain.rpartition("-")
    return head if len(last) == len("OPPHYL3DE7QEONHQ") else chain


path = Predict(
    id="11-path",
    truth=_chains,
    shows=_on_node2,
    hints=(
        "It begins in PREROUTING, and all of kube-proxy's rules there begin in one chain.",
        "192.168.10.12 is no address of a Service, so only the last rule of KUBE-SERVICES fits.",
        "The first rule of KUBE-EXT sends the packet to be marked; then it comes back and goes on.",
    ),
    misconceptions=(
        Misconception(
            "not-from-the-start",
            "Write all chains that it enters, in order, as a list. The kernel's own comes first.",
            omits("PREROUTING"),
        ),
        Misconception(
            "with-hash",
            'Leave out the letters after KUBE-EXT, KUBE-SVC and KUBE-SEP: "KUBE-SVC" is enough.',
            has_one_like("kube-(ext|svc|sep)-"),
        ),
        NAMED_TWICE,
        TOO_FAR,
        Misconception(
            "no-door",
            "From the node port no rule leads to KUBE-SVC directly: see KUBE-NODEPORTS above.",
            omits("KUBE-EXT"),
        ),
        Misconception(
            "no-node-ports",
            "KUBE-SERVICES has no rule for port 30081. Its last rule hands on what is for the node "
            "itself.",
            omits("KUBE-NODEPORTS"),
        ),
        Misconception(
            "no-mark",
            "KUBE-EXT has two rules, and with policy Cluster both fit every packet.",
            omits("KUBE-MARK-MASQ"),
        ),
        Misconception(
            "door-too-early",
            "KUBE-SERVICES leads to KUBE-EXT by the Service's own addresses only, and "
            "192.168.10.12 is none of them. Another chain comes between.",
            _has_at(3, "kube-ext"),
        ),
        Misconception(
            "mark-last",
            "KUBE-EXT marks first, before anything is chosen. After DNAT no nat rule would be "
            "asked any more.",
            lambda answer: isinstance(answer, tuple) and answer[-1:] == ("kube-mark-masq",),
        ),
    ),
    done="Every door leads to KUBE-EXT: it says what is special about packets from outside. "
    "Behind it stands the same KUBE-SVC as for the cluster IP.",
)

# --- whom the server sees ---

# by which node a client comes in, and where the pod runs that answers
WAYS = (("node2", "node3"), ("node3", "node1"), ("node1", "node2"), ("node3", "node2"))
ADDRESSES = {f"node{n}": f"192.168.10.{10 + n}" for n in (1, 2, 3)}


def _source(seed: int) -> Predict:
    entry, target = WAYS[seed % len(WAYS)]
    others = {*ADDRESSES.values()} - {ADDRESSES[entry]}
    url = f"http://{ADDRESSES[entry]}:30081"
    seen = partial(_sees, _shop(), "client", url, target)
    pod = f"10.244.{target[-1]}.2"
    return Predict(
        id="11-source",
        task=f"The client, 203.0.113.7, opens {url}, and chance takes the pod {pod} on {target}. "
        "Which address does the web server there take for its visitor's?",
        truth=seen,
        shows=lambda: _attempt(_shop(), "client", url, seen()),
        hints=(
            "KUBE-EXT has marked the packet. What does KUBE-POSTROUTING do with marked ones?",
            "MASQUERADE takes the address of the interface by which the packet leaves (lesson 07). "
            f"On which node is that, and by which interface does it leave for {pod}?",
        ),
        misconceptions=(
            Misconception(
                "client-kept",
                "That would be so without the mark. KUBE-EXT has set it.",
                answered("203.0.113.7"),
            ),
            Misconception(
                "service-address",
                "Rules lead packets to that address, but nobody sends in its name.",
                answered("10.96.0.81", "203.0.113.80", "192.0.2.10"),
            ),
            Misconception(
                "far-node",
                f"{target} only forwards the packet, and no third node sees it. It was translated "
                f"on {entry}, which the client asked.",
                answered(target, *others, f"10.244.{target[-1]}.1"),
            ),
            Misconception(
                "bridge",
                f"10.244.{entry[-1]}.1 is on {entry}'s cni0, towards its own pods. To {target} the "
                "packet leaves by eth0.",
                answered(f"10.244.{entry[-1]}.1"),
            ),
            Misconception(
                "gateway",
                "The gateway forwards packets and translates nothing.",
                answered("192.168.10.1", "203.0.113.1"),
            ),
            Misconception(
                "itself",
                "That is the pod itself. Who does it take for its visitor?",
                answered(pod),
            ),
            ADDRESS,
        ),
        done=f"So the shop's log is full of {ADDRESSES[entry]}. It is not the web server's fault: "
        "in the packet that it gets, no other address is left.",
    )


source = Variants("11-source", _source)

# --- policy Local ---

FOUR = (
    ("client", "http://192.168.10.11:30081"),
    ("client", "http://192.168.10.13:30081"),
    ("node3", "http://192.168.10.13:30081"),
    ("client", "http://192.0.2.10"),
)
KEPT = partial(_shop, TWO, LOCAL)
_WORDS = {"connected", "connection refused", "timed out"}


local = Predict(
    id="11-local",
    truth=lambda: [_result(KEPT(), *one) for one in FOUR],
    shows=lambda: _attempt(KEPT(), *FOUR[1]),
    hints=(
        "node3 has no pod, so its KUBE-EXT has no last rule: who matches none of the others falls "
        "out of it untranslated.",
        "--src-type LOCAL is true of packets that the node itself sends.",
        "The load balancer asks the nodes who has a pod, and sends packets only there.",
    ),
    misconceptions=(
        Misconception(
            "form",
            'Write four words, one for each line: ["connection refused", "connected", ...].',
            lambda answer: _is_no_list(4)(answer) or not {*answer} <= _WORDS,  # type: ignore[misc]
        ),
        Misconception(
            "lost-a-pod",
            "node1 has a pod of its own, so with Local its visitors are served too.",
            _has_at(1, "timed out"),
        ),
        Misconception(
            "goes-on",
            "On node3 no rule leads the client's packet to another node any more: that is what "
            "Local means.",
            _has_at(2, "connected"),
        ),
        Misconception(
            "refused",
            "Somebody who is dropped hears nothing. See the rule in KUBE-EXTERNAL-SERVICES: its "
            "target is DROP, not REJECT.",
            lambda answer: isinstance(answer, tuple) and "connection refused" in answer,
        ),
        Misconception(
            "node-itself",
            "What the node sends itself matches --src-type LOCAL, and goes on to KUBE-SVC with all "
            "pods. So a test on the node itself proves nothing for clients.",
            _has_at(3, "timed out"),
        ),
        Misconception(
            "balancer",
            "A load balancer does not send packets to nodes without a pod: they fail its health "
            "check.",
            _has_at(4, "timed out"),
        ),
    ),
    done="Local is a promise, we keep your address, and its price: a node without a pod turns "
    "clients away. The node itself, and pods, may still go everywhere.",
)

# --- a repair ---

SLICE = """
kind: EndpointSlice
metadata: {name: front-1, labels: {kubernetes.io/service-name: front}}
addressType: IPv4
ports: [{name: http, port: 80}]
endpoints:
- {addresses: [10.244.1.2], nodeName: node1, targetRef: {kind: Pod, name: web-1}}
- {addresses: [10.244.2.2], nodeName: node2, targetRef: {kind: Pod, name: web-2}}
---
{kind: Node, metadata: {name: node1}}
---
{kind: Node, metadata: {name: node2}}
---
{kind: Node, metadata: {name: node3}}
"""
INSIDE, OUTSIDE, BALANCER = "http://10.96.0.81", "http://node2:30081", "http://192.0.2.10"
WEB1, WEB2 = "default/web-1", "default/web-2"

repair = EditManifest(
    id="11-repair",
    beside=SLICE,
    flows=(
        Flow("client", OUTSIDE, (WEB2,), "node2 gives clients its own pod, which sees who it is."),
        Flow("client", BALANCER, (WEB1,), "Visitors come in by the load balancer's address."),
        Flow("node3", INSIDE, (WEB1, WEB2), "Inside the cluster every node reaches all pods."),
    ),
    hints=(
        "One policy is for those who come from outside, the other for the cluster IP.",
        "Which of the two lets an address be kept, and which leaves node3 without an answer?",
    ),
    misconceptions=(
        Misconception(
            "closed",
            "Nobody listens at that node port any more. Type, port and nodePort were right.",
            reaches("client", OUTSIDE, "connection refused"),
        ),
        Misconception(
            "both-local",
            "Now both policies are Local, and a node without a pod has nobody for its own cluster "
            "IP. Only visitors from outside should be kept on their node.",
            lambda answer: (
                reaches("node3", INSIDE, "timed out")(answer)
                and reaches("client", OUTSIDE, WEB2)(answer)
            ),
        ),
        Misconception(
            "both-cluster",
            "Inside it works now. But visitors are still sent on to other nodes, with the node's "
            "address in place of theirs.",
            lambda answer: (
                reaches("node3", INSIDE, WEB1, WEB2)(answer)
                and reaches("client", OUTSIDE, WEB1, WEB2)(answer)
            ),
        ),
        Misconception(
            "as-it-was",
            "The two policies stand where they stood: the one for visitors is Cluster, the one "
            "for the cluster IP is Local.",
            reaches("node3", INSIDE, "timed out"),
        ),
    ),
    done="externalTrafficPolicy is about node ports, external addresses and load balancers; "
    "internalTrafficPolicy about the cluster IP. The two know nothing of each other.",
)

# --- a packet that proves it ---

hole = SupplyPacket(
    id="11-hole",
    rules=(
        ("externalTrafficPolicy: Local", KEPT),
        ("internalTrafficPolicy: Local", partial(_shop, TWO, INTERNAL)),
    ),
    wanted=("connected", "timed out"),
    hints=(
        "Which address is the internal policy about?",
        "It hurts only where no pod is. Who can send from there?",
        "node3 has no pod. What does node3 itself ask for?",
    ),
    misconceptions=(
        Misconception(
            "visitor",
            "The client comes from outside. The internal policy says nothing about its doors, and "
            "no router there knows the cluster IP.",
            lambda text: str(text).strip().startswith("client"),
        ),
        Misconception(
            "other-service",
            "10.96.0.80 is the Service web. The shop's front door has another cluster IP.",
            _says("10.96.0.80"),
        ),
        Misconception(
            "door",
            "A node port or an external address is a door from outside, even for node3.",
            _says(":30081", "203.0.113.80", "192.0.2.10"),
        ),
        Misconception(
            "has-a-pod",
            "On that node runs a pod of the Service, so Local finds one. Go where none is.",
            _says("shell ->", "shell->", "node1 ->", "node2 ->", "web-"),
        ),
        Misconception(
            "another-port",
            "The front door's cluster IP is about tcp port 80, and nothing else.",
            lambda text: not re.search(r"-> *(http|tcp)://10\.96\.0\.81(:80)?/?$", str(text)),
        ),
    ),
    done="With internalTrafficPolicy: Local the cluster IP leads to KUBE-SVL. It suits helpers "
    "that run on every node, such as a log collector, and nothing that may be missing on one.",
)

# --- source ranges ---

DOORS = ("192.0.2.10:80", "203.0.113.80:80", "192.168.10.12:30081")
GUARDED = partial(_shop, RANGES)


def _open_doors() -> list[str]:
    results = {door: _result(GUARDED(), "client", f"tcp://{door}") for door in DOORS}
    return [door for door, result in results.items() if result == "connected"]


doors = Predict(
    id="11-doors",
    truth=_open_doors,
    shows=lambda: _attempt(GUARDED(), "client", f"tcp://{DOORS[2]}"),
    hints=(
        "Look at the rules of KUBE-SERVICES above: which of them lead to KUBE-FW?",
        "Who comes by KUBE-NODEPORTS never sees KUBE-FW. And the DROP asks for -d 192.0.2.10.",
    ),
    misconceptions=(
        Misconception(
            "all-closed",
            "The field is called loadBalancerSourceRanges, and it means it: only the load "
            "balancer's address is guarded.",
            lambda answer: answer in ((), ("none",), ("no",)),
        ),
        Misconception(
            "form",
            "Write a list of addresses with their ports, as they stand in the question.",
            lambda answer: not (isinstance(answer, list | tuple) and {*answer} <= {*DOORS}),
        ),
        Misconception(
            "balancer-open",
            "192.0.2.10 is the guarded one: 203.0.113.7 is in none of the ranges.",
            lambda answer: isinstance(answer, tuple) and DOORS[0] in answer,
        ),
        Misconception(
            "external-closed",
            "203.0.113.80 leads straight to KUBE-EXT.",
            omits(DOORS[1]),
        ),
        Misconception(
            "node-port-closed",
            "KUBE-NODEPORTS leads straight to KUBE-EXT too. Whoever can reach a node goes round "
            "the guard.",
            omits(DOORS[2]),
        ),
        Misconception(
            "out-of-order",
            "These are the doors. Write them in the order of the question.",
            jumbled(DOORS[1], DOORS[2]),
        ),
    ),
    done="Two of three doors are open to everybody. Who wants them shut closes them at the "
    "network's edge, or leaves them out: no externalIPs, and no node port "
    "(allocateLoadBalancerNodePorts: false).",
)

GUARDED_DOOR = """
kind: Service
metadata: {name: front}
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.81
  loadBalancerSourceRanges: [198.51.100.0/24, 203.0.113.128/25]
  ports: [{name: http, port: 80}]
status: {loadBalancer: {ingress: [{ip: 192.0.2.10}]}}
---
kind: EndpointSlice
metadata: {name: front-1, labels: {kubernetes.io/service-name: front}}
addressType: IPv4
ports: [{name: http, port: 80}]
endpoints: [{addresses: [10.244.1.2], nodeName: node1}]
"""
TO_DOOR = "in eth0 tcp {}:40000 -> 192.0.2.10:80 SYN"


def _fares(packet: str, verdict: Verdict) -> Callable[[object], bool]:
    """The mistake of rules of node1 that treat a packet like this."""
    return lambda answer: treats(packet, verdict, host=_node1())(answer)


def _lets_in(answer: object) -> bool:
    """The mistake of rules that translate a stranger's packet."""
    if not isinstance(answer, Ruleset):
        return False
    left = Machine(_node1().with_rules(answer)).journey(TO_DOOR.format("203.0.113.7")).exit
    return left is not None and str(left.dst) != "192.0.2.10"


@cache
def _node1() -> Host:
    return Cluster.parse(GUARDED_DOOR).machine("node1").host


ranges = KubeProxyRules(
    id="11-ranges",
    manifests=GUARDED_DOOR,
    node="node1",
    says="Only the two networks come in by 192.0.2.10.",
    scope=Scope(
        assume="-i eth0 -d 192.0.2.10 -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW",
        aspects=frozenset(Aspect) - {Aspect.MARK},
    ),
    hints=(
        "The line above the first TODO does nearly the same, for another network.",
        "Who is in neither network falls out of KUBE-FW untranslated. Where does the packet go "
        "then, and what is its destination still?",
        "Table nat cannot drop. FORWARD of table filter can.",
    ),
    misconceptions=(
        Misconception(
            "too-wide",
            "A stranger comes in: nat translates his packet as it does for the two networks. "
            "Which line leads him to KUBE-EXT?",
            _lets_in,
        ),
        Misconception(
            "not-stopped",
            "A stranger is not translated, but nobody stops his packet either: it is forwarded "
            "with its old destination. One line must drop it.",
            _fares(TO_DOOR.format("203.0.113.7"), Verdict.ACCEPT),
        ),
        Misconception(
            "too-strict",
            "Now those are dropped too who may come in. Behind DNAT their destination is the pod: "
            "filter by what is left of the others.",
            _fares(TO_DOOR.format("198.51.100.9"), Verdict.DROP),
        ),
        Misconception(
            "too-narrow",
            "203.0.113.130 belongs to 203.0.113.128/25 and may come in.",
            _fares(TO_DOOR.format("203.0.113.130"), Verdict.DROP),
        ),
    ),
    done="Two tables share the work: nat lets the right ones through to KUBE-EXT, and filter drops "
    "whoever still has the load balancer's address as destination.",
)

# --- a pod that reaches itself ---

WEB_ON_NODE1 = "10.244.1.2"


def _hairpin() -> Attempt:
    cluster = _shop()
    (pod,) = (one.name for one in cluster.pods if WEB_ON_NODE1 in map(str, one.addresses))
    found = cluster.outcomes(pod, "http://10.96.0.81")
    return next(one for one in found if one.listener == pod)


hairpin = Predict(
    id="11-hairpin",
    truth=lambda: str(_hairpin().seen and _hairpin().seen.src),  # type: ignore[union-attr]
    shows=_hairpin,
    hints=(
        "KUBE-SEP has a rule for this case, above its DNAT rule: -s 10.244.1.2.",
        "It marks the packet, so KUBE-POSTROUTING masquerades it. By which interface of node1 does "
        "the packet leave for 10.244.1.2?",
    ),
    misconceptions=(
        Misconception(
            "itself",
            "A packet from 10.244.1.2 to 10.244.1.2: the pod would take its own address on a "
            "packet from outside for a forgery, and its answer would never leave the pod.",
            answered(WEB_ON_NODE1),
        ),
        Misconception(
            "node-address",
            "192.168.10.11 is node1's address on eth0. This packet goes back to a pod of its own.",
            answered("192.168.10.11"),
        ),
        Misconception(
            "service-address",
            "Nothing ever sends in the name of a cluster IP, but answers on their way back.",
            answered("10.96.0.81"),
        ),
        Misconception(
            "loopback",
            "The packet has left the pod, so it is not on the pod's loopback interface.",
            answered("127.0.0.1", "localhost"),
        ),
        ADDRESS,
    ),
    done="It is the hairpin of lesson 07. kube-proxy writes one such rule for every endpoint, "
    "because nobody knows beforehand whom chance will pick.",
)

# --- questions that later lessons ask again ---

STORY = (
    "A cluster has the nodes node1 to node3, 192.168.10.11 to .13. Only node1 and node2 run pods "
    "of a Service of type NodePort, port 30081, with externalTrafficPolicy: {}.\n"
)

recall_masked = Predict(
    id="11-recall-masked",
    task=STORY.format("Cluster")
    + "203.0.113.7 connects to node3's port. Which address does the pod take for its visitor's?",
    truth=lambda: _sees(_shop(TWO), "client", "http://192.168.10.13:30081"),
    shows=lambda: _attempt(_shop(TWO), "client", "http://192.168.10.13:30081"),
    hints=("KUBE-EXT marks the packet.", "Who masquerades it, and leaving by which interface?"),
    misconceptions=(
        Misconception(
            "client-kept",
            "With Cluster the visitor's address is lost: the answer must come back to this node.",
            answered("203.0.113.7"),
        ),
        Misconception(
            "far-node",
            "The node that the visitor asked has translated the packet, not the pod's own.",
            answered("192.168.10.11", "192.168.10.12"),
        ),
    ),
    done="With policy Cluster the visitor's node stands in for him.",
)
recall_kept = Predict(
    id="11-recall-kept",
    task=STORY.format("Local")
    + "203.0.113.7 connects to node2's port. Which address does the pod take for its visitor's?",
    truth=lambda: _sees(KEPT(), "client", "http://192.168.10.12:30081"),
    shows=lambda: _attempt(KEPT(), "client", "http://192.168.10.12:30081"),
    hints=(
        "The pod is on node2 itself.",
        "So its answer passes node2 whatever it is addressed to.",
    ),
    misconceptions=(
        Misconception(
            "masked-all-the-same",
            "No mark is needed: the pod's answer passes node2 anyway.",
            answered("192.168.10.12", "10.244.2.1"),
        ),
        Misconception("no-visitor", "node2 has a pod, so it answers.", answered("none", "nobody")),
    ),
    done="Local keeps the visitor's address, for nobody else has to translate the answer.",
)
recall_away = Predict(
    id="11-recall-away",
    task=STORY.format("Local")
    + 'A client outside connects to node3\'s port. What does it see: "connected", '
    '"connection refused" or "timed out"?',
    truth=lambda: _result(KEPT(), "client", "http://192.168.10.13:30081"),
    choices=("connected", "connection refused", "timed out"),
    shows=lambda: _attempt(KEPT(), "client", "http://192.168.10.13:30081"),
    hints=("node3 has no pod of its own.", "There are pods elsewhere: DROP, not REJECT."),
    misconceptions=(
        Misconception(
            "goes-on", "Local means that node3 sends it nowhere else.", answered("connected")
        ),
        Misconception(
            "refused",
            "REJECT is for a Service without any endpoints. This one has some, elsewhere.",
            answered("connection refused"),
        ),
    ),
    done="Somebody who could be served elsewhere is dropped, not refused.",
)
recall_ranges = Predict(
    id="11-recall-ranges",
    task="A Service of type LoadBalancer has loadBalancerSourceRanges: [198.51.100.0/24], and a "
    "node port.\n203.0.113.7 connects to a node's own address and that port. What does it see: "
    '"connected", "connection refused" or "timed out"?',
    truth=lambda: _result(GUARDED(), "client", "http://192.168.10.12:30081"),
    choices=("connected", "connection refused", "timed out"),
    shows=lambda: _attempt(GUARDED(), "client", "http://192.168.10.12:30081"),
    hints=("KUBE-FW stands behind one address only.", "KUBE-NODEPORTS leads to KUBE-EXT."),
    misconceptions=(
        Misconception(
            "guards-all",
            "Only the load balancer's address is guarded. The node port leads past KUBE-FW.",
            answered("timed out"),
        ),
        Misconception("rejects", "kube-proxy rejects nobody here.", answered("connection refused")),
    ),
    done="Source ranges guard the load balancer's address, and no other door.",
)

REVIEW = (recall_masked, recall_kept, recall_away, recall_ranges)
EXERCISES: tuple[Exercise | Variants, ...] = (
    path,
    source,
    local,
    repair,
    hole,
    doors,
    ranges,
    hairpin,
)
