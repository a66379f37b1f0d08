"""Lesson 13, the capstone: five broken clusters, a plain router, and a node never seen before."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from iptlab.course.broken import (
    BlameNode,
    Case,
    Fates,
    Probe,
    Question,
    Repair,
    Stranger,
    leaves,
)
from iptlab.course.broken.cases import away, node4, pods_of_node4, refused, till, visitors
from iptlab.course.broken.fates import (
    mixes_up_sources,
    overlooks_filter,
    reads_chances_off,
    takes_too_few,
    takes_too_many,
)
from iptlab.course.mistakes import ADDRESS
from iptlab.grading import (
    FATES,
    Exercise,
    FindLine,
    Misconception,
    Predict,
    SupplyPacket,
    Variants,
    answered,
    blames,
    read_rules,
)
from iptlab.kubernetes.cluster import Cluster
from iptlab.netfilter.context import CtState
from iptlab.packet import Family, Protocol
from iptlab.ruleset import Ruleset
from iptlab.simulate.conversation import ECHO
from iptlab.simulate.host import Host
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.situation import Situation, trace
from iptlab.simulate.trace import HookVisit


def _says(*parts: str) -> Callable[[object], bool]:
    """The mistake of a packet or connection, as text, with one of these in it."""
    return lambda answer: isinstance(answer, str) and any(part in answer for part in parts)


def _proves_with(*parts: str) -> Callable[[object], bool]:
    """The mistake of a proof whose packet has one of these in it."""
    return lambda answer: isinstance(answer, tuple) and _says(*parts)(answer[1])


def _is_proof(is_so: Callable[[Situation], bool]) -> Callable[[object], bool]:
    """The same for a packet that is sent to rules alone."""
    return lambda answer: (
        isinstance(answer, tuple) and isinstance(answer[1], Situation) and is_so(answer[1])
    )


# --- cluster 1: connection refused ---

_WEB = "http://10.96.0.80/"


def _healthy(case: Case, node: str) -> Ruleset:
    return case.mended()[node].rules()


line = BlameNode(
    id="13-refused",
    case=refused(0),
    node="node2",
    twin=partial(_healthy, refused(0), "node2"),
    hints=(
        "lab.last, the last thing in the output above, says which rule of node2 answered. Write "
        "its place as it stands there: table, chain, number.",
        "The packet: it comes in by cni0 from the pod shell, and goes to the Service's address.",
        '("filter KUBE-SERVICES 1", "in cni0 tcp 10.244.2.3:40000 -> ...")',
    ),
    misconceptions=(
        Misconception(
            "the-jump",
            "That rule only leads to a chain. Which rule in that chain answers?",
            blames("filter FORWARD 3", "filter OUTPUT 3"),
        ),
        Misconception(
            "past-the-service",
            "That packet goes to a pod itself, and pods are well. Send it to the address of the "
            "Service, 10.96.0.80, as curl did.",
            _proves_with("-> 10.244."),
        ),
        Misconception(
            "another-door",
            "web listens on tcp port 80 of 10.96.0.80 only. Nobody promised more.",
            lambda answer: (
                isinstance(answer, tuple)
                and not re.search(r" tcp .*-> 10\.96\.0\.80:80\b", str(answer[1]))
            ),
        ),
    ),
    done="kube-proxy wrote this line: it says in rules that the Service has no endpoints. So the "
    "line is right, and what it says is the fault. Why are there none?",
)


def _mend(seed: int) -> Repair:
    case = refused(seed)
    clue = {
        "selector": "The Service finds no pod. Compare its selector (get services -o wide) with "
        "the labels of the pods (get pods --show-labels).",
        "unready": "The selector fits, but no pod is ready. Which port does the readiness probe "
        "ask (describe pods), and on which one does nginx listen?",
    }
    return Repair(
        id="13-mend",
        task="Mend cluster 1: from pods and from nodes, http://10.96.0.80/ answers.",
        lab=case.lab,
        probes=(
            Probe("The pod shell opens the page.", "shell", _WEB),
            Probe("node3 opens it too.", "node3", _WEB),
        ),
        cure=case.cure,
        hints=(
            "kubectl get pods -o wide, get services -o wide, get endpointslices: which of the "
            "three does not fit the others?",
            f"{clue[case.name]}",
            "kubectl set selector service NAME KEY=VALUE changes a selector. A probe is changed by "
            'kubectl patch deployment web --type=json -p \'[{"op": "replace", "path": '
            '"/spec/template/spec/containers/0/readinessProbe/httpGet/port", "value": NUMBER}]\'',
        ),
        misconceptions=(
            Misconception(
                "shot-the-messenger",
                "You took away the rule that tells of the fault, or the whole Service. Now packets "
                "to 10.96.0.80 leave the node untranslated, and nobody out there has that address. "
                "And while there is a Service, kube-proxy writes the rule again.",
                leaves(Probe("", "shell", _WEB, "network is unreachable")),
            ),
            Misconception(
                case.name, clue[case.name], leaves(Probe("", "node3", _WEB, "connection refused"))
            ),
        ),
        done={
            "selector": "No error anywhere, because a selector that fits nothing is allowed. Only "
            "the EndpointSlice says <unset>.",
            "unready": "A pod that is not ready is left out of the Service, and kube-proxy does "
            "not ask why. Running is not the same as ready.",
        }[case.name],
    )


# --- cluster 2: a node without backends ---


def _door(node: object) -> str:
    return f"http://192.168.10.1{node}:30081"


def _lacking(seed: int) -> int:
    """The node without a pod."""
    return 3 - seed % 3


def _with_policy_cluster(case: Case) -> Cluster:
    lab = case.lab()
    change = '{"spec": {"externalTrafficPolicy": "Cluster"}}'
    lab.on("node1", f"kubectl patch service front -p '{change}'")
    return lab.cluster


def _away(seed: int) -> SupplyPacket:
    case, node = away(seed), _lacking(seed)
    return SupplyPacket(
        id="13-away",
        task="Give a connection to cluster 2 that times out because of externalTrafficPolicy: "
        "Local, and would be answered with Cluster.",
        rules=(
            ("cluster 2", lambda: case.lab().cluster),
            ("with policy Cluster", partial(_with_policy_cluster, case)),
        ),
        wanted=("timed out", "connected"),
        example=f"client -> {_door(node)}",
        hints=(
            "Local means: whoever comes from outside is served by pods on the node he came to.",
            "On which node runs no pod of web? (kubectl get pods -o wide)",
            "client -> http://192.168.10.1?:30081",
        ),
        misconceptions=(
            Misconception(
                "inside-too",
                "The policy is about who comes from outside. Pods and nodes themselves may still "
                "use every backend: rules 1 and 3 of the EXT chain send them to KUBE-SVC.",
                lambda text: not str(text).startswith("client"),
            ),
            Misconception(
                "asks-the-balancer",
                "A load balancer asks the nodes first, by the health check port (lesson 11), and "
                "sends nobody to a node without a backend.",
                _says("192.0.2.", "203.0.113.80"),
            ),
            Misconception(
                "has-a-backend",
                "That node has a pod of web, so it answers with either policy.",
                lambda text: bool(
                    re.search(rf"(192\.168\.10\.1|node)(?!{node})[123]\b", str(text))
                ),
            ),
            Misconception(
                "another-door",
                "Visitors come in by an address of a node and the shop's node port, tcp 30081.",
                lambda text: not re.search(r"-> *(http|tcp)://[^/:]+:30081/?$", str(text)),
            ),
        ),
        done="The node has no local endpoint, so its EXT chain ends without a jump to KUBE-SVL. "
        "The packet comes out untranslated, and filter KUBE-EXTERNAL-SERVICES drops it.",
    )


def _seen(seed: int) -> Repair:
    case, node = away(seed), _lacking(seed)
    probes = (
        Probe(
            "Visitors see the shop by every node, and the pods see who it is: 203.0.113.7.",
            "client",
            _door(n),
            source="203.0.113.7",
        )
        for n in (node, *({1, 2, 3} - {node}))
    )
    hidden = Probe("", "client", _door(node), source=f"192.168.10.1{node}")
    return Repair(
        id="13-seen",
        task="Mend cluster 2: every node answers visitors at port 30081, and the pods still see "
        "the visitors' own addresses.",
        lab=case.lab,
        probes=tuple(probes),
        cure=case.cure,
        hints=(
            "With Local every node that is asked must have a pod of web.",
            "Two things are in the way: see kubectl get nodes, and kubectl get deployments.",
            "First kubectl uncordon NODE, then kubectl scale deployment web --replicas=NUMBER: a "
            "pod is placed when it is made.",
        ),
        misconceptions=(
            Misconception(
                "policy-cluster",
                "Now every node answers. But with policy Cluster all visitors are masqueraded, and "
                "the pods see a node instead.",
                leaves(hidden),
            ),
            Misconception(
                "nowhere-to-go",
                "There is still no pod of web on that node. May it have one (kubectl get nodes, "
                "column STATUS)? And are there more pods than other nodes? A pod is placed when it "
                "is made, and stays there.",
                leaves(Probe("", "client", _door(node), "timed out")),
            ),
        ),
        done="Local keeps the visitor's address, and asks for a pod on every node that is asked. A "
        "DaemonSet would promise one for each node; three replicas on three nodes only hope so.",
    )


# --- cluster 3: a wrong source ---

_CART = "10.96.0.63:6379"
_CART_CHAIN = "nat KUBE-SVC-EE4FE7XDP64QLQLA"
# they do what the packet's mark says, or lead on
_OBEDIENT = (
    *(f"nat KUBE-POSTROUTING {number}" for number in (1, 2, 3)),
    *("nat KUBE-MARK-MASQ 1", "nat PREROUTING 1"),
)


def _without_fault(case: Case) -> Ruleset:
    """The rules of node4 if it were well."""
    if case.name == "hairpin":
        return _healthy(case, "node4")
    rules = str(case.lab()["node4"].rules())
    return Ruleset.parse(rules.replace("! -s 10.244.0.0/16", "! -s 10.128.0.0/9"))


def _source(seed: int) -> BlameNode:
    case = node4(seed)
    pin = case.name == "hairpin"
    pods = pods_of_node4(seed)
    place, number = ("nat POSTROUTING", 2) if pin else (_CART_CHAIN, 3)
    # one pod complains of itself, or all of them do
    complained = f" {pods}.{number}:" if pin else f" {pods}."
    return BlameNode(
        id="13-source",
        task=f"Cluster 3. {case.says}\nWhich line of node4 is to blame? Answer with the line, and "
        "a packet that comes in by cni0 of node4 and proves it.",
        case=case,
        node="node4",
        twin=partial(_without_fault, case),
        example=(f"{place} 1", f"in cni0 tcp {pods}.{number}:40000 -> {_CART}"),
        hints=(
            "Who writes the source, and on whose order? KUBE-MARK-MASQ marks, KUBE-POSTROUTING "
            "masquerades what is marked. Follow the packet of the complaint through both.",
            "Compare with a node that is well: POSTROUTING has one line there. And the first line "
            f"of {_CART_CHAIN[4:]} marks whoever is not a pod: whom does it take for one?",
            f'("nat CHAIN 1", "in cni0 tcp {pods}.?:40000 -> {_CART}")',
        ),
        misconceptions=(
            Misconception(
                "past-the-service",
                "Who goes to the pod itself meets no rule of a Service. Send it to 10.96.0.63.",
                lambda answer: isinstance(answer, tuple) and f"-> {_CART}" not in str(answer[1]),
            ),
            Misconception(
                "the-messenger",
                "That line does what every node's does: it obeys. Look for one that should not be "
                "there, or that does not fit this node's pods.",
                blames(*_OBEDIENT, "nat POSTROUTING 2" if pin else "nat POSTROUTING 1"),
            ),
            Misconception(
                "the-wrong-pod",
                "This packet fares well. Send what the complaint speaks of: from that very pod.",
                lambda answer: isinstance(answer, tuple) and complained not in str(answer[1]),
            ),
        ),
        done=_SOURCE_DONE[case.name],
    )


_SOURCE_DONE = {
    "hairpin": "The pod would get a packet from itself, and answer itself past the node. So "
    "kube-proxy marks it for MASQUERADE. This line, put above, ends POSTROUTING before that. "
    "Tools for pod networks write such lines; they belong below KUBE-POSTROUTING.",
    "cidr": "The line marks whoever is not a pod, and takes for pods only what is in clusterCIDR. "
    "The new node's pods are not. To mend it, tell every kube-proxy a clusterCIDR that holds all "
    "pods (its ConfigMap), or detectLocalMode: NodeCIDR. A rule of its own it would write again.",
}

# --- cluster 4: a line of somebody else's ---


def _above(seed: int) -> Repair:
    case, node = visitors(seed), 1 + seed % 3
    directly = f"http://10.244.{node}.2/"
    return Repair(
        id="13-above",
        task=f"Mend cluster 4: visitors come in by node{node} again, and Bob's wish stays: who is "
        f"in 203.0.113.0/24 does not reach a pod of node{node} directly.",
        lab=case.lab,
        probes=(
            Probe(f"Visitors see the page by node{node}.", "client", _door(node)),
            Probe(
                "Bob's wish: nobody there reaches a pod directly.", "client", directly, "timed out"
            ),
            Probe("Other doors stay open.", "client", _door(1 + node % 3)),
        ),
        cure=case.cure,
        hints=(
            "DNAT has happened before FORWARD, so a visitor's packet and a scanner's look alike to "
            "Bob's line. What tells them apart is the mark: who knows the mark, and is asked when?",
            "KUBE-FORWARD accepts what is marked. So Bob's line must come after the jump to it.",
            f"At node{node}: -D takes the line out (by its number), -A puts it at the end.",
        ),
        misconceptions=(
            Misconception(
                "wish-forgotten",
                "Visitors come in, and so does the scanner: he reaches a pod directly. Bob's line "
                "should go on working, at another place.",
                leaves(Probe("", "client", directly)),
            ),
            Misconception(
                "still-above",
                "Visitors still wait. Is Bob's line asked before KUBE-FORWARD? (iptables -L "
                f"FORWARD --line-numbers on node{node})",
                leaves(Probe("", "client", _door(node), "timed out")),
            ),
        ),
        done="What comes through a Service is marked in nat, and accepted by KUBE-FORWARD. Behind "
        "that jump only what no Service led here is left for Bob's line. Rules of your own belong "
        "there, or into raw and mangle PREROUTING, which are asked before DNAT.",
    )


# --- cluster 5: a stale entry ---


def _forget(seed: int) -> Repair:
    case, port = till(seed), 5300 + 11 * (seed % 9)
    asked = partial(Question, client="shell", to="10.96.0.10")
    lost = leaves(asked("", wanted="no route to host", port=port))
    return Repair(
        id="13-forget",
        task=f"Mend cluster 5: the question from port {port} gets its answer.",
        lab=case.lab,
        probes=(
            asked(f"The program at port {port} gets its answer.", port=port),
            asked("All others still get theirs.", port=port + 1),
        ),
        cure=case.cure,
        hints=(
            "conntrack -L on the pod's node: each line has the question, then the answer it waits "
            "for. From whom?",
            "One entry waits for a pod that is no endpoint any more: kubectl get endpointslices. "
            "Later packets of a flow never ask nat again (lesson 07).",
            "node2# conntrack -D deletes entries; -p, --orig-port-src and others say which.",
        ),
        misconceptions=(
            Misconception(
                "entry-stays",
                "The packets of this flow ask no rule any more: they follow their entry, and it is "
                "still there. Which line of the table, and on which node, is theirs?",
                lost,
            ),
            Misconception(
                "others-cut-off",
                "Now others get no answer.",
                leaves(asked("", wanted="timed out", port=port + 1)),
            ),
        ),
        done="Without an entry the next packet is a first one: it asks nat, and finds a living "
        "server. conntrack -F would mend it too, but forget all other connections as well.",
    )


# --- a plain router ---

ROUTER = """*nat
-A PREROUTING -i eth0 -d 203.0.113.2 -p tcp --dport 8080 -j DNAT --to-destination 192.168.1.10:80
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP
:FORWARD DROP
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -i eth1 -j ACCEPT
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -i eth0 -p icmp -j DROP
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i eth1 -o eth0 -j ACCEPT
-A FORWARD -d 192.168.1.10 -p tcp --dport 80 -j ACCEPT
COMMIT
"""
_ICMP = "-A FORWARD -i eth0 -p icmp -j DROP\n"
_KNOWN = "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
# what is never so proves nothing: an error that is ESTABLISHED, a ping that is RELATED
_NEVER = """-A FORWARD -i eth0 -p icmp --icmp-type echo-request -j DROP
-A FORWARD -i eth0 -p icmp ! --icmp-type echo-reply -m conntrack --ctstate ESTABLISHED -j DROP
"""

router = FindLine(
    id="13-router",
    rules=ROUTER,
    reference=ROUTER.replace(_ICMP, _NEVER).replace(_KNOWN, _KNOWN + _ICMP),
    hints=(
        "An error about a packet of a connection: which state has it (lesson 06)?",
        "Its state is RELATED, and a line accepts that. Which line comes before?",
        '("filter FORWARD ?", "in eth0 out eth1 ctstate RELATED icmp 198.51.100.1 -> 192.168.1.20 '
        'fragmentation-needed")',
    ),
    misconceptions=(
        Misconception(
            "ping",
            "A ping from outside is a new connection. This router should drop it, as it does.",
            _is_proof(lambda it: it.packet.icmp in ECHO[Family.IPV4]),
        ),
        Misconception(
            "not-tcp",
            "tcp itself comes through. What does not is the error about it, and that is icmp.",
            _is_proof(lambda it: it.packet.protocol != Protocol.ICMP),
        ),
        Misconception(
            "invalid",
            "An error about a packet of a known connection is RELATED, not INVALID.",
            blames("filter FORWARD 1"),
        ),
        Misconception(
            "state-missing",
            "An error about a packet of a known connection has the state RELATED: write ctstate "
            "RELATED before icmp. Without a state it counts as the first of a connection.",
            _is_proof(lambda it: it.context.ctstate != CtState.RELATED),
        ),
    ),
    done="Not all icmp is ping. Without this error the office's machine goes on sending packets "
    "that are too big for the way: a path MTU black hole (RFC 2923). Put the line below "
    "RELATED,ESTABLISHED: pings of strangers are dropped, and errors about one's own connections "
    "come in.",
)

# --- a node never seen before ---


def _stranger(seed: int) -> Fates:
    node = Stranger(seed)
    packets = "\n".join(
        f"  {letter}: {one}" for letter, one in zip("abcde", node.packets, strict=True)
    )
    return Fates(
        id="13-stranger",
        task=f"The node is {node.name}, {node.address(10 + node.here)}. Its pods are in "
        f"{node.pods(node.here)}.0/24. What becomes of each packet, if it is the first of its "
        f"connection?\n{packets}",
        packets=node.packets,
        machine=lambda: node.machine,
        hints=(
            "First nat: KUBE-SERVICES by address and port, else KUBE-NODEPORTS. Then every jump. "
            "Who comes to no DNAT stays as he was, and filter sees him so.",
            "Of n balancing lines each is as likely as the others: 1/n. Which chain has them: "
            "KUBE-SVC has all backends, KUBE-SVL those of this node.",
            "The source is rewritten if the packet has met KUBE-MARK-MASQ: in EXT, in the first "
            "line of KUBE-SVC, or in the first line of KUBE-SEP, where a pod comes to itself.",
        ),
        misconceptions=(
            Misconception(
                "overlooks-filter",
                "Nobody answers this one. Where does it come out of nat, with which destination, "
                "and what has table filter to say to it? REJECT answers, DROP does not.",
                overlooks_filter,
            ),
            Misconception(
                "reads-chances-off",
                "The probability of a line is for packets that have passed the lines above. The "
                "chances of all ends must add up to 1.",
                reads_chances_off,
            ),
            Misconception(
                "mixes-up-sources",
                "The places are right. But who passes KUBE-MARK-MASQ on his way, and who does not? "
                "Look at every chain again, and ask of each line whether this source fits.",
                mixes_up_sources,
            ),
            Misconception(
                "takes-too-many",
                "Not all of these are reached. Which chain does the last jump lead to, and which "
                "backends has that one?",
                takes_too_many,
            ),
            Misconception(
                "takes-too-few",
                "Others may be reached as well. Which chain does the last jump lead to, and which "
                "backends has that one?",
                takes_too_few,
            ),
        ),
        done="You have read a node that you never saw, and said what becomes of any packet to any "
        "of its Services. That was the question of this course.",
    )


# --- questions to ask again ---

FOREIGN = """-P FORWARD ACCEPT
-N KUBE-FORWARD
-A FORWARD -s 198.51.100.0/24 -j DROP
-A FORWARD -j KUBE-FORWARD
-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
"""
UNSERVED = """-P FORWARD ACCEPT
-N KUBE-SERVICES
-A FORWARD -m conntrack --ctstate NEW -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.80 -p tcp -m comment --comment "default/web:http has no endpoints" \
-m tcp --dport 80 -j REJECT
"""
SELF = """*nat
:KUBE-MARK-MASQ -
:KUBE-SEP-A -
-A PREROUTING -d 10.96.0.63 -p tcp --dport 6379 -j KUBE-SEP-A
-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-SEP-A -s 10.244.1.5 -j KUBE-MARK-MASQ
-A KUBE-SEP-A -p tcp -j DNAT --to-destination 10.244.1.5:6379
COMMIT
"""
_PODS = Host.router(lan="10.244.1.1/24", wan="192.168.10.11/24")


def _visit(rules: str, packet: str) -> HookVisit:
    return trace(read_rules(rules), packet)


def _pinned() -> Journey:
    packet = f"in eth1 tcp 10.244.1.5:40000 -> {_CART}"
    return Machine(_PODS.with_rules(SELF)).journey(packet)


# what a client sees of a verdict
_SEEN = {"REJECT": "connection refused", "DROP": "timed out"}
_MARKED = "in eth0 out cni0 tcp 198.51.100.7:40000 -> 10.244.1.5:80 mark=0x4000"
_ASKS = "in cni0 out eth0 tcp 10.244.1.5:40000 -> 10.96.0.80:{}"

recall_above = Predict(
    id="13-recall-above",
    task=f"A node of a cluster has these rules in table filter:\n{FOREIGN}A visitor, 198.51.100.7, "
    "comes by a node port: nat has given his packet the mark 0x4000 and the destination "
    '10.244.1.5:80. Its fate in FORWARD: "ACCEPT", "DROP" or "REJECT"?',
    truth=lambda: _visit(FOREIGN, _MARKED).verdict,
    choices=FATES,
    shows=lambda: _visit(FOREIGN, _MARKED),
    hints=("Ask the rules from the top.", "Which one is asked before the mark is looked at?"),
    misconceptions=(
        Misconception(
            "mark-protects",
            "The mark helps only where somebody asks for it. The DROP comes first.",
            answered("ACCEPT"),
        ),
        Misconception("reject-needs-a-rule", "No rule here says REJECT.", answered("REJECT")),
    ),
    done="A line above the jump to KUBE-FORWARD also meets what a Service has let in.",
)
recall_unserved = Predict(
    id="13-recall-unserved",
    task=f"A node of a cluster has these rules in table filter:\n{UNSERVED}A pod sends the first "
    'packet of a connection to 10.96.0.80, port 81. Its fate in FORWARD: "ACCEPT", "DROP" or '
    '"REJECT"?',
    truth=lambda: _visit(UNSERVED, _ASKS.format(81)).verdict,
    choices=FATES,
    shows=lambda: _visit(UNSERVED, _ASKS.format(81)),
    hints=("Which port does the rule ask for?", "If no rule fits, the policy decides."),
    misconceptions=(
        Misconception(
            "address-is-enough",
            "The rule is for port 80. Nobody speaks of port 81: the packet goes on, untranslated.",
            answered("REJECT"),
        ),
        Misconception("drop-needs-a-rule", "Nothing here drops.", answered("DROP")),
    ),
    done="A cluster IP exists only with its ports. On any other port the packet leaves the node "
    "untouched, and is lost further on.",
)
recall_self = Predict(
    id="13-recall-self",
    task=f"A node has these rules:\n{SELF}Its own address towards pods is "
    "10.244.1.1. The pod 10.244.1.5 connects to 10.96.0.63, port 6379. Which source address does "
    "the packet have when it comes to the pod?",
    truth=lambda: str(_exit(_pinned())),
    shows=_pinned,
    hints=("The pod comes to itself. Which line is for that?", "It is marked, and then?"),
    misconceptions=(
        Misconception(
            "dnat-only",
            "DNAT is not all: the line above it marks the packet, and POSTROUTING masquerades what "
            "is marked.",
            answered("10.244.1.5"),
        ),
        Misconception(
            "service-address",
            "The Service's address is never a source here.",
            answered("10.96.0.63"),
        ),
        ADDRESS,
    ),
    done="A pod that got a packet from its own address would answer itself, past the node.",
)
recall_refused = Predict(
    id="13-recall-refused",
    task=f"A node of a cluster has these rules in table filter:\n{UNSERVED}A pod types curl "
    'http://10.96.0.80/. What does it get: "connection refused" or "timed out"?',
    truth=lambda: _SEEN[str(_visit(UNSERVED, _ASKS.format(80)).verdict)],
    choices=tuple(_SEEN.values()),
    shows=lambda: _visit(UNSERVED, _ASKS.format(80)),
    hints=("Which rule fits the packet?", "REJECT answers with an error, DROP with nothing."),
    misconceptions=(
        Misconception("drop-or-reject", "That would be DROP.", answered("timed out")),
        Misconception("no-word", "The answer is one of the two.", answered("no endpoints")),
    ),
    done="No endpoints at all: REJECT. Endpoints, but none that may be used here: DROP.",
)


def _exit(journey: Journey) -> object:
    assert journey.exit is not None
    return journey.exit.src


REVIEW = (recall_above, recall_unserved, recall_self, recall_refused)
EXERCISES: tuple[Exercise | Variants, ...] = (
    line,
    Variants("13-mend", _mend),
    Variants("13-away", _away),
    Variants("13-seen", _seen),
    Variants("13-source", _source),
    Variants("13-above", _above),
    Variants("13-forget", _forget),
    router,
    Variants("13-stranger", _stranger),
)
