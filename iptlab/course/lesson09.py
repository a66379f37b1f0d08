"""Lesson 09, kube-proxy I: how an address that no machine has leads to a pod."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from ipaddress import ip_network
from typing import NamedTuple

from iptlab.course import shop
from iptlab.course.mistakes import ADDRESS, NAMED_TWICE, TOO_FAR, has_one_like, jumbled, spoils
from iptlab.course.shop import NODE2, OFFICE, POD
from iptlab.grading import (
    Exercise,
    FindLine,
    Misconception,
    Predict,
    Scope,
    Variants,
    WriteRules,
    answered,
    blames,
    ends,
    lists,
    omits,
    read_rules,
)
from iptlab.kubernetes.cluster import Cluster
from iptlab.kubernetes.names import SERVICES, digest, endpoint_chain, service_chain
from iptlab.netfilter.hooks import TableName
from iptlab.packet import Packet
from iptlab.ruleset import Ruleset
from iptlab.simulate.journey import Journey
from iptlab.simulate.machine import Machine

PODS = ip_network("10.244.0.0/16")


def _on(name: str, packet: str) -> Journey:
    """The way of a first packet through a node of the shop, where chance says yes at once."""
    return shop.node(name, "web", "shell").journeys(packet)[0]


def _exit(journey: Journey) -> Packet:
    """The packet as it left."""
    assert journey.exit is not None
    return journey.exit


# --- an address that nobody has ---

ELSEWHERE = partial(_on, "node2", POD.format("10.96.0.80:443"))

elsewhere = Predict(
    id="09-elsewhere",
    truth=lambda: _exit(ELSEWHERE()),
    shows=ELSEWHERE,
    hints=(
        "Which rule of node2 has 10.96.0.80 in it? Read it to its end.",
        "The rule asks for port 80. The packet goes to port 443, so no rule is about it.",
        "What no rule translates leaves as it came.",
    ),
    misconceptions=(
        Misconception(
            "one-machine",
            "A cluster IP is not a machine that has all ports. Rules are about one port of it: "
            "only what goes to port 80 becomes a packet to a pod.",
            lambda answer: "-> 10.244." in str(answer) and str(answer).endswith(":443"),
        ),
        Misconception(
            "any-port",
            "--dport 80 is a condition, not a wish: a packet to port 443 does not meet it.",
            lambda answer: "-> 10.244." in str(answer) and str(answer).endswith(":80"),
        ),
        Misconception(
            "as-if-asked-for-80",
            "Nothing here changes a port: the packet asks for 443.",
            lambda answer: str(answer).endswith("10.96.0.80:80"),
        ),
        Misconception(
            "to-the-gateway",
            "The gateway gets the packet to pass it on. That does not change the destination.",
            lambda answer: "-> 192.168.10.1:" in str(answer),
        ),
        Misconception(
            "masqueraded",
            "Nothing marked the packet, and it keeps its source.",
            lambda answer: not str(answer).startswith("10.244.2.3:"),
        ),
    ),
    done="It goes to the default gateway, as to any foreign address, and somebody out there says "
    "that there is no such network, or says nothing. Ping fares the same: no rule is about icmp.",
)

# --- the rules of a Service ---


class Shape(NamedTuple):
    """How large a Service is: its ports, and its pods."""

    ports: int
    pods: int

    @property
    def manifest(self) -> str:
        """A Service, and a slice with its endpoints."""
        names = [f"p{number}" for number in range(self.ports)]
        ports = ", ".join(f"{{name: {one}, port: {80 + n}}}" for n, one in enumerate(names))
        ends_ = ", ".join(f"{{addresses: [10.244.1.{n + 2}]}}" for n in range(self.pods))
        return f"""
kind: Service
metadata: {{name: repair, namespace: default}}
spec: {{clusterIP: 10.96.0.77, ports: [{ports}]}}
---
kind: EndpointSlice
metadata: {{name: r, namespace: default, labels: {{kubernetes.io/service-name: repair}}}}
addressType: IPv4
ports: [{ports}]
endpoints: [{ends_}]
"""


SHAPES = (Shape(2, 3), Shape(3, 2), Shape(2, 4), Shape(2, 6), Shape(3, 4), Shape(2, 5))


@cache
def _machine(manifest: str) -> Machine:
    """A node of a cluster of these manifests alone."""
    return Cluster.parse(manifest).machine("node-a")


@cache
def _rules(shape: Shape) -> int:
    """The rules in table nat that are there for the Service."""
    return _machine(shape.manifest).rules().save().count('--comment "default/repair')


def count_rules(seed: int) -> Exercise:
    """How many rules a Service costs on a node; its size is the learner's."""
    ports, pods = shape = SHAPES[seed % len(SHAPES)]
    packet = "in eth0 tcp 192.168.10.50:40000 -> 10.96.0.77:80"
    return Predict(
        id="09-count",
        task=f"The workshop gets a Service repair: {ports} ports, and {pods} pods that serve all "
        "of them.\n\nHow many rules does kube-proxy write for it into one node's table nat? "
        "A number.",
        truth=partial(_rules, shape),
        shows=lambda: _machine(shape.manifest).journeys(packet)[0],
        hints=(
            "Count what web has got: one port and three pods. Which lines are there once, and "
            "which once for every pod?",
            "Every port has rules of its own: for kube-proxy each is another address.",
            "One port: a rule in KUBE-SERVICES and one that marks; then for each pod one rule in "
            "KUBE-SVC and two in its KUBE-SEP.",
        ),
        misconceptions=(
            Misconception(
                "one-port",
                "That is one port. Each port of a Service has a KUBE-SVC chain, and KUBE-SEP "
                "chains, of its own.",
                answered(2 + 3 * pods),
            ),
            Misconception(
                "one-rule-in-sep",
                "A KUBE-SEP chain has two rules: the first is for a pod that calls itself. And "
                "each port has KUBE-SEP chains of its own.",
                answered(ports * (2 + 2 * pods)),
            ),
            Misconception(
                "only-balancing",
                "You have counted KUBE-SERVICES and KUBE-SVC. What stands in the KUBE-SEP chains?",
                answered(ports * (2 + pods)),
            ),
            Misconception(
                "without-the-first",
                "One rule for each port stands in KUBE-SERVICES, and one more marks those that "
                "are no pods.",
                answered(*(count + ports * 3 * pods for count in (0, 1, 2, ports, ports + 1))),
            ),
        ),
        done="Two rules for each port, and three for each port of each pod, on every node of the "
        "cluster. Lesson 12 counts on, up to ten thousand Services.",
    )


OWN = partial(_on, "node1", "tcp 192.168.10.11:40000 -> 10.96.0.80:80")


def _chains(journey: Journey) -> list[str]:
    """The chains of table nat up to the translation, hashes left out, each once."""
    first = next(visit for visit in journey.visits() if visit.table is TableName.NAT)
    names = (re.sub("^(KUBE-S(?:VC|EP))-.*", r"\1", step.chain) for step in first.steps())
    return list(dict.fromkeys(names))


path = Predict(
    id="09-path",
    truth=lambda: _chains(OWN()),
    shows=OWN,
    hints=(
        "Which chain of table nat is asked about packets that a machine sends itself (lesson 05)?",
        "Rule 1 of KUBE-SVC asks whether the source is a pod. Is 192.168.10.11 one?",
        "A jump to KUBE-MARK-MASQ comes back; the next rule of KUBE-SVC is asked after it.",
    ),
    misconceptions=(
        Misconception(
            "with-hash",
            'Leave out the letters after KUBE-SVC and KUBE-SEP: "KUBE-SVC" is enough.',
            has_one_like("kube-s(vc|ep)-"),
        ),
        Misconception(
            "by-prerouting",
            "PREROUTING is for packets that come in. Node1 sends this one itself: OUTPUT.",
            lists("prerouting"),
        ),
        Misconception(
            "begins-with-a-jump",
            "KUBE-SERVICES is nobody's first chain. Which built-in chain of table nat jumps to it "
            "for what node1 sends?",
            omits("output"),
        ),
        Misconception(
            "out-of-order",
            "These are all of them, but not in the order in which they are asked. Which rule "
            "jumps to the mark, and in which chain does it stand?",
            jumbled("OUTPUT", "KUBE-SERVICES", "KUBE-SVC", "KUBE-MARK-MASQ", "KUBE-SEP"),
        ),
        Misconception(
            "node-is-no-pod",
            "Node1 is 192.168.10.11, which is not in 10.244.0.0/16: rule 1 of KUBE-SVC matches.",
            omits("kube-mark-masq"),
        ),
        TOO_FAR,
        NAMED_TWICE,
    ),
    done="KUBE-SERVICES finds the Service, KUBE-SVC chooses a pod, KUBE-SEP translates. On the way "
    "the packet gets a mark, because its sender is no pod.",
)

# --- names ---


class Named(NamedTuple):
    """What a Service port is called, and what has nothing to do with its chain's name."""

    namespace: str
    service: str
    port: str
    protocol: str
    number: int
    address: str

    @property
    def spn(self) -> str:
        """The name of the service port: ``default/web:http``."""
        return f"{self.namespace}/{self.service}" + f":{self.port}" * bool(self.port)

    @property
    def manifest(self) -> str:
        """The Service and one endpoint."""
        port = f"port: {self.number}, protocol: {self.protocol.upper()}, name: '{self.port}'"
        metadata = f"name: {self.service}, namespace: {self.namespace}"
        label = f"labels: {{kubernetes.io/service-name: {self.service}}}"
        return f"""
kind: Service
metadata: {{{metadata}}}
spec: {{clusterIP: {self.address}, ports: [{{{port}}}]}}
---
kind: EndpointSlice
metadata: {{{metadata}, {label}}}
addressType: IPv4
ports: [{{{port}}}]
endpoints: [{{addresses: [10.244.1.9]}}]
"""


NAMES = (
    Named("default", "cart", "", "tcp", 6379, "10.96.0.63"),
    Named("kube-system", "names", "dns", "udp", 53, "10.96.0.10"),
    Named("billing", "invoice", "https", "tcp", 443, "10.96.0.44"),
    Named("default", "search", "", "tcp", 9200, "10.96.0.92"),
    Named("billing", "ledger", "sync", "udp", 7946, "10.96.0.79"),
)


def _jump(named: Named) -> str:
    """The chain that KUBE-SERVICES jumps to for it."""
    chain = _machine(named.manifest).rules().table(TableName.NAT).chains[SERVICES]
    rule = next(one for one in chain.rules if str(named.address) in str(one))
    return str(rule).rpartition(" ")[2]


def name_chain(seed: int) -> Exercise:
    """The name of a Service's chain; whose, is the learner's."""
    named = NAMES[seed % len(NAMES)]
    spn, protocol = named.spn, named.protocol
    packet = f"in eth0 {protocol} 192.168.10.50:40000 -> {named.address}:{named.number}"
    called = f"called {named.port}" if named.port else "without a name"

    def hashes(*texts: str) -> Callable[[object], bool]:
        return answered(*map(service_chain, map(digest, texts)))

    return Predict(
        id="09-name",
        task=f"A Service {named.service} in the namespace {named.namespace}, at {named.address}.\n"
        f"It has one port, {called}: {named.number}/{protocol.upper()}.\n\n"
        "To which chain does KUBE-SERVICES send its packets? Answer with the whole name.",
        truth=partial(_jump, named),
        shows=lambda: _machine(named.manifest).journeys(packet)[0],
        hints=(
            "Change the text in the cell above and run it again: Python works the hash out.",
            "The text is the name of the service port, then the protocol, with nothing between. "
            "A port without a name has no colon either.",
            f'The text begins with "{named.namespace}/{named.service}" and ends with '
            f'"{protocol}", in small letters. No number is in it.',
        ),
        misconceptions=(
            Misconception(
                "hash-only",
                "That is the hash. The chain's name has KUBE-SVC- before it.",
                answered(digest(spn + protocol)),
            ),
            Misconception(
                "chain-of-web",
                "That is web's chain. Put the other Service's name into the cell above.",
                hashes("default/web:httptcp"),
            ),
            Misconception(
                "capital-protocol",
                "The protocol goes into the hash in small letters.",
                hashes(spn + protocol.upper()),
            ),
            Misconception(
                "number-in-it",
                "The port's number is not hashed: a Service keeps its chains when it changes.",
                hashes(f"{spn}:{named.number}{protocol}", f"{spn}{named.number}{protocol}"),
            ),
            Misconception(
                "no-protocol", "The protocol is hashed too: tcp and udp differ.", hashes(spn)
            ),
            Misconception(
                "colon-of-no-name",
                "This port has no name, and then there is no colon.",
                hashes(f"{named.namespace}/{named.service}:{protocol}"),
            ),
            Misconception(
                "no-namespace",
                "The namespace belongs to the name: two Services may both be called so.",
                hashes(spn.partition("/")[2] + protocol),
            ),
            Misconception(
                "separator",
                "Nothing stands between the name and the protocol.",
                hashes(f"{spn} {protocol}", f"{spn}/{protocol}", f"{spn}:{protocol}"),
            ),
            Misconception(
                "pod-chain",
                "That is a chain for one pod. KUBE-SERVICES jumps to a KUBE-SVC chain.",
                answered(endpoint_chain(spn + protocol, f"10.244.1.9:{named.number}")),
            ),
            Misconception(
                "another-text",
                "That is the hash of another text. Compare yours with the question, letter by "
                "letter: namespace, Service, the port's name if it has one, protocol.",
                lambda answer: bool(re.fullmatch("kube-svc-[a-z2-7]{16}", str(answer))),
            ),
        ),
        done="The name says which port of which Service it is, and nothing of addresses or "
        "numbers. So it is the same on every node, and stays when the Service gets another one.",
    )


# --- whom a pod sees ---

source = Predict(
    id="09-source",
    truth=lambda: str(_exit(OWN()).src),
    shows=OWN,
    hints=(
        "The packet has got the mark. What does KUBE-POSTROUTING do with marked packets?",
        "MASQUERADE takes the address of the interface by which the packet leaves (lesson 07).",
        "The pod 10.244.1.2 runs on node1 itself: the packet leaves by cni0, not by eth0.",
    ),
    misconceptions=(
        Misconception(
            "with-port",
            "Only an address is asked for, without a port.",
            lambda answer: ":" in str(answer),
        ),
        Misconception(
            "not-masqueraded",
            "That is the source before POSTROUTING. The packet is marked, so it gets the address "
            "of the interface by which it leaves; and that is not eth0.",
            answered("192.168.10.11"),
        ),
        Misconception(
            "service-as-source",
            "The cluster IP was the destination. It never becomes the source of a question.",
            answered("10.96.0.80"),
        ),
        Misconception(
            "destination",
            "That is the pod itself. Who does it take for the client?",
            answered("10.244.1.2"),
        ),
        Misconception(
            "gateway",
            "From node1 to its own pod no other machine is passed: no gateway, no other node.",
            answered("192.168.10.1", "192.168.10.12", "192.168.10.13", "10.244.2.1", "10.244.3.1"),
        ),
        ADDRESS,
    ),
    done="A pod on another node would see 192.168.10.11: node1 has one address for each side. So a "
    "node may appear in a pod's log under an address that you know from nowhere else.",
)

# --- by hand ---

BELL = "10.96.0.90:80"
MARKING = """
-t nat -N KUBE-MARK-MASQ
-t nat -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-t nat -N KUBE-POSTROUTING
-t nat -A POSTROUTING -j KUBE-POSTROUTING
-t nat -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-t nat -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-t nat -A KUBE-POSTROUTING -j MASQUERADE
"""
BY_HAND = f"""{MARKING}
-t nat -N BELL
-t nat -A PREROUTING -d 10.96.0.90 -p tcp --dport 80 -j BELL
-t nat -A OUTPUT -d 10.96.0.90 -p tcp --dport 80 -j BELL
-t nat -A BELL ! -s 10.244.0.0/16 -j KUBE-MARK-MASQ
-t nat -A BELL -p tcp -j DNAT --to-destination 10.244.3.9:8080
"""
NEW = Scope(host=NODE2, assume="-m conntrack --ctstate NEW")


def _left(answer: object, packet: str) -> Packet | None:
    """A first packet as it leaves node2 under an answer's rules."""
    if not isinstance(answer, Ruleset):
        return None
    return Machine(NODE2.with_rules(answer)).journey(packet).exit


def _becomes(packet: str, is_so: Callable[[Packet], bool]) -> Callable[[object], bool]:
    """The mistake of rules under which that is so of the packet that leaves."""

    def shows(answer: object) -> bool:
        left = _left(answer, packet)
        return left is not None and is_so(left)

    return shows


SPOILT = Misconception(
    "ready-lines",
    "A line that was ready has changed, is gone, or stands elsewhere: one of KUBE-MARK-MASQ, "
    "KUBE-POSTROUTING or POSTROUTING. They were right: put it back.",
    spoils(MARKING, "KUBE-MARK-MASQ", "KUBE-POSTROUTING", "POSTROUTING"),
)


def _translates(rules: Ruleset) -> bool:
    """Whether the bell's packets are marked and get their new destination."""
    ready = read_rules(BY_HAND).table(TableName.NAT).chains
    found = rules.table(TableName.NAT).chains
    return all(
        name in found and [*map(str, found[name].rules)] == [*map(str, ready[name].rules)]
        for name in ("BELL", "PREROUTING", "OUTPUT")
    )


NODES_OWN = f"tcp 192.168.10.12:40000 -> {BELL}"
OTHER_POD = "in eth0 tcp 10.244.1.9:40000 -> {}"

by_hand = WriteRules(
    id="09-by-hand",
    reference=BY_HAND,
    says="Who connects to 10.96.0.90:80 reaches 10.244.3.9:8080, and only pods are seen as what "
    "they are.",
    scope=NEW,
    hints=(
        "Find the line for web that does the same, and look which of its words are about web.",
        "A node's own packets do not pass PREROUTING: for them the jump stands in another chain.",
        "Who is no pod is ! -s and the network of all pods. The target is DNAT with address and "
        "port of the pod.",
    ),
    misconceptions=(
        SPOILT,
        Misconception(
            "not-translated",
            "Nobody reaches a pod: no rule of yours gives a packet a new destination.",
            _becomes(POD.format(BELL), lambda left: str(left.dst) == "10.96.0.90"),
        ),
        Misconception(
            "own-packets-forgotten",
            "What node2 sends itself keeps its destination. Table nat has a chain for a machine's "
            "own packets.",
            _becomes(NODES_OWN, lambda left: str(left.dst) == "10.96.0.90"),
        ),
        Misconception(
            "other-pod",
            "That leads to a pod, but not to the bell's: see which address the new pod has.",
            _becomes(
                OFFICE.format(BELL), lambda left: left.dst in PODS and str(left.dst) != "10.244.3.9"
            ),
        ),
        Misconception(
            "port-of-the-service",
            "The pod listens on port 8080. Without a port DNAT leaves the one that was asked for.",
            _becomes(POD.format(BELL), lambda left: left.dport == 80),
        ),
        Misconception(
            "pods-masqueraded",
            "Now the pods are masqueraded: the server takes them all for node2. The condition "
            "asks for who is NOT a pod.",
            _becomes(
                POD.format(BELL), lambda left: left.src not in PODS or left.src.packed[-1] < 2
            ),
        ),
        Misconception(
            "by-interface",
            "Pods of the other nodes come in by eth0, and are masqueraded now. Ask whether the "
            "sender is a pod, of whichever node.",
            _becomes(OTHER_POD.format(BELL), lambda left: left.src not in PODS),
        ),
        Misconception(
            "to-itself",
            "Now node2 keeps the packet for itself. The bell is a pod with an address of its own.",
            _becomes(OFFICE.format(BELL), lambda left: left.dst not in PODS),
        ),
        Misconception(
            "nobody-masqueraded",
            "The office PC keeps its source. Then the pod answers it past node2, and the PC gets "
            "an answer from somebody that it never asked.",
            _becomes(OFFICE.format(BELL), lambda left: str(left.src) == "192.168.10.50"),
        ),
    ),
    done="Seven lines are for all Services, five are this one's. That is all that kube-proxy does: "
    "it writes such lines, with longer names.",
)

COUNTING = "-t mangle -A FORWARD -i eth0 -j MARK --set-mark 0x1\n"

mark = WriteRules(
    id="09-mark",
    reference=COUNTING.replace("--set-mark 0x1", "--set-mark 0x1/0x1") + BY_HAND,
    says="What is forwarded from eth0 leaves with mark 0x1, and the Service works for everybody.",
    scope=NEW,
    hints=(
        "Follow the office PC's packet: KUBE-MARK-MASQ in PREROUTING, then mangle FORWARD, then "
        "KUBE-POSTROUTING. Which mark has it at each?",
        "--set-mark 0x1 writes all 32 bits, and so it wipes out bit 0x4000.",
        "--set-mark takes a mask too: VALUE/MASK wipes out the bits of MASK only. --or-mark is "
        "another way.",
    ),
    misconceptions=(
        SPOILT,
        Misconception(
            "ready-bell",
            "The lines of the bell were right, the colleague's is not: put back what has changed.",
            lambda rules: isinstance(rules, Ruleset) and not _translates(rules),
        ),
        Misconception(
            "still-wiped",
            "The office PC keeps its source: its mark 0x4000 is gone before KUBE-POSTROUTING "
            "looks for it. Which line writes over that bit too?",
            _becomes(OFFICE.format(BELL), lambda left: str(left.src) == "192.168.10.50"),
        ),
        Misconception(
            "everybody-masqueraded",
            "Now packets that nobody marked with 0x4000 are masqueraded as well, such as those "
            "from eth0 straight to a pod.",
            _becomes(OFFICE.format("10.244.2.3:80"), lambda left: str(left.src) != "192.168.10.50"),
        ),
        Misconception(
            "not-counted",
            "What comes from eth0 should leave with mark 0x1, and does not.",
            _becomes(OFFICE.format(BELL), lambda left: left.mark != 1),
        ),
        Misconception(
            "more-than-forwarded",
            "Now what is meant for node2 itself is marked as well. The colleague marks what is "
            "forwarded, and keeps that.",
            _becomes(OFFICE.format("192.168.10.12:22"), lambda left: left.mark == 1),
        ),
    ),
    done="A mark is 32 bits that everybody on the machine shares. Whoever writes with a mask "
    "touches only its own bits: kube-proxy always does.",
)

# --- the guilty line ---

RESTORED = """*nat
-A PREROUTING -j KUBE-SERVICES
-A OUTPUT -j KUBE-SERVICES
-A POSTROUTING -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -j MASQUERADE
-A KUBE-SERVICES -d 10.96.0.90/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-BELL
-A KUBE-SVC-BELL ! -s 10.244.0.0/16 -j KUBE-MARK-MASQ
-A KUBE-SVC-BELL -j KUBE-SEP-BELL
-A KUBE-SEP-BELL -s 10.244.3.9/32 -j KUBE-MARK-MASQ
-A KUBE-SEP-BELL -p tcp -m tcp -j DNAT --to-destination 10.244.3.9:8080
COMMIT
"""
_CHAINS = "".join(
    f":{name} - [0:0]\n"
    for name in (
        *("KUBE-MARK-MASQ", "KUBE-POSTROUTING", "KUBE-SERVICES"),
        *("KUBE-SEP-BELL", "KUBE-SVC-BELL"),
    )
)
DUMP = RESTORED.replace("*nat\n", f"*nat\n{_CHAINS}")

blame = FindLine(
    id="09-blame",
    rules=DUMP,
    reference=DUMP.replace("-m mark --mark", "-m mark ! --mark"),
    host=NODE2,
    hints=(
        "The visitors' source is rewritten in one place only. Which rules are asked there?",
        "Read KUBE-POSTROUTING from the top: who returns, and who is masqueraded?",
        "Compare its first rule with the one on node1, character by character. A packet that "
        "proves it comes in by cni0 from a pod (or by eth0) and leaves node2 again.",
    ),
    misconceptions=(
        Misconception(
            "rule-is-right",
            "That rule is as on node1: it gives the mark to those who are to have it.",
            blames("KUBE-SVC-BELL 1", "KUBE-SEP-BELL 1", "KUBE-MARK-MASQ 1"),
        ),
        Misconception(
            "hand-not-head",
            "This line rewrites the source, but it is to do so for marked packets. Who sends "
            "the others here?",
            blames("KUBE-POSTROUTING 3", "KUBE-POSTROUTING 2", "POSTROUTING 1"),
        ),
        Misconception(
            "destination-is-right",
            "The destination is what it should be: packets reach the right pod.",
            blames(
                *("KUBE-SEP-BELL 2", "KUBE-SVC-BELL 2", "KUBE-SERVICES 1"),
                *("PREROUTING 1", "OUTPUT 1"),
            ),
        ),
    ),
    done="One lost exclamation mark, and all is upside down: whoever should be masqueraded is not, "
    "and everybody else is, with or without a Service.",
)

# --- questions that later lessons ask again ---

_SMALL = """*nat
:SVC - [0:0]
-A PREROUTING -d 10.96.0.5 -p tcp --dport 80 -j SVC
-A SVC ! -s 10.244.0.0/16 -j MARK --set-xmark 0x4000/0x4000
-A SVC -p tcp -j DNAT --to-destination 10.244.3.4:8080
-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
COMMIT
"""
_GUARD = """*filter
-A FORWARD -d 10.96.0.5 -j DROP
-A FORWARD -d 10.244.3.4 -p tcp --dport 80 -j REJECT
COMMIT
"""


def _small(packet: str, more: str = "") -> Journey:
    return Machine(NODE2.with_rules(_SMALL + more)).journey(packet)


FILTERED = partial(_small, OFFICE.format("10.96.0.5:80"), _GUARD)
FROM_POD = partial(_small, POD.format("10.96.0.5:80"))
OTHER_PORT = partial(_small, POD.format("10.96.0.5:22"))
NODE_ITSELF = partial(_small, "tcp 192.168.10.12:40000 -> 10.96.0.5:80")
_INTRO = "On node2 (192.168.10.12) these rules are loaded; pods are in 10.244.0.0/16:"

filtered = Predict(
    id="09-recall-filtered",
    task=f"{_INTRO}\n{_SMALL}{_GUARD}A PC at 192.168.10.50 connects to 10.96.0.5, port 80. Its "
    'first packet\'s fate: "ACCEPT", "DROP" or "REJECT"?',
    truth=lambda: "ACCEPT" if FILTERED().accepted else "DROP",
    choices=("ACCEPT", "DROP", "REJECT"),
    shows=FILTERED,
    hints=(
        "Table nat in PREROUTING comes before table filter in FORWARD. Which destination is left?",
        "It goes to 10.244.3.4, port 8080. Compare address and port with both filter rules.",
    ),
    misconceptions=(
        Misconception(
            "filter-sees-the-service",
            "When FORWARD is asked, no packet goes to 10.96.0.5 any more.",
            answered("DROP"),
        ),
        Misconception(
            "filter-sees-the-old-port",
            "The port has become 8080 before FORWARD is asked.",
            answered("REJECT"),
        ),
    ),
    done="Table filter sees what DNAT has made of the packet: neither rule is about it.",
)
unmasked = Predict(
    id="09-recall-unmasked",
    task=f"{_INTRO}\n{_SMALL}The pod 10.244.2.3 connects to 10.96.0.5, port 80. Which source "
    "address does the packet have when it leaves node2?",
    truth=lambda: str(_exit(FROM_POD()).src),
    shows=FROM_POD,
    hints=("Does the first rule of SVC match?", "Without the mark nothing is masqueraded."),
    misconceptions=(
        Misconception(
            "everybody-masqueraded",
            "Only what has the mark is masqueraded, and pods do not get it.",
            answered("192.168.10.12", "10.244.2.1"),
        ),
        Misconception(
            "service-as-source", "DNAT changes the destination only.", answered("10.96.0.5")
        ),
    ),
    done="Pods keep their address: the answer comes back through node2 anyway, where the pod is.",
)
unlisted = Predict(
    id="09-recall-port",
    task=f"{_INTRO}\n{_SMALL}The pod 10.244.2.3 connects to 10.96.0.5, port 22. To which "
    "ADDRESS:PORT does the packet go when it leaves node2?",
    truth=lambda: ends(_exit(OTHER_PORT())).rpartition(" ")[2],
    shows=OTHER_PORT,
    hints=("Which port does the rule in PREROUTING ask for?", "What if it does not match?"),
    misconceptions=(
        Misconception(
            "one-machine",
            "The rules are about port 80 of that address, not about a machine.",
            answered("10.244.3.4:22", "10.244.3.4:8080"),
        ),
        Misconception(
            "port-80", "Nothing changes a port here without DNAT.", answered("10.96.0.5:80")
        ),
    ),
    done="No rule is about port 22, so the packet goes on to an address that nobody has.",
)
own_packets = Predict(
    id="09-recall-own",
    task=f"{_INTRO}\n{_SMALL}Node2 itself connects to 10.96.0.5, port 80. To which ADDRESS:PORT "
    "does the packet go when it leaves?",
    truth=lambda: ends(_exit(NODE_ITSELF())).rpartition(" ")[2],
    shows=NODE_ITSELF,
    hints=(
        "Which chains of table nat does a packet meet that the machine sends itself?",
        "These rules have a jump in PREROUTING. Is there one in OUTPUT?",
    ),
    misconceptions=(
        Misconception(
            "output-is-not-prerouting",
            "What a machine sends itself passes OUTPUT, and no rule stands there.",
            answered("10.244.3.4:8080"),
        ),
        Misconception(
            "only-the-address", "Nothing rewrites half of it.", answered("10.244.3.4:80")
        ),
    ),
    done="Without a jump in OUTPUT the node's own packets are not translated. kube-proxy has both.",
)

REVIEW = (filtered, unmasked, unlisted, own_packets)
EXERCISES: tuple[Exercise | Variants, ...] = (
    elsewhere,
    Variants("09-count", count_rules),
    path,
    Variants("09-name", name_chain),
    source,
    by_hand,
    mark,
    blame,
)
