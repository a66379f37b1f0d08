"""What kube-proxy writes whatever Services there are: hooks, and the rules around Services.

Source: kubernetes/pkg/proxy/iptables/proxier.go (iptablesJumpChains, syncProxyRules),
release 1.36
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from iptlab.kubernetes import names
from iptlab.kubernetes.lines import Lines, Reason, comment, rule
from iptlab.kubernetes.settings import Settings
from iptlab.packet import Family


class Hook(NamedTuple):
    """A jump from built-in chains to a chain of kube-proxy's; each goes in at the top."""

    table: str
    chains: tuple[str, ...]
    new: bool
    comment: str
    target: str

    def words(self) -> list[str]:
        """The words of the rule before its target, as arguments of iptables."""
        words = ["-m", "conntrack", "--ctstate", "NEW"] if self.new else []
        return [*words, "-m", "comment", "--comment", self.comment] if self.comment else words

    def rule(self) -> str:
        """The rule as a restore text would have it, without its chain."""
        said = comment(self.comment) if self.comment else ""
        state = "-m conntrack --ctstate NEW" if self.new else ""
        return " ".join(filter(None, (state, said, f"-j {self.target}")))


_EXTERNAL = "kubernetes externally-visible service portals"
_PORTALS = "kubernetes service portals"
_BALANCER = "kubernetes load balancer firewall"

# in the order in which they are ensured, so that on a fresh node the last ones come first
HOOKS = (
    Hook("filter", ("INPUT", "FORWARD"), True, _EXTERNAL, names.EXTERNAL_SERVICES),
    Hook("filter", ("INPUT",), False, "kubernetes health check service ports", names.NODE_PORTS),
    Hook("filter", ("FORWARD", "OUTPUT"), True, _PORTALS, names.SERVICES),
    Hook("filter", ("FORWARD",), False, "kubernetes forwarding rules", names.FORWARD),
    Hook("filter", ("INPUT", "OUTPUT", "FORWARD"), True, _BALANCER, names.PROXY_FIREWALL),
    Hook("nat", ("OUTPUT", "PREROUTING"), False, _PORTALS, names.SERVICES),
    Hook("nat", ("POSTROUTING",), False, "kubernetes postrouting rules", names.POSTROUTING),
    Hook("filter", ("INPUT", "OUTPUT"), False, "", names.FIREWALL),
)

# an empty chain; when it is gone, somebody has flushed iptables
CANARY_TABLES = ("mangle", "nat", "filter")


def filter_chains(settings: Settings) -> tuple[str, ...]:
    """The chains of the filter table that every sync empties and fills."""
    always = (
        names.SERVICES,
        names.EXTERNAL_SERVICES,
        names.FORWARD,
        names.NODE_PORTS,
        names.PROXY_FIREWALL,
    )
    return (*always, names.FIREWALL) if settings.localhost_node_ports else always


NAT_CHAINS = (names.SERVICES, names.NODE_PORTS, names.POSTROUTING, names.MARK_MASQ)


def opening_rules(settings: Settings) -> Iterator[Lines]:
    """The rules before all Services: masquerading, and the guard of loopback addresses."""
    yield from masquerade_rules(settings)
    if settings.localhost_node_ports:
        text = (
            f"-A {names.FIREWALL} {comment('block incoming localnet connections')}"
            " -d 127.0.0.0/8 ! -s 127.0.0.0/8"
            " -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"
        )
        yield rule("filter", text, Reason.LOCALNET)


def masquerade_rules(settings: Settings) -> Iterator[Lines]:
    """KUBE-MARK-MASQ marks packets, KUBE-POSTROUTING masquerades what is marked."""
    chain, mark = names.POSTROUTING, settings.mark
    yield rule("nat", f"-A {chain} -m mark ! --mark {mark}/{mark} -j RETURN", Reason.UNMARKED)
    yield rule("nat", f"-A {chain} -j MARK --xor-mark {mark}", Reason.UNMARK)
    said = comment("kubernetes service traffic requiring SNAT")
    target = "MASQUERADE --random-fully" if settings.random_fully else "MASQUERADE"
    yield rule("nat", f"-A {chain} {said} -j {target}", Reason.MASQUERADE)
    yield rule("nat", f"-A {names.MARK_MASQ} -j MARK --or-mark {mark}", Reason.MARK)


def closing_rules(settings: Settings) -> Iterator[Lines]:
    """The rules after all Services: the way to node ports, and what may be forwarded."""
    yield from node_port_jumps(settings)
    yield from forward_rules(settings)


def node_port_jumps(settings: Settings) -> Iterator[Lines]:
    """KUBE-SERVICES ends with the way to KUBE-NODEPORTS, by all local addresses or some."""
    text = "kubernetes service nodeports; NOTE: this must be the last rule in this chain"
    start, jump = f"-A {names.SERVICES} {comment(text)}", f"-j {names.NODE_PORTS}"
    if settings.node_port_networks:
        for ip in settings.node_port_addresses:
            yield rule("nat", f"{start} -d {ip} {jump}", Reason.TO_NODE_PORTS)
        return
    local = "-m addrtype --dst-type LOCAL"
    if settings.family is Family.IPV6:
        local += " ! -d ::1/128"
    elif not settings.localhost_node_ports:
        local += " ! -d 127.0.0.0/8"
    yield rule("nat", f"{start} {local} {jump}", Reason.TO_NODE_PORTS)


def forward_rules(settings: Settings) -> Iterator[Lines]:
    """KUBE-FORWARD lets packets of Services be forwarded, and drops what conntrack lost.

    A packet of unknown state is not translated back and would reset the connection, unless
    the kernel is told to be liberal about TCP.
    """
    start, mark = f"-A {names.FORWARD}", settings.mark
    if not settings.be_liberal:
        counter = " -m nfacct --nfacct-name ct_state_invalid_dropped_pkts" * settings.nfacct
        text = f"{start} -m conntrack --ctstate INVALID{counter} -j DROP"
        yield rule("filter", text, Reason.INVALID)
    said = comment("kubernetes forwarding rules")
    text = f"{start} {said} -m mark --mark {mark}/{mark} -j ACCEPT"
    yield rule("filter", text, Reason.FORWARD_MARKED)
    said = comment("kubernetes forwarding conntrack rule")
    text = f"{start} {said} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
    yield rule("filter", text, Reason.FORWARD_KNOWN)
