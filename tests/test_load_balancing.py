"""Who answers many connections: exact chances, draws from a seed, a chart and a table."""

from __future__ import annotations

from fractions import Fraction

import pytest
from test_costs import drawing

import iptlab
from iptlab import LoadBalancing
from iptlab.errors import IptlabError
from iptlab.kubernetes.cluster import Cluster
from iptlab.simulate.chance import simple

STICKY = """
kind: Service
metadata: {name: cart}
spec:
  clusterIP: 10.96.0.63
  sessionAffinity: ClientIP
  ports: [{port: 6379}]
---
kind: EndpointSlice
metadata: {name: cart-a, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
ports: [{name: "", port: 6379}]
endpoints:
- {addresses: [10.244.1.5], nodeName: node1}
- {addresses: [10.244.2.5], nodeName: node2}
"""
UNEVEN = """*nat
-A PREROUTING -p tcp -m statistic --mode random --probability 0.25 -j DNAT --to 10.0.1.1:80
-A PREROUTING -p tcp -m statistic --mode random --probability 0.25 -j DNAT --to 10.0.1.2:80
COMMIT
"""
PACKET = "tcp 10.0.0.9:4000 -> 10.96.0.80:80"


@pytest.fixture(scope="module")
def lab() -> iptlab.Lab:
    """The lessons' cluster: three pods behind a Service."""
    return iptlab.Lab.kubernetes()


def test_a_service_spreads_connections_evenly(lab: iptlab.Lab) -> None:
    found = LoadBalancing(lab, "shell", "default/web:http", connections=200)
    assert [simple(one.chance) for one in found.shares] == [Fraction(1, 3)] * 3
    assert sum(one.counted for one in found.shares) == 200
    assert all(one.usual[0] <= one.counted <= one.usual[1] for one in found.shares)


def test_a_seed_draws_the_same_again_and_another_one_differs(lab: iptlab.Lab) -> None:
    one, same, other = (
        LoadBalancing(lab, "shell", "default/web:http", connections=60, seed=seed)
        for seed in (5, 5, 6)
    )
    assert str(one) == str(same)
    assert [share.counted for share in one.shares] != [share.counted for share in other.shares]


def test_the_lab_stays_as_it_was(lab: iptlab.Lab) -> None:
    before = [len(lab[node].connections()) for node in lab.cluster.nodes]
    LoadBalancing(lab, "shell", "default/web:http", connections=5)
    assert [len(lab[node].connections()) for node in lab.cluster.nodes] == before
    assert lab.attempts == []


def test_wrong_probabilities_are_seen_with_what_falls_through() -> None:
    found = LoadBalancing(iptlab.read_rules(UNEVEN), PACKET, connections=400)
    chances = {one.who: one.chance for one in found.shares}
    assert chances == {
        "10.96.0.80:80": Fraction(9, 16),
        "10.0.1.1:80": Fraction(1, 4),
        "10.0.1.2:80": Fraction(3, 16),
    }
    assert "9/16  56.25     225.0" in str(found)


def test_turns_are_drawn_evenly_though_a_first_connection_has_no_choice() -> None:
    rules = UNEVEN.replace("--mode random --probability 0.25", "--mode nth --every 2 --packet 0", 1)
    rules = rules.replace(" -m statistic --mode random --probability 0.25", "")
    found = LoadBalancing(iptlab.read_rules(rules), PACKET, connections=10)
    assert {one.who: (one.chance, one.counted) for one in found.shares} == {
        "10.0.1.1:80": (1, 5),
        "10.0.1.2:80": (0, 5),
    }


def test_a_sticky_client_stays_where_it_came_first() -> None:
    found = LoadBalancing(Cluster.parse(STICKY), "node1", "default/cart", connections=20)
    # chance decides once, then the rules remember the client
    assert sorted(one.counted for one in found.shares) == [0, 20]


def test_a_host_is_asked_as_its_interfaces_are() -> None:
    host = iptlab.Host.router(lan="10.0.0.1/24", wan="203.0.113.2/24", rules=UNEVEN)
    found = LoadBalancing(host, f"in eth1 {PACKET}", connections=40)
    assert {one.who for one in found.shares} >= {"10.0.1.1:80", "10.0.1.2:80"}


@pytest.mark.parametrize(
    ("asked", "connections", "says"),
    [
        ((PACKET,), 0, "Write a number from 1"),
        ((PACKET,), 10**6, "Write a number from 1"),
        (("shell", "web"), 10, r"write LoadBalancing\(lab"),
        (("icmp 10.0.0.9 -> 10.96.0.80",), 10, "tcp or udp"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    asked: tuple[str, ...], connections: int, says: str
) -> None:
    with pytest.raises(IptlabError, match=says):
        LoadBalancing(iptlab.read_rules(UNEVEN), *asked, connections=connections)


def test_the_chart_says_what_the_table_says() -> None:
    found = LoadBalancing(iptlab.read_rules(UNEVEN), PACKET, connections=40)
    html = found._repr_mimebundle_()["text/html"]
    svg = drawing(html)
    for one in found.shares:
        assert one.who in svg
        assert f"{one.who} {one.counted}, expected" in html
    assert html.count('<td align="left"') == len(found.shares), "only names stand to the left"
    assert list(found.to_frame()["counted"]) == [one.counted for one in found.shares]


def test_a_hostile_name_stays_text(lab: iptlab.Lab) -> None:
    found = LoadBalancing(lab, "shell", "default/web:http", connections=3)
    object.__setattr__(found.shares[0], "who", '"><img src=x onerror=alert(1)>')
    html = found._repr_mimebundle_()["text/html"]
    assert "<img src=x" not in html
    assert "<img src=x" not in drawing(html)
