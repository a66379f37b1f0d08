"""The rules of one service port: a function for each place and chain.

First come rules in chains that all Services share, then the port's own chains. Each
function yields its lines in kube-proxy's order, which is compared byte for byte.

Source: kubernetes/pkg/proxy/iptables/proxier.go (syncProxyRules,
writeServiceToEndpointRules), release 1.36
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address

from iptlab.kubernetes import names
from iptlab.kubernetes.endpoints import Backends, Choice
from iptlab.kubernetes.lines import Lines, Reason, comment, rule
from iptlab.kubernetes.service_ports import ServicePort
from iptlab.kubernetes.settings import Settings


@dataclass(frozen=True)
class Plan:
    """A service port, the endpoints chosen for it, and the node that the rules are for.

    ``endpoint_chains`` are the chains of the reachable endpoints, by the endpoint's text.
    A ``large`` cluster's rules leave out the comments that repeat for each endpoint.
    """

    port: ServicePort
    choice: Choice
    endpoint_chains: Mapping[str, str]
    settings: Settings
    large: bool

    @classmethod
    def of(cls, port: ServicePort, choice: Choice, settings: Settings, *, large: bool) -> Plan:
        """A plan with the names of the endpoints' chains worked out."""
        hashed, chain = f"{port.name}{port.protocol}", names.endpoint_chain
        chains = {one.text: chain(hashed, one.text) for one in choice.reachable}
        return cls(port, choice, chains, settings, large)

    @property
    def external_ips(self) -> tuple[str, ...]:
        """The external IPs that get rules; a cluster may have switched them off."""
        return self.port.external_ips if self.settings.service_external_ips else ()

    @property
    def firewalled(self) -> bool:
        """Whether only some sources may use the load balancer addresses."""
        return self.choice.exists and bool(self.port.balancer_ips and self.port.source_ranges)

    def to(self, address: str) -> str:
        """The rule words for packets to an address at the port's number."""
        protocol = self.port.protocol
        return f"-m {protocol} -p {protocol} -d {address} --dport {self.port.port}"


# --- rules in chains that all Services share ---


def shared_rules(plan: Plan) -> Iterator[Lines]:
    """The rules that lead packets to the port's chains, or refuse them: written at each sync."""
    yield from cluster_ip_rules(plan)
    yield from external_ip_rules(plan)
    yield from balancer_rules(plan)
    yield from node_port_rules(plan)
    yield from health_check_rules(plan)


def cluster_ip_rules(plan: Plan) -> Iterator[Lines]:
    """KUBE-SERVICES catches packets to the cluster IP: in nat to go on, in filter to refuse."""
    port, words = plan.port, plan.to(plan.port.cluster_ip)
    if plan.choice.internal:
        said = comment(f"{port.name} cluster IP")
        text = f"-A {names.SERVICES} {said} {words} -j {port.internal_policy_chain}"
        yield rule("nat", text, Reason.CLUSTER_IP)
    else:
        yield _refusal(plan, names.SERVICES, words)


def external_ip_rules(plan: Plan) -> Iterator[Lines]:
    """KUBE-SERVICES hands packets to external IPs to KUBE-EXT, if there is any endpoint."""
    port = plan.port
    for ip in plan.external_ips:
        if plan.choice.exists:
            said = comment(f"{port.name} external IP")
            text = f"-A {names.SERVICES} {said} {plan.to(ip)} -j {port.external_chain}"
            yield rule("nat", text, Reason.EXTERNAL_IP)
        if not plan.choice.external:
            yield _refusal(plan, names.EXTERNAL_SERVICES, plan.to(ip))


def balancer_rules(plan: Plan) -> Iterator[Lines]:
    """KUBE-SERVICES hands packets to load balancer addresses on, by KUBE-FW if guarded.

    What KUBE-FW let not pass stays untranslated, and the filter table drops it.
    """
    port = plan.port
    said = comment(f"{port.name} loadbalancer IP")
    for ip in port.balancer_ips if plan.choice.exists else ():
        if plan.firewalled:
            text = f"-A {names.SERVICES} {said} {plan.to(ip)} -j {port.firewall_chain}"
            yield rule("nat", text, Reason.GUARDED_IP)
            said_drop = comment(f"{port.name} traffic not accepted by {port.firewall_chain}")
            drop = f"-A {names.PROXY_FIREWALL} {said_drop} {plan.to(ip)} -j DROP"
            yield rule("filter", drop, Reason.NOT_ALLOWED)
        else:
            text = f"-A {names.SERVICES} {said} {plan.to(ip)} -j {port.external_chain}"
            yield rule("nat", text, Reason.BALANCER_IP)
    for ip in port.balancer_ips if not plan.choice.external else ():
        yield _refusal(plan, names.EXTERNAL_SERVICES, plan.to(ip))


def node_port_rules(plan: Plan) -> Iterator[Lines]:
    """KUBE-NODEPORTS hands packets to the node port to KUBE-EXT, if there is any endpoint."""
    port, protocol = plan.port, plan.port.protocol
    if not port.node_port:
        return
    number = f"--dport {port.node_port}"
    if plan.choice.exists:
        start = (
            f"-A {names.NODE_PORTS} -m comment --comment {port.name} -m {protocol} -p {protocol}"
        )
        jump = f"-j {port.external_chain}"
        if plan.settings.localhost_node_ports and plan.settings.nfacct:
            counter = "-m nfacct --nfacct-name localhost_nps_accepted_pkts"
            text = f"{start} -d 127.0.0.0/8 {number} {counter} {jump}"
            yield rule("nat", text, Reason.LOOPBACK)
        yield rule("nat", f"{start} {number} {jump}", Reason.NODE_PORT)
    if not plan.choice.external:
        words = f"-m addrtype --dst-type LOCAL -m {protocol} -p {protocol} {number}"
        yield _refusal(plan, names.EXTERNAL_SERVICES, words)


def health_check_rules(plan: Plan) -> Iterator[Lines]:
    """KUBE-NODEPORTS lets load balancers ask for the node's health, always by TCP."""
    if plan.port.health_check_port:
        said = comment(f"{plan.port.name} health check node port")
        words = f"-m tcp -p tcp --dport {plan.port.health_check_port} -j ACCEPT"
        yield rule("filter", f"-A {names.NODE_PORTS} {said} {words}", Reason.HEALTH_CHECK)


def _refusal(plan: Plan, chain: str, words: str) -> Lines:
    """REJECT tells a client that there is no endpoint at all; DROP lets it try another node."""
    if plan.choice.exists:
        said, target, reason = "no local endpoints", "DROP", Reason.NOT_HERE
    else:
        said, target, reason = "no endpoints", "REJECT", Reason.NO_ENDPOINT
    text = f"-A {chain} {comment(f'{plan.port.name} has {said}')} {words} -j {target}"
    return rule("filter", text, reason)


# --- the port's own chains ---


def own_chains(plan: Plan) -> Iterator[str]:
    """The chains that the port has, in the order in which they are declared."""
    port, choice = plan.port, plan.choice
    if choice.exists and port.exposed:
        yield port.external_chain
    if plan.firewalled:
        yield port.firewall_chain
    if choice.cluster:
        yield port.cluster_chain
    if choice.local:
        yield port.local_chain
    yield from plan.endpoint_chains.values()


def own_rules(plan: Plan) -> Iterator[Lines]:
    """The rules in the port's own chains: written if the Service or its slices changed."""
    port, choice = plan.port, plan.choice
    yield from masquerade_rules(plan)
    yield from external_rules(plan)
    yield from firewall_rules(plan)
    yield from balancing_rules(plan, port.cluster_chain, choice.cluster)
    yield from balancing_rules(plan, port.local_chain, choice.local)
    yield from endpoint_rules(plan)


def masquerade_rules(plan: Plan) -> Iterator[Lines]:
    """The first rule of KUBE-SVC or KUBE-SVL masquerades clients that are no pods.

    The answers to a pod come back through its node by themselves; others would get them
    from an address they never asked. Packets that come by KUBE-EXT have another destination.
    """
    if not plan.choice.internal:
        return
    port, detector = plan.port, plan.settings.detector
    said = comment(f"{port.name} cluster IP")
    start = f"-A {port.internal_policy_chain} {said} {plan.to(port.cluster_ip)}"
    if plan.settings.masquerade_all:
        yield rule("nat", f"{start} -j {names.MARK_MASQ}", Reason.MASQUERADE_ALL)
    elif detector:
        text = f"{start} {detector.remote} -j {names.MARK_MASQ}"
        yield rule("nat", text, Reason.MASQUERADE_OTHERS)


def external_rules(plan: Plan) -> Iterator[Lines]:
    """KUBE-EXT receives packets to external addresses and node ports.

    With the policy Cluster all are masqueraded. With Local the client's address is kept,
    and only pods and the node itself may use endpoints elsewhere. Without a local endpoint
    the last rule is missing: packets fall out untranslated, and the filter table drops them.
    """
    port = plan.port
    if not (plan.choice.exists and port.exposed):
        return
    chain, end = port.external_chain, f"{port.name} external destinations"
    if port.external_local:
        yield from _local_policy_rules(plan, chain, end)
    else:
        text = f"-A {chain} {comment(f'masquerade traffic for {end}')} -j {names.MARK_MASQ}"
        yield rule("nat", text, Reason.MASQUERADE_OUTSIDE)
    if plan.choice.external:
        yield rule("nat", f"-A {chain} -j {port.external_policy_chain}", Reason.POLICY)


def _local_policy_rules(plan: Plan, chain: str, end: str) -> Iterator[Lines]:
    """Pods and the node itself take a short cut past the policy Local."""
    to_all, detector = plan.port.cluster_chain, plan.settings.detector
    if detector:
        pods = f"{comment(f'pod traffic for {end}')} {detector.local}"
        yield rule("nat", f"-A {chain} {pods} -j {to_all}", Reason.PODS_ANYWHERE)
    own = "-m addrtype --src-type LOCAL"
    said = comment(f"masquerade LOCAL traffic for {end}")
    yield rule("nat", f"-A {chain} {said} {own} -j {names.MARK_MASQ}", Reason.MASQUERADE_NODE)
    said = comment(f"route LOCAL traffic for {end}")
    yield rule("nat", f"-A {chain} {said} {own} -j {to_all}", Reason.NODE_ANYWHERE)


def firewall_rules(plan: Plan) -> Iterator[Lines]:
    """KUBE-FW lets packets from the source ranges go on to KUBE-EXT; the rest falls out.

    A node in a range reaches the load balancer address through itself, and such packets
    have that very address as their source.
    """
    if not plan.firewalled:
        return
    port, chain = plan.port, plan.port.firewall_chain
    start = f"-A {chain} {comment(f'{port.name} loadbalancer IP')}"
    for allowed in port.source_ranges:
        yield rule("nat", f"{start} -s {allowed} -j {port.external_chain}", Reason.ALLOWED_RANGE)
    node_ip = ip_address(plan.settings.node_ip)
    if any(node_ip in allowed for allowed in port.source_ranges):
        for ip in port.balancer_ips:
            yield rule("nat", f"{start} -s {ip} -j {port.external_chain}", Reason.ALLOWED_SELF)
    said = comment(f"other traffic to {port.name} will be dropped by {names.PROXY_FIREWALL}")
    yield rule("nat", f"-A {chain} {said}", Reason.REST_DROPPED)


def balancing_rules(plan: Plan, chain: str, some: Backends) -> Iterator[Lines]:
    """KUBE-SVC and KUBE-SVL give each endpoint an equal share of new connections.

    The first of n takes 1/n, the next 1/(n-1) of what is left, the last the rest. With
    affinity, an endpoint that served the client lately comes before all chance.
    """
    port, ends, start = plan.port, plan.endpoint_chains, f"-A {chain}"
    said = [""] * len(some)
    if not plan.large:
        said = [f' -m comment --comment "{port.name} -> {one.text}"' for one in some]
    to = [ends[one.text] for one in some]
    if port.affinity:
        recent = f"--rcheck --seconds {port.affinity} --reap"
        texts = [
            f"{start}{words} -m recent --name {end} {recent} -j {end}"
            for words, end in zip(said, to, strict=True)
        ]
        yield Lines("nat", texts, (Reason.STICKY,), some)
    left = range(len(some), 0, -1)
    texts = [
        f"{start}{words}{chance(count)} -j {end}"
        for words, count, end in zip(said, left, to, strict=True)
    ]
    yield Lines("nat", texts, (Reason.BALANCE,), some)


@cache
def chance(left: int) -> str:
    """The words that match one connection in ``left``; for the last endpoint there are none.

    >>> chance(3), chance(1)
    (' -m statistic --mode random --probability 0.3333333333', '')
    """
    if left == 1:
        return ""
    return f" -m statistic --mode random --probability {1 / left:.10f}"


def endpoint_rules(plan: Plan) -> Iterator[Lines]:
    """KUBE-SEP translates to its endpoint, and masquerades a pod that reaches itself.

    Such a pod would otherwise see its own address as the client's, and answer itself
    without passing the node that has to translate the answer back.
    """
    port, protocol = plan.port, plan.port.protocol
    said = "" if plan.large else f" -m comment --comment {port.name}"
    mark = f"-j {names.MARK_MASQ}"
    translate = f"-m {protocol} -p {protocol} -j DNAT --to-destination"
    texts = []
    for one, chain in zip(plan.choice.reachable, plan.endpoint_chains.values(), strict=True):
        recent = f" -m recent --name {chain} --set" if port.affinity else ""
        texts.append(f"-A {chain}{said} -s {one.endpoint.address} {mark}")
        texts.append(f"-A {chain}{said}{recent} {translate} {one.text}")
    reason = Reason.REMEMBER if port.affinity else Reason.TRANSLATE
    yield Lines("nat", texts, (Reason.HAIRPIN, reason), plan.choice.reachable)
