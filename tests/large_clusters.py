"""Clusters of thousands of Services: ``python tests/large_clusters.py COUNT...``.

For each count a cluster is generated, read, played to kube-proxy, loaded and sent packets
through; the CPU time of every step and the memory at its end are printed.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

from iptlab.kubernetes.cluster import Cluster
from iptlab.kubernetes.config import Config
from iptlab.kubernetes.manifests import Manifests
from iptlab.simulate.network import Attempt

_NODES = 4
_TYPES = ("ClusterIP", "ClusterIP", "NodePort", "LoadBalancer")


def large_cluster(services: int) -> str:
    """Manifests of so many Services, as JSON; kinds, policies and endpoints take turns."""
    items = [_node(number) for number in range(_NODES)]
    for number in range(services):
        items += [_service(number), _slice(number)]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def _node(number: int) -> dict[str, Any]:
    return {
        "kind": "Node",
        "metadata": {"name": f"node-{number}"},
        "spec": {"podCIDRs": [f"10.{128 + 16 * number}.0.0/12"]},
        "status": {"addresses": [{"type": "InternalIP", "address": f"192.168.10.{11 + number}"}]},
    }


def _service(number: int) -> dict[str, Any]:
    kind = _TYPES[number % len(_TYPES)]
    port = {"name": "http", "protocol": ("TCP", "TCP", "UDP")[number % 3], "port": 80}
    spec: dict[str, Any] = {"type": kind, "clusterIP": f"10.96.{number // 250}.{number % 250 + 1}"}
    status = {}
    if kind != "ClusterIP":
        port["nodePort"] = 10000 + number
        spec["externalTrafficPolicy"] = ("Cluster", "Local")[number // 4 % 2]
    if kind == "LoadBalancer":
        ip = f"198.18.{number // 250}.{number % 250 + 1}"
        status = {"loadBalancer": {"ingress": [{"ip": ip}]}}
        if number % 5 == 0:
            spec["loadBalancerSourceRanges"] = ["203.0.113.0/24"]
    if number % 10 == 0:
        spec["sessionAffinity"] = "ClientIP"
    return {
        "kind": "Service",
        "metadata": {"namespace": "shop", "name": f"svc-{number}"},
        "spec": {**spec, "ports": [port]},
        "status": status,
    }


def _slice(number: int) -> dict[str, Any]:
    """From none to four endpoints, on as many nodes."""
    endpoints = [
        {
            "addresses": [
                f"10.{128 + 16 * node + number // 62500}.{number // 250 % 250}.{number % 250 + 2}"
            ],
            "conditions": {"ready": True},
            "nodeName": f"node-{node}",
        }
        for node in range(number % (_NODES + 1))
    ]
    return {
        "kind": "EndpointSlice",
        "metadata": {
            "namespace": "shop",
            "name": f"svc-{number}-abc",
            "labels": {"kubernetes.io/service-name": f"svc-{number}"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "protocol": ("TCP", "TCP", "UDP")[number % 3], "port": 8080}],
        "endpoints": endpoints,
    }


def connections(services: int) -> Iterator[tuple[str, str]]:
    """Some connections: who opens them, and to what."""
    for number in range(1, services, services // 10 + 1):
        yield "shop/shell", f"shop/svc-{number}:http"
        yield "node-1", f"shop/svc-{number}:http"
        if number % 4 > 1:
            scheme = ("tcp", "tcp", "udp")[number % 3]
            yield "client", f"{scheme}://node-2:{10000 + number}"


def measured(services: int) -> Iterator[str]:
    """Each step on a large cluster with the CPU seconds it took."""
    text = large_cluster(services)
    watch = time.process_time()

    def took(what: str) -> str:
        nonlocal watch
        before, watch = watch, time.process_time()
        return f"{services} Services: {what} {watch - before:.2f} s"

    manifests = Manifests.parse(text)
    yield took("reading")
    cluster = Cluster(manifests, Config.from_dict({"clusterCIDR": "10.128.0.0/9"}))
    cluster.run("shop/shell", node="node-0")
    yield took("machines and wires")
    rules = sum(
        len(chain.rules)
        for table in cluster.rules("node-0").tables.values()
        for chain in table.ordered()
    )
    yield took(f"{rules} rules on one node")
    found: list[Attempt] = []
    for client, to in connections(services):
        found += cluster.outcomes(client, to)
    yield took(f"{len(found)} connections (and the rules of the other nodes)")
    for client, to in connections(services):
        found += cluster.outcomes(client, to)
    yield took("the same again")
    cluster.apply(manifests)
    yield took("nothing new on all nodes")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    yield f"{services} Services: {most} MiB at most"


if __name__ == "__main__":
    for count in sys.argv[1:]:
        for line in measured(int(count)):
            print(line, flush=True)
