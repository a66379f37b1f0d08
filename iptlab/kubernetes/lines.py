"""A line of kube-proxy's restore text with the reason why it is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from iptlab.kubernetes.endpoints import Backend, Backends


class Reason(Enum):
    """Why a rule exists, in a sentence; ``{port}`` is a service port, ``{end}`` an endpoint."""

    # one service port, in chains that all share
    CLUSTER_IP = "Packets to the cluster IP of {port} go on to its endpoints."
    EXTERNAL_IP = "Packets to an external IP of {port} are handled like all from outside."
    BALANCER_IP = "Packets to a load balancer address of {port} are handled like all from outside."
    GUARDED_IP = "Packets to a load balancer address of {port} must first pass its source ranges."
    NOT_ALLOWED = "Packets to {port} that no source range let pass were not translated; drop them."
    NODE_PORT = "Packets to the node port of {port} are handled like all from outside."
    LOOPBACK = "Packets to the node port of {port} on a loopback address are counted on their way."
    NO_ENDPOINT = "{port} has no usable endpoint anywhere, so clients are told at once."
    NOT_HERE = "{port} has endpoints, but none on this node, where its policy wants them."
    HEALTH_CHECK = "Load balancers may ask whether this node has endpoints of {port}."
    # one service port, in chains of its own
    MASQUERADE_ALL = "Every packet to the cluster IP of {port} is masqueraded, as configured."
    MASQUERADE_OTHERS = "Clients that are no pods reach {port} masqueraded, so answers come back."
    MASQUERADE_OUTSIDE = "Outside clients of {port} are masqueraded, so answers come back this way."
    PODS_ANYWHERE = "Pods of the cluster may use endpoints of {port} on any node."
    MASQUERADE_NODE = "This node's own connections to {port} are masqueraded, for they may leave."
    NODE_ANYWHERE = "This node itself may use endpoints of {port} on any node."
    POLICY = "Packets from outside go to the endpoints of {port} that its policy allows."
    ALLOWED_RANGE = "Sources in this range may use the load balancer address of {port}."
    ALLOWED_SELF = "This node is an allowed source, and packets to itself bear this address."
    REST_DROPPED = "No other source may use {port}; KUBE-PROXY-FIREWALL drops its packets."
    STICKY = "A client that {end} of {port} served lately goes there again."
    BALANCE = "An equal share of new connections to {port} goes to {end}."
    HAIRPIN = "{end} reaches itself through {port}: masqueraded, or it would answer itself."
    REMEMBER = "Connections to {port} are translated to {end}, and their client is remembered."
    TRANSLATE = "Connections to {port} are translated to {end}."
    # no service port
    UNMARKED = "Packets that nobody marked leave as they are."
    UNMARK = "The mark is taken off, so that a packet passing twice is not masqueraded twice."
    MASQUERADE = "Marked packets leave with this node's address."
    MARK = "Marks a packet to be masqueraded when it leaves."
    LOCALNET = "Loopback addresses are routable here, so outsiders must not send to them."
    TO_NODE_PORTS = "Packets to an address of this node that no Service has may be for a node port."
    INVALID = "Packets that conntrack cannot place would pass untranslated; drop them."
    FORWARD_MARKED = "Packets of Services are forwarded even if the policy is DROP."
    FORWARD_KNOWN = "Packets of connections that exist are forwarded even if the policy is DROP."
    HOOK = "Packets that the kernel has at this point visit a chain of kube-proxy's."


class Line(NamedTuple):
    """A rule as the restore text has it, in its table, with why it is there."""

    table: str
    text: str
    reason: Reason
    backend: Backend | None = None

    @property
    def chain(self) -> str:
        """The chain that the rule stands in."""
        return self.text.split(" ", 2)[1]


class Lines(NamedTuple):
    """Rules in a row for the same reason, or, for each of ``backends``, the same reasons.

    Rules are many and reasons seldom asked for, so a ``Line`` is made only on demand.
    """

    table: str
    texts: Sequence[str]
    reasons: tuple[Reason, ...]
    backends: Backends = ()

    def each(self) -> Iterator[Line]:
        """The single lines."""
        kinds = len(self.reasons)
        for number, text in enumerate(self.texts):
            backend = self.backends[number // kinds] if self.backends else None
            yield Line(self.table, text, self.reasons[number % kinds], backend)


def rule(table: str, text: str, reason: Reason) -> Lines:
    """A single rule."""
    return Lines(table, (text,), (reason,))


def comment(text: str) -> str:
    """The words of a comment."""
    return f'-m comment --comment "{text}"'
