"""Recorded flows: the first packets of connections, sent through a simulated node.

The node is the one that the recordings were made on: all its addresses on eth0, its own pods
behind a pod interface, everything else behind eth0. All that chance can make of a packet is
compared with what was seen of the real kernel.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any, NamedTuple

from iptlab.kubernetes import names
from iptlab.kubernetes.kube_proxy import own_node
from iptlab.kubernetes.manifests import Manifests
from iptlab.matches.conntrack import Conntrack
from iptlab.matches.mark import Mark
from iptlab.matches.recent import Recent
from iptlab.matches.statistic import Statistic
from iptlab.netfilter.actions import Call, Decide, Translate
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Match, every
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.rules import Rule, Table
from iptlab.packet import Address, Family, Packet, Protocol, TcpFlags
from iptlab.ruleset import Ruleset
from iptlab.simulate.chance import Chooser
from iptlab.simulate.host import Host, Interface
from iptlab.simulate.journey import Fate, Journey
from iptlab.simulate.machine import Machine
from iptlab.simulate.routing import Route

# source ports of the first connection and of one that comes after it
_FIRST_PORT, _NEXT_PORT = 50_001, 50_002
_EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))


class End(NamedTuple):
    """What became of a packet, in the words of the recordings."""

    verdict: str
    to: str = ""
    masqueraded: bool = False
    delivered: bool = False

    def __str__(self) -> str:
        words = [self.verdict, self.to, "masqueraded" * self.masqueraded, "here" * self.delivered]
        return " ".join(filter(None, words))


@dataclass(frozen=True)
class Flow:
    """The first packet of a connection, and what was seen to come of it."""

    name: str
    entry: str
    packet: Packet
    ends: frozenset[End]
    sample: bool
    sticky: bool
    trace: Mapping[str, Any] | None

    @classmethod
    def of(cls, recorded: Mapping[str, Any]) -> Flow:
        """A flow as the recordings write it."""
        ends = (
            End(
                one["verdict"],
                one.get("to", ""),
                one.get("masqueraded", False),
                one.get("deliveredLocally", False),
            )
            for one in recorded["outcomes"]
        )
        return cls(
            recorded["name"],
            recorded["inInterface"] or "",
            _first(recorded),
            frozenset(ends),
            bool(recorded.get("outcomesAreASample")),
            bool(recorded.get("sticky")),
            recorded.get("ruleTrace"),
        )

    def begin(self, machine: Machine, choose: Chooser) -> Journey:
        """Send the first packet."""
        return self._send(machine, self.packet, choose)

    def repeat(self, machine: Machine, choose: Chooser) -> Journey:
        """Send the first packet of the next connection."""
        return self._send(machine, replace(self.packet, sport=_NEXT_PORT), choose)

    def _send(self, machine: Machine, packet: Packet, choose: Chooser) -> Journey:
        if self.entry:
            return machine.receive(self.entry, packet, choose=choose)
        return machine.send(packet, choose=choose)


def _first(recorded: Mapping[str, Any]) -> Packet:
    protocol = Protocol[recorded["protocol"]]
    return Packet(
        ip_address(recorded["sourceIP"]),
        ip_address(recorded["destIP"]),
        protocol,
        _FIRST_PORT,
        recorded["destPort"],
        flags=TcpFlags.SYN if protocol is Protocol.TCP else TcpFlags.NONE,
        chunks=("INIT",) if protocol is Protocol.SCTP else (),
        init_tag=1 if protocol is Protocol.SCTP else 0,
    )


@dataclass(frozen=True)
class FlowNode:
    """The node of a scenario at one moment, with kube-proxy's rules."""

    machine: Machine

    @classmethod
    def of(
        cls, config: str, manifests: Manifests, rules: Mapping[Family, Ruleset], pods: str
    ) -> FlowNode:
        """The node of a scenario, with its own pods behind the interface ``pods``."""
        said = json.loads(config)
        addresses = [one for one in said["nodeAddresses"] if not ip_interface(one).ip.is_loopback]
        switches = {
            "ipv4/ip_forward": 1,
            "ipv6/conf/all/forwarding": 1,
            "ipv4/conf/all/route_localnet": int(said["localhostNodePorts"]),
        }
        own = own_node(said["nodeName"], manifests)
        routes = [Route(net, pods) for net in own.pod_networks]
        routes += [Route(net, "eth0") for net in _EVERYWHERE]
        interfaces = (Interface.of("eth0", *addresses), Interface(pods))
        return cls(Machine(Host(interfaces, tuple(routes), sysctls=switches, rules=rules)))

    def differences(self, flow: Flow) -> Iterator[str]:
        """What the node does otherwise than was recorded."""
        outcomes = list(self.machine.outcomes(flow.begin))
        ends = {_end(one.journey) for one in outcomes}
        total = sum(one.journey.probability for one in outcomes)
        if total != 1:
            yield f"{flow.name}: the probabilities add up to {total}"
        if not (flow.ends <= ends if flow.sample else flow.ends == ends):
            yield f"{flow.name}: expected {_listed(flow.ends)}; ours {_listed(ends)}"
        for outcome in outcomes if flow.sticky else ():
            again = {_end(one.journey) for one in outcome.machine.outcomes(flow.repeat)}
            if again != {_end(outcome.journey)}:
                yield f"{flow.name}: after {_end(outcome.journey)} comes {_listed(again)}"
        if flow.trace is not None:
            traced = PlainWalk(self.machine.host, flow.packet).traced()
            if traced != flow.trace:
                yield f"{flow.name}: expected the trace {flow.trace}; ours {traced}"


def pod_interface(flows: Iterable[Flow]) -> str:
    """The interface that the recorded node had for its pods."""
    return next((one.entry for one in flows if one.entry not in ("", "eth0")), "cni0")


def _end(journey: Journey) -> End:
    """A journey in the words of the recordings."""
    if journey.fate is Fate.REJECTED and journey.generated:
        return End("REJECT")
    if not journey.accepted or journey.exit is None:
        return End("DROP")
    here = journey.fate is Fate.DELIVERED
    # Recorded is what could be seen of packets that left. The kernel masquerades a node's
    # connection to itself too, on its way out through lo.
    masqueraded = not here and any(
        visit.translate is not None for visit in journey.visits() if visit.chain == "POSTROUTING"
    )
    to, exit_ = journey.packet.dst, journey.exit
    if (exit_.dst, exit_.dport) != (to, journey.packet.dport):
        return End("DNAT", _endpoint(exit_.dst, exit_.dport), masqueraded, here)
    return End("LOCAL") if here else End("PASS", "", masqueraded)


def _listed(ends: Iterable[End]) -> str:
    return ", ".join(sorted(map(str, ends))) or "nothing"


# where a plain walk begins in the filter table, one after another
_FILTER_CHAINS = (
    names.SERVICES,
    names.EXTERNAL_SERVICES,
    names.NODE_PORTS,
    names.PROXY_FIREWALL,
)


class PlainWalk:
    """A walk that takes every way at once, and rules that ask for more than addresses for no.

    It sees no marks, no states, no hooks and no interfaces: rules that ask for a mark, a state
    or an earlier packet do not match, those that ask for an interface or for luck do.
    """

    def __init__(self, host: Host, packet: Packet) -> None:
        self.tables = host.rules[packet.family].tables
        self.packet = packet
        self.context = Context(Hook.PREROUTING, address_types=host.address_types)
        self.endpoints: list[Translate] = []
        self.verdicts: list[str] = []
        self.marked = False

    def traced(self) -> dict[str, object]:
        """The walk's findings as the recordings write them."""
        self._run(self.tables[TableName.NAT], names.SERVICES)
        reached = sorted({_ends(one) for one in self.endpoints})
        if self.endpoints:
            first = self.endpoints[0]
            assert isinstance(first.addresses, tuple)
            self.packet = replace(self.packet, dst=first.addresses[0])
        for chain in _FILTER_CHAINS:
            self._run(self.tables[TableName.FILTER], chain)
        return {
            "endpoints": reached,
            "filter": ",".join(self.verdicts),
            "masquerade": self.marked,
        }

    def _run(self, table: Table, name: str) -> bool:
        """Whether the walk ends in this chain."""
        if name == names.MARK_MASQ:
            self.marked = True
            return False
        for rule in table.chains[name].rules if name in table.chains else ():
            if rule.target is None or not self._holds(rule):
                continue
            match rule.target.act(self.packet, self.context):
                case Call(chain):
                    ended = self._run(table, chain)
                case Translate() as translate:
                    self.endpoints.append(translate)
                    ended = True
                case Decide(verdict):
                    self.verdicts.append("REJECT" if rule.target.name == "REJECT" else verdict)
                    ended = True
                case _:
                    return False
            if ended and not any(isinstance(one, Statistic) for one in rule.matches):
                return True
        return False

    def _holds(self, rule: Rule) -> bool:
        if any(_asks_for_the_past(one) for one in rule.matches):
            return False
        plain = (one.holds for one in rule.tests() if not isinstance(one, Statistic))
        return every(plain, self.packet, self.context) is True


def _asks_for_the_past(match: Match) -> bool:
    return isinstance(match, Mark | Conntrack) or (isinstance(match, Recent) and not match.set)


def _ends(translate: Translate) -> str:
    """An endpoint as text: 10.0.0.1:80."""
    assert isinstance(translate.addresses, tuple)
    assert translate.ports is not None
    return _endpoint(translate.addresses[0], translate.ports[0])


def _endpoint(address: Address, port: int | None) -> str:
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
