"""Writing kube-proxy's rules beside hashing alone, in one run.

Run with ``python tests/benchmarks/kube_proxy.py``. The yardstick is the work that nobody
can save: the hashes in the names of all chains. Three times are compared with it: a full
sync from parsed objects, the sync after one slice changed, and the whole text made again
after that change.
"""

from __future__ import annotations

import base64
import hashlib
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

from iptlab.kubernetes.addresses import network
from iptlab.kubernetes.config import Config
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.manifests import Manifests
from iptlab.kubernetes.objects import Endpoint, EndpointSlice, Node, PortSpec, Service, SlicePort

SIZES = (1_000, 10_000)
ENDPOINTS = 12
RUNS = 5


def cluster(size: int) -> Manifests:
    """So many Services with twelve endpoints each."""
    services, slices = [], []
    for n in range(size):
        place, name = f"ns{n % 50}", f"svc{n}"
        ip = f"10.96.{n >> 8}.{n & 255}"
        services.append(Service(place, name, cluster_ip=ip, ports=(PortSpec(80, "http"),)))
        ends = tuple(
            Endpoint(f"10.{128 + n % 100}.{n // 100}.{m + 1}", node=f"node-{m}")
            for m in range(ENDPOINTS)
        )
        ports = (SlicePort(8080, "http"),)
        slices.append(EndpointSlice(place, f"{name}-x", name, ports=ports, endpoints=ends))
    node = Node("node-0", "zone-1", ("192.168.10.11",))
    return Manifests(tuple(services), tuple(slices), (node,))


def hashes(manifests: Manifests) -> None:
    """Hash what the names of all chains are made of."""
    for one in manifests.slices:
        text = f"{one.namespace}/{one.service}:http" + "tcp"
        for end in ("", *(f"{endpoint.address}:8080" for endpoint in one.endpoints)):
            base64.b32encode(hashlib.sha256((text + end).encode()).digest()[:10])


def spent(work: Callable[[], object]) -> float:
    """Processor seconds of a piece of work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measure(manifests: Manifests) -> tuple[float, float, float, float]:
    """The yardstick, a full sync, the sync after a change, the whole text after it."""
    config = Config(cluster_cidrs=tuple(filter(None, [network("10.128.0.0/9")])))
    proxy, half = Proxy(config), len(manifests.slices) // 2
    one = manifests.slices[half]
    fewer = replace(one, endpoints=one.endpoints[1:])
    slices = (*manifests.slices[:half], fewer, *manifests.slices[half + 1 :])
    changed = replace(manifests, slices=slices)
    return (
        spent(lambda: hashes(manifests)),
        spent(lambda: proxy.sync(manifests)),
        spent(lambda: proxy.sync(changed)),
        spent(lambda: proxy.sync(manifests, full=True)),
    )


def memory(manifests: Manifests) -> tuple[float, int]:
    """Megabytes that a proxy keeps after its first sync, and the characters it wrote."""
    tracemalloc.start()
    proxy = Proxy()
    length = len(proxy.sync(manifests).text)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return kept / 1e6, length


def main() -> None:
    """Print a row for each size; ratios are medians over the runs."""
    heads = ("full s", "/ hashing", "change / full", "again / full", "MB kept", "MB text")
    print(f"{'services':<10}", *(f"{head:>14}" for head in heads))
    for size in SIZES:
        manifests = cluster(size)
        runs = [measure(manifests) for _ in range(RUNS)]
        full = statistics.median(run[1] for run in runs)
        to_hashing = statistics.median(run[1] / run[0] for run in runs)
        change = statistics.median(run[2] / run[1] for run in runs)
        again = statistics.median(run[3] / run[1] for run in runs)
        kept, length = memory(manifests)
        numbers = (full, to_hashing, change, again, kept, length / 1e6)
        print(f"{size:<10,}", *(f"{number:>14.3f}" for number in numbers))


if __name__ == "__main__":
    main()
