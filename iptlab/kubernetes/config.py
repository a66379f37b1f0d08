"""kube-proxy's own settings, and the facts of its node that decide about rules.

Read from a KubeProxyConfiguration, from the ConfigMap around it (``kubectl -n kube-system
get configmap kube-proxy -o yaml``), or from a flat mapping of its settings; YAML or JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from iptlab.errors import ManifestError
from iptlab.kubernetes import field_names
from iptlab.kubernetes.addresses import Network, canonical, network
from iptlab.kubernetes.conntrack import Connection
from iptlab.kubernetes.documents import read_documents
from iptlab.kubernetes.fields import Fields, Origin
from iptlab.packet import Family


class DetectLocal(StrEnum):
    """How kube-proxy tells that a packet comes from a pod of this node or cluster."""

    CLUSTER_CIDR = "ClusterCIDR"
    NODE_CIDR = "NodeCIDR"
    BRIDGE = "BridgeInterface"
    PREFIX = "InterfaceNamePrefix"
    NONE = "None"


@dataclass(frozen=True)
class Config:
    """What kube-proxy was told, and what it found on its node; defaults are kube-proxy's.

    ``node_addresses`` are the addresses on the node's interfaces (none: those of the Node
    object and loopback). ``random_fully`` is whether iptables is new enough for it,
    ``be_liberal`` the sysctl nf_conntrack_tcp_be_liberal, ``nfacct`` whether the kernel
    could make the two counters that some rules name. ``connections`` is the UDP part of the
    connection tracking table that kube-proxy finds.
    """

    node_name: str = ""
    families: tuple[Family, ...] = (Family.IPV4,)
    node_ips: tuple[str, ...] = ()
    node_addresses: tuple[str, ...] = ()
    detect_local: DetectLocal = DetectLocal.CLUSTER_CIDR
    cluster_cidrs: tuple[Network, ...] = ()
    bridge_interface: str = ""
    interface_name_prefix: str = ""
    masquerade_all: bool = False
    masquerade_bit: int = 14
    localhost_node_ports: bool = True
    node_port_addresses: tuple[str, ...] = ()
    random_fully: bool = True
    be_liberal: bool = False
    nfacct: bool = False
    service_external_ips: bool = True
    sync_period: float = 30.0
    connections: tuple[Connection, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Config:
        r"""Read a configuration from YAML or JSON.

        >>> Config.parse("kind: KubeProxyConfiguration\niptables: {masqueradeAll: true}")
        ... # doctest: +ELLIPSIS
        Config(node_name='', ... masquerade_all=True, ...)
        """
        documents = [content for _, content in read_documents(text)]
        if len(documents) != 1 or not isinstance(documents[0], dict):
            cure = "Write NAME: VALUE lines, such as clusterCIDR: 10.244.0.0/16."
            raise ManifestError("a configuration is one mapping", place="configuration", cure=cure)
        return cls.from_dict(documents[0])

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Config:
        """A configuration out of a mapping, flat or shaped as a KubeProxyConfiguration."""
        fields = Fields(values, Origin("configuration"))
        if fields.text("kind") == "ConfigMap":
            return cls.parse(fields.child("data").required("config.conf"))
        nested = fields.text("kind") == "KubeProxyConfiguration"
        rules = fields.child("iptables") if nested else fields
        detect = fields.child("detectLocal") if nested else fields
        if nested:
            fields.check_names(_NAMES | field_names.PROXY_CONFIGURATION)
            rules.check_names(field_names.PROXY_IPTABLES)
        else:
            _check_names(fields)
        mode = _detect_local(fields)
        if fields.text("mode") not in ("", "iptables"):
            cure = "iptlab makes the rules of mode: iptables."
            raise fields.refuse("mode", f"`{fields.text('mode')}' makes other rules", cure)
        liberal = fields.child("conntrack").truth("tcpBeLiberal", False) if nested else False
        return cls(
            node_name=fields.text("hostnameOverride" if nested else "nodeName"),
            families=_families(fields),
            node_ips=tuple(_address(fields, *word) for word in fields.words("nodeIPs")),
            node_addresses=tuple(
                _interface(fields, *word) for word in fields.words("nodeAddresses")
            ),
            detect_local=mode,
            cluster_cidrs=_cluster_cidrs(fields),
            bridge_interface=_interface_name(detect, "bridgeInterface", mode),
            interface_name_prefix=_interface_name(detect, "interfaceNamePrefix", mode),
            masquerade_all=rules.truth("masqueradeAll", False),
            masquerade_bit=rules.number("masqueradeBit", 14, 0, 31),
            localhost_node_ports=rules.truth("localhostNodePorts", True),
            node_port_addresses=_node_port_addresses(fields),
            random_fully=fields.truth("randomFully", True),
            be_liberal=fields.truth("conntrackTCPBeLiberal", liberal),
            nfacct=fields.truth("nfacct", False),
            service_external_ips=fields.child("featureGates").truth(
                "AllowServiceExternalIPs", True
            ),
            connections=tuple(map(Connection.read, fields.children("conntrackEntries"))),
        )


# the settings of the flat form
_NAMES = {
    *("nodeName", "ipFamilies", "nodeIPs", "nodeAddresses", "conntrackEntries", "mode"),
    *("detectLocalMode", "clusterCIDR", "bridgeInterface", "interfaceNamePrefix"),
    *("masqueradeAll", "masqueradeBit", "localhostNodePorts", "nodePortAddresses"),
    *("randomFully", "conntrackTCPBeLiberal", "nfacct", "featureGates"),
}


def _check_names(fields: Fields) -> None:
    for name in fields.values:
        if name not in _NAMES:
            near = get_close_matches(str(name), _NAMES, 1)
            known = f"Settings are {', '.join(sorted(_NAMES))}."
            cure = f"Did you mean {near[0]}?" if near else known
            raise fields.refuse(str(name), "there is no such setting", cure)


def _families(fields: Fields) -> tuple[Family, ...]:
    known = {"IPv4": Family.IPV4, "IPv6": Family.IPV6}
    found = []
    for key, word in fields.words("ipFamilies"):
        if word not in known:
            raise fields.refuse(key, f"`{word}' is no family", "Allowed are IPv4 and IPv6.")
        found.append(known[word])
    return tuple(found) or (Family.IPV4,)


def _address(fields: Fields, key: str, text: str) -> str:
    address = canonical(text)
    if not address:
        raise fields.refuse(key, f"`{text}' is no address", "Write one such as 192.168.10.11.")
    return address


def _interface(fields: Fields, key: str, text: str) -> str:
    """The address of an interface, whose prefix length does not matter here."""
    return _address(fields, key, text.partition("/")[0])


def _interface_name(fields: Fields, name: str, mode: DetectLocal) -> str:
    """The name of an interface, or how it begins; the mode called after it cannot do without."""
    word = fields.required(name) if name.lower() == mode.lower() else fields.text(name)
    if word and not _INTERFACE(word):
        raise fields.refuse(name, f"`{word}' names no interface", "Write one such as cbr0.")
    return word


# as rules take them: libxtables/xtables.c (xtables_parse_interface); IFNAMSIZ is 16
_INTERFACE = re.compile(r"[!-~]{1,15}").fullmatch


def _detect_local(fields: Fields) -> DetectLocal:
    word = fields.choice("detectLocalMode", tuple(DetectLocal), DetectLocal.CLUSTER_CIDR)
    return DetectLocal(word)


def _network(fields: Fields, key: str, text: str) -> Network:
    found = network(text)
    if found is None:
        raise fields.refuse(key, f"`{text}' is no network", "Write one such as 10.244.0.0/16.")
    return found


def _cluster_cidrs(fields: Fields) -> tuple[Network, ...]:
    """One network for each family, with a comma between."""
    words = [word.strip() for word in fields.text("clusterCIDR").split(",")]
    return tuple(_network(fields, "clusterCIDR", word) for word in words if word)


def _node_port_addresses(fields: Fields) -> tuple[str, ...]:
    words = list(fields.words("nodePortAddresses"))
    for key, word in words:
        if word != "primary":
            _network(fields, key, word)
    return tuple(word for _, word in words)


def of_family(networks: Iterable[Network], family: Family) -> list[Network]:
    """The networks of one family, in their order."""
    return [one for one in networks if one.version == family]
