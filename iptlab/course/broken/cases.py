"""The five broken clusters of lesson 13: the shop, and what somebody did to it.

Each is told by those who suffer from it. How it was broken is a list of commands, and so is
what mends it; the tests type both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from iptlab.console.lab import Lab
from iptlab.course.broken.typed import type_in
from iptlab.course.files import notebooks
from iptlab.errors import IptlabError


@dataclass(frozen=True)
class Case:
    """A cluster with one thing broken.

    ``manifests`` are applied, then ``typed`` is typed; ``cure`` is typed to mend it, and
    ``says`` is what people complain about.
    """

    name: str
    says: str
    manifests: tuple[str, ...]
    typed: str
    cure: str

    def lab(self) -> Lab:
        """The cluster as it is."""
        lab = Lab.kubernetes("")
        applied = (f"kubectl apply -f - <<'EOF'\n{one}\nEOF" for one in self.manifests)
        for text in (*applied, self.typed):
            if failed := type_in(lab, text):
                raise IptlabError(f"{self.name} cannot be built: {failed}")
        return lab

    def mended(self) -> Lab:
        """The cluster once it is mended: its healthy twin."""
        lab = self.lab()
        if failed := type_in(lab, self.cure):
            raise IptlabError(f"{self.name} cannot be mended: {failed}")
        return lab


def shop(name: str) -> str:
    """A manifest of the shop, as it lies beside the notebooks."""
    return (notebooks() / "data" / "shop" / f"{name}.yaml").read_text(encoding="utf-8")


def node(name: str, spec: str) -> str:
    """The manifest of a node."""
    return f"{{apiVersion: v1, kind: Node, metadata: {{name: {name}}}, spec: {{{spec}}}}}"


def with_line(manifest: str, before: str, line: str) -> str:
    """A manifest with one more line before another one, as far to the right."""
    start, found, end = manifest.partition(before)
    indent = start.rpartition("\n")[2]
    return f"{start}{line}\n{indent}{found}{end}"


# --- 1: connection refused ---

_REFUSED = "From the pod shell: curl http://web/ says connection refused. Yesterday it worked."
_TYPOS = ("wbe", "webshop", "www")
_PORTS = (8080, 8000, 3000)
_PROBE_PORT = "/spec/template/spec/containers/0/readinessProbe/httpGet/port"


def refused(seed: int) -> Case:
    """Nobody is behind the Service: its selector fits no pod, or no pod is ready."""
    kind = seed // 2 % 3
    if seed % 2:
        probe = f"readinessProbe: {{httpGet: {{port: {_PORTS[kind]}}}}}"
        web = shop("web").replace(
            "ports: [{containerPort: 80}]", "ports: [{containerPort: 80}], " + probe
        )
        change = f'[{{"op": "replace", "path": "{_PROBE_PORT}", "value": 80}}]'
        cure = f"kubectl patch deployment web --type=json -p '{change}'"
        return Case("unready", _REFUSED, (web, shop("shell")), "", cure)
    typo = f"kubectl set selector service web app={_TYPOS[kind]}"
    cure = "kubectl set selector service web app=web"
    return Case("selector", _REFUSED, (shop("web"), shop("shell")), typo, cure)


# --- 2: timed out at one node ---


def away(seed: int) -> Case:
    """A node without backends, and a policy that asks for one there."""
    number = 3 - seed % 3
    says = (
        f"Visitors who come by node{number} (192.168.10.1{number}, port 30081) wait, and nothing "
        f"comes. Bob: I took node{number} out of service for a new disk. But that was in spring."
    )
    web = shop("web").replace("replicas: 3", "replicas: 2")
    front = shop("front").replace("externalTrafficPolicy: Cluster", "externalTrafficPolicy: Local")
    cordon = node(f"node{number}", "unschedulable: true")
    cure = f"kubectl uncordon node{number}\nkubectl scale deployment web --replicas=3"
    return Case("local", says, (cordon, web, front), "", cure)


# --- 3: a wrong source ---

_FOREIGN = (
    "-s 10.244.0.0/16 -d 10.244.0.0/16 -j ACCEPT",
    "-s 10.244.4.0/24 -j ACCEPT",
    "-o cni0 -j ACCEPT",
)
_ELSEWHERE = ("10.250.4", "10.200.4", "10.160.4")


def pods_of_node4(seed: int) -> str:
    """The beginning of its pods' addresses, which for odd seeds are in no clusterCIDR."""
    return _ELSEWHERE[seed // 2 % 3] if seed % 2 else "10.244.4"


def node4(seed: int) -> Case:
    """A new node on which sources are wrong: kept in a hairpin, or rewritten for its pods."""
    network = pods_of_node4(seed)
    place = "nodeSelector: {kubernetes.io/hostname: node4}"
    cart = shop("cart").replace("replicas: 3", "replicas: 1")
    cart = with_line(cart, "containers: [{name: cart", place)
    asker = shop("shell").replace("shell", "till").replace("node2", "node4")
    pods = f"{network}.0/24"
    joined = node("node4", f"podCIDR: {pods}, podCIDRs: [{pods}]")
    manifests = (joined, cart, asker)
    if seed % 2:
        says = (
            f"Every pod of node4 has an address of {pods}. But if one of them, the pod till "
            f"({network}.3), connects to the Service cart, 10.96.0.63:6379, then cart sees it come "
            f"from {network}.1, which is node4. Pods of other nodes come with their own address."
        )
        return Case("cidr", says, manifests, "", "")
    says = (
        f"The only pod of cart, {network}.2, runs on node4. It answers everybody but itself: "
        "its own connections to the Service cart, 10.96.0.63:6379, time out."
    )
    typed = f"node4# iptables -t nat -I POSTROUTING {_FOREIGN[seed // 2 % 3]}"
    return Case("hairpin", says, manifests, typed, typed.replace("-I", "-D"))


# --- 4: a stranger's rule ---


def visitors(seed: int) -> Case:
    """A DROP that somebody put above what kube-proxy has in FORWARD."""
    number = 1 + seed % 3
    says = (
        f"Visitors from 203.0.113.0/24 who come by node{number} (192.168.10.1{number}, port 30081) "
        "wait, and nothing comes. By the other nodes they see the page. "
        f"Bob: Somebody there scans our pods. So I locked them out on node{number}."
    )
    rule = "FORWARD -s 203.0.113.0/24 -j DROP"
    at = f"node{number}# iptables"
    manifests = (shop("web"), shop("front"))
    return Case("foreign", says, manifests, f"{at} -I {rule}", f"{at} -D {rule}\n{at} -A {rule}")


# --- 5: an answer that never comes ---

# where one of the name servers ran before they were restarted
_GONE = "10.244.1.2"


def till(seed: int) -> Case:
    """An entry of connection tracking that sends UDP to a pod which is gone."""
    port = 5300 + 11 * (seed % 9)
    says = (
        "The name servers were restarted. Since then one program in the pod shell gets no answer. "
        f"It always asks from port {port}, every few seconds. Other programs do get answers."
    )
    typed = f"""kubectl rollout restart deployment names
node1# sleep 60
node2# iptables -t nat -I PREROUTING -p udp --dport 53 -j DNAT --to-destination {_GONE}
shell# echo shop | nc -u -p {port} -w 1 10.96.0.10 53
node2# iptables -t nat -D PREROUTING 1
shell# dig +short @10.96.0.10 shop.example
shell# dig +short @10.96.0.10 shop.example"""
    cure = f"node2# conntrack -D -p udp --orig-port-src {port}"
    return Case("stale", says, (shop("shell"), shop("names")), typed, cure)


CASES: tuple[Callable[[int], Case], ...] = (refused, away, node4, visitors, till)
