"""The names of kube-proxy's chains: who uses which, and how a name is made.

A name must fit into iptables' 28 characters and say which port of which Service it is
about, so kube-proxy hashes that. The hash depends on names and protocol only, never on a
cluster IP or port number: a Service keeps its chains whatever address it gets.

Source: kubernetes/pkg/proxy/iptables/proxier.go (portProtoHash, servicePortChainName)
"""

from __future__ import annotations

from hashlib import sha256
from itertools import product

SERVICES = "KUBE-SERVICES"
EXTERNAL_SERVICES = "KUBE-EXTERNAL-SERVICES"
NODE_PORTS = "KUBE-NODEPORTS"
POSTROUTING = "KUBE-POSTROUTING"
MARK_MASQ = "KUBE-MARK-MASQ"
FORWARD = "KUBE-FORWARD"
PROXY_FIREWALL = "KUBE-PROXY-FIREWALL"
FIREWALL = "KUBE-FIREWALL"
CANARY = "KUBE-PROXY-CANARY"

# chains of single Services: those in the nat table that kube-proxy may delete
PREFIXES = ("KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-", "KUBE-FW-", "KUBE-EXT-")


# RFC 4648, base 32: two letters for each ten bits
_PAIRS = ["".join(pair) for pair in product("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", repeat=2)]


def digest(text: str) -> str:
    """The first 80 bits of the SHA-256 of a text, as 16 letters in base 32.

    This is most of the work of writing rules, so it takes no detour by base64.b32encode.

    >>> digest("shop/web:http" + "tcp")
    '67NZLRHBNDSAWJRO'
    """
    bits, pairs = int.from_bytes(sha256(text.encode()).digest()[:10], "big"), _PAIRS
    return (
        f"{pairs[bits >> 70]}{pairs[bits >> 60 & 1023]}"
        f"{pairs[bits >> 50 & 1023]}{pairs[bits >> 40 & 1023]}"
        f"{pairs[bits >> 30 & 1023]}{pairs[bits >> 20 & 1023]}"
        f"{pairs[bits >> 10 & 1023]}{pairs[bits & 1023]}"
    )


def service_chain(port: str) -> str:
    """The chain that spreads packets over a port's usable endpoints, wherever they run.

    Used by KUBE-SERVICES for the cluster IP, and by the port's KUBE-EXT chain. ``port`` is
    the digest of the port's name and protocol, here and below.
    """
    return f"KUBE-SVC-{port}"


def local_chain(port: str) -> str:
    """The chain that spreads packets over the endpoints on this node (traffic policy Local).

    Used by KUBE-SERVICES if the internal policy is Local, by KUBE-EXT if the external is.
    """
    return f"KUBE-SVL-{port}"


def external_chain(port: str) -> str:
    """The chain for packets to a node port, external IP or load balancer address.

    Used by KUBE-SERVICES, KUBE-NODEPORTS and KUBE-FW. It decides about masquerading and
    hands on to KUBE-SVC or KUBE-SVL.
    """
    return f"KUBE-EXT-{port}"


def firewall_chain(port: str) -> str:
    """The chain that lets only some sources use a load balancer address.

    Used by KUBE-SERVICES for Services with ``loadBalancerSourceRanges``.
    """
    return f"KUBE-FW-{port}"


def endpoint_chain(port: str, endpoint: str) -> str:
    """The chain that translates to one endpoint.

    Used by KUBE-SVC and KUBE-SVL. Here ``port`` is the name and protocol themselves, and
    ``endpoint`` the address and port; an endpoint of two service ports has two chains.

    >>> endpoint_chain("shop/web:httptcp", "[fd00:10:244:1::5]:8080")
    'KUBE-SEP-SDQJBP3G53U5CYU2'
    """
    return f"KUBE-SEP-{digest(port + endpoint)}"


# what a chain is for; ``{port}`` is a service port, ``{end}`` an endpoint
ROLES = {
    SERVICES: "takes packets to addresses of Services: on their way in nat, refused in filter",
    EXTERNAL_SERVICES: "refuses packets from outside for which there is no endpoint",
    NODE_PORTS: "takes packets to node ports in nat, and lets health checks in in filter",
    POSTROUTING: "masquerades packets that KUBE-MARK-MASQ marked",
    MARK_MASQ: "marks packets to be masqueraded when they leave",
    FORWARD: "lets packets of Services be forwarded",
    PROXY_FIREWALL: "drops packets that no source range of a load balancer allows",
    FIREWALL: "keeps outsiders off loopback addresses",
    CANARY: "is empty; when it is gone, somebody flushed iptables and kube-proxy starts over",
    "KUBE-SVC-": "spreads packets to {port} over its endpoints on all nodes",
    "KUBE-SVL-": "spreads packets to {port} over its endpoints on this node",
    "KUBE-EXT-": "takes packets to {port} that come to its node port or external addresses",
    "KUBE-FW-": "lets only some sources use the load balancer addresses of {port}",
    "KUBE-SEP-": "translates packets to {port} to its endpoint {end}",
}


def role(chain: str) -> str:
    """What a chain of kube-proxy's is for; empty for other chains."""
    return ROLES.get(chain) or ROLES.get(chain[: chain.rfind("-") + 1], "")
