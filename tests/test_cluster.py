"""Packets through a whole cluster: what clients, nodes and pods see of each other."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import pytest
from large_clusters import large_cluster, measured
from test_kube_proxy_golden import recordings

from iptlab import Cluster, ManifestError
from iptlab.kubernetes.config import Config
from iptlab.kubernetes.destination import Destination
from iptlab.packet import Protocol
from iptlab.simulate.network import Attempt, Result

NODES = """
kind: Node
metadata: {name: node-a}
spec: {podCIDR: 10.244.1.0/24}
status: {addresses: [{type: InternalIP, address: 192.168.10.11}]}
---
kind: Node
metadata: {name: node-b}
spec: {podCIDR: 10.244.2.0/24}
status: {addresses: [{type: InternalIP, address: 192.168.10.12}]}
---
kind: Node
metadata: {name: node-c}
spec: {podCIDR: 10.244.3.0/24}
status: {addresses: [{type: InternalIP, address: 192.168.10.13}]}
"""

WEB = """
---
kind: Service
metadata: {namespace: shop, name: web}
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.10
  ports: [{name: http, port: 80, nodePort: 30080}]
status: {loadBalancer: {ingress: [{ip: 192.0.2.10}]}}
---
kind: EndpointSlice
metadata: {namespace: shop, name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints:
- {addresses: [10.244.1.5], nodeName: node-a, targetRef: {kind: Pod, name: web-a}}
- {addresses: [10.244.2.5], nodeName: node-b, targetRef: {kind: Pod, name: web-b}}
"""

DNS = """
---
kind: Service
metadata: {namespace: kube-system, name: dns}
spec: {clusterIP: 10.96.0.53, ports: [{name: dns, protocol: UDP, port: 53}]}
---
kind: EndpointSlice
metadata: {namespace: kube-system, name: dns-1, labels: {kubernetes.io/service-name: dns}}
addressType: IPv4
ports: [{name: dns, protocol: UDP, port: 5353}]
endpoints:
- {addresses: [10.244.2.53], nodeName: node-b}
"""

EMPTY = """
---
kind: Service
metadata: {namespace: shop, name: empty}
spec:
  type: NodePort
  clusterIP: 10.96.0.99
  ports: [{port: 80, nodePort: 30099}, {name: feed, protocol: UDP, port: 81}]
  externalIPs: [192.0.2.99]
"""

HALF = Fraction(1, 2)


def cluster(*services: str, config: Config | None = None) -> Cluster:
    """Three nodes with some Services, and an idle pod on the first and the last node."""
    built = Cluster.parse(NODES + "".join(services), config)
    built.run("shell-a", node="node-a")
    built.run("shell-c", node="node-c")
    return built


def web(**spec: str) -> str:
    """The Service web with more or other fields in its spec."""
    lines = "".join(f"  {name}: {value}\n" for name, value in spec.items())
    return WEB.replace("  clusterIP", f"{lines}  clusterIP", 1)


def without(pod: str, service: str) -> str:
    """The Service without one of its pods."""
    return re.sub(rf"^- .*{pod}.*\n", "", service, flags=re.M)


def told(there: Cluster, client: str, to: str) -> dict[str, Fraction]:
    """Who answers, or what comes instead, and how likely that is."""
    return {one.pod or str(one.result): one.probability for one in there.backends(client, to)}


def machines(attempt: Attempt) -> list[list[str]]:
    """The machines that each packet came to."""
    return [[leg.machine for leg in trip.legs] for trip in attempt.trips]


def always(chance: Fraction) -> bool:
    return chance > 0


def never(chance: Fraction) -> bool:
    return chance == 1


# --- who answers ---

BOTH = {"shop/web-a": HALF, "shop/web-b": HALF}


@pytest.mark.parametrize("client", ["shell-a", "shell-c", "node-a", "node-c", "web-a"])
@pytest.mark.parametrize(
    "to", ["tcp://10.96.0.10:80", "http://10.96.0.10", "shop/web", "http://web.shop/index.html"]
)
def test_everyone_inside_reaches_each_pod_through_the_cluster_ip(client: str, to: str) -> None:
    assert told(cluster(WEB), client, to) == BOTH


@pytest.mark.parametrize("to", ["http://node-c:30080", "http://192.0.2.10"])
@pytest.mark.parametrize("client", ["client", "shell-a", "node-b"])
def test_node_port_and_load_balancer_are_for_everyone(client: str, to: str) -> None:
    assert told(cluster(WEB), client, to) == BOTH


def test_a_cluster_ip_is_nothing_to_a_client_outside() -> None:
    assert told(cluster(WEB), "client", "shop/web:http") == {"network is unreachable": 1}


@pytest.mark.parametrize(
    ("client", "to", "result"),
    [
        ("shell-a", "shop/empty:80", Result.REFUSED),
        ("node-a", "shop/empty:80", Result.REFUSED),
        ("shell-a", "shop/empty:feed", Result.REFUSED),
        ("node-a", "shop/empty:feed", Result.PROHIBITED),
        ("client", "http://node-a:30099", Result.REFUSED),
        ("client", "http://192.0.2.99", Result.REFUSED),
        # rules for external addresses do not see what a node itself sends: it leaves, and
        # another node refuses it
        ("node-b", "http://192.0.2.99", Result.REFUSED),
        ("client", "http://node-a:31111", Result.REFUSED),
        ("shell-a", "tcp://10.96.0.10:81", Result.UNREACHABLE),
    ],
)
def test_without_endpoints_a_connection_is_refused(client: str, to: str, result: Result) -> None:
    assert cluster(WEB, EMPTY).connect(client, to).result is result


def test_every_endpoint_has_the_probability_that_its_rule_says() -> None:
    more = WEB + "- {addresses: [10.244.3.5], nodeName: node-c, targetRef: {name: web-c}}\n"
    chances = told(cluster(more), "shell-a", "shop/web")
    third = Fraction(715827883, 2**31)  # 0.3333333333, as the kernel rounds it
    assert chances == {
        "shop/web-a": third,
        "shop/web-b": (1 - third) / 2,
        "shop/web-c": (1 - third) / 2,
    }


def test_the_backends_of_many_endpoints_can_be_shown() -> None:
    ends = "".join(f"- {{addresses: [10.244.9.{n}], nodeName: node-a}}\n" for n in range(1, 251))
    backends = cluster(WEB + ends).backends("shell-a", "shop/web")
    assert len(backends) == 252
    assert sum(one.probability for one in backends) == 1
    assert str(backends[-1]).startswith("about 1/252: ")
    assert repr(backends[-1]) == f"<{backends[-1]}>"
    assert str(backends).splitlines() == [str(one) for one in backends]


def test_a_cluster_says_what_it_holds() -> None:
    assert repr(cluster(WEB)) == "<Cluster of 3 nodes and 4 pods>"


# --- the way there and back ---


def test_a_connection_goes_to_a_pod_on_another_node_and_back() -> None:
    attempt = cluster(WEB).connect("shell-a", "shop/web:http", choose=never)
    assert attempt.listener == "shop/web-b"
    way = ["shell-a", "node-a", "node-b", "shop/web-b"]
    assert machines(attempt) == [way, way[::-1], way]
    assert attempt.seen is not None
    assert str(attempt.seen.src) == "10.244.1.254"
    lines = str(attempt).splitlines()
    assert lines[3] == "    PREROUTING: dst: 10.96.0.10 becomes 10.244.2.5, dport: 80 becomes 8080"
    assert lines[-1] == "connected to shop/web-b"
    back = "src: 10.244.2.5 becomes 10.96.0.10, sport: 8080 becomes 80"
    assert [line for line in lines if line.endswith(back)] != []


@pytest.mark.parametrize(
    ("client", "to", "choose", "source"),
    [
        ("shell-a", "shop/web", always, "10.244.1.254"),  # a pod keeps its address,
        ("web-a", "shop/web", always, "10.244.1.1"),  # unless it reaches itself
        ("web-a", "shop/web", never, "10.244.1.5"),
        ("node-a", "shop/web", never, "192.168.10.11"),
        ("node-a", "shop/web", always, "10.244.1.1"),
        ("client", "http://node-c:30080", always, "192.168.10.13"),
        ("client", "http://192.0.2.10", never, "192.168.10.11"),
    ],
)
def test_a_pod_sees_its_client_or_the_node_that_masquerades(
    client: str, to: str, choose: object, source: str
) -> None:
    attempt = cluster(WEB).connect(client, to, choose=choose)  # type: ignore[arg-type]
    assert attempt.result is Result.CONNECTED
    assert attempt.seen is not None
    assert str(attempt.seen.src) == source


def test_a_pod_reaches_itself_through_its_own_service() -> None:
    attempt = cluster(WEB).connect("web-a", "shop/web", choose=always)
    assert machines(attempt)[:2] == [["shop/web-a", "node-a", "shop/web-a"]] * 2
    assert str(attempt).endswith("connected to shop/web-a")


# --- policies ---


def test_with_policy_local_a_client_keeps_its_address() -> None:
    there = cluster(web(externalTrafficPolicy="Local"))
    (answer,) = there.backends("client", "http://node-b:30080")
    assert (answer.pod, answer.source) == ("shop/web-b", "203.0.113.7")
    assert str(answer) == "1: shop/web-b 10.244.2.5:8080, sees 203.0.113.7"


def test_with_policy_local_a_node_without_endpoint_drops_clients_but_not_pods() -> None:
    there = cluster(web(externalTrafficPolicy="Local"))
    assert told(there, "client", "http://node-c:30080") == {"timed out": 1}
    assert told(there, "shell-c", "http://node-c:30080") == BOTH


def test_a_load_balancer_knows_which_nodes_have_endpoints() -> None:
    there = cluster(without("web-a", web(externalTrafficPolicy="Local")))
    assert told(there, "client", "http://192.0.2.10") == {"shop/web-b": 1}
    there.route("192.0.2.10", "node-c")
    assert told(there, "client", "http://192.0.2.10") == {"timed out": 1}


def test_with_internal_policy_local_pods_stay_on_their_node() -> None:
    there = cluster(web(internalTrafficPolicy="Local"))
    assert told(there, "shell-a", "shop/web") == {"shop/web-a": 1}
    assert told(there, "shell-c", "shop/web") == {"timed out": 1}


def test_a_service_may_have_an_address_in_the_clients_network() -> None:
    there = cluster(web(externalIPs="[203.0.113.80]"))
    assert told(there, "client", "http://203.0.113.80") == BOTH
    assert str(there.machine("client").host.interfaces[0].addresses[0].ip) == "203.0.113.7"


def test_who_has_the_clients_own_address_drives_it_into_another_network() -> None:
    there = cluster(web(externalIPs="[203.0.113.7]"))
    assert told(there, "client", "http://203.0.113.7") == BOTH


def test_source_ranges_let_only_some_clients_in() -> None:
    there = cluster(web(loadBalancerSourceRanges="[198.51.100.0/24]"))
    there.run("office", address="198.51.100.9")
    assert told(there, "office", "http://192.0.2.10") == BOTH
    assert told(there, "client", "http://192.0.2.10") == {"timed out": 1}
    assert told(there, "client", "http://node-a:30080") == BOTH


# --- time ---


def test_affinity_keeps_a_client_with_its_pod_until_it_wears_off() -> None:
    config = "{clientIP: {timeoutSeconds: 60}}"
    there = cluster(web(sessionAffinity="ClientIP", sessionAffinityConfig=config))
    first = there.connect("shell-a", "shop/web")
    assert told(there, "shell-a", "shop/web") == {first.listener: 1}
    assert told(there, "node-a", "shop/web") == BOTH
    there.wait(59)
    assert told(there, "shell-a", "shop/web") == {first.listener: 1}
    there.wait(2)
    assert told(there, "shell-a", "shop/web") == BOTH


def test_without_affinity_every_connection_draws_anew() -> None:
    there = cluster(WEB)
    answers = {there.connect("shell-a", "shop/web").listener for _ in range(12)}
    assert answers == {"shop/web-a", "shop/web-b"}


def test_a_pod_that_terminates_answers_only_if_nobody_else_can() -> None:
    going = "conditions: {ready: false, serving: true, terminating: true}"
    one_goes = WEB.replace("nodeName: node-a,", f"nodeName: node-a, {going},")
    assert told(cluster(one_goes), "shell-c", "shop/web") == {"shop/web-b": 1}
    assert told(cluster(without("web-b", one_goes)), "shell-c", "shop/web") == {"shop/web-a": 1}


# --- changes ---


def test_new_connections_follow_a_change_and_old_ones_go_on() -> None:
    there = cluster(WEB)
    before = there.connect("shell-c", "shop/web", choose=always)
    syncs = there.apply(NODES + without("web-a", WEB))
    assert [sync.full for sync in syncs] == [False, False]  # on node-a and node-c
    assert told(there, "shell-c", "shop/web") == {"shop/web-b": 1}
    assert before.listener == "shop/web-a"
    (kept,) = there.machine("node-c").connections()
    assert str(kept.reply.src) == "10.244.1.5"


def test_udp_entries_of_pods_that_are_gone_are_deleted() -> None:
    there = cluster(DNS)
    assert there.connect("shell-a", "udp://10.96.0.53:53").listener == "kube-system/dns-10-244-2-53"
    assert len(there.machine("node-a").connections()) == 1
    moved = DNS.replace("10.244.2.53", "10.244.3.53").replace("node-b", "node-c")
    (sync,) = (one for one in there.apply(NODES + moved) if one.deleted)
    assert [one.reply_source for one in sync.deleted] == ["10.244.2.53"]
    assert there.machine("node-a").connections() == ()
    assert there.connect("shell-a", "udp://dns.kube-system:53").listener.endswith("3-53")


def test_a_service_that_gets_endpoints_stops_refusing() -> None:
    empty = WEB[: WEB.index("endpoints:")]
    there = cluster(empty)
    assert told(there, "shell-a", "shop/web") == {"connection refused": 1}
    there.apply(NODES + WEB)
    assert told(there, "shell-a", "shop/web") == BOTH


def test_what_ran_on_a_node_goes_with_it() -> None:
    there = cluster(WEB)
    there.route("192.0.2.10", "node-c")
    there.connect("shell-c", "shop/web")
    there.apply(NODES[: NODES.rindex("---")] + WEB)
    assert there.nodes == ("node-a", "node-b")
    assert told(there, "client", "http://192.0.2.10") == BOTH
    with pytest.raises(ManifestError, match="there is no machine `shell-c'"):
        there.connect("shell-c", "shop/web")


def test_counters_outlive_a_sync() -> None:
    there = cluster(WEB, DNS)
    there.connect("shell-a", "shop/web")
    services = '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES'
    assert f"[1:60] {services}" in there.rules("node-a").save(counters=True)
    there.apply(NODES + WEB)
    assert f"[1:60] {services}" in there.rules("node-a").save(counters=True)


# --- what manifests leave out ---


def test_nodes_and_pods_without_addresses_get_some() -> None:
    there = Cluster.parse(re.sub(r"targetRef: .*?}", "", WEB))
    assert there.nodes == ("node-a", "node-b")
    assert [one.name for one in there.pods] == ["shop/web-10-244-1-5", "shop/web-10-244-2-5"]
    assert told(there, "web-10-244-1-5", "shop/web").keys() == {one.name for one in there.pods}
    assert told(there, "client", "http://node-b:30080").keys() == {one.name for one in there.pods}


def test_a_node_that_only_endpoints_told_of_outlives_them() -> None:
    there = Cluster.parse(WEB)
    there.run("shell-a", node="node-a")
    for _ in range(2):
        there.apply(without("web-a", WEB))
        assert there.nodes == ("node-a", "node-b")
        assert told(there, "shell-a", "shop/web") == {"shop/web-b": 1}


def test_pods_outside_their_nodes_network_and_hosts_outside_the_cluster_are_found() -> None:
    odd = WEB.replace("10.244.1.5", "172.16.9.9").replace("nodeName: node-b, ", "")
    odd = odd.replace("10.244.2.5", "203.0.113.80").replace("web-b", "far")
    assert told(cluster(odd), "shell-c", "shop/web") == {"shop/web-a": HALF, "shop/far": HALF}


def test_an_endpoint_with_a_nodes_address_is_a_process_of_the_node() -> None:
    api = WEB.replace("10.244.2.5", "192.168.10.12")
    assert told(cluster(api), "shell-a", "shop/web") == {"shop/web-a": HALF, "node-b": HALF}
    assert told(cluster(api), "node-b", "shop/web") == {"shop/web-a": HALF, "node-b": HALF}


def test_a_pod_may_have_the_first_address_of_its_network() -> None:
    there = cluster(WEB.replace("10.244.2.5", "10.244.2.1"))
    assert told(there, "shell-c", "shop/web") == BOTH
    assert told(there, "web-b", "shop/web") == BOTH


def test_a_node_port_answers_on_every_address_of_the_configured_node() -> None:
    addresses = ["127.0.0.1/8", "192.168.10.13/24", "172.20.0.13/16"]
    config = Config.from_dict({"nodeName": "node-c", "nodeAddresses": addresses})
    there = cluster(WEB, config=config)
    assert told(there, "shell-a", "http://172.20.0.13:30080") == BOTH
    assert told(there, "node-b", "http://node-b:30080") == BOTH


def test_both_families_of_a_cluster_work() -> None:
    six = WEB.replace("10.96.0.10", "fd00:96::10").replace("192.0.2.10", "2001:db8:99::10")
    six = six.replace("IPv4", "IPv6").replace("10.244.1.5", '"fd00:10:244:1::5"')
    six = six.replace("10.244.2.5", '"fd00:10:244:2::5"').replace("web", "six")
    there = cluster(WEB, six.replace("fd00:96::10", '"fd00:96::10"').replace("30080", "30086"))
    assert told(there, "shell-a", "shop/web") == BOTH
    expected = {"shop/six-a": HALF, "shop/six-b": HALF}
    assert told(there, "shell-c", "tcp://[fd00:96::10]:80") == expected
    assert told(there, "client", "tcp://[2001:db8:99::10]:80") == expected


RECORDED = [one for one in list(recordings())[2::14] if "flows.json" in recordings()[one].files]


@pytest.mark.parametrize("name", RECORDED)
def test_a_node_reaches_the_endpoints_that_a_real_one_reached(name: str) -> None:
    files = recordings()[name].files
    config = Config.parse(files["config.json"])
    there = Cluster.parse(files["cluster.yaml"], config)
    for flow in json.loads(files["flows.json"]):
        loopback = flow["sourceIP"] in ("127.0.0.1", "::1")
        if flow["inInterface"] or loopback or "healthCheck" in flow["name"]:
            continue
        to = Destination(flow["destIP"], flow["destPort"], Protocol[flow["protocol"]])
        found = there.backends(config.node_name, str(to))
        reached = {one["to"] for one in flow["outcomes"] if one["verdict"] == "DNAT"}
        assert {one.place for one in found if one.pod} == reached
        assert sum(one.probability for one in found) == 1


# --- errors ---


@pytest.mark.parametrize(
    ("client", "to", "says"),
    [
        ("shell-z", "shop/web", "there is no machine `shell-z'\nThere are client, node-a"),
        (
            "shell-a",
            "shop/wep",
            "there is no Service `shop/wep' in the manifests\nThere are shop/web",
        ),
        ("shell-a", "shop/web:https", "Service shop/web has no port `https'\nWrite shop/web:http"),
        ("shell-a", "10.96.0.10", "`10.96.0.10' is neither a URL nor a Service's name\nWrite tcp"),
        ("shell-a", "ftp://10.96.0.10", "`ftp' is no scheme here\nThere are tcp, udp"),
        (
            "shell-a",
            "udp://10.96.0.10",
            "`udp://10.96.0.10' needs a port from 1 to 65535\nWrite udp",
        ),
        ("shell-a", "hello", "http://node-a:30080, udp://dns"),
        ("shell-a", 80, "`80' is neither a URL nor a Service's name\nWrite tcp"),
        ("shell-a", "http://node-a:\u0663", "`http://node-a:\u0663' is neither a URL"),
        ("shell-a", "http://node-z", "`node-z' is no address, node or Service\nNodes are node-a"),
    ],
)
def test_a_wrong_word_is_refused_with_what_to_type(client: str, to: str, says: str) -> None:
    with pytest.raises(ManifestError, match=re.escape(says)):
        cluster(WEB).connect(client, to)


CIDR = "kind: Node\nmetadata: {name: node-%s}\nspec: {podCIDRs: [%s]}\n---\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (CIDR % ("a", "10.244.1.5/32"), "address in 10.244.1.5/32 for the node itself"),
        (CIDR % ("a", "0.0.0.0/0"), "network for the pods of node node-b"),
        (
            "".join(f"kind: Node\nmetadata: {{name: n{k}}}\n---\n" for k in range(300)),
            "address for",
        ),
    ],
)
def test_a_cluster_that_has_no_room_is_refused(text: str, says: str) -> None:
    with pytest.raises(ManifestError, match=f"there is no {re.escape(says)}.* left\nGive"):
        Cluster.parse(text + WEB).backends("client", "http://node-b:30080")


def test_a_change_for_which_there_is_no_room_leaves_the_cluster_as_it_was() -> None:
    there = cluster(WEB)
    before = told(there, "client", "http://node-b:30080")
    with pytest.raises(ManifestError, match="for the node itself left"):
        there.apply(CIDR % ("a", "10.244.1.5/32") + WEB)
    assert told(there, "client", "http://node-b:30080") == before


def test_a_pod_more_than_a_node_has_room_for_is_refused() -> None:
    there = Cluster.parse(CIDR % ("a", "10.244.1.4/30") + WEB)
    there.run("shell-0", node="node-a")
    with pytest.raises(ManifestError, match="no address for one more pod of node node-a left"):
        there.run("shell-1", node="node-a")


def test_a_machine_is_run_once_and_somewhere() -> None:
    there = cluster(WEB)
    for wrong in (
        {"pod": "shell-a", "node": "node-a"},
        {"pod": "new"},
        {"pod": "new", "node": "node-z"},
        {"pod": "new", "address": "here"},
        {"pod": "new", "address": "10.244.1.5"},
    ):
        with pytest.raises(ManifestError):
            there.run(**wrong)
    with pytest.raises(ManifestError, match="there is no node `node-z'"):
        there.route("192.0.2.10", "node-z")


# --- many ---


def test_a_thousand_services_take_seconds() -> None:
    assert large_cluster(1000) == large_cluster(1000)
    lines = list(measured(1000))
    assert len(lines) == 7
    seconds = [float(line.split()[-2]) for line in lines if line.endswith(" s")]
    assert sum(seconds) < 30
