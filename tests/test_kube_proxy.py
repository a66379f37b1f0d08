"""kube-proxy's rules, one sentence of its behaviour at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptlab.errors import ManifestError
from iptlab.kubernetes import names
from iptlab.kubernetes.addresses import network
from iptlab.kubernetes.config import Config, DetectLocal
from iptlab.kubernetes.conntrack import Connection
from iptlab.kubernetes.kube_proxy import KUBERNETES, LARGE, Proxy
from iptlab.kubernetes.loading import load
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.objects import (
    Endpoint,
    EndpointSlice,
    Ingress,
    Node,
    PortSpec,
    Service,
    ServiceType,
    SlicePort,
    Transport,
)
from iptlab.kubernetes.sync import Sync
from iptlab.packet import Family

HERE = Node("node-a", "zone-1", ("192.168.10.11", "fd00::11"), (network("10.244.1.0/24"),))
NODE_PORT = ServiceType.NODE_PORT
BALANCER = ServiceType.LOAD_BALANCER


def web(**fields: Any) -> Service:
    """The Service shop/web on port 80, with some fields."""
    plain = {"cluster_ip": "10.96.0.1", "ports": (PortSpec(80),)}
    return Service("shop", "web", **(plain | fields))


def slice_of(*endpoints: Endpoint | str, **fields: Any) -> EndpointSlice:
    """A slice of shop/web with port 8080; an endpoint may be its address alone."""
    plain = {"ports": (SlicePort(8080),), "name": "web-1", "service": "web"}
    ends = tuple(Endpoint(e, node="node-a") if isinstance(e, str) else e for e in endpoints)
    return EndpointSlice("shop", endpoints=ends, **(plain | fields))


def cluster(services: Iterable[Service], slices: Iterable[EndpointSlice] = ()) -> Manifests:
    """A cluster of one node."""
    return Manifests(tuple(services), tuple(slices), (HERE,))


def sync(
    service: Service, *slices: EndpointSlice, family: Family = Family.IPV4, **options: Any
) -> Sync:
    """The first sync of a cluster with one Service."""
    return Proxy(Config(**options), family).sync(cluster([service], slices))


def rules(service: Service, *slices: EndpointSlice, **options: Any) -> str:
    """The restore text of a cluster with one Service."""
    return sync(service, *slices, **options).text


def ends(text: str) -> list[str]:
    """Where connections are translated to, in the order of the rules."""
    return re.findall(r"--to-destination (\S+)", text)


AWAY = Endpoint("10.244.2.7", node="node-b")
FAR = replace(AWAY, for_zones=frozenset({"zone-2"}))
NEAR = Endpoint("10.244.1.5", node="node-b", for_zones=frozenset({"zone-1"}))
DRAINING = Endpoint("10.244.1.9", ready=False, terminating=True, node="node-a")


def test_it_says_which_kubernetes_it_is() -> None:
    assert KUBERNETES == "1.36"


# --- which Services count ---


@pytest.mark.parametrize(
    "service",
    [
        web(cluster_ip=""),
        web(type=ServiceType.EXTERNAL_NAME),
        web(cluster_ip="fd00::1"),
        web(families=(Family.IPV6,), cluster_ips=("fd00::1",)),
        web(families=(Family.IPV4,), cluster_ips=()),
    ],
    ids=["headless", "external name", "other family", "other family listed", "none listed"],
)
def test_a_service_without_an_address_of_the_family_leaves_no_trace(service: Service) -> None:
    done = sync(service, slice_of("10.244.1.5"))
    assert "shop/web" not in done.text
    assert (done.service_ports, done.endpoints) == (0, 0)


def test_the_family_chooses_among_the_cluster_ips() -> None:
    both = web(families=(Family.IPV6, Family.IPV4), cluster_ips=("fd00:10:96::1", "10.96.0.9"))
    assert "-d 10.96.0.9 " in rules(both, slice_of("10.244.1.5"))
    six = slice_of(Endpoint("fd00::5"), family=Family.IPV6)
    text = rules(both, six, family=Family.IPV6)
    assert "-d fd00:10:96::1 " in text
    assert ends(text) == ["[fd00::5]:8080"]
    assert ends(rules(both, six)) == []


def test_a_node_port_counts_whatever_the_type() -> None:
    text = rules(web(ports=(PortSpec(80, node_port=30080),)), slice_of("10.244.1.5"))
    assert "-A KUBE-NODEPORTS -m comment --comment shop/web -m tcp -p tcp --dport 30080" in text


def test_external_ips_keep_their_order_and_repeats() -> None:
    ips = ("198.51.100.9", "198.51.100.1", "fd00::9", "198.51.100.9")
    text = rules(web(external_ips=ips), slice_of("10.244.1.5"))
    found = re.findall(r'external IP" -m tcp -p tcp -d (\S+)', text)
    assert found == ["198.51.100.9", "198.51.100.1", "198.51.100.9"]


def test_external_ips_may_be_switched_off_but_still_expose_the_port() -> None:
    service = web(external_ips=("198.51.100.9",))
    text = rules(service, slice_of("10.244.1.5"), service_external_ips=False)
    assert "198.51.100.9" not in text
    assert ":KUBE-EXT-" in text


def test_only_addresses_of_mode_vip_count() -> None:
    service = web(type=BALANCER, ingress=(Ingress("192.0.2.1", "Proxy"), Ingress("192.0.2.2")))
    text = rules(service, slice_of("10.244.1.5"))
    assert "192.0.2.2" in text
    assert "192.0.2.1" not in text
    alone = rules(
        web(type=BALANCER, ingress=(Ingress("192.0.2.1", "Proxy"),)), slice_of("10.244.1.5")
    )
    assert ":KUBE-EXT-" not in alone


def ranged(*ranges: str, **fields: Any) -> Service:
    """shop/web behind a load balancer with source ranges."""
    found = tuple(network(one) for one in ranges)
    return web(type=BALANCER, ingress=(Ingress("192.0.2.1"),), source_ranges=found, **fields)


def test_a_source_range_of_everything_is_no_range() -> None:
    assert ":KUBE-FW-" in rules(ranged("203.0.113.0/24"), slice_of("10.244.1.5"))
    assert ":KUBE-FW-" not in rules(ranged("203.0.113.0/24", "0.0.0.0/0"), slice_of("10.244.1.5"))
    assert ":KUBE-FW-" not in rules(ranged("fd00::/8"), slice_of("10.244.1.5"))
    assert ":KUBE-FW-" in rules(ranged("203.0.113.0/24", "::/0"), slice_of("10.244.1.5"))


def test_a_node_in_a_source_range_may_use_the_address_itself() -> None:
    own = "-s 192.0.2.1 -j KUBE-EXT-"
    assert own in rules(ranged("192.168.0.0/16"), slice_of("10.244.1.5"))
    assert own not in rules(ranged("203.0.113.0/24"), slice_of("10.244.1.5"))


def test_a_pending_load_balancer_or_no_endpoint_has_no_firewall() -> None:
    pending = replace(ranged("203.0.113.0/24"), ingress=())
    assert "KUBE-FW-" not in rules(pending, slice_of("10.244.1.5"))
    assert "KUBE-FW-" not in rules(ranged("203.0.113.0/24"))


@pytest.mark.parametrize(
    ("fields", "local"),
    [
        ({"type": NODE_PORT, "ports": (PortSpec(80, node_port=30080),)}, True),
        ({"type": BALANCER, "ingress": (Ingress("192.0.2.1"),)}, True),
        ({"external_ips": ("198.51.100.9",)}, True),
        ({"ports": (PortSpec(80, node_port=30080),)}, False),
    ],
)
def test_the_external_policy_counts_where_traffic_may_come_from_outside(
    fields: dict[str, Any], local: bool
) -> None:
    text = rules(web(external_local=True, **fields), slice_of("10.244.1.5"))
    assert (":KUBE-SVL-" in text) == local


def test_a_health_check_needs_a_load_balancer_with_the_local_policy() -> None:
    balanced = web(
        type=BALANCER,
        external_local=True,
        health_check_port=32000,
        ports=(PortSpec(53, "dns", Transport.UDP), PortSpec(80, "http")),
    )
    done = sync(balanced)
    line = 'health check node port" -m tcp -p tcp --dport 32000 -j ACCEPT'
    assert done.text.count(line) == 2
    assert [(one.service, one.port, one.local, one.status) for one in done.health_checks] == [
        ("shop/web", 32000, 0, 503)
    ]
    assert line not in rules(replace(balanced, external_local=False))
    assert line not in rules(replace(balanced, type=NODE_PORT))


def test_health_checks_count_ready_local_addresses_once() -> None:
    service = web(type=BALANCER, external_local=True, health_check_port=32000)
    two_ports = (SlicePort(8080), SlicePort(8443, "https"))
    unready = Endpoint("10.244.1.8", ready=False, node="node-a")
    done = sync(service, slice_of("10.244.1.5", AWAY, unready, ports=two_ports))
    assert [(one.local, one.status) for one in done.health_checks] == [(1, 200)]


# --- which endpoints a service port has ---


@pytest.mark.parametrize(
    "other",
    [
        slice_of("10.244.1.5", service="other"),
        slice_of("10.244.1.5", family=Family.IPV6),
        slice_of("10.244.1.5", ports=(SlicePort(8080, "http"),)),
        slice_of("10.244.1.5", ports=(SlicePort(8080, protocol=Transport.UDP),)),
        slice_of("10.244.1.5", ports=()),
    ],
    ids=["service", "family", "port name", "protocol", "no ports"],
)
def test_a_slice_that_does_not_fit_is_nothing_to_a_port(other: EndpointSlice) -> None:
    text = rules(web(), other)
    assert "shop/web has no endpoints" in text
    assert "-j REJECT" in text


def test_endpoints_are_sorted_as_text_with_their_port() -> None:
    text = rules(web(), slice_of("10.244.1.9", "10.244.1.10", "10.244.1.100"))
    assert ends(text) == ["10.244.1.100:8080", "10.244.1.10:8080", "10.244.1.9:8080"]


def test_an_address_with_two_ports_is_two_endpoints() -> None:
    other = slice_of("10.244.1.5", name="web-2", ports=(SlicePort(9090),))
    assert ends(rules(web(), slice_of("10.244.1.5"), other)) == [
        "10.244.1.5:8080",
        "10.244.1.5:9090",
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_entries_the_one_that_is_not_terminating_counts(order: int) -> None:
    gone = replace(DRAINING, serving=False)
    alive = replace(DRAINING, ready=True, terminating=False)
    slices = (slice_of(gone), slice_of(alive, name="web-2"))[::order]
    assert ends(rules(web(), *slices)) == ["10.244.1.9:8080"]


# --- which of them are used ---


def test_draining_endpoints_serve_where_nothing_is_ready() -> None:
    assert ends(rules(web(), slice_of(DRAINING))) == ["10.244.1.9:8080"]
    assert ends(rules(web(), slice_of(DRAINING, AWAY))) == ["10.244.2.7:8080"]
    assert ends(rules(web(), slice_of(replace(DRAINING, serving=False)))) == []
    assert ends(rules(web(), slice_of(replace(DRAINING, terminating=False)))) == []


def test_zone_hints_count_if_all_ready_endpoints_have_them_and_one_fits() -> None:
    assert ends(rules(web(), slice_of(NEAR, FAR))) == ["10.244.1.5:8080"]
    assert len(ends(rules(web(), slice_of(NEAR, AWAY)))) == 2
    assert len(ends(rules(web(), slice_of(FAR)))) == 1
    unready = replace(AWAY, ready=False)
    assert ends(rules(web(), slice_of(NEAR, FAR, replace(unready, address="10.1.1.1")))) == [
        "10.244.1.5:8080"
    ]


def test_node_hints_come_before_zone_hints() -> None:
    here = replace(FAR, for_nodes=frozenset({"node-a"}))
    there = replace(NEAR, for_nodes=frozenset({"node-b"}))
    assert ends(rules(web(), slice_of(here, there))) == ["10.244.2.7:8080"]
    only_there = replace(here, for_nodes=frozenset({"node-c"}))
    assert ends(rules(web(), slice_of(only_there, there))) == ["10.244.1.5:8080"]


def test_a_node_without_zone_has_no_zone_hints() -> None:
    plain = Manifests((web(),), (slice_of(NEAR, FAR),), (replace(HERE, zone=""),))
    assert len(ends(Proxy().sync(plain).text)) == 2


def test_hints_do_not_matter_on_the_node_itself() -> None:
    here = replace(FAR, node="node-a")
    service = web(internal_local=True)
    assert ends(rules(service, slice_of(here, NEAR))) == ["10.244.2.7:8080"]
    exposed = replace(service, external_ips=("198.51.100.9",))
    assert len(ends(rules(exposed, slice_of(here, NEAR)))) == 2


def test_an_endpoint_without_node_is_nowhere() -> None:
    stray = Manifests((web(internal_local=True),), (slice_of(Endpoint("10.1.1.1")),))
    assert "shop/web has no local endpoints" in Proxy().sync(stray).text


def test_local_and_cluster_fall_back_to_draining_ones_separately() -> None:
    service = web(type=NODE_PORT, external_local=True, ports=(PortSpec(80, node_port=30080),))
    text = rules(service, slice_of(DRAINING, AWAY))
    assert ends(text) == ["10.244.1.9:8080", "10.244.2.7:8080"]
    assert re.findall(r"-A KUBE-SV[CL]-\w+ -m comment --comment \"shop/web -> (\S+)\"", text) == [
        "10.244.2.7:8080",
        "10.244.1.9:8080",
    ]


# --- names ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shop/web:httptcp", "67NZLRHBNDSAWJRO"),
        ("shop/web:httptcp10.244.1.5:8080", "34ZZ2QFGO32YYXXO"),
        ("shop/web:httptcp[fd00:10:244:1::5]:8080", "SDQJBP3G53U5CYU2"),
        ("shop/webtcp", "E3PXEPMWAWIUT6ZV"),
        ("kube-system/kube-dns:dnsudp", "TCOU7JCQXEZGVUNU"),
    ],
)
def test_chain_names_are_hashes(text: str, expected: str) -> None:
    assert names.digest(text) == expected


def test_chain_names_do_not_depend_on_addresses() -> None:
    one = rules(web(), slice_of("10.244.1.5"))
    other = rules(web(cluster_ip="10.96.9.9", ports=(PortSpec(81),)), slice_of("10.244.1.5"))
    assert re.findall(r"^:\S+", one, re.M) == re.findall(r"^:\S+", other, re.M)


# --- settings ---


@pytest.mark.parametrize(
    ("bit", "mark"), [(0, "0x00000001"), (14, "0x00004000"), (31, "0x80000000")]
)
def test_the_mark_is_one_bit(bit: int, mark: str) -> None:
    assert f"--or-mark {mark}\n" in rules(web(), masquerade_bit=bit)


CIDRS = (network("fd00:10:244::/56"), network("10.244.0.0/16"), network("10.9.0.0/16"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cluster_cidrs": CIDRS}, " ! -s 10.244.0.0/16"),
        ({"cluster_cidrs": CIDRS[:1]}, None),
        ({"detect_local": DetectLocal.NODE_CIDR}, " ! -s 10.244.1.0/24"),
        ({"detect_local": DetectLocal.BRIDGE, "bridge_interface": "cbr0"}, " ! -i cbr0"),
        ({"detect_local": DetectLocal.PREFIX, "interface_name_prefix": "veth"}, " ! -i veth+"),
        ({"detect_local": DetectLocal.NONE, "cluster_cidrs": CIDRS}, None),
        ({"masquerade_all": True, "cluster_cidrs": CIDRS}, ""),
    ],
)
def test_clients_that_are_no_pods_are_masqueraded(
    options: dict[str, Any], words: str | None
) -> None:
    text = rules(web(), slice_of("10.244.1.5"), **options)
    found = re.search(r"-A KUBE-SVC-\S+ .* --dport 80(.*) -j KUBE-MARK-MASQ", text)
    assert (found[1] if found else None) == words


ALL = " -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"
NO_LOOPBACK = " -m addrtype --dst-type LOCAL ! -d 127.0.0.0/8 -j KUBE-NODEPORTS"


@pytest.mark.parametrize(
    ("options", "jumps"),
    [
        ({}, [ALL]),
        ({"localhost_node_ports": False}, [NO_LOOPBACK]),
        ({"node_port_addresses": ("fd00::/8",)}, [ALL]),
        ({"node_port_addresses": ("10.0.0.0/8", "0.0.0.0/0")}, [ALL]),
        ({"node_port_addresses": ("192.168.10.0/24",)}, [" -d 192.168.10.11 -j KUBE-NODEPORTS"]),
        ({"node_port_addresses": ("primary",)}, [" -d 192.168.10.11 -j KUBE-NODEPORTS"]),
        ({"node_port_addresses": ("10.0.0.0/8",)}, []),
        (
            {"node_port_addresses": ("127.0.0.0/8", "192.168.0.0/16")},
            [" -d 127.0.0.1 -j KUBE-NODEPORTS", " -d 192.168.10.11 -j KUBE-NODEPORTS"],
        ),
        (
            {"node_port_addresses": ("126.0.0.0/7",), "localhost_node_ports": False},
            [],
        ),
    ],
)
def test_node_ports_answer_where_they_should(options: dict[str, Any], jumps: list[str]) -> None:
    text = rules(web(), **options)
    assert re.findall(r'last rule in this chain"(.*)', text) == jumps


def test_node_ports_of_ipv6_never_answer_on_loopback() -> None:
    done = Proxy(Config(), Family.IPV6).sync(cluster([]))
    assert "--dst-type LOCAL ! -d ::1/128 -j KUBE-NODEPORTS" in done.text
    assert "KUBE-FIREWALL" not in done.text
    loopback = Config(node_port_addresses=("::1/128",))
    assert "-d ::1 " not in Proxy(loopback, Family.IPV6).sync(cluster([])).text


@pytest.mark.parametrize(
    ("addresses", "guarded"),
    [((), True), (("127.0.0.1/32",), True), (("126.0.0.0/7",), True), (("10.0.0.0/8",), False)],
)
def test_loopback_is_guarded_if_node_ports_answer_there(
    addresses: tuple[str, ...], guarded: bool
) -> None:
    text = rules(web(), node_port_addresses=addresses)
    assert (":KUBE-FIREWALL" in text) == guarded


def test_local_addresses_are_in_numeric_order_and_not_repeated() -> None:
    text = rules(
        web(),
        node_addresses=("10.0.0.9", "10.0.0.10", "10.0.0.9", "fd00::1"),
        node_port_addresses=("10.0.0.0/8",),
    )
    assert re.findall(r"-d (\S+) -j KUBE-NODEPORTS", text) == ["10.0.0.9", "10.0.0.10"]


def test_a_node_without_an_address_of_the_family_is_loopback() -> None:
    lonely = Manifests((), (), (replace(HERE, addresses=()),))
    text = Proxy(Config(node_port_addresses=("primary",))).sync(lonely).text
    assert ALL in text


# --- what refuses ---


def test_no_endpoint_anywhere_is_rejected_and_none_here_is_dropped() -> None:
    exposed = web(
        type=BALANCER,
        external_local=True,
        external_ips=("198.51.100.9",),
        ingress=(Ingress("192.0.2.1"),),
        ports=(PortSpec(80, node_port=30080),),
    )
    nothing = rules(exposed)
    assert nothing.count('"shop/web has no endpoints"') == 4
    assert nothing.count("-j REJECT") == 4
    elsewhere = rules(exposed, slice_of(AWAY))
    assert elsewhere.count('"shop/web has no local endpoints"') == 3
    assert elsewhere.count("-j DROP") == 3 + 2  # KUBE-FIREWALL and KUBE-FORWARD have one each


def test_without_local_endpoint_the_last_external_rule_is_missing() -> None:
    service = web(external_local=True, external_ips=("198.51.100.9",))
    assert re.search(r"-A KUBE-EXT-\w+ -j KUBE-SVL-", rules(service, slice_of("10.244.1.5")))
    text = rules(service, slice_of(AWAY))
    assert ":KUBE-EXT-" in text
    assert not re.search(r"-A KUBE-EXT-\w+ -j KUBE-SVL-", text)


def test_a_policy_that_is_not_exposed_shows_only_in_the_report() -> None:
    service = web(type=NODE_PORT, external_local=True)
    done = sync(service, slice_of("10.244.1.5"))
    assert (done.no_local_internal, done.no_local_external) == (0, 1)
    assert "no local endpoints" not in done.text


# --- large clusters ---


def many(count: int) -> Manifests:
    """shop/web with so many endpoints, and shop/api with one that is not ready."""
    ips = [f"10.{n >> 8}.{n & 255}.1" for n in range(count - 1)]
    api = Service("shop", "api", cluster_ip="10.96.0.2", ports=(PortSpec(80),))
    unready = slice_of(Endpoint("10.244.9.9", ready=False), name="api-1", service="api")
    return cluster([web(), api], [slice_of(*ips), unready])


def test_a_cluster_is_large_with_more_than_a_thousand_endpoints() -> None:
    small, large = Proxy().sync(many(LARGE)), Proxy().sync(many(LARGE + 1))
    assert (small.large, large.large) == (False, True)
    assert '"shop/web -> 10.0.0.1:8080"' in small.text
    assert "->" not in large.text
    assert "-A KUBE-SEP-" in large.text
    assert "--comment shop/web -s" not in large.text
    assert '"shop/web cluster IP"' in large.text


def test_endpoints_of_nobody_do_not_make_a_cluster_large() -> None:
    nobody = slice_of(*(f"10.1.{n >> 8}.{n & 255}" for n in range(1001)), service="none")
    assert sync(web(), nobody).endpoints == 0


def test_a_large_cluster_looks_for_old_chains_now_and_then() -> None:
    before = many(LARGE + 2)
    after = replace(before, slices=(slice_of(*before.slices[0].endpoints[1:]), before.slices[1]))
    proxy = Proxy()
    proxy.sync(before)
    assert "\n-X " not in proxy.sync(after, now=30.0).text
    assert len(re.findall("\n-X ", proxy.sync(after, now=31.0).text)) == 1


def test_a_large_cluster_has_no_hourly_full_sync() -> None:
    for count, full in ((LARGE + 1, False), (10, True)):
        proxy = Proxy()
        assert proxy.sync(many(count)).full
        assert not proxy.sync(many(count), now=3600.0).full
        assert proxy.sync(many(count), now=3601.0).full is full


# --- syncs one after another ---


def test_a_partial_sync_writes_only_what_changed() -> None:
    proxy = Proxy()
    proxy.sync(many(10))
    same = proxy.sync(many(10))
    assert not same.full
    assert "KUBE-SEP" not in same.text
    assert '"shop/web cluster IP"' in same.text
    changed = replace(many(10), services=(web(cluster_ip="10.96.7.7"), many(10).services[1]))
    assert len(ends(proxy.sync(changed).text)) == 9


def test_fields_that_rules_do_not_need_are_no_change_of_a_service() -> None:
    proxy = Proxy()
    proxy.sync(cluster([web()], [slice_of("10.244.1.5")]))
    text = proxy.sync(cluster([web(distribution="PreferClose")], [slice_of("10.244.1.5")])).text
    assert "KUBE-SEP" not in text


def test_anything_is_a_change_of_a_slice() -> None:
    proxy = Proxy()
    proxy.sync(cluster([web()], [slice_of("10.244.1.5", digest="a")]))
    assert "KUBE-SEP" in proxy.sync(cluster([web()], [slice_of("10.244.1.5", digest="b")])).text


def test_a_changed_service_is_written_with_all_its_ports() -> None:
    service = web(ports=(PortSpec(80, "http"), PortSpec(443, "https")))
    slices = [
        slice_of("10.244.1.5", ports=(SlicePort(80, "http"),)),
        slice_of("10.244.1.5", name="web-2", ports=(SlicePort(443, "https"),)),
    ]
    proxy = Proxy()
    proxy.sync(cluster([service], slices))
    text = proxy.sync(cluster([service], [slices[0], replace(slices[1], digest="x")])).text
    assert ends(text) == ["10.244.1.5:80", "10.244.1.5:443"]


def test_a_service_that_goes_takes_its_chains_with_it() -> None:
    proxy = Proxy()
    first = proxy.sync(cluster([web()], [slice_of("10.244.1.5")]))
    own = re.findall(r"^:(KUBE-S[VE].-\S+|KUBE-SEP-\S+|KUBE-SVC-\S+)", first.text, re.M)
    last = proxy.sync(cluster([], [slice_of("10.244.1.5")])).text
    assert re.findall(r"^-X (\S+)", last, re.M) == sorted(set(own))
    assert re.findall(r"^:(KUBE-S[VE]\S+-\S{16})", last, re.M) == sorted(set(own))
    assert "-X" not in proxy.sync(cluster([])).text


def test_chains_of_an_earlier_proxy_are_deleted() -> None:
    found = ("KUBE-SVC-OLD", "KUBE-XLB-OLD", "MINE", "KUBE-SEP-OLD")
    text = Proxy(existing=found).sync(cluster([])).text
    assert re.findall(r"^-X (\S+)", text, re.M) == ["KUBE-SEP-OLD", "KUBE-SVC-OLD"]


def test_only_the_zone_of_a_node_is_watched() -> None:
    proxy = Proxy(Config(detect_local=DetectLocal.NODE_CIDR))
    state = cluster([web()], [slice_of(NEAR, FAR)])
    assert proxy.sync(state).full
    moved = replace(HERE, addresses=("192.168.99.99",), pod_networks=())
    assert not proxy.sync(replace(state, nodes=(moved,))).full
    done = proxy.sync(replace(state, nodes=(replace(moved, zone="zone-2"),)))
    assert done.full
    assert "! -s 10.244.1.0/24" in done.text
    assert ends(done.text) == ["10.244.2.7:8080"]


def test_a_full_sync_can_be_forced_and_writes_what_a_new_proxy_would() -> None:
    proxy = Proxy()
    proxy.sync(many(LARGE + 5))
    proxy.sync(many(20))
    assert proxy.sync(many(30), full=True).text == Proxy().sync(many(30)).text


def test_a_sync_brings_the_kernel_from_one_state_to_the_next() -> None:
    states = [
        cluster([web()], [slice_of("10.244.1.5", AWAY)]),
        cluster([web(type=NODE_PORT, ports=(PortSpec(80, node_port=30080),))], [slice_of(AWAY)]),
        cluster([], []),
    ]
    proxy, rules_ = Proxy(), None
    for state in states:
        rules_ = load(proxy.sync(state), rules_)
        assert rules_.save() == load(Proxy().sync(state)).save()


def test_hooks_are_made_once_and_stay_below_what_others_put_on_top() -> None:
    first = load(Proxy().sync(cluster([])))
    again = load(Proxy().sync(cluster([])), first)
    assert again.save() == first.save()


# --- any history of a cluster ---

ends_of_any = st.builds(
    Endpoint,
    st.sampled_from(["10.244.1.5", "10.244.1.50", "10.244.2.7"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["node-a", "node-b", ""]),
    for_zones=st.sampled_from([frozenset(), frozenset({"zone-1"}), frozenset({"zone-2"})]),
)
ports_of_any = st.sampled_from(
    [(PortSpec(80),), (PortSpec(80, node_port=30080), PortSpec(53, "dns", Transport.UDP))]
)


@st.composite
def states_of_any(draw: st.DrawFn) -> Manifests:
    """A small cluster of up to three Services with up to two slices each."""
    services, slices = [], []
    for number in range(3):
        name = f"s{number}"
        if draw(st.booleans()):
            fields: dict[str, Any] = {
                "type": draw(st.sampled_from([ServiceType.CLUSTER_IP, NODE_PORT, BALANCER])),
                "ingress": draw(st.sampled_from([(), (Ingress("192.0.2.1"),)])),
                "internal_local": draw(st.booleans()),
                "external_local": draw(st.booleans()),
                "affinity": draw(st.sampled_from([0, 60])),
                "health_check_port": 32000,
            }
            ports = draw(ports_of_any)
            services.append(
                Service("shop", name, cluster_ip=f"10.96.0.{number}", ports=ports, **fields)
            )
        for part in range(draw(st.integers(0, 2))):
            some = tuple(draw(st.lists(ends_of_any, max_size=3)))
            port = draw(st.sampled_from([SlicePort(8080), SlicePort(53, "dns", Transport.UDP)]))
            slices.append(
                EndpointSlice("shop", f"{name}-{part}", name, ports=(port,), endpoints=some)
            )
    zone = draw(st.sampled_from(["zone-1", "zone-1", "zone-1", ""]))
    return Manifests(tuple(services), tuple(slices), (replace(HERE, zone=zone),))


def report(done: Sync) -> dict[str, object]:
    """What a sync reports of the cluster itself, not of its own work."""
    hidden = {"fullSync", "restoreLines", "conntrackCleanup", "conntrackDeleted"}
    return {key: value for key, value in done.as_dict().items() if key not in hidden}


@settings(max_examples=50)
@given(st.lists(states_of_any(), min_size=2, max_size=4))
def test_small_steps_lead_where_a_fresh_start_leads(states: list[Manifests]) -> None:
    proxy, kernel = Proxy(), None
    for state in states:
        done = proxy.sync(state)
        kernel = load(done, kernel)
        fresh = Proxy().sync(state)
        assert kernel.save() == load(fresh).save()
        assert report(done) == report(fresh)
        assert proxy.sync(state, full=True).text == fresh.text


# --- connection tracking ---


def udp(destination: str, port: int, answer: str, *, protocol: str = "UDP") -> Connection:
    """A connection of one client, answered on port 53."""
    return Connection(protocol, "10.9.9.9", 40000, destination, port, answer, 53)


DNS = web(
    type=BALANCER,
    ports=(PortSpec(53, "", Transport.UDP, 30053),),
    external_ips=("198.51.100.9",),
    ingress=(Ingress("192.0.2.1"),),
)
UNREADY = Endpoint("10.244.1.8", ready=False)
DNS_SLICE = slice_of(
    "10.244.1.5",
    UNREADY,
    replace(UNREADY, address="10.244.1.7", serving=False),
    ports=(SlicePort(53, protocol=Transport.UDP),),
)


@pytest.mark.parametrize(
    ("connection", "deleted"),
    [
        (udp("10.96.0.1", 53, "10.244.1.5"), False),
        (udp("10.96.0.1", 53, "10.244.1.8"), False),  # serving, though not ready
        (udp("10.96.0.1", 53, "10.244.1.7"), True),  # not serving
        (udp("10.96.0.1", 53, "10.96.0.1"), True),  # never translated
        (udp("10.96.0.1", 54, "10.244.1.7"), False),  # another port
        (udp("10.96.0.1", 53, "10.244.1.7", protocol="TCP"), False),
        (udp("192.0.2.1", 53, "10.244.1.7"), True),
        (udp("198.51.100.9", 53, "10.244.1.7"), True),
        (udp("203.0.113.1", 30053, "10.244.1.7"), True),  # the node port, at any address
        (udp("203.0.113.1", 30053, "10.244.1.5"), False),
        (udp("fd00::1", 30053, "fd00::2"), False),  # the other family's proxy cares
    ],
)
def test_udp_connections_to_endpoints_that_are_gone_are_deleted(
    connection: Connection, deleted: bool
) -> None:
    done = Proxy().sync(cluster([DNS], [DNS_SLICE]), connections=[connection])
    assert done.cleanup
    assert done.deleted == (connection,) * deleted


def test_nothing_is_deleted_if_nobody_serves() -> None:
    slice_ = replace(DNS_SLICE, endpoints=DNS_SLICE.endpoints[2:])
    entry = udp("10.96.0.1", 53, "10.244.1.7")
    assert Proxy().sync(cluster([DNS], [slice_]), connections=[entry]).deleted == ()


def test_connections_are_looked_through_when_slices_of_udp_services_change() -> None:
    proxy = Proxy()
    assert not proxy.sync(cluster([DNS], [])).cleanup
    assert proxy.sync(cluster([DNS], [DNS_SLICE])).cleanup
    assert not proxy.sync(cluster([replace(DNS, affinity=60)], [DNS_SLICE])).cleanup
    tcp = slice_of("10.244.1.5", name="web-9")
    assert proxy.sync(cluster([DNS], [DNS_SLICE, tcp])).cleanup
    assert proxy.sync(cluster([DNS], [tcp])).cleanup
    assert not proxy.sync(cluster([DNS], [])).cleanup


def test_a_proxy_that_never_synced_knows_no_node() -> None:
    with pytest.raises(ManifestError, match="nothing was synced yet"):
        _ = Proxy().known_settings
