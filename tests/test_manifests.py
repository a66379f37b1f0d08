"""Manifests: what is read of them, what is left out with a remark, what is refused and how."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptlab.errors import IptlabError, ManifestError
from iptlab.kubernetes.addresses import canonical, network
from iptlab.kubernetes.config import Config, DetectLocal
from iptlab.kubernetes.documents import read_documents
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.objects import Endpoint, Ingress, PortSpec, SlicePort, Transport
from iptlab.packet import Family

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  clusterIP: 10.96.0.1
  ports:
  - port: 80
"""
SLICE = """\
kind: EndpointSlice
metadata:
  name: web-1
  namespace: shop
  labels: {kubernetes.io/service-name: web}
addressType: IPv4
ports:
- {name: "", port: 8080}
endpoints:
- addresses: [10.244.1.5]
"""
NODE = """\
kind: Node
metadata:
  name: node-a
  labels: {topology.kubernetes.io/zone: zone-1}
spec: {podCIDRs: [10.244.1.0/24, "fd00:10:244:1::/64"]}
status:
  addresses:
  - {type: ExternalIP, address: 203.0.113.5}
  - {type: Hostname, address: node-a}
  - {type: InternalIP, address: 192.168.10.11}
"""


def spec(text: str) -> str:
    """The Service with other lines after its cluster IP."""
    return SERVICE.partition("  ports:")[0] + text


# --- what is read ---


def test_all_three_kinds_are_read_from_several_documents() -> None:
    found = Manifests.parse(f"---\n{SERVICE}---\n{SLICE}---\n{NODE}---\n")
    assert str(found.services[0]) == "shop/web"
    assert found.slices[0].endpoints == (Endpoint("10.244.1.5"),)
    assert found.slices[0].ports == (SlicePort(8080),)
    node = found.node("node-a")
    assert (node.zone, node.addresses) == ("zone-1", ("192.168.10.11", "203.0.113.5"))
    assert node.pod_networks == (network("10.244.1.0/24"), network("fd00:10:244:1::/64"))
    assert found.remarks == ()


def test_lists_are_read_in_any_depth_and_as_json() -> None:
    one = next(read_documents(SERVICE)).content
    assert isinstance(one, dict)
    inner = {"kind": "ServiceList", "items": [{"metadata": one["metadata"], "spec": one["spec"]}]}
    text = json.dumps({"kind": "List", "items": [inner, next(read_documents(NODE)).content]})
    found = Manifests.parse(text)
    assert found.services == Manifests.parse(SERVICE).services
    assert len(found.nodes) == 1


def test_every_field_of_a_service_is_read() -> None:
    found = Manifests.parse(
        spec("""\
  clusterIPs: [10.96.0.1, "fd00::1"]
  ipFamilies: [IPv4, IPv6]
  type: LoadBalancer
  externalIPs: [198.51.100.009]
  externalTrafficPolicy: Local
  internalTrafficPolicy: Local
  sessionAffinity: ClientIP
  sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}
  loadBalancerSourceRanges: [" 203.0.113.7/24 "]
  healthCheckNodePort: 32000
  trafficDistribution: PreferClose
  ports:
  - {name: dns, port: 53, protocol: UDP, nodePort: 30053, targetPort: dns, appProtocol: dns}
  - {name: sip, port: 65535, protocol: SCTP}
status:
  loadBalancer:
    ingress: [{ip: 192.0.2.1}, {ip: 192.0.2.2, ipMode: Proxy}, {hostname: lb.example}]
""")
    ).service("shop/web")
    assert found.ports == (
        PortSpec(53, "dns", Transport.UDP, 30053),
        PortSpec(65535, "sip", Transport.SCTP),
    )
    assert found.cluster_ips == ("10.96.0.1", "fd00::1")
    assert found.families == (Family.IPV4, Family.IPV6)
    assert found.external_ips == ("198.51.100.9",)
    assert found.source_ranges == (network("203.0.113.0/24"),)
    assert found.ingress == (Ingress("192.0.2.1"), Ingress("192.0.2.2", "Proxy"))
    assert (found.external_local, found.internal_local) == (True, True)
    assert (found.affinity, found.health_check_port) == (60, 32000)
    assert found.distribution == "PreferClose"


def test_affinity_without_a_timeout_lasts_three_hours() -> None:
    text = SERVICE.replace("  ports", "  sessionAffinity: ClientIP\n  ports")
    assert Manifests.parse(text).services[0].affinity == 10800


def test_a_single_cluster_ip_is_the_first_of_all() -> None:
    text = SERVICE.replace("  ports", "  ipFamilies: [IPv4]\n  ports")
    assert Manifests.parse(text).services[0].cluster_ips == ("10.96.0.1",)


def test_objects_without_namespace_are_in_default_as_with_kubectl() -> None:
    text = f"{SERVICE}---\n{SLICE}".replace(", namespace: shop", "").replace(
        "  namespace: shop\n", ""
    )
    found = Manifests.parse(text)
    assert found.services[0].id == ("default", "web")
    assert found.slices[0].owner == ("default", "web")


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ("{}", (True, True, False)),
        ("null", (True, True, False)),
        ("{ready: false, terminating: true}", (False, True, True)),
        ("{ready: null, serving: false}", (True, False, False)),
    ],
)
def test_conditions_that_are_not_stated_are_good(
    conditions: str, expected: tuple[bool, bool, bool]
) -> None:
    text = SLICE.replace("[10.244.1.5]", f"[10.244.1.5]\n  conditions: {conditions}")
    one = Manifests.parse(text).slices[0].endpoints[0]
    assert (one.ready, one.serving, one.terminating) == expected


def test_hints_zone_and_node_of_an_endpoint_are_read() -> None:
    more = """
  nodeName: node-a
  zone: zone-1
  hints: {forZones: [{name: zone-1}, {name: zone-2}], forNodes: [{name: node-a}]}"""
    one = Manifests.parse(SLICE.rstrip() + more).slices[0].endpoints[0]
    assert (one.node, one.zone) == ("node-a", "zone-1")
    assert one.for_zones == {"zone-1", "zone-2"}
    assert one.for_nodes == {"node-a"}


def test_only_the_first_address_of_an_endpoint_counts() -> None:
    text = SLICE.replace("[10.244.1.5]", "[010.244.1.5, 10.244.1.6]")
    assert [one.address for one in Manifests.parse(text).slices[0].endpoints] == ["10.244.1.5"]


def test_anything_in_a_slice_changes_its_digest_but_not_the_order_of_fields() -> None:
    one, other = Manifests.parse(SLICE), Manifests.parse(SLICE.replace("web-1", "web-1\n  uid: x"))
    assert one.slices != other.slices
    moved = SLICE.replace("addressType: IPv4\n", "") + "addressType: IPv4\n"
    assert Manifests.parse(moved) == one


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("010.096.000.010", "10.96.0.10"),
        ("10.96.0.10", "10.96.0.10"),
        ("FD00:0010:0:0::0A", "fd00:10::a"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("::ffff:010.0.0.01", "10.0.0.1"),
        ("64:ff9b::10.0.0.1", "64:ff9b::a00:1"),
        ("::", "::"),
        ("1:0:0:2::", "1:0:0:2::"),
        ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
        ("10.0.0.256", ""),
        ("10.0.0", ""),
        ("fe80::1%eth0", ""),
        ("\u0661.0.0.1", ""),
        ("", ""),
    ],
)
def test_addresses_are_read_leniently_and_printed_canonically(text: str, expected: str) -> None:
    assert canonical(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.000.113.007/024", "203.0.113.0/24"),
        ("fd00:10:244::1/56", "fd00:10:244::/56"),
        ("10.0.0.0", None),
        ("10.0.0.0/33", None),
        ("10.0.0.0/-1", None),
        ("10.0.0.0/8/8", None),
    ],
)
def test_networks_are_read_leniently_too(text: str, expected: str | None) -> None:
    found = network(text)
    assert (str(found) if found else None) == expected


# --- what is left out ---


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("kind: Pod\nmetadata: {name: x}", "1 Pod not used: kube-proxy does not read this kind"),
        (
            SERVICE.replace("  clusterIP: 10.96.0.1\n", ""),
            "document 1, Service shop/web, spec.clusterIP: missing, so there are no rules; the API "
            "server assigns one",
        ),
        (
            spec("  externalIPs: [nonsense]\n  ports: [{port: 80}]"),
            "document 1, Service shop/web, spec.externalIPs[0]: `nonsense' is no address; "
            "kube-proxy leaves it out",
        ),
        (
            spec("  loadBalancerSourceRanges: [10.0.0.0]\n  ports: [{port: 80}]"),
            "document 1, Service shop/web, spec.loadBalancerSourceRanges[0]: `10.0.0.0' is no "
            "network; kube-proxy leaves it out",
        ),
        (
            SLICE.replace("web-1", '""'),
            "document 1, EndpointSlice shop/, metadata.name: missing, so kube-proxy ignores the "
            "slice",
        ),
        (
            SLICE.replace("kubernetes.io/service-name", "app"),
            "document 1, EndpointSlice shop/web-1, metadata.labels: no "
            "kubernetes.io/service-name, so no Service has these endpoints",
        ),
        (
            SLICE.replace("IPv4", "FQDN"),
            "document 1, EndpointSlice shop/web-1, addressType: FQDN endpoints have no address "
            "for rules; not used",
        ),
        (
            SLICE.replace('name: "", ', ""),
            "document 1, EndpointSlice shop/web-1, ports[0].name: missing, so kube-proxy ignores "
            'this port; write name: ""',
        ),
        (
            SLICE.replace("port: 8080", "port: 0"),
            "document 1, EndpointSlice shop/web-1, ports[0].port: missing, so kube-proxy ignores "
            "this port",
        ),
        (
            SLICE.replace("10.244.1.5", ""),
            "document 1, EndpointSlice shop/web-1, endpoints[0].addresses: empty, so kube-proxy "
            "skips this endpoint",
        ),
        (
            SLICE.replace("[10.244.1.5]", '["fd00::1"]'),
            "document 1, EndpointSlice shop/web-1, endpoints[0].addresses[0]: fd00::1 is no IPv4 "
            "address; the endpoint is not used",
        ),
    ],
)
def test_what_kube_proxy_leaves_out_is_left_out_with_a_remark(text: str, remark: str) -> None:
    found = Manifests.parse(text)
    assert found.remarks == (remark,)
    assert not any(one.endpoints and one.ports for one in found.slices)


# --- what is refused ---

REFUSED = [
    (
        SERVICE.replace("80", '"80"'),
        "document 1, Service shop/web, spec.ports[0].port: `80' is text, but a number is wanted\n"
        "Write 80, without quotes or leading zeros.",
    ),
    (
        SERVICE.replace("80", "080"),
        "document 1, Service shop/web, spec.ports[0].port: `080' is text, but a number is wanted\n"
        "Write 80, without quotes or leading zeros.",
    ),
    (
        SERVICE.replace("80", "1:20"),
        "document 1, Service shop/web, spec.ports[0].port: `1:20' is text, but a number is "
        "wanted\nAllowed is 1 to 65535.",
    ),
    (
        SERVICE.replace("80", "70000"),
        "document 1, Service shop/web, spec.ports[0].port: 70000 is not allowed here\n"
        "Allowed is 1 to 65535.",
    ),
    (
        SERVICE.replace("80", "8.5"),
        "document 1, Service shop/web, spec.ports[0].port: 8.5 is a number with a fraction, but "
        "a number is wanted\nAllowed is 1 to 65535.",
    ),
    (
        SERVICE.replace("port: 80", "name: web"),
        "document 1, Service shop/web, spec.ports[0].port: this must be there\n"
        "Allowed is 1 to 65535.",
    ),
    (
        SERVICE.replace("port: 80", "{port: 80, protocol: tcp}"),
        "document 1, Service shop/web, spec.ports[0].protocol: `tcp' is not allowed here\n"
        "Allowed are TCP, UDP and SCTP.",
    ),
    (
        SERVICE.replace("name: web", "name: no"),
        "document 1, Service, metadata.name: false is a truth value, but text is wanted\n"
        'YAML reads yes, no, on, off as false; put what you mean in quotes: "no".',
    ),
    (
        SERVICE.replace("name: web", "name: 42"),
        "document 1, Service, metadata.name: 42 is a number, but text is wanted\n"
        'Put it in quotes: "42".',
    ),
    (
        SERVICE.replace("name: web", "name: ''"),
        "document 1, Service shop/, metadata.name: this must be there and not be empty",
    ),
    (
        SERVICE.replace("name: web", "name: Web"),
        "document 1, Service shop/Web, metadata.name: `Web' is no name\n"
        "Write small letters, digits and `-' between them, at most 63 of them.",
    ),
    (
        SERVICE.replace("port: 80", """{port: 80, name: 'x" -j ACCEPT'}"""),
        "document 1, Service shop/web, spec.ports[0].name: `x\" -j ACCEPT' is no name\n"
        "Write small letters, digits and `-' between them, at most 63 of them.",
    ),
    (
        SERVICE.replace("namespace: shop", "namespace: '../x'"),
        "document 1, Service, metadata.namespace: `../x' is no name\n"
        "Write small letters, digits and `-' between them, at most 63 of them.",
    ),
    (
        SERVICE.replace("10.96.0.1", "ten"),
        "document 1, Service shop/web, spec.clusterIP: `ten' is no address\n"
        "Write one such as 10.96.0.10, or None.",
    ),
    (
        SERVICE.partition("  - port")[0],
        "document 1, Service shop/web, spec.ports: a Service needs a port\n"
        "Write ports: and below it - port: 80.",
    ),
    (
        SERVICE + "  - port: 81\n",
        "document 1, Service shop/web, spec.ports[1].name: another TCP port of this Service has "
        "the name `'\nGive every port of the Service its own name.",
    ),
    (
        SERVICE.replace("ports:", "type: Cluster\n  ports:"),
        "document 1, Service shop/web, spec.type: `Cluster' is not allowed here\n"
        "Allowed are ClusterIP, NodePort, LoadBalancer and ExternalName.",
    ),
    (
        spec("  ports: 80"),
        "document 1, Service shop/web, spec.ports: 80 is a number, but a list is wanted\n"
        "Write ports: and below it `- ' items.",
    ),
    (
        spec("  ports: [80]"),
        "document 1, Service shop/web, spec.ports[0]: 80 is a number, but a mapping is wanted\n"
        "Write fields below the `- '.",
    ),
    (
        SERVICE.replace("metadata: {name: web, namespace: shop}", "metadata: web"),
        "document 1, Service, metadata: `web' is text, but a mapping is wanted\n"
        "Write metadata: and fields below it.",
    ),
    (
        f"{SERVICE}---\n{NODE}---\n{SERVICE}",
        "document 3, Service shop/web: this Service is already there, in document 1\n"
        "Keep one of the two, or give them different names.",
    ),
    (
        "kind: List\nitems:\n- kind: Node\n  metadata: {name: a}\n- kind: Node\n"
        "  metadata: {name: a}",
        "document 1, items[1], Node a: this Node is already there, in document 1, items[0]\n"
        "Keep one of the two, or give them different names.",
    ),
    (
        "kind: List\nitems: {}",
        "document 1, items: a List's items must be a list\n"
        "Write items: and below it objects that begin with `- '.",
    ),
    (
        "just text",
        "document 1: this is no Kubernetes object\n"
        "An object begins with kind: Service (or EndpointSlice, Node) and metadata:.",
    ),
    (
        "metadata: {name: x}",
        "document 1, kind: this must be there and not be empty",
    ),
    (
        SLICE.replace("10.244.1.5", "web.example"),
        "document 1, EndpointSlice shop/web-1, endpoints[0].addresses[0]: `web.example' is no "
        "address\nWrite an address such as 10.244.1.5; names need addressType: FQDN.",
    ),
    (
        SLICE.rstrip() + "\n  conditions: {ready: 'yes'}",
        "document 1, EndpointSlice shop/web-1, endpoints[0].conditions.ready: `yes' is text, but "
        "true or false is wanted\nWrite true or false without quotes.",
    ),
    # --- no YAML ---
    (
        SERVICE.replace("  clusterIP", "\tclusterIP"),
        "document 1, line 5: this is no YAML: found character that cannot start any token\n"
        "        clusterIP: 10.96.0.1\n"
        "There is a tab in this line; YAML is indented with blanks.",
    ),
    (
        f"{SERVICE}---\n{SERVICE.replace('  ports:', '   ports:')}",
        "document 2, line 14: this is no YAML: mapping values are not allowed in this context\n"
        "       ports:\n"
        "Fields of one mapping begin in the same column; a list item begins with `- '.",
    ),
    (
        SERVICE.replace("kind: Service", "kind: Service\nkind: Node"),
        "document 1, line 3: the field `kind' is there twice\nKeep one of them.",
    ),
    (
        "kind: !!python/object:os.system Service",
        "document 1, line 1: the tag tag:yaml.org,2002:python/object:os.system is not taken here\n"
        "Leave the tag out.",
    ),
    (
        "a: &a {b: 1}\nc: {<<: *a}",
        "document 1, line 2: `<<' is not taken here\nWrite the fields out.",
    ),
    (
        "[a, b]: c",
        "document 1, line 1: a field name must be a word\nWrite NAME: VALUE.",
    ),
    (
        "a: *b",
        "document 1, line 1: nothing is called &b before here\n"
        "Put &b before the value that *b repeats.",
    ),
    (
        "[" * 200 + "]" * 200,
        "document 1, line 1: this is nested too deeply\n"
        "Kubernetes objects are nested less than 100 deep.",
    ),
    (
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        "document 1: this is nested too deeply\nKubernetes objects are nested less than 100 deep.",
    ),
    (
        SERVICE.replace("port: 80", "{port: 80, nodeport: 30080}"),
        "document 1, Service shop/web, spec.ports[0].nodeport: there is no such field\n"
        "Did you mean nodePort?",
    ),
    (
        SERVICE.replace("clusterIP", "cluster-ip"),
        "document 1, Service shop/web, spec.cluster-ip: there is no such field\n"
        "Did you mean clusterIP?",
    ),
    (
        SERVICE.replace("namespace", "nameSpace"),
        "document 1, Service default/web, metadata.nameSpace: there is no such field\n"
        "Did you mean namespace?",
    ),
    (
        SLICE.replace("addresses", "address"),
        "document 1, EndpointSlice shop/web-1, endpoints[0].address: there is no such field\n"
        "Did you mean addresses?",
    ),
    (
        SLICE + "  conditions: {Ready: false}\n",
        "document 1, EndpointSlice shop/web-1, endpoints[0].conditions.Ready: there is no such "
        "field\nDid you mean ready?",
    ),
    (
        SERVICE.replace("Service", "service"),
        "document 1, service shop/web, kind: `service' is no kind\nDid you mean Service?",
    ),
    (
        spec("  ipFamilies: [IPv6]"),
        "document 1, Service shop/web, spec.ipFamilies[0]: IPv6 is not the family of the cluster "
        "IP 10.96.0.1\nWrite the families in the order of the clusterIPs.",
    ),
    (
        '{"kind": "Node", "metadata": {"name": "a", "name": "b"}}',
        "document 1: the field `name' is there twice\nKeep one of them.",
    ),
    (
        'kind: Service\nmetadata: {name: "a\\e[31m"}\n',
        "document 1, Service default/a\ufffd[31m, metadata.name: 'a\\x1b[31m' is no name\n"
        "Write small letters, digits and `-' between them, at most 63 of them.",
    ),
]


@pytest.mark.parametrize(("text", "expected"), REFUSED)
def test_a_bad_manifest_gets_one_message_that_teaches(text: str, expected: str) -> None:
    with pytest.raises(ManifestError) as refused:
        Manifests.parse(text)
    assert str(refused.value) == expected


def test_fields_that_a_newer_kubernetes_may_have_are_let_pass() -> None:
    found = Manifests.parse(spec("  ipFamily: IPv4\n  topologyKeys: [zone]\n  ports: [{port: 80}]"))
    assert found.services[0].cluster_ip == "10.96.0.1"


def test_a_kind_of_the_same_name_in_another_api_group_is_not_used() -> None:
    found = Manifests.parse(SERVICE.replace("v1", "serving.knative.dev/v1"))
    assert not found.services
    assert found.remarks == (
        "1 Service.serving.knative.dev not used: kube-proxy does not read this kind",
    )


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    tracemalloc.start()
    with pytest.raises(ManifestError, match="aliases repeat more than 100,000 values"):
        Manifests.parse("\n".join(lines))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_aliases_repeat_a_value() -> None:
    text = SERVICE.replace("10.96.0.1", "&ip 10.96.0.1").replace(
        "  ports", "  clusterIPs: [*ip]\n  ports"
    )
    assert Manifests.parse(text).services[0].cluster_ips == ("10.96.0.1",)


def test_an_object_that_is_not_there_is_said_to_be_missing() -> None:
    found = Manifests.parse(SERVICE)
    with pytest.raises(ManifestError, match=r"There are shop/web\."):
        found.service("shop/wb")
    with pytest.raises(ManifestError, match=r"Add one: kind: Node\."):
        found.node("node-a")


MANGLED = st.sampled_from([SERVICE, SLICE, NODE]).flatmap(
    lambda text: st.tuples(
        st.just(text),
        st.integers(0, len(text)),
        st.integers(0, 12),
        st.sampled_from(
            ["", "\t", "- ", "{", "]", ": ", "&a ", "*a ", "!", "'", "\x00", "\ud800", "9"]
        ),
    )
)


@given(MANGLED)
def test_mangled_manifests_never_end_in_a_traceback(case: tuple[str, int, int, str]) -> None:
    text, start, length, inserted = case
    mangled = text[:start] + inserted + text[start + length :]
    with suppress(IptlabError):
        Manifests.parse(mangled)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["kind", "metadata", "name", "labels", "spec", "ports", "port", "items"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(values, st.sampled_from(["Service", "EndpointSlice", "Node", "List"]))
def test_fields_of_any_type_never_end_in_a_traceback(value: Any, kind: str) -> None:
    for body in ({"kind": kind, "metadata": value}, {"kind": kind, "spec": value, "items": value}):
        named = {"metadata": {"name": "x", "labels": {"kubernetes.io/service-name": "y"}}} | body
        with suppress(IptlabError):
            Manifests.parse(json.dumps(named))


# --- configurations ---


def test_a_configuration_is_read_flat_or_as_kubernetes_has_it() -> None:
    flat = Config.parse(
        "{nodeName: node-a, masqueradeAll: true, clusterCIDR: '10.244.0.0/16,fd00::/56',"
        " nodePortAddresses: [primary], detectLocalMode: NodeCIDR, conntrackTCPBeLiberal: true}"
    )
    nested = """\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
hostnameOverride: node-a
clusterCIDR: 10.244.0.0/16,fd00::/56
detectLocalMode: NodeCIDR
iptables: {masqueradeAll: true, masqueradeBit: null, syncPeriod: 30s}
nodePortAddresses: [primary]
conntrack: {tcpBeLiberal: true}
"""
    assert Config.parse(nested) == flat
    wrapped = {"kind": "ConfigMap", "data": {"config.conf": nested}}
    assert Config.parse(json.dumps(wrapped)) == flat
    assert flat.detect_local is DetectLocal.NODE_CIDR
    assert flat.families == (Family.IPV4,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "masqueradeAl: true",
            "configuration, masqueradeAl: there is no such setting\nDid you mean masqueradeAll?",
        ),
        (
            "masqueradeBit: 32",
            "configuration, masqueradeBit: 32 is not allowed here\nAllowed is 0 to 31.",
        ),
        (
            "mode: ipvs",
            "configuration, mode: `ipvs' makes other rules\n"
            "iptlab makes the rules of mode: iptables.",
        ),
        (
            "{detectLocalMode: BridgeInterface, bridgeInterface: 'a b'}",
            "configuration, bridgeInterface: `a b' names no interface\nWrite one such as cbr0.",
        ),
        (
            "clusterCIDR: 10.244.0.0",
            "configuration, clusterCIDR: `10.244.0.0' is no network\n"
            "Write one such as 10.244.0.0/16.",
        ),
        (
            "ipFamilies: [IPv5]",
            "configuration, ipFamilies[0]: `IPv5' is no family\nAllowed are IPv4 and IPv6.",
        ),
        (
            "kind: KubeProxyConfiguration\niptables: {masqueradeall: true}",
            "configuration, iptables.masqueradeall: there is no such field\n"
            "Did you mean masqueradeAll?",
        ),
        (
            "kind: KubeProxyConfiguration\nclusterCidr: 10.244.0.0/16",
            "configuration, clusterCidr: there is no such field\nDid you mean clusterCIDR?",
        ),
        (
            "kind: KubeProxyConfiguration\ndetectLocalMode: BridgeInterface",
            "configuration, detectLocal.bridgeInterface: this must be there and not be empty",
        ),
        (
            "- a",
            "configuration: a configuration is one mapping\n"
            "Write NAME: VALUE lines, such as clusterCIDR: 10.244.0.0/16.",
        ),
    ],
)
def test_a_bad_configuration_is_refused(text: str, expected: str) -> None:
    with pytest.raises(ManifestError) as refused:
        Config.parse(text)
    assert str(refused.value) == expected


# --- what it costs ---


def test_yaml_is_loaded_only_when_it_is_needed() -> None:
    code = "import sys, iptlab.kubernetes.manifests; print('yaml' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_a_file_is_read_and_a_missing_one_named(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(SERVICE)
    assert Manifests.read(file) == Manifests.parse(SERVICE)
    with pytest.raises(IptlabError, match="there is no file"):
        Manifests.read(tmp_path / "none.yaml")
